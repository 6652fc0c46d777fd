"""What goes into a file of /etc/cron.d, made from what was uploaded. Pure; see crontab(5).

Three kinds of content are understood: a program (`#!`), which is kept beside and called by one line; lines of
crontab, whose times and accounts are replaced by those asked for; and one line of shell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from osapi.contract.errors import Invalid
from osapi.domains.cron import grammar
from osapi.domains.cron.places import DEFAULT_USER

_ENTRY = re.compile(rf"(?P<time>{grammar.TIME})[ \t]+(?P<user>[a-z_][a-z0-9_-]*\$?)[ \t]+(?P<command>\S.*)")
_SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*[ \t]*=.*")


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When, and as whom. `user` None means as the uploaded lines say, else root."""

    schedule: str
    user: str | None = None

    def line(self, command: str, user: str = DEFAULT_USER) -> str:
        """One entry. `user` counts unless another one is asked for."""
        return f"{grammar.for_crontab(self.schedule)} {self.user or user} {command}"


def is_program(content: bytes) -> bool:
    """Whether the content can be run as it is, see execve(2)."""
    return content.startswith(b"#!")


def calling(path: str, timing: Timing) -> bytes:
    """The file that runs a program."""
    return f"{timing.line(path)}\n".encode()


def compose(content: bytes, timing: Timing, name: str) -> bytes:
    """The file for lines of crontab, or for one line of shell. `name` is that of the object, for messages.

    Raises `Invalid` (code `invalid_object`), naming the line, for anything else.
    """
    text = _text(content, name)
    lines = [line.strip() for line in text.splitlines()]
    entries = [match for line in lines if (match := _ENTRY.fullmatch(line)) is not None]
    if not entries:
        return f"{timing.line(_command(lines, name))}\n".encode()
    times = {grammar.for_crontab(entry["time"]) for entry in entries}
    if len(times) > 1:
        raise _invalid(name, f"its entries have {len(times)} different times; upload one file for each of them")
    return ("\n".join(_line(number, line, timing, name) for number, line in enumerate(lines, 1)) + "\n").encode()


def users(lines: bytes) -> str:
    """As whom the entries of a file run, each account once."""
    entries = [_ENTRY.fullmatch(line) for line in lines.decode().splitlines()]
    return ", ".join(dict.fromkeys(entry["user"] for entry in entries if entry is not None))


def _text(content: bytes, name: str) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as problem:
        raise _invalid(name, f"it is no text: byte {problem.start} is not UTF-8") from problem
    if "\0" in text or "\r" in text:
        raise _invalid(name, "it holds NUL or carriage return, which cron does not understand")
    return text


def _command(lines: list[str], name: str) -> str:
    """The one line of shell. A percent sign is a line end to cron unless it is escaped."""
    said = [line for line in lines if line and not line.startswith("#")]
    if len(said) != 1 or _SETTING.fullmatch(said[0]):
        text = f"it holds {len(said)} lines that are no entries of a crontab; let a program begin with #!"
        raise _invalid(name, text)
    return re.sub(r"(?<!\\)%", r"\\%", said[0])


def _line(number: int, line: str, timing: Timing, name: str) -> str:
    if not line or line.startswith("#") or _SETTING.fullmatch(line):
        return line
    entry = _ENTRY.fullmatch(line)
    if entry is None:
        raise _invalid(name, f"line {number} is no entry, setting or comment: {line[:80]!r}")
    return timing.line(entry["command"], entry["user"])


def _invalid(name: str, text: str) -> Invalid:
    return Invalid(f"object {name}: {text}", code="invalid_object")
