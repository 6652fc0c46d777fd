"""What cases cannot show of accounts and keys: owners, modes of directories, and that no secret gets out."""

from __future__ import annotations

import base64
import struct
from dataclasses import replace

import msgspec
import pytest

from osapi.contract.errors import Conflict
from osapi.domains.user import authorized_keys, decisions, key_decisions, passwords
from osapi.domains.user.key_decisions import Seen
from osapi.domains.user.models import Password, SshKeyAdd, UserCreate, UserPassword
from osapi.domains.user.seen import Seen as Seen_
from osapi.host import account_files
from osapi.host.account_files import PasswdLine
from osapi.host.files import FileKind, FileStat
from osapi.host.plan import Run, Write
from osapi.testing.host import MIDNIGHT

ALICE = PasswdLine(name="alice", uid=1000, gid=1000, home="/home/alice", shell="/bin/bash")
DIRECTORY = FileStat(kind=FileKind.DIRECTORY, mode=0o700, uid=1000, gid=1000, size=0, modified=MIDNIGHT)
FILE = replace(DIRECTORY, kind=FileKind.FILE, mode=0o600)
HASH = "$y$j9T$secret$hash"


def line(*, kind: str = "ssh-ed25519", secret: bytes = bytes(32)) -> str:
    """A public key as text."""
    parts = (kind.encode(), secret)
    return f"{kind} {base64.b64encode(b''.join(struct.pack('>I', len(part)) + part for part in parts)).decode()}"


KEY = authorized_keys.checked(line())


def seen(**other: object) -> Seen:
    found = Seen(account=ALICE, group="alice", home=DIRECTORY, directory=DIRECTORY, file=FILE, content=b"")
    return replace(found, **other)  # type: ignore[arg-type]  # fields by name


def test_a_new_file_belongs_to_the_account() -> None:
    plan = key_decisions.add(KEY, seen(directory=None, file=None, content=None))
    made, written = plan.actions
    assert isinstance(made, Run)
    assert isinstance(written, Write)
    assert (made.argv, made.user) == (("mkdir", "--mode=0700", "--", "/home/alice/.ssh"), "alice")
    assert (written.mode, written.owner, written.group) == (0o600, "alice", "alice")


def test_a_directory_that_others_may_write_is_mended_by_the_account_itself() -> None:
    plan = key_decisions.add(KEY, seen(directory=replace(DIRECTORY, mode=0o777), content=KEY.line.encode()))
    (mended,) = plan.actions
    assert isinstance(mended, Run)
    assert (mended.argv, mended.user) == (("chmod", "go-w", "--", "/home/alice/.ssh"), "alice")
    assert plan.diff == "/home/alice/.ssh: mode 0777 -> 0755"


def test_a_directory_of_somebody_else_is_left_alone() -> None:
    with pytest.raises(Conflict, match="belongs to uid 1001"):
        key_decisions.add(KEY, seen(directory=replace(DIRECTORY, uid=1001)))


def test_a_file_of_somebody_else_is_given_to_the_account() -> None:
    (written,) = key_decisions.add(KEY, seen(file=replace(FILE, uid=1001), content=KEY.line.encode())).actions
    assert isinstance(written, Write)
    assert (written.owner, written.content) == ("alice", KEY.line.encode())


def test_bytes_that_are_no_text_stay_as_they_are() -> None:
    before = b"# \xff\xfe\n" + KEY.line.encode() + b"\n\x80 junk"
    assert authorized_keys.removed(before, KEY.fingerprint) == b"# \xff\xfe\n\x80 junk"


def test_the_message_about_a_bad_key_does_not_hold_it() -> None:
    for text in ("-----BEGIN OPENSSH PRIVATE KEY----- c2VjcmV0", "c2VjcmV0 c2VjcmV0", line(secret=b"c2VjcmV0")):
        with pytest.raises(msgspec.ValidationError) as caught:
            msgspec.convert({"name": "alice", "key": text}, SshKeyAdd)
        assert "c2VjcmV0" not in str(caught.value)


def test_a_password_that_cannot_be_compared_is_set() -> None:
    found = Seen_(accounts=[ALICE], groups=[], shadow=None, today=20000)
    plan = passwords.change(UserPassword(name="alice", password=Password("x")), found, None)
    (run,) = plan.actions
    assert isinstance(run, Run)
    assert (run.argv, run.stdin, run.privileged) == (("chpasswd",), b"alice:x\n", True)
    assert plan.diff == "account alice: password replaced"


def test_a_password_is_in_nothing_that_is_shown() -> None:
    request = UserPassword(name="alice", password=Password("Correct-Horse-7"))
    found = Seen_(accounts=[ALICE], groups=[], shadow={}, today=20000)
    plan = passwords.change(request, found, False)
    assert "Correct-Horse-7" not in f"{request!r} {plan!r}"


def test_an_account_whose_password_nobody_may_compare_is_left_as_it_is() -> None:
    found = Seen_(accounts=[ALICE], groups=[], shadow=None, today=20000)
    assert not decisions.create(UserCreate(name="alice", password=Password("x")), found).changes


def test_no_hash_leaves_the_parser() -> None:
    found = account_files.shadow(f"alice:!{HASH}:19000:0:99999:7::1:\nbob:!:19000:0:99999:7:::\n".encode())
    assert HASH not in repr(found)
    alice, bob = found["alice"], found["bob"]
    assert (alice.has_password, alice.is_locked, alice.is_marked, alice.expires) == (True, True, True, 1)
    assert (bob.has_password, bob.is_locked, bob.is_marked, bob.expires) == (False, True, True, None)


def test_a_home_that_somebody_else_owns_is_not_given_away() -> None:
    found = Seen_(
        accounts=[ALICE], groups=[], shadow={}, today=20000, files={"/srv/carol": replace(DIRECTORY, uid=1000)}
    )
    with pytest.raises(Conflict, match="belongs to uid 1000"):
        decisions.create(UserCreate(name="carol", uid=2000, home="/srv/carol"), found)
    assert decisions.create(UserCreate(name="carol", uid=3000, home="/srv/other"), found).changes
