"""Deployed files on real Debian hosts, looked at with stat(1), sha256sum(1) and cat(1)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.fleet import Answer, Fleet, eventually

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(300)]

PLACE = "/etc/osapi-test/app.conf"
CONF = b"port = 80\n"
PAGE = b"{{ hostname }} {{ facts.architecture }} {{ vars.port }}\n"
GO = b'{{ .Hostname }}{{ if eq .Vars.port "80" }} web{{ end }}\n'
LARGE = 20 * 1024 * 1024


def upload(fleet: Fleet, folder: Path, name: str, content: bytes, *words: str) -> Answer:
    source = folder / "source"
    source.write_bytes(content)
    return fleet.client("file", "upload", "--name", name, "--file", str(source), *words)


def seen(fleet: Fleet, host: int, path: str = PLACE) -> str:
    """Owner, group, mode and digest, as the host itself sees them; empty when there is nothing."""
    look = 'test -e "$1" || exit 0; stat -c "%U:%G %a" "$1"; sha256sum < "$1"'
    return " ".join(fleet.bed("enter", host, "sh", "-c", look, "sh", path).split()[:3])


def as_seen(content: bytes, owner: str = "root:root", mode: str = "644") -> str:
    return f"{owner} {mode} {hashlib.sha256(content).hexdigest()}"


@pytest.fixture
def target(fleet: Fleet, tmp_path: Path) -> Iterator[str]:
    """The name of host 1; the file `app.conf` is uploaded, and everything goes afterwards."""
    name = fleet.bed("enter", 1, "hostname")
    upload(fleet, tmp_path, "app.conf", CONF, "--force")
    yield name
    fleet.client("node", "file", "undeploy", "-T", "_all", "--path", PLACE, "--yes")
    for host in (1, 2, 3):
        fleet.bed("enter", host, "rm", "-rf", "/etc/osapi-test")
    for uploaded in ("app.conf", "page", "large"):
        fleet.client("file", "delete", "--name", uploaded)


def deploy(fleet: Fleet, target: str, *words: str, name: str = "app.conf") -> Answer:
    return fleet.client("node", "file", "deploy", "-T", target, "--object", name, "--path", PLACE, "--yes", *words)


def test_a_file_is_foretold_deployed_repaired_and_taken_away(fleet: Fleet, target: str) -> None:
    words = ("--mode", "0640", "--owner", "daemon", "--group", "adm")
    told = deploy(fleet, target, *words, "--check")
    assert told.status == 0, told
    assert (told.results[target]["changed"], seen(fleet, 1)) == (True, "")
    done = deploy(fleet, target, *words)
    assert done.results[target]["diff"] == told.results[target]["diff"]
    right = as_seen(CONF, "daemon:adm", "640")
    assert seen(fleet, 1) == right
    assert deploy(fleet, target, *words).results[target]["changed"] is False

    fleet.bed("enter", 1, "sh", "-c", f"echo changed > {PLACE}; chown root:root {PLACE}; chmod 666 {PLACE}")
    status = ("node", "file", "status", "-T", target, "--path", PLACE)
    found = fleet.client(*status).results[target]
    assert (found["status"], found["deviations"]) == ("drifted", ["content", "mode", "owner", "group"])
    assert deploy(fleet, target, *words).results[target]["changed"] is True
    assert seen(fleet, 1) == right
    assert fleet.client(*status).results[target]["status"] == "in-sync"

    undeploy = ("node", "file", "undeploy", "-T", target, "--path", PLACE, "--yes")
    assert fleet.client(*undeploy, "--check").results[target]["changed"] is True
    assert seen(fleet, 1) == right
    gone = fleet.client(*undeploy).results[target]
    assert (gone["changed"], gone["left"], seen(fleet, 1)) == (
        True,
        ["app.conf in the store", "the empty directory /etc/osapi-test"],
        "",
    )
    assert fleet.client(*undeploy).results[target]["changed"] is False
    assert fleet.client(*status).results[target]["status"] == "missing"


def test_a_file_in_the_way_is_kept_and_comes_back(fleet: Fleet, target: str) -> None:
    theirs = as_seen(b"theirs\n", "games:games", "600")
    make = f"mkdir -p /etc/osapi-test; echo theirs > {PLACE}; chown games:games {PLACE}; chmod 600 {PLACE}"
    fleet.bed("enter", 1, "sh", "-c", make)
    refused = deploy(fleet, target)
    assert (refused.status, "is not managed by osapi" in refused.stderr, seen(fleet, 1)) == (3, True, theirs)
    assert deploy(fleet, target, "--adopt").status == 0
    assert seen(fleet, 1) == as_seen(CONF)
    back = fleet.client("node", "file", "undeploy", "-T", target, "--path", PLACE, "--yes").results[target]
    assert (back["restored"], seen(fleet, 1)) == (True, theirs)


def test_what_the_system_brings_along_is_not_undeployed(fleet: Fleet, target: str) -> None:
    before = seen(fleet, 1, "/etc/hostname")
    answer = fleet.client("node", "file", "undeploy", "-T", target, "--path", "/etc/hostname", "--yes")
    assert (answer.status, "not managed" in answer.stderr, seen(fleet, 1, "/etc/hostname")) == (3, True, before)


@pytest.mark.parametrize("template", [PAGE, GO], ids=["jinja", "go"])
def test_a_template_becomes_something_else_on_each_host(
    fleet: Fleet, target: str, tmp_path: Path, template: bytes
) -> None:
    words = ("--content-type", "template")
    assert upload(fleet, tmp_path, "page", template, "--force", *words).status == 0
    answer = deploy(fleet, "_all", *words, "--var", "port=80", name="page")
    assert answer.status == 0, answer
    for host in (1, 2, 3):
        name = fleet.bed("enter", host, "hostname")
        ending = " web" if template is GO else f" {fleet.bed('enter', host, 'uname', '-m')} 80"
        assert fleet.bed("enter", host, "cat", PLACE) == f"{name}{ending}"
    assert deploy(fleet, "_all", *words, "--var", "port=80", name="page").results[target]["changed"] is False


def test_another_upload_makes_every_deployment_stale(fleet: Fleet, target: str, tmp_path: Path) -> None:
    assert deploy(fleet, "_all").status == 0

    def stale() -> list[str]:
        found = fleet.client("file", "stale").json["stale"]
        return [one["reason"] for one in found if one["object_name"] == "app.conf"]

    assert stale() == []
    assert upload(fleet, tmp_path, "app.conf", b"port = 81\n", "--force").status == 0
    eventually(lambda: stale() == ["object"] * 3, "not all hosts have told what they have")
    assert deploy(fleet, "_all").status == 0
    eventually(lambda: stale() == [], "the deployments are still stale")


def test_a_large_file_reaches_every_host(fleet: Fleet, target: str, tmp_path: Path) -> None:
    content = hashlib.sha256(b"seed").digest() * (LARGE // 32)
    assert upload(fleet, tmp_path, "large", content).status == 0
    assert deploy(fleet, "_all", name="large").status == 0
    for host in (1, 2, 3):
        assert seen(fleet, host) == as_seen(content)
    copy = tmp_path / "copy"
    assert fleet.client("file", "download", "--name", "large", "--out", str(copy)).status == 0
    assert copy.read_bytes() == content


@pytest.mark.parametrize(
    "path", ["/etc/shadow", "/proc/sys/kernel/core_pattern", "/var/lib/osapi/agent/ledger.db", "/bin/x"]
)
def test_some_places_are_out_of_reach(fleet: Fleet, target: str, path: str) -> None:
    before = seen(fleet, 1, path)
    words = ("node", "file", "deploy", "-T", target, "--object", "app.conf", "--path", path, "--adopt", "--yes")
    answer = fleet.client(*words)
    assert (answer.status, seen(fleet, 1, path)) == (3, before)
