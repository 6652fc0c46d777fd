"""Reads what deciding about a file needs: the file itself, the note about it, the content it should have.

deployer = Deployer(host)
wanted = Wanted(path=..., content=await deployer.from_object("app.conf"), mode=0o640, owner="app")
applied = await host.apply(decisions.deploy(wanted, await deployer.look(wanted)))
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from osapi.contract.errors import Invalid, TooLarge
from osapi.contract.files import ContentType
from osapi.deploy import facts
from osapi.deploy.differences import SHOWN_BYTES
from osapi.deploy.protection import refuse_protected
from osapi.deploy.wanted import Content, Seen, Wanted
from osapi.host.door import Host
from osapi.host.failures import unsafe
from osapi.host.files import FileKind, FileStat
from osapi.host.managed import Source
from osapi.host.objects import StoredObject
from osapi.templates.rendering import LONGEST_BYTES, too_long


class Deployer:
    """Looks for one job on one host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def from_object(
        self, name: str, content_type: ContentType | None = None, variables: Mapping[str, Any] | None = None
    ) -> Content:
        """What a file made of an object is to hold. `content_type` None means as it was uploaded.

        Raises `NotFound` (code `object_not_found`), `TemplateFault`, `Unavailable`.
        """
        found = await self._host.objects.find(name)
        kind = content_type or found.content_type
        given = variables or {}
        if kind is ContentType.TEMPLATE:
            return await self._rendered(found, given)
        source = Source(object_name=name, sha256=found.sha256, content_type=kind, vars=given)
        return Content(data=found, sha256=found.sha256, source=source)

    async def whole(self, content: Content) -> bytes:
        """The bytes of a content, for a domain that reads them before it keeps them.

        Raises `TooLarge` for an object that is longer than a template may be.
        """
        if isinstance(content.data, bytes):
            return content.data
        if content.data.size > LONGEST_BYTES:
            size = content.data.size
            raise TooLarge(f"object {content.data.name} has {size} bytes; at most {LONGEST_BYTES} are allowed here")
        return await self._whole(content.data)

    async def look(self, wanted: Wanted) -> Seen:
        """What is known of the file that is to be as `wanted`.

        Raises `Protected` for places where nothing is deployed, `Invalid` (code `unknown_owner`), `Permanent`
        (code `unsafe_path`) when something else than a file is there or a link leads to it.
        """
        refuse_protected(wanted.path, self._host.private_places)
        ids = await self._host.owner_ids(wanted.owner, wanted.group)
        seen = await self._seen(wanted.path, ids)
        data = wanted.content.data
        if isinstance(data, bytes) or seen.sha256 == wanted.content.sha256 or data.size > SHOWN_BYTES:
            return seen
        return replace(seen, fetched=await self._whole(data))

    async def look_at(self, path: str) -> Seen:
        """What is known of a file and of what was there before it; owner and group as the note has them.

        Raises as `look`, except that an owner who is no more makes the file deviate.
        """
        refuse_protected(path, self._host.private_places)
        note = await self._host.managed.get(path)
        try:
            ids = await self._host.owner_ids(note.owner if note else None, note.group if note else None)
        except Invalid:
            ids = None
        backup = await self._host.backups.stat(path) if note else None
        content = await self._host.backups.read(path, SHOWN_BYTES) if backup and _is_shown(backup) else None
        return replace(
            await self._seen(path, ids),
            backup=backup,
            backup_content=content,
            backup_sha256=await self._host.backups.digest(path) if backup else None,
            restored=None if note else await self._host.managed.restored(path),
        )

    async def _seen(self, path: str, ids: tuple[int, int] | None) -> Seen:
        file = await self._host.stat(path)
        if file is not None and file.kind is not FileKind.FILE:
            raise unsafe(f"{path} is a {file.kind.value}, not a regular file")
        return Seen(
            path=path,
            note=await self._host.managed.get(path),
            file=file,
            sha256=None if file is None else await self._host.digest(path),
            content=await self._shown(path) if file is not None and _is_shown(file) else None,
            ids=ids,
        )

    async def _shown(self, path: str) -> bytes | None:
        try:
            return await self._host.read(path, SHOWN_BYTES)
        except TooLarge:  # it has grown since
            return None

    async def _rendered(self, found: StoredObject, variables: Mapping[str, Any]) -> Content:
        if found.size > LONGEST_BYTES:
            raise too_long(found.size)
        context = await facts.context(self._host, variables)
        rendered = await self._host.render(await self._whole(found), context)
        source = Source(
            object_name=found.name,
            sha256=found.sha256,
            content_type=ContentType.TEMPLATE,
            vars=variables,
            facts=rendered.facts,
            facts_sha256=facts.digest(context, rendered.facts),
        )
        return Content.of(rendered.content, source)

    async def _whole(self, found: StoredObject) -> bytes:
        async with aclosing(self._host.objects.read(found)) as pieces:
            return b"".join([piece async for piece in pieces])


def _is_shown(file: FileStat) -> bool:
    return file.size <= SHOWN_BYTES
