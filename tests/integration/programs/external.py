"""nats-servers that OSAPI does not run: their accounts include what `osapi nats server authorization` writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.certificates import Certificates
from tests.conftest import NatsServer

from .conftest import free_port

_ACCOUNTS = """
accounts {{
    SYS {{ users: [{{ user: "watcher", password: "w" }}] }}
    include "../{users}"
}}
system_account: SYS
"""


class External(NatsServer):
    """One server, with an account of its operator's beside. `users` is the file beside its folder that its configuration includes, and need not be its own."""

    def __init__(self, folder: Path, users: Path, more: str, tls: Certificates | None) -> None:
        folder.mkdir()
        self.folder = folder
        self.users = users
        self.pid_file = folder / "nats.pid"
        super().__init__(folder, f'pid_file: "{self.pid_file}"\n{more}{_ACCOUNTS.format(users=users.name)}', tls)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


@contextmanager
def servers(
    folder: Path, first: str, count: int, *, shared: bool = False, more: str = "", tls: Certificates | None = None
) -> Iterator[list[External]]:
    """Servers that begin with the users in `first`, each with a file of its own unless it is `shared`; several are a cluster.

    `more` is further configuration of each.
    """
    ports = [free_port() for _ in range(count)]
    routes = [f"nats://127.0.0.1:{port}" for port in ports]
    made = list[External]()
    with ExitStack() as cleanup:
        for number, port in enumerate(ports):
            users = folder / f"users-{0 if shared else number}.conf"
            users.write_text(first)
            cluster = {"name": "c", "listen": f"127.0.0.1:{port}", "routes": routes}
            said = f"server_name: n{number}\ncluster: {json.dumps(cluster)}\n" if count > 1 else ""
            made.append(External(folder / f"nats-{number}", users, said + more, tls))
            cleanup.callback(made[-1].stop)
        yield made
