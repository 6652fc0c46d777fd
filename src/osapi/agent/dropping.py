"""Tells of messages that are neither run nor answered, as loudly as they deserve."""

from __future__ import annotations

from osapi.agent.intake import Reason
from osapi.telemetry.log import get_logger

_log = get_logger(__name__)


def tell_dropped(reason: Reason, subject: str) -> None:
    """A forged or redirected job is a warning; one for other hosts is daily business."""
    if reason.is_suspicious:
        _log.warning("security.job_refused", subject=subject, error=reason.value)
    else:
        _log.debug("job.not_ours", subject=subject, error=reason.value)
