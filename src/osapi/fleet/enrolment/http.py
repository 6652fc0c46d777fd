"""The enrolment routes. Who is limited to some hosts may not decide about new ones: their labels are not known yet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from osapi.contract.endpoint import Call, Caller, Reply, Routes
from osapi.contract.errors import Forbidden, Invalid
from osapi.contract.ids import MachineId
from osapi.fleet.api import Message
from osapi.fleet.enrolment import api
from osapi.fleet.enrolment.records import Pending, TokenEntry
from osapi.fleet.enrolment.service import Enrolment
from osapi.fleet.registry import Registry


class EnrolmentRoutes:
    """Serves enrolment."""

    def __init__(self, enrolment: Enrolment, registry: Registry) -> None:
        self._enrolment = enrolment
        self._registry = registry

    async def pending(self, call: Call) -> Reply:
        _refuse_limited(call.caller)
        found = [_pending(each) for each in self._enrolment.book.pending]
        return Reply(body=api.PendingAgents(agents=found, total=len(found)))

    async def accept(self, call: Call) -> Reply:
        _refuse_limited(call.caller)
        request: api.AcceptRequest = call.request
        pending = self._enrolment.waiting(request.hostname, request.fingerprint)
        await self._enrolment.accept(pending, call.caller.subject)
        return _said(f"{pending.hostname} ({pending.machine_id}) is accepted with the key {pending.fingerprint}")

    async def reject(self, call: Call) -> Reply:
        _refuse_limited(call.caller)
        pending = self._enrolment.waiting(call.request.hostname)
        await self._enrolment.reject(pending, call.caller.subject)
        return _said(f"{pending.hostname} ({pending.machine_id}) is rejected; its key {pending.fingerprint} is barred")

    async def revoke(self, call: Call) -> Reply:
        machine = self._machine(call.request.hostname, call.caller)
        found = await self._enrolment.revoke(machine, call.caller.subject)
        return _said(f"{call.request.hostname} ({machine}) is cut off; its key {found} is barred")

    async def barred(self, call: Call) -> Reply:
        _refuse_limited(call.caller)
        found = [
            api.BarredKey(
                fingerprint=each.fingerprint, machine_id=each.machine_id, since=each.since, by=each.by, reason=each.reason
            )
            for each in self._enrolment.book.bars
        ]  # fmt: skip
        return Reply(body=api.BarredKeys(keys=found, total=len(found)))

    async def allow(self, call: Call) -> Reply:
        _refuse_limited(call.caller)
        found = await self._enrolment.allow(call.request.fingerprint, call.caller.subject)
        return _said(f"the key {found.fingerprint} of {found.machine_id} may join again, with a new join token")

    async def make_token(self, call: Call) -> Reply:
        _refuse_limited(call.caller)
        request: api.JoinTokenRequest = call.request
        entry, text = await self._enrolment.make_token(
            call.caller.subject, uses=request.uses, life=timedelta(seconds=request.expires_s),
            approves=not request.review, servers=tuple(request.servers),
        )  # fmt: skip
        return Reply(body=api.JoinTokenMade(token=text, **_fields(entry)))

    async def tokens(self, call: Call) -> Reply:
        _refuse_limited(call.caller)
        found = [api.JoinTokenInfo(**_fields(each)) for each in self._enrolment.book.tokens]
        return Reply(body=api.JoinTokens(tokens=found, total=len(found)))

    async def drop_token(self, call: Call) -> Reply:
        _refuse_limited(call.caller)
        entry = await self._enrolment.drop_token(call.request.id)
        return _said(f"join token {entry.id} is revoked")

    def _machine(self, name: str, caller: Caller) -> MachineId:
        """The machine of that id or host name, also when it has not been heard of. Raises `NotFound` and `Forbidden`."""
        try:
            record = self._registry.get(name).record
        except Invalid:
            _refuse_limited(caller)
            found = [each.machine_id for each in self._enrolment.book.keys if name in (each.hostname, each.machine_id)]
            return found[0] if len(found) == 1 else MachineId(name)
        if not caller.reaches(record.labels):
            raise Forbidden(f"your roles do not reach host {name}")
        return record.machine_id


def routes(enrolment: Enrolment, registry: Registry) -> Routes:
    """Every enrolment route with its handler."""
    serve = EnrolmentRoutes(enrolment, registry)
    return [
        (api.PENDING, serve.pending),
        (api.ACCEPT, serve.accept),
        (api.REJECT, serve.reject),
        (api.REVOKE, serve.revoke),
        (api.BARRED, serve.barred),
        (api.ALLOW, serve.allow),
        (api.MAKE_TOKEN, serve.make_token),
        (api.TOKENS, serve.tokens),
        (api.DROP_TOKEN, serve.drop_token),
    ]


def _refuse_limited(caller: Caller) -> None:
    if not caller.reaches({}):
        raise Forbidden("your roles are limited to some hosts; enrolment is for those who reach every host")


def _pending(each: Pending) -> api.PendingAgent:
    return api.PendingAgent(
        machine_id=each.machine_id, hostname=each.hostname, fingerprint=each.fingerprint,
        requested_at=each.requested_at, token_id=each.token_id, reason=each.reason,
    )  # fmt: skip


def _fields(each: TokenEntry) -> dict[str, Any]:
    return {
        "id": each.id, "uses": each.uses, "expires_at": each.expires, "review": not each.approves,
        "created_at": each.created, "created_by": each.created_by,
    }  # fmt: skip


def _said(text: str) -> Reply:
    return Reply(body=Message(message=text))
