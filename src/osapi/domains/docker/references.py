"""Names of images, as the distribution specification writes them: `[REGISTRY/]NAME[:TAG][@DIGEST]`. Pure.

See https://github.com/distribution/reference. A text is always read as a name; that it may be the beginning
of an image's id instead is for the engine to find out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

DEFAULT_TAG = "latest"
_NAME_MAX = 255
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_PART = re.compile(r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_REGISTRY = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]{{1,5}})?")
_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Reference:
    """The name of an image. `tag` and `digest` are empty when the text has none."""

    name: str
    """With its registry, if it has one."""
    tag: str = ""
    digest: str = ""

    @property
    def version(self) -> str:
        """Which of the images of this name: the digest, else the tag."""
        return self.digest or self.tag or DEFAULT_TAG

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.version}"


def parse(text: str) -> Reference:
    """Read the name of an image. Raises `ValueError`."""
    rest, at, digest = text.partition("@")
    if at and not _DIGEST.fullmatch(digest):
        raise _bad(text, "a digest is written sha256: and 64 hexadecimal digits")
    name, tag = _without_tag(rest)
    if tag is not None and not _TAG.fullmatch(tag):
        raise _bad(text, "a tag has letters, digits, `_`, `.` and `-`, at most 128")
    _check_name(text, name)
    return Reference(name, tag or "", digest)


def parse_for_registry(text: str) -> Reference:
    """The same for a name that a registry shall understand. Raises `ValueError` for an id too."""
    found = parse(text)
    if _ID.fullmatch(found.name) or _DIGEST.fullmatch(text):
        raise _bad(text, "this is the id of an image, which no registry knows")
    return found


def _without_tag(text: str) -> tuple[str, str | None]:
    """A colon before the last slash belongs to the port of a registry."""
    front, colon, tag = text.rpartition(":")
    return (front, tag) if colon and "/" not in tag else (text, None)


def _check_name(text: str, name: str) -> None:
    first, *others = name.split("/")
    if others and (first == "localhost" or re.search(r"[.:\[A-Z]", first)):
        if not _REGISTRY.fullmatch(first):
            raise _bad(text, f"{first!r} is no registry; it is written HOST or HOST:PORT")
    else:
        others = [first, *others]
    if len(name) > _NAME_MAX or not all(_PART.fullmatch(part) for part in others):
        raise _bad(text, "a name has small letters and digits, and single separators between them")


def _bad(text: str, why: str) -> ValueError:
    return ValueError(f"image: {text[:80]!r} is no name of an image: {why}, as in registry.example:5000/team/web:1.2")
