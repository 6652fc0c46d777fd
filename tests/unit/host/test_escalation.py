"""The way to root of an agent that is not root: how sudo is called, and what its refusals mean."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from osapi.contract.errors import NotFound, OsapiError, Permanent
from osapi.host import escalation
from osapi.host.escalated import EscalatedFiles
from osapi.host.escalation import Escalation, Order
from osapi.host.program import Completed

WAY = Escalation("/opt/osapi/bin/osapi-privileged")


def test_programs_are_run_as_root_or_as_an_account_and_never_with_a_password() -> None:
    assert WAY.argv(("useradd", "--", "x"), user=None, env={}) == ("sudo", "-n", "--", "useradd", "--", "x")
    assert WAY.argv(("id",), user="alice", env={}) == ("sudo", "-n", "-u", "alice", "--", "id")


def test_values_of_variables_do_not_reach_the_list_of_processes() -> None:
    argv = WAY.argv(("id",), user="alice", env={"TOKEN": "secret"})
    assert argv == ("sudo", "-n", "--preserve-env=TOKEN", "-u", "alice", "--", "id")


def ended(status: int, stderr: bytes) -> Completed:
    return Completed(
        argv=("id",), stdout=b"", stderr=stderr, exit_code=status, signal=None, duration_s=0.0, truncated=False
    )


def test_a_refusal_of_sudo_is_told_as_one_and_says_what_was_not_granted() -> None:
    with pytest.raises(Permanent, match="not granted is `id`; see `osapi agent preflight`") as caught:
        escalation.check(ended(1, b"sudo: a password is required\n"))
    assert caught.value.error_code == "denied"
    escalation.check(ended(1, b"id: no such user\n"))
    escalation.check(ended(0, b"sudo: unable to resolve host\n"))


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sudo that notes what it was told and answers with what is in `reply`."""
    program = tmp_path / "sudo"
    program.write_text(f'#!/bin/sh\necho "$*" >{tmp_path}/call\ncat >{tmp_path}/told\ncat {tmp_path}/reply\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(escalation, "_environment", lambda: {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def test_content_follows_its_announcement(answers: Path) -> None:
    (answers / "reply").write_text("{}")
    WAY.change("write", "/etc/motd", Order(size=5, mode=0o640), (b"he", b"llo"))
    assert (answers / "call").read_text() == f"-n -- {WAY.helper} write -- /etc/motd\n"
    told = (answers / "told").read_bytes()
    (length,) = escalation.LENGTH.unpack(told[:4])
    assert (b'"mode":416' in told[4 : 4 + length], told[4 + length :]) == (True, b"hello")


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        ('{"kind":"NotFound","code":"not_found","message":"no"}', NotFound, "not_found"),
        ('{"kind":"Permanent","code":"no_space","message":"full"}', Permanent, "no_space"),
        ("", Permanent, "denied"),
        ("sudo: something", Permanent, "denied"),
    ],
)
def test_failures_of_the_helper_are_ours(answers: Path, reply: str, kind: type[OsapiError], code: str) -> None:
    (answers / "reply").write_text(reply)
    with pytest.raises(kind) as caught:
        WAY.change("remove", "/etc/motd", Order())
    assert caught.value.error_code == code


def test_what_the_system_refused_is_told_by_its_number(answers: Path) -> None:
    (answers / "reply").write_text('{"number":30}')
    with pytest.raises(OSError, match="Read-only") as caught:
        WAY.change("kernel", "/proc/sys/kernel/sem", Order(size=1), (b"1",))
    assert caught.value.errno == 30


def test_what_is_the_agents_own_it_changes_itself(answers: Path) -> None:
    own = answers / "agent"
    own.mkdir()
    files = EscalatedFiles(WAY, str(own))
    files.write(f"{own}/note", b"x", mode=0o600, uid=0, gid=0, make_parents=False)
    assert (own / "note").read_bytes() == b"x"
    assert files.remove(f"{own}/note")
    assert not (answers / "call").exists()


def test_a_file_that_comes_in_pieces_is_handed_on_when_it_is_whole(answers: Path) -> None:
    (answers / "reply").write_text("{}")
    new = EscalatedFiles(WAY, str(answers)).begin("/etc/big", make_parents=False)
    new.write(b"one")
    new.write(b"two")
    assert not (answers / "call").exists()
    new.commit(mode=0o644, uid=0, gid=0)
    new.close()
    assert (answers / "told").read_bytes().endswith(b"onetwo")
