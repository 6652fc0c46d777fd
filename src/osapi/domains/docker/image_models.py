"""What the operations on images take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from osapi.contract.operation import Change
from osapi.domains.docker import references
from osapi.domains.docker.models import Image


class ImageFilter(Struct, kw_only=True):
    """Which images to list."""

    limit: Annotated[int, Meta(description="How many to list at most, the newest first.", ge=1, le=1000)] = 100


class ImagePull(Struct, kw_only=True):
    """An image to fetch from its registry."""

    image: Image

    def __post_init__(self) -> None:
        references.parse_for_registry(self.image)


class ImageRemove(Struct, kw_only=True):
    """An image to remove, by one of its names or its id."""

    image: Image
    force: Annotated[bool, Meta(description="Also when stopped containers use it, or it has other names.")] = False

    def __post_init__(self) -> None:
        references.parse(self.image)


class ImageSummary(Struct, kw_only=True, omit_defaults=True):
    """One image of a host."""

    id: Annotated[str, Meta(description="Id of the image.")]
    tags: Annotated[list[str], Meta(description="Its names; none when newer images have taken them.")] = []
    digests: Annotated[list[str], Meta(description="Its names with the digest by which registries know it.")] = []
    size: Annotated[int, Meta(description="Bytes it takes, with what it shares with others.")]
    created: Annotated[datetime | None, Meta(description="When it was built.")] = None


class ImageList(Struct, kw_only=True):
    """Images of a host."""

    images: Annotated[list[ImageSummary], Meta(description="Images, the newest first.")]
    total: Annotated[int, Meta(description="How many there are, listed or not.")]


class ImagePulled(Change, kw_only=True):
    """What became of an image to fetch."""

    image_id: Annotated[str, Meta(description="Id of the image; absent in check mode when it is not there yet.")] = ""
    tag: Annotated[str, Meta(description="Its tag, or its digest when it was asked for by that.")]
    digest: Annotated[str, Meta(description="Digest by which the registry knows it; absent when nobody said.")] = ""
    size: Annotated[int, Meta(description="Bytes it takes; absent in check mode when it is not there yet.")] = 0


class ImageChange(Change, kw_only=True):
    """What became of an image to remove."""

    id: Annotated[str, Meta(description="Id of the image; as asked for when there is none.")]
    message: Annotated[str, Meta(description="What became of it, as a sentence.")]
