"""Hostile texts for fields that hold paths and names. Harmless where they are refused, and mostly where they are not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_SHAPES = (
    "{inside}/../outside/x",
    "{inside}/../../{name}/outside/x",
    "{inside}/./x",
    "{inside}//x",
    "{inside}/x/",
    "{inside}/..",
    "{inside}/.",
    "{inside}/link/x",
    "{inside}/link",
    "{inside}/link/../x",
    "{inside}/file-link",
    "{inside}/dangling",
    "{inside}/loop",
    "{inside}/fifo",
    "{inside}/directory",
    "{inside}/x\0y",
    "{inside}/\0",
    "{inside}/x\n",
    "{inside}/x\ny",
    "{inside}/x\ry",
    "{inside}/\x1b[2J",
    "{inside}/\x7f",
    "{inside}/\u202etxt.x",
    "{inside}/\u2028x",
    "{inside}/\ufeffx/../../outside/x",
    "{inside}/" + "a" * 256,
    "{inside}" + "/a" * 2100,
    "{inside}/%2e%2e/outside/x\0",
    "..{inside}/x",
    ".{inside}/x",
    "~{inside}/x",
    "file://{inside}/x",
    "\\\\host\\share\\x",
    "C:\\x",
    "outside/x",
    "../outside/x",
    "-o/x",
    "",
    " ",
    "/",
    "//",
    "/.",
    "/..",
    "\0",
    "\n",
    "/proc/self/osapi-corpus",
    "/proc/sys/osapi-corpus",
    "/sys/osapi-corpus",
    "/dev/osapi-corpus",
    "/dev/null",
    "/dev/stdin",
    "/dev/fd/1",
)
NAMES = (
    "../x",
    "../../outside/x",
    "/etc/hostname",
    "*",
    ">",
    "a.*",
    "$O.file-objects.M.x",
    "x\0y",
    "x\n",
    "x\r\ny",
    "\x1b[2J",
    "\u202etxt.x",
    "\u2028",
    "a" * 256,
    "ä" * 256,
    "",
    " ",
    ".",
    "..",
    "%2e%2e",
    "%00",
    "osapi/../x",
    "-o",
    "--",
    "'; id; '",
    "$(id)",
    "`id`",
    "{{ 7 * 7 }}",
)


def lay_out(folder: Path) -> Path:
    """Make the place that hostile paths speak of; returns the directory that they may not lead out of."""
    inside, outside = folder / "inside", folder / "outside"
    outside.mkdir(parents=True)
    (inside / "directory").mkdir(parents=True)
    (outside / "canary").write_text("canary")
    (inside / "link").symlink_to(outside)
    (inside / "file-link").symlink_to(outside / "canary")
    (inside / "dangling").symlink_to(outside / "made")
    (inside / "loop").symlink_to("loop")
    os.mkfifo(inside / "fifo")
    return inside


def paths(inside: Path) -> Iterator[str]:
    """Every hostile path."""
    for shape in _SHAPES:
        yield shape.format(inside=inside, name=inside.parent.name)


def escaped(inside: Path) -> bool:
    """Whether anything came out of the place, or of what was in it something was changed."""
    outside = inside.parent / "outside"
    there = {entry.name for entry in inside.iterdir()}
    return (
        {entry.name for entry in outside.iterdir()} != {"canary"}
        or (outside / "canary").read_text() != "canary"
        or there != {"directory", "link", "file-link", "dangling", "loop", "fifo"}
        or list((inside / "directory").iterdir()) != []
    )
