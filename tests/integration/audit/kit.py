"""Audit services on a real broker, as several controllers would run them, and somebody who tampers with the stream."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from osapi.audit import record
from osapi.audit.anchor import Anchor
from osapi.audit.api import AuditEntry
from osapi.audit.chain import Checker, Tally
from osapi.audit.criteria import Criteria
from osapi.audit.question import OpenTrail, Question
from osapi.audit.service import AuditService
from osapi.audit.story import told
from osapi.audit.stream import AuditStream
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer, Verifier
from osapi.transport.broker import Broker
from osapi.transport.layout import Layout, Stream
from osapi.transport.provision import provision

KEPT = timedelta(days=30)


@dataclass
class Audit:
    """One audit service after another on one broker."""

    broker: Broker
    folder: Path
    key: PrivateKey = field(default_factory=PrivateKey.generate)
    started: list[AuditService] = field(default_factory=list[AuditService])

    async def provision(self, **more: Any) -> None:
        """Make the stream, or change it."""
        known: dict[str, Any] = {"max_age": KEPT, "only_age_removes": True}
        stream = Stream(name="AUDIT", subjects=("audit.>",), **{**known, **more})
        await provision(self.broker, Layout(audit=stream))

    async def start(self, broker: Broker | None = None, *, name: str = "one", **more: Any) -> AuditService:
        """Start the audit of the controller `name`, whose anchor is in a file of its own."""
        known: dict[str, Any] = {"keeps": KEPT, "clock": time.time}
        anchor = Anchor(self.folder / name / "anchor.json")
        service = AuditService(self.stream(broker), Signer(self.key), self.verifier, anchor, **{**known, **more})
        await service.start()
        self.started.append(service)
        return service

    def stream(self, broker: Broker | None = None) -> AuditStream:
        return AuditStream(broker or self.broker, name="AUDIT", subject="audit")

    @property
    def verifier(self) -> Verifier:
        return Verifier.of(self.key.public_key)

    async def messages(self) -> dict[int, bytes]:
        """Everything that is in the stream."""
        first, last = await self.stream().span()
        return {sequence: message async for sequence, message in self.stream().through(first, last)}

    async def verify(self, service: AuditService | None = None) -> Tally:
        """Follow the chain; `service` tells where it should end."""
        checker = Checker(self.verifier, keeps=KEPT, now=datetime.now(UTC))
        for sequence, message in (await self.messages()).items():
            checker.take(sequence, message)
        if service is None:
            return checker.end()
        return checker.end(record.unseal_head(self.verifier, service.head()[1]).place)

    async def ask_broker(self, what: str, question: Mapping[str, Any] | None = None) -> Any:
        """Ask JetStream about the stream, as somebody who may do anything there."""
        reply = await self.broker.link.request(
            f"$JS.API.STREAM.{what}.AUDIT", msgspec.json.encode(question or {}), timeout_s=5
        )
        return msgspec.json.decode(reply.data)

    async def tamper(self, messages: Mapping[int, bytes], *, without: set[int] = frozenset()) -> None:  # type: ignore[assignment] # empty
        """Put these messages in place of those in the stream; `without` are deleted again."""
        await self.ask_broker("DELETE")
        first = min(messages)
        made = await self.ask_broker(
            "CREATE",
            {"name": "AUDIT", "subjects": ["audit.>"], "first_seq": first, "discard": "new", "allow_direct": True},
        )
        assert "error" not in made, made
        for sequence, message in sorted(messages.items()):
            assert await self.broker.append("audit.chain", message) == sequence
        for sequence in without:
            assert (await self.ask_broker("MSG.DELETE", {"seq": sequence}))["success"]


def ask(service: AuditService, *, changes: bool = False, user: str = "anna", **more: str) -> OpenTrail:
    """A request that has just come in; without a user its token is no good."""
    known = {"query": "", "source_ip": "192.0.2.1", "request_id": "r", "trace_id": ""}
    known |= {"method": "PUT", "path": "/api/thing/1", "operation_id": "PutThing"}
    trail = service.begin(Question(changes=changes, **{**known, **more}))
    if user:
        trail.identified(Bearer(user))
    return trail


async def change(service: AuditService, status: int = 200, **more: str) -> None:
    """A whole change."""
    trail = ask(service, changes=True, **more)
    await trail.about_to_change(Wish(colour="red"))
    trail.close(status)


async def entries(service: AuditService, **criteria: Any) -> list[AuditEntry]:
    """The newest entries, as the API tells them."""
    await service.fresh()
    _, rows = await service.index.page(Criteria(**criteria), limit=100)
    return [told(one) for one in await service.tell(rows)]


class Wish(msgspec.Struct):
    colour: str


@dataclass(frozen=True)
class Bearer:
    subject: str
    roles: tuple[str, ...] = ("admin",)
    token_id: str = "t"
