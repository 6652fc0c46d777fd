"""The helper that changes files as root: what it takes, and what it refuses whatever is granted."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import msgspec
import pytest

from osapi.agent import privileged
from osapi.host.escalation import LENGTH, Reply
from osapi.host.files import FileTree
from osapi.host.grants import ROOT_DIR, TRIAL_DIR

SCRIPT = f"{TRIAL_DIR}/undo"


@pytest.fixture(autouse=True)
def below(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    """Files are those below a temporary root."""
    monkeypatch.setattr(privileged, "FileTree", lambda root="/": FileTree(f"{tmp_path}{root}"))
    (tmp_path / "etc").mkdir()
    return tmp_path


def told(order: dict[str, Any], content: bytes = b"") -> io.BytesIO:
    head = json.dumps(order).encode()
    return io.BytesIO(LENGTH.pack(len(head)) + head + content)


def write(path: str, content: bytes, **order: Any) -> Reply:
    owner = {"uid": privileged.os.geteuid(), "gid": privileged.os.getegid()}
    return privileged.answer("write", path, told({"size": len(content), **owner, **order}, content))


def test_a_file_is_written_whole_with_its_mode(below: Any) -> None:
    assert write("/etc/motd", b"hello\n", mode=0o640) == Reply()
    assert (below / "etc/motd").read_bytes() == b"hello\n"
    assert (below / "etc/motd").stat().st_mode & 0o7777 == 0o640


def test_what_breaks_off_in_the_middle_leaves_the_old_file(below: Any) -> None:
    (below / "etc/motd").write_text("old\n")
    assert privileged.answer("write", "/etc/motd", told({"size": 9}, b"new")).kind == "Invalid"
    assert (below / "etc/motd").read_text() == "old\n"
    assert [each.name for each in (below / "etc").iterdir()] == ["motd"]


@pytest.mark.parametrize("verb", ["write", "remove", "link", "keep", "restore"])
@pytest.mark.parametrize(
    "path",
    ["/etc/shadow", "/etc/passwd-", "/proc/sysrq-trigger", "/dev/sda", "/etc/osapi/osapi.yaml", "/etc/sudoers.d/osapi-agent",
     f"{ROOT_DIR}/backups/x", f"{sys.prefix}/bin/osapi"],
)  # fmt: skip
def test_places_that_are_not_to_be_changed(verb: str, path: str) -> None:
    assert privileged.answer(verb, path, told({})).kind == "Protected"


@pytest.mark.parametrize("path", ["etc/motd", "/etc/../etc/motd", "/etc//motd", "/etc/mo\ntd"])
def test_paths_that_are_none(path: str) -> None:
    assert write(path, b"").kind == "Invalid"


def test_no_link_is_followed(below: Any) -> None:
    (below / "etc/there").mkdir()
    (below / "etc/here").symlink_to("there")
    assert (write("/etc/here/file", b"").code, list((below / "etc/there").iterdir())) == ("unsafe_path", [])


def test_only_values_of_the_kernel_are_set(below: Any) -> None:
    (below / "etc/motd").write_text("old\n")
    assert privileged.answer("kernel", "/etc/motd", told({"size": 1}, b"1")).kind == "Invalid"


@pytest.mark.parametrize(
    "order",
    [
        {"repair": [["sh", "-c", "id"]]},
        {"repair": [["netplan", "apply", "; id"]]},
        {"repair": [[]]},
        {"copies": {"/etc/cron.d/x": "copy-0"}},
        {"copies": {"/etc/netplan/01.yaml": "../../../tmp/x"}},
    ],
)
def test_a_script_that_does_anything_else_than_undo_is_not_written(below: Any, order: dict[str, Any]) -> None:
    assert privileged.answer("undo", SCRIPT, told(order)).kind == "Protected"
    assert not (below / SCRIPT.lstrip("/")).exists()


def test_the_script_is_not_written_in_another_way() -> None:
    assert write(SCRIPT, b"#!/bin/sh\nid\n", make_parents=True).kind == "Protected"


def test_orders_that_cannot_be_read() -> None:
    assert privileged.answer("write", "/etc/motd", io.BytesIO(b"\0\0")).kind == "Invalid"
    assert privileged.answer("write", "/etc/motd", told({"what": 1})).kind == "Invalid"
    assert privileged.answer("write", "/etc/motd", io.BytesIO(LENGTH.pack(1 << 30))).kind == "Invalid"


def test_it_is_called_in_one_way_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert {privileged.main(words) for words in (["write", "/etc/motd"], ["run", "--", "/bin/sh"], [])} == {2}
    assert "usage: osapi-privileged" in capsys.readouterr().err


def test_a_failure_of_the_system_is_told_by_its_number(below: Any) -> None:
    assert (
        msgspec.json.encode(privileged.answer("kernel", "/proc/sys/none", told({"size": 1}, b"1"))) == b'{"number":2}'
    )
