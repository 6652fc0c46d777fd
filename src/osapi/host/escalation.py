"""How an agent that is not root has done as root what it was granted: by sudo(8), never with a password.

Programs are run by sudo as they are. Files are changed by a helper (`agent.privileged`), which is told on standard
input: four bytes of length, that many bytes of JSON, then the content of the file. Verb and path are its arguments, so
sudoers can say which files, and sudo's log tells which. It answers with one line of JSON: nothing in it, or a failure.
"""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from osapi.contract.errors import Invalid, NotFound, OsapiError, Permanent, Protected
from osapi.host.program import Completed

LENGTH = struct.Struct(">I")
"""Length of the JSON that follows."""
_SUDO = ("sudo", "-n")
_REMEDY = "see `osapi agent preflight`"
_KINDS: dict[str, type[OsapiError]] = {kind.__name__: kind for kind in (Invalid, NotFound, Permanent, Protected)}


class Order(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is to be done to a file, besides verb and path. What a verb does not need is left as it is.

    `size` bytes of content follow. `target` is where a link leads. `copies` and `repair` are those of `undoing.script`.
    """

    size: int = 0
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    make_parents: bool = False
    target: str = ""
    copies: dict[str, str | None] = {}
    repair: list[list[str]] = []


class Reply(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of it. `kind` names a failure of `contract.errors`, `number` one of the system (errno(3))."""

    kind: str = ""
    code: str = ""
    message: str = ""
    number: int = 0


@dataclass(frozen=True)
class Escalation:
    """The way to root. `helper` is the path of the helper program."""

    helper: str

    def argv(self, argv: Sequence[str], *, user: str | None, env: Mapping[str, str]) -> tuple[str, ...]:
        """The call that runs a program as `user`, or as root for None.

        Only where any program may be run as anybody may the caller choose variables; `env` are those that are chosen.
        """
        kept = [f"--preserve-env={','.join(env)}"] if env and user is not None else []
        return (*_SUDO, *kept, *(("-u", user) if user is not None else ()), "--", *argv)

    def change(self, verb: str, path: str, order: Order, content: Iterable[bytes] = ()) -> None:
        """Have the helper change a file. Blocks. Raises `OSError` or an `OsapiError` as if it had been done here."""
        call = [*_SUDO, "--", self.helper, verb, "--", path]
        try:
            # The clean environment and the root directory are those of every program that the agent starts.
            helper = subprocess.Popen(
                call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", env=_environment()
            )
        except FileNotFoundError as err:
            raise Permanent(f"cannot {verb} {path}: sudo is not installed; {_REMEDY}", code="denied") from err
        with helper:
            _tell(helper, order, content)
            assert helper.stdout is not None and helper.stderr is not None  # noqa: S101, PT018 - both are pipes
            said, words = helper.stdout.read(), helper.stderr.read()
        _raise(_reply(said, f"cannot {verb} {path}", words), path)


def check(completed: Completed) -> None:
    """Raise `Permanent` (code `denied`) when sudo itself refused to run the program."""
    words = completed.stderr.decode("utf-8", "replace").strip()
    if completed.exit_code == 1 and words.startswith("sudo: "):
        call = " ".join(completed.argv)
        raise Permanent(f"{words.removeprefix('sudo: ')}: not granted is `{call}`; {_REMEDY}", code="denied")


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


def _tell(helper: subprocess.Popen[bytes], order: Order, content: Iterable[bytes]) -> None:
    head = msgspec.json.encode(order)
    assert helper.stdin is not None  # noqa: S101 - a pipe
    try:
        helper.stdin.write(LENGTH.pack(len(head)) + head)
        for piece in content:
            helper.stdin.write(piece)
        helper.stdin.close()
    except BrokenPipeError:
        return  # it has refused; what it says tells why


def _reply(said: bytes, doing: str, words: bytes) -> Reply:
    try:
        return msgspec.json.decode(said, type=Reply)
    except msgspec.DecodeError:
        told = words.decode("utf-8", "replace").strip() or "sudo does not run the helper"
        raise Permanent(f"{doing}: {told}; {_REMEDY}", code="denied") from None


def _raise(reply: Reply, path: str) -> None:
    if reply.number:
        raise OSError(reply.number, os.strerror(reply.number), path)
    if reply.kind:
        raise _KINDS.get(reply.kind, Permanent)(reply.message, code=reply.code or None)


def is_granted(call: Sequence[str], user: str = "root") -> bool:
    """Whether sudo would run this call without a password; nothing is run. Blocks. False without sudo."""
    asked = [*_SUDO, "-l", "-u", user, "--", *call]
    try:
        done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, check=False, env=_environment())
    except FileNotFoundError:
        return False
    return done.returncode == 0
