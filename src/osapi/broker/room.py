"""How much JetStream may store on its disk.

Left to itself, nats-server takes three quarters of what is free when it starts, and refuses every change of a
stream while the sizes that streams are bounded to (`max_bytes`) are more than that in sum: on a small or full disk
no controller could start. It also forgets that what it has stored already takes room of the same disk.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from osapi.config.nats import NatsSettings
from osapi.config.private import replace


def limit(store: Path, settings: NatsSettings, note: Path) -> int:
    """Bytes: what is available, but at least what bounded streams may take, or have been allowed to before.

    For until a controller has been there they are bounded as they were. The file `note` holds the most so far.
    """
    most = max(reserved(settings), _noted(note))
    replace(note, str(most).encode())
    return max(available(store), most)


def available(store: Path) -> int:
    """Bytes that are stored, and three quarters of what is free."""
    disk = os.statvfs(store)
    return _stored(store) + disk.f_bavail * disk.f_frsize * 3 // 4


def warning(store: Path, settings: NatsSettings) -> str:
    """What to say when the bounded streams may outgrow the disk; empty when they may not."""
    wanted, there = reserved(settings), available(store)
    if wanted <= there:
        return ""
    return (
        f"kept output, files, jobs and audit may grow to {wanted} bytes, but {store} has room for {there}: "
        "make nats.output.max_bytes (or another max_bytes of nats) smaller, or the disk may run full"
    )


def reserved(settings: NatsSettings) -> int:
    """Bytes that the bounded streams, buckets and stores on disk may take together."""
    one_each = (settings.audit, settings.objects, settings.output)
    bounded = [(section.storage, section.max_bytes) for section in one_each]
    bounded += [(settings.kv.storage, 2 * settings.kv.max_bytes)]
    return sum(size for storage, size in bounded if storage == "file")


def _stored(store: Path) -> int:
    return sum(path.stat().st_size for path in store.rglob("*") if path.is_file())


def _noted(note: Path) -> int:
    """0 when there is no note, or none of ours."""
    with suppress(OSError, ValueError):
        return int(note.read_text())
    return 0
