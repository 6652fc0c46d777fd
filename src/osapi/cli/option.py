"""Options of the line as plain data, and what their values mean, whoever parsed the line.

`quick` and `client` both turn a line into what was `given` for each option: text, a list of texts, True or
False, by `Option.dest`. `values` reads that, so that there is one meaning for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Option(NamedTuple):
    """One option of the line.

    `names` are as typed, `dest` is the key in what was given. `kind` is `text`, `int`, `float`, `switch`, `toggle`
    (a switch that can also be turned off, as `--no-…`), `secret` (see `secret`), one of these but the switches with `-list`, or
    `pair-list`: each given as NAME=VALUE, together a map; or `module:function` of the domain, which makes the value of all the
    texts given. `default` is for the help alone, unless `is_sent`: then it is the value when none is given. `completes` names what
    the controller knows values of: `target` or `job`.
    """

    names: tuple[str, ...]
    dest: str
    kind: str = "text"
    help: str = ""
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    completes: str = ""
    is_sent: bool = False

    @property
    def name(self) -> str:
        """The first long name."""
        return next(name for name in self.names if name.startswith("--"))

    @property
    def off_name(self) -> str:
        """What turns a toggle off; empty for everything else."""
        return f"--no-{self.name[2:]}" if self.kind == "toggle" else ""

    @property
    def is_made(self) -> bool:
        """Whether a function of the domain makes the value."""
        return ":" in self.kind

    @property
    def is_list(self) -> bool:
        return self.kind.endswith("-list") or self.is_made

    @property
    def word(self) -> str:
        """What stands for a value in the help."""
        return self.name[2:].upper() if self.is_made else self.kind.removesuffix("-list").upper()

    @property
    def is_secret(self) -> bool:
        return self.kind.startswith("secret")

    @property
    def takes_value(self) -> bool:
        return self.kind not in ("switch", "toggle")


class BadUsage(Exception):
    """The line cannot be understood; the message names option, value and what is allowed."""


ROOT_OPTIONS = (
    Option(("--debug", "-d"), "debug", "switch", "Tell on standard error what is sent and how long it takes."),
    Option(("--json", "-j"), "json", "switch", "Print the answer of the controller as it is."),
    Option(("--osapi-file", "-f"), "osapi_file", help="Settings file.", default="/etc/osapi/osapi.yaml, if it exists"),
)
CLIENT_OPTIONS = (
    Option(("--url",), "url", help="Address of the controller.", default="settings, then the saved context"),
    Option(
        ("--ca-file",),
        "ca_file",
        help="PEM file of the authorities to trust over https.",
        default="settings, then the saved context, then the system",
    ),
    Option(
        ("--pin",),
        "pin",
        help="SHA-256 fingerprint of the only certificate or public key to accept.",
        default="settings, then the saved context",
    ),
)


def values(options: Iterable[Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the options that were given, by `Option.dest`. Raises `BadUsage`."""
    missing = [option.name for option in options if option.required and option.dest not in given]
    if missing:
        raise BadUsage(f"missing {', '.join(missing)}")
    return {option.dest: _read(option, given[option.dest]) for option in options if option.dest in given}


def _read(option: Option, value: Any) -> Any:
    if not option.takes_value:
        return bool(value)
    if option.kind == "secret-list":
        return value
    if option.is_made:
        return _make(option, value)
    if option.kind == "pair-list":
        return dict(_pair(option, part) for text in value for part in _split(text))
    if option.is_list:
        return [_scalar(option, part) for text in value for part in _split(text)]
    return _scalar(option, value)


def _make(option: Option, texts: Sequence[str]) -> Any:
    import importlib

    module, _, function = option.kind.partition(":")
    try:
        return getattr(importlib.import_module(module), function)(texts)
    except ValueError as problem:
        raise BadUsage(f"{option.name}: {problem}") from None


def _pair(option: Option, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise BadUsage(f"{option.name}: {text!r} is not allowed; give it as NAME=VALUE")
    return name, value


def _scalar(option: Option, text: str) -> Any:
    if option.choices and text not in option.choices and "@fact." not in text:
        raise BadUsage(f"{option.name}: {text!r} is not allowed; use one of {', '.join(option.choices)}")
    try:
        if option.kind.startswith("int"):
            return int(text)
        if option.kind.startswith("float"):
            return float(text)
    except ValueError:
        kind = "whole number" if option.kind.startswith("int") else "number"
        raise BadUsage(f"{option.name}: {text!r} is no {kind}") from None
    return text


def _split(text: str) -> Sequence[str]:
    """A list may be given with commas; a part in double quotes may hold some."""
    if "," not in text and '"' not in text:
        return [text]
    import csv

    return next(csv.reader([text]), list[str]())
