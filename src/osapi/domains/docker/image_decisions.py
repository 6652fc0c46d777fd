"""What to do about an image, given what the engine and its registry have. Pure: `Engine.ask` only makes data."""

from __future__ import annotations

from collections.abc import Iterable

from osapi.contract.errors import Conflict
from osapi.domains.docker.answers import Image, Listed, full_id
from osapi.domains.docker.engine import Engine
from osapi.domains.docker.image_models import ImageRemove
from osapi.domains.docker.references import Reference
from osapi.host.plan import Plan
from osapi.host.service import Heard

PULL_S = 1790.0
"""Seconds an image may take to come; a little less than the operation has."""
REMOVE_S = 120.0


def pull(engine: Engine, reference: Reference, found: Image | None, digest: str, heard: Heard) -> Plan:
    """Fetch an image, unless it is here already by the digest that its registry has for the name.

    `digest` is empty when nobody knows it; then only fetching shows whether the image is another one.
    """
    if found is not None and digest and digest in digests(found):
        return Plan()
    query: dict[str, object] = {"fromImage": reference.name, "tag": reference.version}
    ask = engine.ask("POST", "/images/create", query=query, deadline_s=PULL_S, heard=heard)
    before = "not here" if found is None else next(iter(digests(found)), found.full_id)
    return Plan((ask,), f"image {reference}: {before} -> {digest or 'whatever the registry has'}")


def digests(found: Image) -> list[str]:
    """By what registries know an image."""
    return [text.partition("@")[2] for text in found.repo_digests or () if "@" in text]


def remove(engine: Engine, request: ImageRemove, found: Image, containers: Iterable[Listed]) -> Plan:
    """Take a name from an image, and the image away with its last one.

    Raises `Conflict` when containers need the image, or when an id is given for one with several names, unless
    `force` is set. Podman would then remove the containers too, so it is not asked to.
    """
    names, by_id = found.repo_tags or [], is_id(request.image, found)
    if by_id and len(names) > 1 and not request.force:
        raise Conflict(f"image {request.image} has the names {', '.join(names)}; remove one of these, or set force")
    users = [one.plain_name for one in containers if full_id(one.image_id) == found.full_id]
    may_force = request.force and not engine.is_podman
    if users and (by_id or len(names) <= 1) and not may_force:
        remedy = "remove the containers first" + ("" if engine.is_podman else ", or set force")
        raise Conflict(f"image {request.image} is used by {', '.join(users)}; {remedy}", details={"containers": users})
    ask = engine.ask("DELETE", f"/images/{request.image}", query={"force": request.force or None}, deadline_s=REMOVE_S)
    return Plan((ask,), f"-image {request.image} ({found.full_id})")


def is_id(text: str, found: Image) -> bool:
    """Whether the image was named by its id or the beginning of it."""
    return found.full_id.startswith((text, f"sha256:{text}")) and len(text) > len("sha256:")
