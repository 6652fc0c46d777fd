"""`osapi-privileged VERB -- PATH`: changes one file as root, for an agent that is not root. Started by sudo alone.

    write    put a whole file in place       keep     copy what is there, to be put back one day
    remove   remove a file                   restore  put the copy back
    link     put a symbolic link in place    drop     remove the copy
    kernel   set a value below /proc/sys     undo     write the script that undoes a change on trial

Which verbs and paths are granted says sudoers; here every path is walked without following links, and what belongs to
the kernel, to accounts and to OSAPI itself is refused, whatever is granted. See `host.escalation` for the form.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO

import msgspec

from osapi.contract.errors import Invalid, OsapiError, Protected
from osapi.deploy.protection import refuse_protected
from osapi.host import sudoers, undoing
from osapi.host.backups import LocalBackups
from osapi.host.escalation import LENGTH, Order, Reply
from osapi.host.failures import from_os
from osapi.host.files import FileTree, parts_of
from osapi.host.grants import ROOT_DIR, TRIAL_DIR
from osapi.host.replacing import replace
from osapi.netplan.privileges import FILES, REPAIR

_PRIVATE = (ROOT_DIR, "/etc/osapi", sudoers.PATH, sys.prefix)
_HEAD_LIMIT = 1 << 20
_PIECE = 1 << 16

Verb = Callable[[str, Order, BinaryIO], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked and answer with one line of JSON. The status is 0 unless it was called in another way."""
    words = sys.argv[1:] if arguments is None else arguments
    if len(words) != 3 or words[1] != "--" or words[0] not in _VERBS or os.geteuid() != 0:
        sys.stderr.write(f"usage: osapi-privileged {{{'|'.join(_VERBS)}}} -- PATH, as root, by an agent\n")
        return 2
    os.umask(0o077)
    sys.stdout.buffer.write(msgspec.json.encode(answer(words[0], words[2], sys.stdin.buffer)) + b"\n")
    return 0


def answer(verb: str, path: str, told: BinaryIO) -> Reply:
    """Do it; every failure is an answer."""
    try:
        parts_of(path)
        _VERBS[verb](path, _order(told), told)
    except OsapiError as problem:
        return Reply(kind=type(problem).__name__, code=problem.error_code, message=problem.message)
    except OSError as problem:
        return Reply(number=problem.errno or 5)
    return Reply()


def _order(told: BinaryIO) -> Order:
    (length,) = LENGTH.unpack(_exactly(told, LENGTH.size))
    if length > _HEAD_LIMIT:
        raise Invalid(f"an order may have {_HEAD_LIMIT} bytes, not {length}")
    try:
        return msgspec.json.decode(_exactly(told, length), type=Order)
    except msgspec.DecodeError as problem:
        raise Invalid(f"the order cannot be read: {problem}") from problem


def _write(path: str, order: Order, told: BinaryIO) -> None:
    if not path.startswith(f"{TRIAL_DIR}/"):
        refuse_protected(path, _PRIVATE)
    elif path == f"{TRIAL_DIR}/{undoing.SCRIPT}":
        raise Protected(f"{path} is written by the verb undo alone")
    try:
        new = FileTree().begin(path, make_parents=order.make_parents)
        replace(new, _content(told, order.size), mode=order.mode, uid=order.uid, gid=order.gid)
    except OSError as problem:
        raise from_os(problem, f"cannot write {path}") from problem


def _remove(path: str, _: Order, __: BinaryIO) -> None:
    if not path.startswith(f"{TRIAL_DIR}/"):
        refuse_protected(path, _PRIVATE)
    FileTree().remove(path)


def _link(path: str, order: Order, _: BinaryIO) -> None:
    refuse_protected(path, _PRIVATE)
    FileTree().link(path, order.target)


def _kernel(path: str, order: Order, told: BinaryIO) -> None:
    if not path.startswith(("/proc/sys/", "/sys/")):
        raise Invalid(f"{path} is no value of the kernel; use a path below /proc/sys or /sys")
    FileTree().overwrite(path, b"".join(_content(told, order.size)))


def _keep(path: str, _: Order, __: BinaryIO) -> None:
    refuse_protected(path, _PRIVATE)
    asyncio.run(_backups().keep(path))


def _restore(path: str, _: Order, __: BinaryIO) -> None:
    refuse_protected(path, _PRIVATE)
    asyncio.run(_backups().restore(path))


def _drop(path: str, _: Order, __: BinaryIO) -> None:
    asyncio.run(_backups().drop(path))


def _undo(path: str, order: Order, _: BinaryIO) -> None:
    """Only files of netplan are put back, and only what a change of the network may run is run."""
    if path != f"{TRIAL_DIR}/{undoing.SCRIPT}":
        raise Protected(f"the script that undoes a change is {TRIAL_DIR}/{undoing.SCRIPT}, nothing else")
    for file, copy in order.copies.items():
        if not FILES.fits("write", file) or not (copy is None or (copy.startswith("copy-") and copy[5:].isdecimal())):
            raise Protected(f"a change on trial has no part in {file}")
    for argv in order.repair:
        if not argv or not any(program.fits(argv) for program in REPAIR):
            raise Protected(f"a change on trial is not undone by {argv}")
    text = undoing.script(TRIAL_DIR, order.copies, order.repair)
    FileTree().write(path, text.encode(), mode=0o600, uid=0, gid=0, make_parents=True)


_VERBS: dict[str, Verb] = {
    "write": _write,
    "remove": _remove,
    "link": _link,
    "kernel": _kernel,
    "keep": _keep,
    "restore": _restore,
    "drop": _drop,
    "undo": _undo,
}


def _backups() -> LocalBackups:
    return LocalBackups(FileTree(), FileTree(ROOT_DIR))


def _content(told: BinaryIO, size: int) -> Iterator[bytes]:
    """Exactly that many bytes, so that nothing takes its place when whoever tells it dies in the middle."""
    left = size
    while left:
        piece = _exactly(told, min(left, _PIECE))
        left -= len(piece)
        yield piece


def _exactly(told: BinaryIO, size: int) -> bytes:
    content = told.read(size)
    if len(content) != size:
        raise Invalid(f"{size} bytes were announced, and {len(content)} came")
    return content


if __name__ == "__main__":
    sys.exit(main())
