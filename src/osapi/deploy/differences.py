"""What a change of a file is, in words and lines for people. Pure."""

from __future__ import annotations

from osapi.deploy.wanted import DEFAULT_MODE, Seen, Wanted
from osapi.host.files import FileStat
from osapi.host.plan import file_diff

SHOWN_BYTES = 256 * 1024
"""Contents up to this size are compared line by line; of longer ones the digests are told."""
_ALL_READ = 0o004


def of_deploying(wanted: Wanted, seen: Seen) -> str:
    """What becomes different; empty when content, owner, group and mode are right already."""
    after = seen.fetched if not isinstance(wanted.content.data, bytes) else wanted.content.data
    parts: list[str] = []
    if seen.sha256 != wanted.content.sha256:
        public = wanted.shown or _is_public(wanted.mode, seen.file)
        parts.append(_contents(seen.path, seen.content, seen.sha256, after, wanted.content.sha256, public=public))
    parts += _of_new(wanted) if seen.file is None else _attributes(wanted, seen, seen.file)
    return "\n".join(parts)


def of_undeploying(seen: Seen, *, shown: bool = False) -> str:
    """What is taken away, or put back. `shown` as in `Wanted`."""
    if seen.file is None and seen.backup is None:
        return ""
    if seen.sha256 == seen.backup_sha256:
        return ""
    public = shown or _is_public(DEFAULT_MODE if seen.backup is None else seen.backup.mode, seen.file)
    return _contents(seen.path, seen.content, seen.sha256, seen.backup_content, seen.backup_sha256, public=public)


def _is_public(mode: int, file: FileStat | None) -> bool:
    """Whether anybody may read the file, before and after; else its lines are nobody's business here."""
    return bool(mode & _ALL_READ and (file is None or file.mode & _ALL_READ))


def _contents(
    path: str, before: bytes | None, digest: str | None, after: bytes | None, new_digest: str | None, *, public: bool
) -> str:
    """A unified diff where it can be read by everybody who sees it and is text, else both digests."""
    known = (digest is None or before is not None) and (new_digest is None or after is not None)
    if public and known and _is_text(before) and _is_text(after):
        return file_diff(path, before, after) or f"{path}: {_named(digest)} -> {_named(new_digest)}"
    return f"{path}: {_named(digest)} -> {_named(new_digest)}"


def _is_text(content: bytes | None) -> bool:
    if content is None:
        return True
    try:
        return "\0" not in content.decode()
    except UnicodeDecodeError:
        return False


def _named(digest: str | None) -> str:
    return "no file" if digest is None else f"sha256 {digest[:12]}"


def _of_new(wanted: Wanted) -> list[str]:
    """Owner, group and mode of a new file, where they are not the usual ones."""
    said = [f"mode {wanted.mode:04o}"] if wanted.mode != DEFAULT_MODE else []
    said += [f"owner {wanted.owner}"] if wanted.owner else []
    said += [f"group {wanted.group}"] if wanted.group else []
    return [", ".join(said)] if said else []


def _attributes(wanted: Wanted, seen: Seen, file: FileStat) -> list[str]:
    uid, gid = seen.ids or (file.uid, file.gid)
    said = [f"mode {file.mode:04o} -> {wanted.mode:04o}"] if file.mode != wanted.mode else []
    said += [f"owner {file.uid} -> {wanted.owner or uid}"] if file.uid != uid else []
    said += [f"group {file.gid} -> {wanted.group or gid}"] if file.gid != gid else []
    return said
