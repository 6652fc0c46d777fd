"""The file routes: list, upload, show, download, delete, stale."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace

from osapi.contract.endpoint import Call, Caller, Download, Form, Reply, Routes
from osapi.contract.errors import Conflict, Invalid, NotFound, Protected
from osapi.contract.files import CONTENT_TYPE, PROTECTED_PREFIX, ContentType
from osapi.contract.ids import MachineId
from osapi.files import api
from osapi.files.record import FileState
from osapi.files.stale import stale
from osapi.files.states import FileStates
from osapi.templates.rendering import LONGEST_BYTES, too_long
from osapi.transport.objects import ObjectInfo, ObjectStore
from osapi.transport.upload import Upload


class Hosts(Protocol):
    """What the file routes need to know of the fleet."""

    def labels(self, machine: MachineId) -> Mapping[str, str] | None:
        """The labels of a host; None when it is not known."""
        ...

    def name(self, machine: MachineId) -> str | None:
        """The present name of a host; None when it is not known."""
        ...


@dataclass(frozen=True)
class FileRoutes:
    """Serves files."""

    store: ObjectStore
    states: FileStates
    hosts: Hosts

    async def list(self, _: Call) -> Reply:
        files = [_info(info) for info in await self.store.list()]
        return Reply(body=api.FileList(files=files, total=len(files)))

    async def get(self, call: Call) -> Reply:
        return Reply(body=_info(await self._find(call.request.name)))

    async def download(self, call: Call) -> Reply:
        found = await self._find(call.request.name)
        headers = {"ETag": f'"{found.sha256}"', "X-Content-SHA256": found.sha256}
        return Reply(file=Download(content=self.store.read(found), length=found.size), headers=headers)

    async def delete(self, call: Call) -> Reply:
        name: str = call.request.name
        _refuse_protected(name)
        if not await self.store.delete(name):
            raise _unknown(name)
        places = sum(state.object_name == name for state in self._visible(call.caller))
        return Reply(body=api.FileDeleted(name=name, deleted=True, deployments=places))

    async def stale(self, call: Call) -> Reply:
        digests = {info.name: info.sha256 for info in await self.store.list()}
        found = stale(self._visible(call.caller), digests)
        return Reply(body=api.StaleList(stale=found, total=len(found)))

    async def upload(self, call: Call) -> Reply:
        request: api.FileUploadRequest = call.request
        form = call.form
        if form is None:
            raise TypeError("the endpoint is declared with a form")
        async with self.store.upload() as upload:
            kept = await _receive(form, upload)
            fields: api.FileForm = form.fields
            _check(fields, upload)
            await _check_content(fields.content_type, upload.size, kept)
            await call.trail.about_to_change(fields)
            return Reply(body=await self._keep(fields, upload, force=request.force))

    async def _keep(self, fields: api.FileForm, upload: Upload, *, force: bool) -> api.FileUpload:
        """Store it, unless just this is there already. Of two that change a file at once one wins."""
        await upload.finish()
        present = await self.store.head(fields.name)
        changed = present is None or (present.sha256, _kind(present)) != (upload.sha256, fields.content_type)
        if changed:
            if present is not None and present.sha256 != upload.sha256 and not force:
                raise Conflict(
                    f"{fields.name} is there with another content; upload it under another name, or set force",
                    details={"name": fields.name, "present": present.sha256, "uploaded": upload.sha256},
                )
            attributes = {CONTENT_TYPE: fields.content_type.value}
            expect = 0 if present is None else present.revision
            await self.store.commit(upload, fields.name, attributes, expect=None if force else expect)
        return api.FileUpload(
            name=fields.name,
            sha256=upload.sha256,
            size=upload.size,
            changed=changed,
            content_type=fields.content_type,
        )

    async def _find(self, name: str) -> ObjectInfo:
        found = await self.store.head(name)
        if found is None:
            raise _unknown(name)
        return found

    def _visible(self, caller: Caller) -> Iterator[FileState]:
        """What is deployed on hosts that the caller reaches, with the names that they have now."""
        for state in self.states.deployed():
            if caller.reaches(self.hosts.labels(state.machine_id) or {}):
                yield replace(state, hostname=self.hosts.name(state.machine_id) or state.hostname)


def routes(store: ObjectStore, states: FileStates, hosts: Hosts) -> Routes:
    """Every file route with its handler."""
    serve = FileRoutes(store, states, hosts)
    return [
        (api.LIST, serve.list),
        (api.UPLOAD, serve.upload),
        (api.STALE, serve.stale),
        (api.GET, serve.get),
        (api.DOWNLOAD, serve.download),
        (api.DELETE, serve.delete),
    ]


async def _receive(form: Form, upload: Upload) -> bytes:
    """Pass the file on to the store as it comes; returns its beginning, which is all of a template that can be used.

    What is known before the file is checked before the file, so that nobody uploads for hours in vain.
    """
    kept = bytearray()
    async with aclosing(form.file()) as pieces:
        async for piece in _checked(form, pieces):
            if len(kept) <= LONGEST_BYTES:
                kept += piece[: LONGEST_BYTES + 1 - len(kept)]
            await upload.write(piece)
    return bytes(kept)


async def _checked(form: Form, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    is_first = True
    async for piece in pieces:
        fields = form.fields if is_first else None
        if fields is not None:
            _refuse_protected(fields.name)
        is_first = False
        yield piece


def _check(fields: api.FileForm, upload: Upload) -> None:
    _refuse_protected(fields.name)
    if upload.size == 0:
        raise Invalid("file: it is empty; upload a file with content", details={"field": "file"})


async def _check_content(kind: ContentType, size: int, content: bytes) -> None:
    """Raise `TemplateFault` for a template that no host could render."""
    if kind is not ContentType.TEMPLATE:
        return
    if size > LONGEST_BYTES:
        raise too_long(size)
    from osapi.templates import engine  # a controller without templates does without the engine

    await asyncio.to_thread(engine.check, content)


def _refuse_protected(name: str) -> None:
    if name.startswith(PROTECTED_PREFIX):
        raise Protected(f"{name}: names that begin with {PROTECTED_PREFIX} belong to OSAPI; choose another name")


def _unknown(name: str) -> NotFound:
    return NotFound(f"there is no file {name!r}; see `osapi client file list`")


def _kind(info: ObjectInfo) -> ContentType:
    return ContentType.of(info.headers.get(CONTENT_TYPE))


def _info(info: ObjectInfo) -> api.FileInfo:
    """One file as the API shows it."""
    own = info.name.startswith(PROTECTED_PREFIX)
    return api.FileInfo(
        name=info.name,
        sha256=info.sha256,
        size=info.size,
        content_type=_kind(info),
        source=api.FileSource.OSAPI if own else api.FileSource.USER,
    )
