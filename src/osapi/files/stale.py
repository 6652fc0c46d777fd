"""Whether a deployed file is what would be deployed now. Pure.

Compared is the digest of the object it was made from with that of the object there is. So a template counts as
another when its own content changed, whatever it would become. That the facts of a host make something else of
the same template is told by the host itself, which looks at the facts that the template speaks of, and renders it
again only when one of those has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from osapi.files.api import StaleDeployment, StaleReason
from osapi.files.record import FileState


def stale(states: Iterable[FileState], digests: Mapping[str, str]) -> list[StaleDeployment]:
    """Those that are stale, by file, host and path. `digests` are those of all objects, by name."""
    found = [told for state in states if (told := _judged(state, digests.get(state.object_name)))]
    return sorted(found, key=lambda one: (one.object_name, one.hostname, one.path))


def _judged(state: FileState, current: str | None) -> StaleDeployment | None:
    if current is None:
        return _told(state, StaleReason.GONE, state.source_sha256, "")
    if current != state.source_sha256:
        return _told(state, StaleReason.OBJECT, state.source_sha256, current)
    if state.rendered_sha256 not in ("", state.sha256):
        return _told(state, StaleReason.FACTS, state.sha256, state.rendered_sha256)
    return None


def _told(state: FileState, reason: StaleReason, deployed: str, current: str) -> StaleDeployment:
    return StaleDeployment(
        object_name=state.object_name,
        hostname=state.hostname,
        machine_id=state.machine_id,
        provider=state.provider,
        path=state.path,
        deployed_sha=deployed,
        current_sha=current,
        deployed_at=state.deployed_at,
        reason=reason,
    )
