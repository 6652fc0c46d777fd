"""How a program reaches the broker, worked out from its settings. Connecting is left to `osapi.transport`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from osapi.config import agent, controller, tls
from osapi.config.fields import KEYLESS
from osapi.contract.errors import Invalid
from osapi.tls.trust import Trust


@dataclass(frozen=True)
class Connection:
    """Where the broker is and who we are there. At most one of user name and nkey file is set."""

    servers: tuple[str, ...]
    """Addresses such as `nats://127.0.0.1:4222`."""
    namespace: str
    client_name: str
    username: str = ""
    password: str = field(default="", repr=False)
    nkey_file: Path | None = None
    tls: Trust | None = None
    """Whom to trust; None: no TLS."""


def of(section: controller.Nats | agent.Nats, generated_seed: Path) -> Connection:
    """The connection of the controller or an agent. `generated_seed` is the seed that the first start made.

    Raises `Invalid` when the seed that the settings ask for is missing.
    """
    auth = section.auth
    password = auth.type == "user_pass"
    trust = trusted(section)
    return Connection(
        servers=servers(section),
        namespace=section.namespace,
        client_name=section.client_name,
        username=auth.username if password else "",
        password=auth.password if password else "",
        tls=trust,
        nkey_file=_seed(auth.type, auth.nkey_file, generated_seed),
    )


def trusted(section: controller.Nats | agent.Nats) -> Trust | None:
    """Whose certificate the broker may have; None without TLS. Raises `Invalid` for what cannot be used."""
    program = "agent" if isinstance(section, agent.Nats) else "controller"
    return tls.trust(f"{program}.nats.tls", section.tls, section.host)


def servers(section: controller.Nats | agent.Nats) -> tuple[str, ...]:
    """The addresses of the broker. Raises what `trusted` raises."""
    is_secured = trusted(section) is not None
    return tuple(server(host, section.port, tls=is_secured) for host in section.host.split(","))


def server(host: str, port: int, *, tls: bool = False) -> str:
    """`a`, `tls://a`, `a:4223`, `::1` or `[::1]:4223` as an address; `port` counts where none is named."""
    host = host.strip().removeprefix("tls://")
    scheme = "tls" if tls else "nats"
    if host.startswith("["):
        name, _, rest = host.partition("]")
        return f"{scheme}://{name}]:{rest.lstrip(':') or port}"
    if host.count(":") > 1:
        return f"{scheme}://[{host}]:{port}"
    name, _, own_port = host.partition(":")
    return f"{scheme}://{name}:{own_port or port}"


def _seed(auth_type: str, chosen: str, generated: Path) -> Path | None:
    if auth_type in KEYLESS:
        return None
    path = Path(chosen).absolute() if chosen else generated
    if path.exists():
        return path
    if auth_type == "nkey" or chosen:
        raise Invalid(f"nkey seed {path} does not exist; copy it from the broker's machine or make it with nk(1)")
    return None
