"""Output of a job that is kept whole, beside the answer that holds a part of it at most."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

STDOUT, STDERR, CONTENT = "stdout", "stderr", "content"
"""Names of what is kept: what a command wrote, and a file that was fetched."""


class Kept(Struct, kw_only=True, frozen=True, omit_defaults=True):
    """One piece of kept output of one host, to be had for a while from `/api/job/{id}/output`."""

    name: Annotated[str, Meta(description="What it is: `stdout`, `stderr`, or the `content` of a file.")]
    size: Annotated[int, Meta(description="Bytes that are kept.")] = 0
    sha256: Annotated[str, Meta(description="Digest of what is kept, in hexadecimal; empty when nothing is.")] = ""
    truncated: Annotated[bool, Meta(description="Whether there was more than may be kept; then the beginning is.")] = (
        False
    )
    error: Annotated[str, Meta(description="Why nothing is kept; empty when something is.")] = ""


def object_name(job_id: str, machine_id: str, name: str) -> str:
    """Under which name the store of kept output holds it."""
    return f"{job_id}/{machine_id}/{name}"
