"""The journal of real Debian hosts, compared with what was written into it."""

from __future__ import annotations

import json

import pytest
from tests.acceptance.fleet import Fleet, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]


def say(fleet: Fleet, unit: str, *command: str) -> None:
    """Run a program as a unit of its own, to its end."""
    words = ("systemd-run", "--quiet", "--wait", "--collect", f"--unit={unit}", "--", *command)
    fleet.bed("exec", 1, *words)
    fleet.bed("exec", 1, "journalctl", "--sync")


def messages(fleet: Fleet, *words: str) -> list[str]:
    answer = fleet.client("node", "log", *words, "-T", "host1")
    assert answer.status == 0, answer
    return [entry["message"] for entry in answer.results["host1"]["entries"]]


def test_lines_of_a_unit_are_read_whole_and_in_order(fleet: Fleet) -> None:
    say(fleet, "speaks", "printf", r"first\nsecond \303\244\n\377\001broken\n")
    found = fleet.client("node", "log", "unit", "-T", "host1", "--name", "speaks.service")
    own = [entry for entry in found.results["host1"]["entries"] if entry["identifier"] == "printf"]
    assert [entry["message"] for entry in own] == ["first", "second ä", "\ufffd\x01broken"]
    assert {(entry["unit"], entry["priority"], entry["hostname"]) for entry in own} == {
        ("speaks.service", "info", "host1")
    }
    assert found.results["host1"]["unit_known"] is True


def test_filters_are_those_of_the_journal(fleet: Fleet) -> None:
    say(fleet, "alarm", "sh", "-c", "echo '<3>hot'; echo '<6>cold'")
    assert messages(fleet, "unit", "--name", "alarm", "--priority", "err") == ["hot"]
    assert len(messages(fleet, "query", "--lines", "3")) == 3
    assert "hot" in messages(fleet, "query", "--since", "1h", "--lines", "1000")
    told = messages(fleet, "unit", "--name", "alarm", "--since", "1h", "--priority", "info")
    assert {"hot", "cold"} <= set(told)
    assert messages(fleet, "query", "--since", "2099-01-01T00:00:00Z") == []
    assert "hot" in messages(fleet, "query", "--since", "1 hour ago", "--priority", "err")


def test_an_unknown_unit_is_not_found(fleet: Fleet) -> None:
    answer = fleet.client("node", "log", "unit", "-T", "host1", "--name", "nosuch")
    assert json.loads(answer.stderr)["code"] == "not_found", answer
    assert "there is no unit nosuch on this host" in json.loads(answer.stderr)["error"]


def test_a_bad_time_is_refused_before_there_is_a_job(fleet: Fleet) -> None:
    answer = fleet.client("node", "log", "query", "-T", "host1", "--since", "--file=/etc/shadow")
    assert answer.status == 1
    assert "job_id" not in answer.stdout


def test_sources_are_those_of_the_journal(fleet: Fleet) -> None:
    names = fleet.client("node", "log", "source", "-T", "host1").results["host1"]["sources"]
    assert set(fleet.bed("enter", 1, "journalctl", "--field=SYSLOG_IDENTIFIER").split("\n")) >= {"systemd", "osapi"} & {
        *names
    }
    assert "systemd" in names
    assert names == sorted(names)


def test_more_than_fits_is_cut_and_said(fleet: Fleet) -> None:
    text = "i=0; while [ $i -lt 3000 ]; do printf '%s %01000d\\n' $i 0; i=$((i+1)); done"
    say(fleet, "floods", "sh", "-c", text)
    words = ("unit", "--name", "floods", "--lines", "10000")
    eventually(lambda: any(text.startswith("2999 ") for text in messages(fleet, *words)), "the last line is not there")
    entry = fleet.client("node", "log", *words, "-T", "host1").results["host1"]
    assert entry["truncated"] is True
    assert len(json.dumps(entry)) < 1024 * 1024
    numbers = [int(one["message"].split()[0]) for one in entry["entries"] if one["identifier"] == "sh"]
    assert numbers == list(range(3000 - len(numbers), 3000))
