"""The program that undoes a change on trial: a shell script that needs neither the agent nor the broker. Pure.

It is written before the change, and started by a timer of systemd or by the agent. Three names in its
folder say how things stand; each is the file that was `pending` at first, and holds the job's id:

    pending ──> undoing ──> undone
    └ removed: the change stays

The move from `pending` and its removal are one step each (rename(2), unlink(2)), so either the change stays or it
is undone, whoever comes first. A script that broke off goes on where it was when it is started again.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

PENDING = "pending"
UNDOING = "undoing"
UNDONE = "undone"
SCRIPT = "undo"

_HEAD = """\
#!/bin/sh
# Written by OSAPI before a change that may cut this host off; puts back what was there before.
cd -- {folder} || exit 1
[ -e undoing ] || mv -T -- pending undoing 2>/dev/null || exit 0
failed=0
attempt() {{ "$@" || failed=1; }}
put_back() {{
    cp -p -- "$1" "$2.osapi-undo" && sync -- "$2.osapi-undo" && mv -T -- "$2.osapi-undo" "$2" || failed=1
}}
"""
_TAIL = """\
[ "$failed" = 0 ] || exit 1
mv -T -- undoing undone
"""


def script(folder: str, copies: Mapping[str, str | None], repair: Iterable[Sequence[str]]) -> str:
    """The whole script.

    `copies` names, for each file that the change touches, its copy in the folder; None stands for no file.
    One thing that fails does not stop the others; then the script ends with status 1 and can be started again.
    """
    lines = [_put_back(path, copy) for path, copy in copies.items()]
    lines += [f"attempt {shlex.join(argv)}" for argv in repair]
    return _HEAD.format(folder=shlex.quote(folder)) + "".join(f"{line}\n" for line in lines) + _TAIL


def _put_back(path: str, copy: str | None) -> str:
    return f"attempt rm -f -- {shlex.quote(path)}" if copy is None else f"put_back {copy} {shlex.quote(path)}"
