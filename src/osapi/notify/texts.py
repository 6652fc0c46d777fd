"""Title and text of a message, from templates in Jinja2."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from osapi.contract.errors import Invalid
from osapi.notify.models import UNREACHABLE, Change, Event, Finding, Letter
from osapi.templates.faults import TemplateFault
from osapi.templates.rendering import Context

LONGEST_BYTES = 64 * 1024
TITLE = "[OSAPI] {{ vars.summary }}"
BODY = """\
{% for group in vars.groups %}{{ group.heading }}
{% for event in group.events %}  {{ event.name }}{% if event.reason %}: {{ event.reason }}{% endif %} (since {{ event.since }})
{% endfor %}{% if group.more %}  and {{ group.more }} more
{% endif %}{% endfor %}{% if vars.left_out.messages %}Too many messages: {{ vars.left_out.messages }} with {{ vars.left_out.events }} events were left out.
{% endif %}"""


@dataclass(frozen=True)
class Texts:
    """The templates, and how many events of a kind are listed by name."""

    title: str = ""
    """Empty: `TITLE`."""
    body: str = ""
    """Empty: `BODY`."""
    shown: int = 20

    def written(self, letter: Letter) -> tuple[str, str]:
        """Title, in one line, and text. Raises `TemplateFault`. May take time: call it in a thread."""
        known = facts(letter, self.shown)
        title = rendered(self.title or TITLE, known)
        return " ".join(title.split()), rendered(self.body or BODY, known)

    def plainly(self, letter: Letter) -> tuple[str, str]:
        """The same by our own templates, which never fail."""
        return Texts(shown=self.shown).written(letter)

    def check(self) -> None:
        """Raise `Invalid` that names the setting whose template cannot be used."""
        for key, template in (("title", self.title), ("body", self.body)):
            try:
                rendered(template, facts(SAMPLE, self.shown))
            except TemplateFault as problem:
                raise Invalid(f"controller.notifications.{key}: line {problem.line}: {problem.reason}") from problem


def rendered(template: str, known: dict[str, Any]) -> str:
    """One template. Raises `TemplateFault`."""
    from osapi.templates import engine  # the engine costs time and memory that nobody else in a controller needs

    context = Context(facts={}, vars=known, hostname="")
    return engine.render(template.encode(), context, LONGEST_BYTES).content.decode()


def facts(letter: Letter, shown: int) -> dict[str, Any]:
    """What a template may speak of, as `vars`: `summary`, `groups`, `left_out`. Pure."""
    groups = [_group(name, total, letter.events, shown) for name, total in letter.counts.items()]
    messages, events = letter.left_out
    return {
        "summary": _summary(letter, groups),
        "groups": groups,
        "left_out": {"messages": messages, "events": events},
    }


def says(change: str, condition: str) -> str:
    """A change of a condition in words."""
    if condition == UNREACHABLE and change in _REACH:
        return _REACH[change]
    return {"fired": condition, "repeated": f"{condition} still", "flapping": f"{condition} comes and goes"}.get(
        change, f"{condition} {change}"
    )


_REACH = {"fired": "unreachable", "resolved": "reachable again", "repeated": "still unreachable"}


def _group(name: str, total: int, events: Sequence[Event], shown: int) -> dict[str, Any]:
    change, _, condition = name.partition(" ")
    mine = [each for each in events if each.change.value == change and each.finding.condition == condition][:shown]
    said = says(change, condition)
    return {
        "change": change,
        "condition": condition,
        "total": total,
        "says": said,
        "heading": f"{said}: {total}",
        "events": [_event(each) for each in mine],
        "more": total - len(mine),
    }


def _event(event: Event) -> dict[str, Any]:
    finding = event.finding
    return {
        "name": finding.name,
        "subject": finding.subject,
        "labels": dict(finding.labels),
        "reason": "" if event.change is Change.RESOLVED else finding.reason,
        "since": moment(event.at if event.change is Change.RESOLVED else finding.since),
    }


def _summary(letter: Letter, groups: list[dict[str, Any]]) -> str:
    if not groups:
        return f"{letter.left_out[0]} messages were left out"
    parts = [group["says"] if group["total"] == 1 else f"{group['total']} {group['says']}" for group in groups]
    if len(letter.events) == 1:
        return f"{letter.events[0].finding.name}: {parts[0]}"
    return "; ".join(parts)


def moment(seconds: float) -> str:
    """A time for people, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


_EXAMPLE = Finding(
    key="test", condition="Test", subject="", name="osapi", reason="a message to see whether messages arrive", since=0.0
)
SAMPLE = Letter(
    id=0,
    notifier="",
    created=0.0,
    counts={"fired Test": 1},
    events=(Event(change=Change.FIRED, finding=_EXAMPLE, at=0.0),),
)
