from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from tests.unit.cli_client.conftest import Cli
from tests.unit.sdk.kit import JOB, TOKEN, FakeController, failed, ok

SET = ("sysctl", "create", "--key", "vm.swappiness", "--value", "10")
MEANT = {
    "total": 7,
    "hosts": [{"hostname": f"web-{n:02}", "machine_id": str(n)} for n in range(7)],
    "undecided": [],
}


def test_hosts_are_asked_and_shown(node: Cli, controller: FakeController) -> None:
    controller.results(
        ok(load_average={"1min": 0.5, "5min": 1, "15min": 2.25}), failed("web-02", "no\nluck", "command_failed")
    )
    ran = node("load", "get")
    assert controller.asked[0].path == "/api/node/_all/load"
    assert controller.asked[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert ran.out == (
        "\n"
        f"  Job ID: {JOB}\n"
        "\n"
        "  HOSTNAME  STATUS  LOAD (1M)  LOAD (5M)  LOAD (15M)\n"
        "  web-01    ok      0.50       1.00       2.25\n"
        "  web-02    err\n"
        "\n"
        "  2 hosts: 1 ok, 1 failed\n"
        "\n"
        "  Details:\n"
        "  web-02: no\n"
        "      luck\n"
    )
    assert (ran.status, ran.err) == (2, "")


def test_one_row_for_each_entry_of_a_list(node: Cli, controller: FakeController) -> None:
    disks = [
        {"name": "/", "total": 2**30, "used": 2**29, "used_percent": 50.0},
        {"name": "/srv", "total": 1023, "used": 0, "used_percent": 0},
    ]
    controller.results(ok(disks=disks), {**ok(disks=[]), "hostname": "web-02", "machine_id": "b"})
    lines = node("disk", "get").out.splitlines()[3:7]
    assert [line.split() for line in lines] == [
        ["HOSTNAME", "STATUS", "MOUNT", "TOTAL", "USED", "USAGE"],
        ["web-01", "ok", "/", "1.0", "GiB", "512.0", "MiB", "50.0%"],
        ["web-01", "ok", "/srv", "1023", "B", "0", "B", "0.0%"],
        ["web-02", "ok", "(none)"],
    ]


def test_json_is_the_body_as_it_came(node: Cli, controller: FakeController) -> None:
    controller.results(ok(hostname="ü"))
    ran = node("hostname", "get", "-j")
    assert ran.out == json.dumps({"job_id": JOB, "results": [ok(hostname="ü")]}) + "\n"


@pytest.mark.parametrize(
    "words", [("--json", "client", "node"), ("client", "--json", "node"), ("client", "node", "-ojson")]
)
def test_json_may_be_asked_for_anywhere(cli: Cli, controller: FakeController, words: tuple[str, ...]) -> None:
    controller.results(ok())
    assert json.loads(cli(*words, "hostname", "get").out)["job_id"] == JOB


def test_jsonl_is_one_host_a_line(node: Cli, controller: FakeController) -> None:
    controller.results(ok(), failed("web-02", "no", "x"))
    ran = node("hostname", "get", "-o", "jsonl")
    assert [json.loads(line)["hostname"] for line in ran.out.splitlines()] == ["web-01", "web-02"]
    assert ran.status == 2


def test_wide_shows_the_machine(node: Cli, controller: FakeController) -> None:
    controller.results(ok())
    assert "MACHINE ID" in node("hostname", "get", "-o", "wide").out


def test_a_change_is_sent_with_its_fields(node: Cli, controller: FakeController) -> None:
    controller.results(ok(key="vm.swappiness", changed=True))
    ran = node(*SET, "-T", "web-01", "--replace", "--idempotency-key", "mine", "--wait", "3")
    asked = controller.asked[0]
    assert (asked.method, asked.path) == ("POST", "/api/node/web-01/sysctl?wait=3")
    assert asked.json == {"key": "vm.swappiness", "value": "10", "replace": True}
    assert asked.headers["idempotency-key"] == "mine"
    assert ran.out.splitlines()[-1].split() == ["web-01", "changed", "vm.swappiness"]
    assert ran.status == 0


def test_a_field_may_have_a_flag_of_another_name(node: Cli, controller: FakeController) -> None:
    controller.results(ok(hostname="new", changed=True))
    node("hostname", "update", "--name", "new", "--target", "web-01")
    assert controller.asked[0].json == {"hostname": "new"}


def test_lists_are_repeated_or_split_at_commas(node: Cli, controller: FakeController) -> None:
    controller.results(ok(exit_code=0, stdout="", stderr="", changed=True))
    node("command", "exec", "-T", "a", "--command", "ls", "--args", "-l,/srv", "--args", '"a,b",c', "--args=d e")
    assert controller.asked[0].json["args"] == ["-l", "/srv", "a,b", "c", "d e"]


@pytest.mark.parametrize("target", ["_all", "group:web", "web-*", "web-01,web-02", "not web-03", "(a)", "a or b"])
def test_many_hosts_are_not_changed_without_consent(node: Cli, controller: FakeController, target: str) -> None:
    controller.answer(MEANT)
    ran = node(*SET, "-T", target)
    assert ran.status == 1
    assert "would run on 7 hosts, web-00, web-01, web-02, web-03, web-04 and 2 more" in ran.err
    assert "add --yes" in ran.err
    assert [asked.method for asked in controller.asked] == ["GET"]
    assert controller.asked[0].path == f"/api/target?target={quote(target, safe='')}&permission=sysctl%3Awrite"


@pytest.mark.parametrize("status", [403, 404])
def test_hosts_that_cannot_be_counted_are_protected_all_the_same(
    node: Cli, controller: FakeController, status: int
) -> None:
    controller.answer({"error": "no", "code": "x"}, status=status)
    ran = node(*SET, "-T", "web-*")
    assert (ran.status, "every host that web-* means" in ran.err, len(controller.asked)) == (1, True, 1)


def test_a_target_that_means_nobody_is_told_before_anybody_is_asked(node: Cli, controller: FakeController) -> None:
    controller.answer({"error": "there is no host 'web-99' in the fleet", "code": "invalid"}, status=400)
    ran = node(*SET, "-T", "web-01,web-99")
    assert (ran.status, "no host 'web-99'" in ran.err, len(controller.asked)) == (1, True, 1)


def test_references_to_facts_are_passed_on(node: Cli, controller: FakeController) -> None:
    controller.results(ok())
    words = (
        "process",
        "signal",
        "--pid",
        "5",
        "--signal",
        "@fact.custom.signal",
        "--name",
        "@fact.hostname",
        "-T",
        "web-01",
    )
    assert node(*words).status == 0
    assert controller.asked[0].json == {"signal": "@fact.custom.signal", "name": "@fact.hostname"}


@pytest.mark.parametrize("words", [("-y",), ("--yes",), ("--dry-run",), ("--check",), ("-T", "web-01"), ("-T", "_any")])
def test_consent_is_not_needed_where_it_is_given_or_nothing_is_at_stake(
    node: Cli, controller: FakeController, words: tuple[str, ...]
) -> None:
    controller.results(ok(key="a.b", changed=True))
    assert node(*SET, *words).status == 0


def test_check_mode_shows_what_would_change(node: Cli, controller: FakeController) -> None:
    controller.results(ok(key="a.b", changed=True, diff="--- a\n+++ b\n+x"))
    ran = node(*SET, "--check")
    assert controller.asked[0].path.endswith("?dry_run=true")
    assert "1 host: 1 would change" in ran.out
    assert "  web-01:\n      --- a\n      +++ b\n      +x\n" in ran.out


def test_not_waiting_prints_the_job(node: Cli, controller: FakeController) -> None:
    controller.answer({"job_id": JOB, "status": "submitted"}, status=202)
    ran = node("os", "get", "--async")
    assert controller.asked[0].headers["prefer"] == "respond-async"
    assert (ran.status, ran.out) == (0, f"  Job ID: {JOB}\n")
    assert f"osapi client job watch --job-id {JOB}" in ran.err
    assert json.loads(node("os", "get", "--wait", "0", "--json").out)["status"] == "submitted"


def test_long_work_is_waited_for(node: Cli, controller: FakeController) -> None:
    controller.results(ok(exit_code=0, changed=True))
    node("command", "shell", "--command", "make", "--timeout", "120", "-T", "a")
    assert controller.asked[0].path.endswith("?wait=125")


def test_the_output_of_a_command_is_passed_on(node: Cli, controller: FakeController) -> None:
    controller.results(
        ok(stdout="one\ntwo\n", stderr="warn\n", exit_code=3, changed=True),
        failed("web-02", "no such program", "not_found"),
    )
    ran = node("command", "shell", "--command", "x", "-T", "_all", "-y", "--stdout")
    assert ran.out == "[web-01] one\n[web-01] two\n"
    assert ran.err == "[web-02] osapi: no such program\n"
    assert ran.status == 3
    ran = node("command", "shell", "--command", "x", "-T", "_all", "-y", "--stdout", "--stderr")
    assert ran.out == "[web-01] one\n[web-01] two\n"
    assert "[web-01] warn\n" in ran.err


def test_a_command_that_fails_is_a_failure(node: Cli, controller: FakeController) -> None:
    controller.results(
        ok(stdout="", exit_code=1, changed=True), {**ok(exit_code=0), "hostname": "b", "machine_id": "b"}
    )
    ran = node("command", "shell", "--command", "x", "-y")
    assert ran.status == 2
    assert "1 ended with a status other than 0" in ran.out


def test_a_refusal_of_the_one_host_is_all_hosts_failing(node: Cli, controller: FakeController) -> None:
    controller.answer({"error": "web-01: not managed", "code": "not_managed", "job_id": JOB}, status=404)
    ran = node("sysctl", "get", "--key", "a.b", "-T", "web-01")
    assert ran.status == 3
    assert ran.err == (
        "osapi: web-01: not managed\n"
        "  See what there is: osapi client node sysctl list -T web-01\n"
        f"  See what became of it: osapi client job get --job-id {JOB}\n"
    )


def test_a_hostile_host_cannot_move_the_cursor(node: Cli, controller: FakeController) -> None:
    controller.results(ok(key="\x1b[2Jx\u202ey", value="a\tb\nc"), failed("b\x07", "\x1b]0;x\x07", "x"))
    out = node("sysctl", "list").out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "\u202e" not in out
    assert "a b c" in out


STATUS = {
    "uptime": "3 days",
    "load_average": {"1min": 0.5, "5min": 1, "15min": 2},
    "memory": {"total": 2**30, "used": 2**29, "free": 2**28, "used_percent": 50.0},
    "disks": [{"name": "/", "total": 2**30, "used": 0, "used_percent": 0.0}],
    "os_info": {"distribution": "debian", "version": "12.11"},
}


def test_one_host_whose_answer_holds_more_than_a_row_is_shown_whole(node: Cli, controller: FakeController) -> None:
    controller.results(ok(**STATUS))
    assert node("status", "-T", "web-01").out == (
        "\n"
        f"  Job ID: {JOB}\n"
        "\n"
        "  Hostname: web-01\n"
        "  Status: ok\n"
        "  Uptime: 3 days\n"
        "  Load average: 0.50 (1m), 1.00 (5m), 2.00 (15m)\n"
        "  Memory: 1.0 GiB total, 512.0 MiB used, 256.0 MiB free, 50.0% usage\n"
        "  Os info: distribution debian, version 12.11\n"
        "\n"
        "  MOUNT  TOTAL    USED  USAGE\n"
        "  /      1.0 GiB  0 B   0.0%\n"
    )


def test_a_part_that_is_missing_is_left_out(node: Cli, controller: FakeController) -> None:
    controller.results(ok(uptime="3 days"))
    out = node("status", "-T", "web-01").out
    assert "Uptime" in out
    assert "Memory" not in out


@pytest.mark.parametrize("words", [(), ("-T", "group:web"), ("-T", "web-01", "-o", "wide")])
def test_many_hosts_are_a_table(node: Cli, controller: FakeController, words: tuple[str, ...]) -> None:
    controller.results(ok(**STATUS))
    row = node("status", *words).out.splitlines()[-1]
    assert row.endswith("3 days  0.50  50.0%")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("nod",), "No such command 'nod'; did you mean node?"),
        (("node", "sysctl", "creat"), "No such command 'creat'; did you mean create?"),
        (("node", "sysctl", "zzz"), "No such command 'zzz'; there are create, delete, get, list, update"),
    ],
)
def test_a_mistyped_command_is_told_with_what_may_be_meant(cli: Cli, words: tuple[str, ...], says: str) -> None:
    ran = cli("client", *words)
    assert (ran.status, ran.out) == (1, "")
    assert says in ran.err


def test_what_is_not_found_is_looked_for_with_the_list_of_its_kind(node: Cli, controller: FakeController) -> None:
    hint = "See what there is: osapi client node {} list -T web-01"
    for words, is_told in (
        (("user", "get", "--name", "x"), True),
        (("service", "start", "--name", "x"), True),
        (("process", "signal", "--pid", "7", "--signal", "TERM"), True),
        (("package", "install", "--name", "x"), False),
    ):
        controller.answer({"error": "web-01: not there", "code": "not_found", "job_id": JOB}, status=404)
        assert (hint.format(words[0]) in node(*words, "-T", "web-01").err) is is_told
