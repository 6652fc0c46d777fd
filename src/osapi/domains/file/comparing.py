"""How a deployed file fares, given what is known of it. Pure."""

from __future__ import annotations

from osapi.deploy.wanted import Seen
from osapi.domains.file.models import FileCondition, FileStatus


def status(seen: Seen) -> FileStatus:
    """The comparison. A file that OSAPI did not deploy is `missing`, whatever is there."""
    note = seen.note if seen.managed else None
    deviations = list(seen.deviations(note.sha256, note.mode)) if note and seen.file else []
    if note is None or seen.file is None:
        condition = FileCondition.MISSING
    else:
        condition = FileCondition.DRIFTED if deviations else FileCondition.IN_SYNC
    return FileStatus(
        path=seen.path,
        status=condition,
        changed=False,
        sha256=seen.sha256 or "",
        managed=note is not None,
        deviations=deviations,
        deployed_sha256=note.sha256 if note else "",
        object_name=note.source.object_name if note and note.source else "",
        deployed_at=note.recorded if note else None,
        operation=note.operation if note else "",
    )
