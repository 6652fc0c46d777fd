"""Three nats-servers that keep everything three times, and the product's other programs on them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from bench import certificates
from bench.certificates import Certificates
from bench.stack import Stack, free_port
from tests.conftest import NatsServer

SERVERS = 3
_USER = {"username": "osapi", "password": "of-the-cluster"}


def start_servers(folder: Path, tls: Certificates | None) -> list[NatsServer]:
    """All of them; each listens when this returns, and they find one another a moment later."""
    ports = [free_port() for _ in range(SERVERS)]
    routes = [f"nats://127.0.0.1:{port}" for port in ports]
    users = {"users": [{"user": _USER["username"], "password": _USER["password"]}]}
    servers = list[NatsServer]()
    for number, port in enumerate(ports):
        own = folder / f"server-{number}"
        own.mkdir(parents=True)
        cluster = {"name": "c", "listen": f"127.0.0.1:{port}", "routes": routes}
        said = {"server_name": f"n{number}", "cluster": cluster, "authorization": users}
        lines = "\n".join(f"{name}: {json.dumps(value)}" for name, value in said.items())
        servers.append(NatsServer(own, lines, tls))
    return servers


def settings(servers: list[NatsServer]) -> dict[str, Any]:
    """What points the programs to the cluster."""
    hosts = ",".join(server.url.rpartition("://")[2] for server in servers)
    nats = {"host": hosts, "auth": {"type": "user_pass", **_USER}}
    return {"controller": {"nats": nats}, "agent": {"nats": nats}, "nats": {"replicas": SERVERS}}


@asynccontextmanager
async def on_cluster(folder: Path, *, agents: int) -> AsyncIterator[tuple[Stack, list[NatsServer]]]:
    """A controller and so many agents on a cluster, ready."""
    tls = certificates.when_wanted(folder / "tls")
    servers = start_servers(folder, tls)
    stack = Stack(folder / "stack", changes=settings(servers), tls=tls)
    stack.servers = [server.url for server in servers]
    async with AsyncExitStack() as cleanup:
        for server in servers:
            cleanup.callback(server.stop)
        cleanup.push_async_callback(stack.stop_all)
        await stack.start_controller()
        await stack.start_agents(agents)
        yield stack, servers
