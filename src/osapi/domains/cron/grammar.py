"""When a cron job runs, as crontab(5) writes it: five fields, or one of the words with an at sign.

The expression is a constraint of the request, so it is checked before anything is sent.
"""

from __future__ import annotations

_MINUTE = r"[0-5]?[0-9]"
_HOUR = r"(?:[01]?[0-9]|2[0-3])"
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
_MONTH = (
    r"(?:0?[1-9]|1[0-2]|[Jj][Aa][Nn]|[Ff][Ee][Bb]|[Mm][Aa][RrYy]|[Aa][Pp][Rr]|[Jj][Uu][NnLl]|[Aa][Uu][Gg]|[Ss][Ee][Pp]"
    r"|[Oo][Cc][Tt]|[Nn][Oo][Vv]|[Dd][Ee][Cc])"
)
_WEEKDAY = r"(?:[0-7]|[Ss][Uu][Nn]|[Mm][Oo][Nn]|[Tt][Uu][Ee]|[Ww][Ee][Dd]|[Tt][Hh][Uu]|[Ff][Rr][Ii]|[Ss][Aa][Tt])"
_WORDS = r"@(?:reboot|yearly|annually|monthly|weekly|daily|midnight|hourly)"


def _field(value: str, *, may_be_open: bool = False) -> str:
    """A list of values, ranges and steps; `?` stands for `*` in the two fields of days, as other crons have it."""
    one = rf"(?:\*|{value}(?:-{value})?)(?:/[1-9][0-9]?)?"
    listed = rf"{one}(?:,{one})*"
    return rf"(?:\?|{listed})" if may_be_open else listed


_FIELDS = (
    _field(_MINUTE),
    _field(_HOUR),
    _field(_DAY, may_be_open=True),
    _field(_MONTH),
    _field(_WEEKDAY, may_be_open=True),
)
_BLANKS = r"[ \t]+"
TIME = rf"(?:{_WORDS}|{_BLANKS.join(_FIELDS)})"
"""A regular expression for the time of a job."""


def for_crontab(schedule: str) -> str:
    """The time as Debian's cron reads it: single blanks, and no `?`."""
    return " ".join("*" if field == "?" else field for field in schedule.split())
