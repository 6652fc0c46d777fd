"""What `osapi tls init` would make, for installations of the bench and of the tests."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from osapi.config.private import replace
from osapi.pki.authority import issue, load_or_create
from osapi.tls.trust import Trust

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Certificates:
    """PEM files: of an authority, and of one server on this machine with its key."""

    ca: str
    cert: str
    key: str

    @classmethod
    def make(cls, folder: Path) -> Certificates:
        """Make all of them in this folder, as of a day ago: so that they are valid for clocks that are slow, too."""
        made = datetime.now(UTC) - timedelta(days=1)
        cert, key = issue(load_or_create(folder, "bench", made), [HOST, "localhost"], made)
        (folder / "all.crt").write_bytes(cert)
        replace(folder / "all.key", key)
        return cls(*(str(folder / name) for name in ("ca.crt", "all.crt", "all.key")))

    @property
    def trust(self) -> Trust:
        """Who trusts the authority, and nobody else."""
        return Trust(ca=self.ca)

    @property
    def shown(self) -> dict[str, dict[str, str]]:
        """The settings of who serves."""
        return {"tls": {"cert": self.cert, "key": self.key}}

    @property
    def trusted(self) -> dict[str, dict[str, str]]:
        """The settings of who connects."""
        return {"tls": {"ca": self.ca}}


def wanted() -> bool:
    """Whether everything is to be served over TLS, so that whole suites can be run so: $OSAPI_TESTS_TLS."""
    return bool(os.environ.get("OSAPI_TESTS_TLS"))


def when_wanted(folder: Path) -> Certificates | None:
    """Certificates in this folder; None: there is no TLS."""
    return Certificates.make(folder) if wanted() else None
