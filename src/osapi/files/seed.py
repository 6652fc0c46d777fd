"""The templates that OSAPI brings along, under names that begin with `osapi/`.

Each name ends in a version, and the content of a version never changes: a better template is another version
beside it. So controllers of different age agree on what a name means, and what hosts have deployed stays known.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from importlib import resources

from osapi.contract.errors import Conflict
from osapi.contract.files import CONTENT_TYPE, PROTECTED_PREFIX, ContentType
from osapi.telemetry.log import get_logger
from osapi.transport.objects import ObjectStore

_SUFFIX = ".j2"
_log = get_logger(__name__)


def templates() -> Iterator[tuple[str, bytes]]:
    """The name in the store and the content of each."""
    for file in sorted(resources.files("osapi.files").joinpath("templates").iterdir(), key=lambda file: file.name):
        if file.name.endswith(_SUFFIX):
            yield f"{PROTECTED_PREFIX}{file.name.removesuffix(_SUFFIX)}", file.read_bytes()


async def seed(store: ObjectStore) -> None:
    """Put those in place that are missing, or are not what they should be. A second call changes nothing."""
    for name, content in templates():
        present = await store.head(name)
        if present is not None and present.sha256 == hashlib.sha256(content).hexdigest():
            continue
        attributes = {CONTENT_TYPE: ContentType.TEMPLATE.value}
        try:
            await store.put(name, _whole(content), attributes, expect=present.revision if present else 0)
        except Conflict:  # another controller was quicker
            continue
        _log.info("file.seeded", object_name=name)


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content
