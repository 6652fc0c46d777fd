"""Places where no file is deployed, whoever asks."""

from __future__ import annotations

from collections.abc import Iterable

from osapi.contract.errors import Protected
from osapi.host.files import parts_of

_KERNEL = ("/proc", "/sys", "/dev")
_ACCOUNTS = tuple(f"/etc/{name}{old}" for name in ("passwd", "group", "shadow", "gshadow") for old in ("", "-"))


def refuse_protected(path: str, private_places: Iterable[str]) -> None:
    """Raise `Protected` for files of the kernel, of accounts, and of OSAPI itself, `Invalid` for what is no path."""
    parts_of(path)
    for place in (*_KERNEL, *private_places):
        if path == place or path.startswith(f"{place}/"):
            raise Protected(f"{path}: files in {place} are not deployed; choose another place")
    if path in _ACCOUNTS:
        raise Protected(
            f"{path}: accounts are kept by the operations on users and groups, not by deploying their files"
        )
