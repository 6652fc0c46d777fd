"""Files of hosts and kept output: what is asked for, and where it goes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.unit.cli_client.conftest import Cli
from tests.unit.sdk.kit import JOB, MACHINE, FakeController, event, failed, ok

CONTENT = b"one\xff\n"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
FETCH = ("file", "fetch", "--path", "/var/log/a")


def content(controller: FakeController, body: bytes = CONTENT) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\ncontent-length: {len(body)}\r\n\r\n"
    controller.answer(raw=[head.encode(), body])


def fetched(**more: Any) -> dict[str, Any]:
    return {**ok(path="/var/log/a", size=len(CONTENT), sha256=DIGEST, mode="0640", uid=0, gid=0), **more}


def output(name: str = "stdout", **more: Any) -> dict[str, Any]:
    known = {"hostname": "web-01", "machine_id": MACHINE, "name": name, "size": len(CONTENT), "sha256": DIGEST}
    return {**known, **more}


def test_a_file_is_fetched_and_put_where_it_is_wanted(node: Cli, controller: FakeController, tmp_path: Path) -> None:
    controller.results(fetched())
    content(controller)
    ran = node(*FETCH, "-T", "web-01", "--output", str(tmp_path / "a"))
    assert (ran.status, (tmp_path / "a").read_bytes()) == (0, CONTENT)
    assert ran.out == f"[web-01] /var/log/a: 5 bytes, SHA-256 {DIGEST}\n"
    asked = [one.path for one in controller.asked]
    assert asked == [
        "/api/node/web-01/file/fetch?path=%2Fvar%2Flog%2Fa&timeout=300&wait=305",
        f"/api/job/{JOB}/output/{MACHINE}/content",
    ]


def test_without_a_place_it_goes_to_standard_output_and_nothing_else_does(
    node: Cli, controller: FakeController
) -> None:
    controller.results(fetched(sha256=hashlib.sha256(b"plain\n").hexdigest()))
    content(controller, b"plain\n")
    ran = node(*FETCH, "-T", "web-01", "--json")
    assert (ran.status, ran.out) == (0, "plain\n")


def test_files_of_several_hosts_go_into_a_directory(node: Cli, controller: FakeController, tmp_path: Path) -> None:
    controller.results(
        fetched(), {**fetched(), "hostname": "web-02", "machine_id": "m2"}, failed("web-03", "no", "protected")
    )
    content(controller)
    content(controller)
    ran = node(*FETCH, "-T", "group:web", "--output", str(tmp_path))
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.name != "context.json"} == {
        "web-01": CONTENT,
        "web-02": CONTENT,
    }
    assert (ran.status, ran.err) == (2, "[web-03] osapi: no\n")


def test_a_directory_has_to_be_there(node: Cli, controller: FakeController, tmp_path: Path) -> None:
    ran = node(*FETCH, "-T", "_all", "--output", str(tmp_path / "none"))
    assert (ran.status, "name one that exists" in ran.err, controller.asked) == (1, True, [])


def test_what_is_not_what_the_host_kept_is_not_put_in_place(
    node: Cli, controller: FakeController, tmp_path: Path
) -> None:
    controller.results(fetched())
    content(controller, b"other")
    ran = node(*FETCH, "-T", "web-01", "--output", str(tmp_path / "a"))
    assert (ran.status, (tmp_path / "a").exists()) == (1, False)


def test_a_refusal_names_the_setting(node: Cli, controller: FakeController) -> None:
    controller.answer({"error": "web-01: see agent.fetch.paths", "code": "protected", "job_id": JOB}, 403)
    ran = node(*FETCH, "-T", "web-01")
    assert (ran.status, "agent.fetch.paths" in ran.err) == (3, True)


def test_kept_output_is_listed(cli: Cli, controller: FakeController) -> None:
    items = [output(), output("stderr", size=0, sha256="", error="the store is full")]
    controller.answer({"items": items, "total": 2})
    lines = cli("client", "job", "output", "--job-id", JOB).out.splitlines()
    assert [line.split() for line in lines[3:]] == [
        ["HOSTNAME", "NAME", "SIZE", "SHA256", "NOTE"],
        ["web-01", "stdout", "5", "B", DIGEST],
        ["web-01", "stderr", "0", "B", "the", "store", "is", "full"],
    ]


def test_kept_output_is_downloaded(cli: Cli, controller: FakeController, tmp_path: Path) -> None:
    controller.answer({"items": [output(), output("stderr")], "total": 2})
    content(controller)
    words = ("client", "job", "output", "--job-id", JOB, "--name", "stdout", "--output", str(tmp_path / "a"))
    assert cli(*words).status == 0
    assert (tmp_path / "a").read_bytes() == CONTENT
    assert controller.asked[1].path == f"/api/job/{JOB}/output/{MACHINE}/stdout"


def test_of_several_hosts_one_is_named(cli: Cli, controller: FakeController, tmp_path: Path) -> None:
    items = [output(), output(hostname="web-02", machine_id="m2")]
    controller.answer({"items": items, "total": 2})
    ran = cli("client", "job", "output", "--job-id", JOB, "--name", "stdout")
    assert (ran.status, "--host" in ran.err) == (1, True)
    content(controller)
    place = str(tmp_path / "a")
    assert (
        cli("client", "job", "output", "--job-id", JOB, "--name", "stdout", "--host", "web-02", "-o", place).status == 0
    )
    assert controller.asked[-1].path == f"/api/job/{JOB}/output/m2/stdout"


def test_watching_a_job_shows_what_it_gives_out(cli: Cli, controller: FakeController) -> None:
    from tests.unit.sdk.test_events import HEAD

    controller.answer(
        raw=[
            HEAD,
            event("1", "output", hostname="web-01", data={"stdout": "a\n b\x1b\n", "stderr": "e\n"}, left_out=7),
            event("2", "output", hostname="web-01", data={"entries": [{"message": "m"}]}),
            event("3", "done", status="completed"),
        ]
    )
    ran = cli("client", "job", "watch", "--job-id", JOB)
    lines = [line.split("  ", 1)[1] for line in ran.out.splitlines()]
    assert lines[:6] == [
        "output  web-01  7 bytes left out before",
        "  a",
        "   b\ufffd",
        "  e",
        "output  web-01",
        "  message=m",
    ]


def test_the_json_of_a_fetch_is_the_answer(node: Cli, controller: FakeController, tmp_path: Path) -> None:
    controller.results(fetched())
    content(controller)
    ran = node(*FETCH, "-T", "web-01", "--output", str(tmp_path / "a"), "--json")
    assert json.loads(ran.out)["results"][0]["sha256"] == DIGEST
