"""Writes generated files, or tells which of them are not current. Shared with the generator of the CLI."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write(files: Mapping[Path, str], *, check: bool) -> int:
    """Write the files that differ, or with `check` only name them. Returns the exit status."""
    stale = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in stale:
        if not check:
            path.write_text(files[path], encoding="utf-8")
        print(f"{path}: {'is not current; run ./dev gen' if check else 'written'}")  # noqa: T201 - a tool reports
    return 1 if check and stale else 0
