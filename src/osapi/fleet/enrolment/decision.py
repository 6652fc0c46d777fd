"""What becomes of a request to be enrolled: a pure function of what is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from osapi.fleet.enrolment.records import Barred, KeyEntry, Pending, Standing, TokenEntry, print_of
from osapi.fleet.enrolment.wire import Request, Status


@dataclass(frozen=True, kw_only=True)
class Known:
    """What there is about the token, the key and the machine; None for what there is not."""

    token: TokenEntry | None
    barred: Barred | None
    key: KeyEntry | None
    pending: Pending | None
    owner: KeyEntry | None = None
    """The machine that is known by this key already, whichever it is."""
    is_full: bool
    """Whether as many wait for a decision as may."""


@dataclass(frozen=True)
class Verdict:
    """The answer; `is_new` says that it must be stored, and that a use of the token is spent."""

    status: Status
    reason: str = ""
    is_new: bool = False


def decide(request: Request, known: Known, now: datetime, *, auto_accept: bool) -> Verdict:
    """What to answer, and whether that changes anything."""
    own, token = print_of(request.signing_key), known.token
    if known.barred is not None:
        return Verdict(Status.REJECTED, f"the key {own} was refused by {known.barred.by}: {known.barred.reason}")
    holder = known.key if known.key is not None and known.key.standing is not Standing.GONE else None
    if holder is not None and holder.signing_key == request.signing_key and holder.standing is Standing.ACCEPTED:
        return Verdict(Status.ACCEPTED)
    if known.owner is not None and known.owner.machine_id != request.machine_id:
        return Verdict(
            Status.REJECTED,
            f"this is the key of machine {known.owner.machine_id} ({known.owner.hostname}); a copied host needs keys of its"
            " own: remove the agent's state folder",
        )
    if token is None:
        return Verdict(Status.REJECTED, "the join token is not known here any more")
    if known.pending is not None:
        return _waiting(known.pending, own)
    if token.uses < 1:
        return Verdict(Status.REJECTED, "the join token is used up")
    if token.expires is not None and token.expires <= now:
        return Verdict(Status.REJECTED, "the join token has expired")
    if holder is None and (token.approves or auto_accept):
        return Verdict(Status.ACCEPTED, is_new=True)
    if known.is_full:
        return Verdict(Status.PENDING, "too many hosts wait for a decision; this one is not among them yet")
    another = f"{request.machine_id} is known by another key, {print_of(holder.signing_key)}" if holder else ""
    return Verdict(Status.PENDING, another or "an operator decides", is_new=True)


def _waiting(pending: Pending, own: str) -> Verdict:
    if pending.fingerprint == own:
        return Verdict(Status.PENDING, pending.reason)
    return Verdict(Status.PENDING, f"another key, {pending.fingerprint}, waits for a decision about this machine")
