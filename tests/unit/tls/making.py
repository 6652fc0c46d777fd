"""Authorities and certificates as files, for whoever must see good and bad ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from osapi.config.private import replace
from osapi.pki.authority import Authority, issue, load_or_create
from osapi.tls.pair import Pair

LONG_AGO = timedelta(days=400)


def authority(folder: Path, name: str = "test") -> Authority:
    return load_or_create(folder, name, datetime.now(UTC) - LONG_AGO)


def pair(signer: Authority, folder: Path, *names: str, age: timedelta = timedelta(0)) -> Pair:
    """A certificate of this age for 127.0.0.1 unless other names are given; after 397 days it has expired."""
    cert, key = issue(signer, names or ("127.0.0.1",), datetime.now(UTC) - age)
    folder.mkdir(exist_ok=True, parents=True)
    made = Pair("api.tls", folder / "leaf.crt", folder / "leaf.key")
    replace(made.cert, cert, mode=0o644)
    replace(made.key, key)
    return made


def expired(signer: Authority, folder: Path) -> Pair:
    return pair(signer, folder, age=LONG_AGO)
