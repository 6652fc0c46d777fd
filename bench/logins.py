"""Where the broker is and how the bench proves who it is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osapi.tls.trust import Trust
from osapi.transport.address import Address, Credentials


@dataclass(frozen=True)
class Login:
    """`seed_file` holds an nkey seed; without it nothing is shown."""

    host: str
    port: int
    seed_file: Path | None = None
    ca_file: str = ""
    """PEM file of the authority of a broker with TLS; empty: no TLS."""

    @property
    def url(self) -> str:
        return f"{'tls' if self.ca_file else 'nats'}://{self.host}:{self.port}"

    @property
    def address(self) -> Address:
        """For the product's own client."""
        return Address((self.url,), auth=Credentials(nkey_file=self.seed_file), tls=self.trust)

    @property
    def trust(self) -> Trust | None:
        return Trust(ca=self.ca_file) if self.ca_file else None

    @property
    def options(self) -> dict[str, Any]:
        """For `nats.connect`."""
        found: dict[str, Any] = {"servers": [self.url]}
        if self.seed_file is not None:
            found["nkeys_seed"] = str(self.seed_file)
        return found

    def as_json(self) -> dict[str, Any]:
        """For a player's argument."""
        seed = str(self.seed_file) if self.seed_file else None
        return {"host": self.host, "port": self.port, "seed_file": seed, "ca_file": self.ca_file}


def login_from(told: dict[str, Any]) -> Login:
    """The reverse of `Login.as_json`."""
    seed = told["seed_file"]
    return Login(told["host"], told["port"], Path(seed) if seed else None, told["ca_file"])
