"""Where the broker is and how the bench proves who it is there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Login:
    """`seed_file` holds an nkey seed; without it nothing is shown."""

    host: str
    port: int
    seed_file: Path | None = None

    @property
    def options(self) -> dict[str, Any]:
        """For `nats.connect`."""
        found: dict[str, Any] = {"servers": [f"nats://{self.host}:{self.port}"]}
        if self.seed_file is not None:
            found["nkeys_seed"] = str(self.seed_file)
        return found

    def as_json(self) -> dict[str, Any]:
        """For a player's argument."""
        return {"host": self.host, "port": self.port, "seed_file": str(self.seed_file) if self.seed_file else None}


def login_from(told: dict[str, Any]) -> Login:
    """The reverse of `Login.as_json`."""
    seed = told["seed_file"]
    return Login(told["host"], told["port"], Path(seed) if seed else None)
