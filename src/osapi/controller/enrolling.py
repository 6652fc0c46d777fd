"""The enrolment of agents as a part of the controller."""

from __future__ import annotations

import socket

from osapi.config import connection, private
from osapi.config.fields import KEYLESS
from osapi.config.paths import Paths
from osapi.config.settings import Settings
from osapi.contract.errors import Invalid
from osapi.fleet.enrolment.book import Book
from osapi.fleet.enrolment.service import Enrolment, Terms
from osapi.fleet.service import Keys
from osapi.pki import join_token
from osapi.telemetry.log import get_logger
from osapi.transport.broker import Broker

_LOCAL = "the first start"
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - compared, not bound
_log = get_logger(__name__)


def accepts(settings: Settings) -> bool:
    """Whether only accepted keys of agents count: not where the broker cannot tell its users apart."""
    open_door = settings.controller.nats.auth.type in KEYLESS
    if open_door:
        _log.warning(
            "enrolment.open",
            error="controller.nats.auth.type knows no keys: an agent is known by the first key that it was seen with,"
            " and who is on the broker may do everything",
        )
    return not open_door


async def begin(settings: Settings, paths: Paths, broker: Broker, keys: Keys) -> Enrolment:
    """Enrol from now on; the agent of the same installation finds a token for itself."""
    bucket = broker.bucket(settings.nats.enrollment.bucket)
    enrolment = Enrolment(broker, bucket, Book(bucket, keys.verifier), keys, _terms(settings))
    await enrolment.start()
    await _offer(enrolment, settings, paths)
    return enrolment


def _terms(settings: Settings) -> Terms:
    pki = settings.controller.pki
    return Terms(
        servers=_servers(settings),
        namespace=settings.controller.nats.namespace,
        auto_accept=pki.auto_accept,
        most_pending=pki.max_pending,
    )


def _servers(settings: Settings) -> tuple[str, ...]:
    """Where other hosts reach the broker: where the embedded one listens, else where the controller itself goes."""
    nats, server = settings.controller.nats, settings.nats.server
    if nats.host not in ("localhost", "127.0.0.1", "::1") or server.host in ("127.0.0.1", "::1", "localhost"):
        return connection.servers(nats)
    name, is_secured = socket.getfqdn() if server.host in _EVERYWHERE else server.host, bool(server.tls.cert)
    return (connection.server(name, server.port or 4222, tls=is_secured),)


async def _offer(enrolment: Enrolment, settings: Settings, paths: Paths) -> None:
    """A token for one host in a file of our own, unless it is there and still known."""
    if paths.local_join.exists() and _is_known(enrolment, paths):
        return
    servers = connection.servers(settings.controller.nats)
    _, text = await enrolment.make_token(_LOCAL, uses=1, life=None, approves=True, servers=servers)
    private.replace(paths.local_join, text.encode() + b"\n")


def _is_known(enrolment: Enrolment, paths: Paths) -> bool:
    try:
        token = join_token.decode(private.read(paths.local_join).decode(errors="replace"))
    except Invalid:
        return False
    return enrolment.book.token(token.id) is not None
