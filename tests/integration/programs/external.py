"""nats-servers that are started by the test, with a configuration that includes what `osapi nats server authorization` writes."""

from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .conftest import ENOUGH_S, free_port, until


@dataclass
class External:
    """One server in a folder of its own. Its configuration is written by hand, but for the users."""

    folder: Path
    port: int
    routes: Sequence[int] = ()
    """Cluster ports of all servers, its own first; none for a server alone."""
    process: subprocess.Popen[bytes] | None = None
    log: IO[bytes] | None = None

    @property
    def users(self) -> Path:
        return self.folder / "osapi-users.conf"

    @property
    def pid_file(self) -> Path:
        return self.folder / "nats.pid"

    def start(self) -> None:
        cluster = ""
        if self.routes:
            others = ", ".join(f'"nats://127.0.0.1:{port}"' for port in self.routes[1:])
            cluster = f'cluster {{ name: "fleet", listen: "127.0.0.1:{self.routes[0]}", routes: [{others}] }}\n'
        (self.folder / "nats.conf").write_text(
            f'server_name: "n{self.port}"\n'
            f'listen: "127.0.0.1:{self.port}"\n'
            f'pid_file: "{self.pid_file}"\n'
            f'jetstream {{ store_dir: "{self.folder}/store" }}\n'
            f'{cluster}include "osapi-users.conf"\n'
        )
        self.log = (self.folder / "nats.log").open("ab")
        program = Path(sysconfig.get_path("scripts")) / "nats-server"
        line = ["setpriv", "--pdeathsig", "KILL", str(program), "-c", str(self.folder / "nats.conf")]
        self.process = subprocess.Popen(line, stdout=self.log, stderr=self.log)

    @property
    def text(self) -> str:
        """What it has logged."""
        return (self.folder / "nats.log").read_text()

    def wait_ready(self) -> None:
        until(lambda: "Server is ready" in self.text, "the server is ready")

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=ENOUGH_S)
            self.process = None
        if self.log is not None:
            self.log.close()


@contextmanager
def servers(folder: Path, ports: Sequence[int]) -> Iterator[list[External]]:
    """Servers on these ports, not started yet; several are one cluster."""
    routes = [free_port() for _ in ports] if len(ports) > 1 else []
    made = [External(folder / f"nats{port}", port, [*routes[at:], *routes[:at]]) for at, port in enumerate(ports)]
    for each in made:
        each.folder.mkdir()
    try:
        yield made
    finally:
        for each in made:
            each.stop()
