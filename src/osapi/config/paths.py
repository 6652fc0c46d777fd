"""Where OSAPI keeps its files. The only place that spells their names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from osapi.config.settings import Settings


@dataclass(frozen=True)
class Paths:
    """The files and folders of one installation. None of them need exist."""

    data_dir: Path
    lock: Path
    """Locked by `osapi start` while it runs (flock(2))."""
    tokens: Path
    """The key ring that signs tokens; for the controller only."""
    pki: Path
    """The controller's key pair, `controller.key` and `controller.pub`; the key is for the controller only."""
    agent_pki: Path
    """The `controller.pub` that the agent trusts."""
    tls: Path
    """The authority and the certificates of `osapi tls init`."""
    nkeys: Path
    """Broker identities, `<name>.seed` (secret) and `<name>.nkey` (public)."""
    nats_store: Path
    """JetStream's files; for the broker only."""
    nats_runtime: Path
    """The broker's generated configuration and its lock."""
    agent_state: Path
    """The agent's ledger and its own keys."""
    local_join: Path
    """A join token for the agent of the same installation, made by the controller."""
    audit_anchor: Path
    """Where the audit ended when the controller last looked; for the controller only."""

    @property
    def controller_public_key(self) -> Path:
        """The key that an agent trusts."""
        return self.agent_pki / "controller.pub"

    @property
    def nats_guests(self) -> Path:
        """Whom the embedded broker let in last."""
        return self.nats_runtime / "users.json"

    @property
    def agent_seed(self) -> Path:
        """The agent's signing key as its identity at the broker."""
        return self.agent_state / "agent.seed"

    def seed(self, name: str) -> Path:
        """The nkey seed of the program `name` (`controller`, `broker`)."""
        return self.nkeys / f"{name}.seed"


def paths(settings: Settings, environ: Mapping[str, str] | None = None) -> Paths:
    """The paths that follow from the settings, all absolute. `environ` is that of the process unless given."""
    data = Path(settings.data_dir or default_data_dir(os.environ if environ is None else environ)).absolute()
    return Paths(
        data_dir=data,
        lock=data / "osapi.lock",
        tokens=data / "keys" / "tokens.json",
        pki=_chosen(settings.controller.pki.key_dir, data / "pki"),
        agent_pki=_chosen(settings.agent.pki.key_dir, data / "pki"),
        tls=data / "tls",
        nkeys=data / "nkeys",
        nats_store=_chosen(settings.nats.server.store_dir, data / "nats"),
        nats_runtime=data / "broker",
        agent_state=_chosen(settings.agent.state_dir, data / "agent"),
        local_join=data / "join.token",
        audit_anchor=data / "audit" / "anchor.json",
    )


def default_data_dir(environ: Mapping[str, str]) -> str:
    """/var/lib/osapi for root; else `osapi` in $XDG_STATE_HOME, which is ~/.local/state unless set (XDG base directories)."""
    if os.geteuid() == 0:
        return "/var/lib/osapi"
    state = environ.get("XDG_STATE_HOME") or os.path.join(environ.get("HOME") or Path.home(), ".local", "state")  # noqa: PTH118
    return str(Path(state) / "osapi")


def _chosen(setting: str, default: Path) -> Path:
    return Path(setting).absolute() if setting else default
