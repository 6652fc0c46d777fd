"""What an implementation of fetching must offer."""

from __future__ import annotations

from typing import Protocol

from osapi.contract.operation import handle
from osapi.domains.fetch import operations
from osapi.domains.fetch.models import FetchedFile, FileFetch


class FetchProvider(Protocol):
    """Brings files of a host to where they can be downloaded."""

    async def fetch(self, request: FileFetch, /) -> FetchedFile: ...


HANDLERS = (handle(operations.FETCH, FetchProvider.fetch),)
