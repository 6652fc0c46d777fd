"""What the cron operations need where the agent is not root."""

from __future__ import annotations

from osapi.domains.cron import places
from osapi.domains.cron.models import Interval
from osapi.host.grants import Place

_INTERVALS = "|".join(interval.value for interval in Interval)

PRIVILEGES = (
    Place(
        path=f"(/etc/cron[.](d|{_INTERVALS})|{places.PROGRAMS})/[^/]+",
        example=places.crontab("backup"),
        root="cron runs as root what such a file says",
    ),
)
