"""The operation that brings a file of a host to where it can be downloaded."""

from __future__ import annotations

from datetime import timedelta

from osapi.contract.operation import Column, Format, Kind, Operation
from osapi.domains.fetch.models import FetchedFile, FileFetch

FETCH = Operation(
    name="node.file.fetch",
    operation_id="GetNodeFileFetch",
    kind=Kind.QUERY,
    request=FileFetch,
    result=FetchedFile,
    permission="file:read",
    route=("GET", "/file/fetch"),
    command=("node", "file", "fetch"),
    summary="Fetch a file of a host.",
    columns=(Column("PATH", "path"), Column("SIZE", "size", Format.BYTES), Column("SHA-256", "sha256")),
    deadline=timedelta(seconds=300),
)

OPERATIONS = (FETCH,)
