"""Images: what is there, what is fetched, what is removed."""

from __future__ import annotations

from osapi.domains.docker import image_decisions, references, refusals, shown
from osapi.domains.docker.answers import Distribution, Image, Listed, ListedImage, Removed, full_id
from osapi.domains.docker.engine import Engine, connect, read
from osapi.domains.docker.image_models import (
    ImageChange,
    ImageFilter,
    ImageList,
    ImagePull,
    ImagePulled,
    ImageRemove,
)
from osapi.domains.docker.pulling import Progress
from osapi.domains.docker.references import Reference
from osapi.domains.docker.using import EngineUser

REGISTRY_S = 60.0
"""Seconds a registry may take to say what it has."""


class Images(EngineUser):
    """Shows, fetches and removes images."""

    async def images(self, request: ImageFilter, /) -> ImageList:
        """The images of this host."""
        engine = await connect(self._host)
        return shown.images(request, await engine.get("list the images", list[ListedImage], "/images/json"))

    async def pull(self, request: ImagePull, /) -> ImagePulled:
        """Fetch an image, unless the registry has the one that is here."""
        engine, reference = await connect(self._host), references.parse_for_registry(request.image)
        what, progress = f"pull image {reference}", Progress(self._tell)
        before = await engine.find_image(str(reference))
        digest = await self._registered(engine, reference, what)
        plan = image_decisions.pull(engine, reference, before, digest, progress.add)
        applied = await self._apply(plan, what)
        progress.end()
        if progress.failure:
            raise refusals.refusal(0, progress.failure, what)
        if not applied.answers:
            return _pulled(reference, before, digest, changed=applied.changed, diff=applied.diff)
        after = await engine.get(what, Image, f"/images/{reference}/json")
        changed = before is None or _identity(before) != _identity(after)
        return _pulled(reference, after, digest, changed=changed, diff=applied.diff if changed else "")

    async def remove_image(self, request: ImageRemove, /) -> ImageChange:
        """Take away a name of an image, and the image with its last one; nothing when there is none."""
        engine = await connect(self._host)
        found = await engine.find_image(request.image)
        if found is None:
            return ImageChange(changed=False, id=request.image, message=f"there is no image {request.image}")
        users = await engine.get("list the containers", list[Listed], "/containers/json", all=True)
        what = f"remove image {request.image}"
        applied = await self._apply(image_decisions.remove(engine, request, found, users), what)
        words = f"image {request.image} would be removed"
        if applied.answers:
            gone = {full_id(one.deleted) for one in read(applied.answers[0], what, list[Removed])}
            is_gone = found.full_id in gone
            words = f"image {request.image} was removed" if is_gone else f"{request.image} is no name of an image now"
        return ImageChange(changed=applied.changed, diff=applied.diff, id=found.full_id, message=words)

    async def _registered(self, engine: Engine, reference: Reference, what: str) -> str:
        """The digest that the name stands for in its registry; empty when this engine cannot ask for it."""
        if reference.digest:
            return reference.digest
        if engine.is_podman:
            return ""
        ask = engine.ask("GET", f"/distribution/{reference}/json", deadline_s=REGISTRY_S)
        return read(await self._host.ask(ask), what, Distribution).descriptor.digest

    def _tell(self, step: str) -> None:
        live = self._host.task.live
        if live is not None:
            live.text("progress", f"{step}\n".encode())


def _identity(image: Image) -> tuple[str, list[str]]:
    return image.full_id, sorted(image_decisions.digests(image))


def _pulled(reference: Reference, image: Image | None, digest: str, *, changed: bool, diff: str) -> ImagePulled:
    known = [] if image is None else image_decisions.digests(image)
    return ImagePulled(
        changed=changed,
        diff=diff,
        image_id="" if image is None else image.full_id,
        tag=reference.version,
        digest=digest if digest or not known else known[0],
        size=0 if image is None else image.size,
    )
