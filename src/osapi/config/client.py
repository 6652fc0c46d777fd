"""What `osapi client` needs to know: the controller's address, a token, and whom to trust.

Kept apart from the settings and light to import, because a command line client starts thousands of
times. Each value comes from the first of: flag, environment, settings file, client context,
default. The context is a small file (0600) that the first start and `osapi token generate --save` write.
"""

# pathlib takes longer to import than all this takes to run.
# ruff: noqa: PTH111, PTH118, PTH123

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple, cast

DEFAULT_URL = "http://127.0.0.1:8080"
DEFAULT_FILE = "/etc/osapi/osapi.yaml"
"""The same as `config.source.DEFAULT`, which costs a YAML parser to import."""

_URL = ("controller", "client", "url")
_CA = ("controller", "client", "tls", "ca")
_PIN = ("controller", "client", "tls", "pin")
_TOKEN = ("controller", "client", "security", "bearer_token")


class Context(NamedTuple):
    """Where the controller is, how to identify there, and whom to trust over https; empty means not known."""

    url: str = ""
    token: str = ""
    ca: str = ""
    """PEM file of the authorities to trust."""
    pin: str = ""
    """SHA-256 fingerprint of the certificate, or the public key, to accept."""


def context_path(environ: Mapping[str, str]) -> str:
    """$OSAPI_CONTEXT, else `osapi/context.json` in $XDG_CONFIG_HOME, which is ~/.config unless set."""
    asked = environ.get("OSAPI_CONTEXT")
    if asked:
        return asked
    base = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".config")
    return os.path.join(base, "osapi", "context.json")


def load(environ: Mapping[str, str]) -> Context:
    """The saved context; an empty one when there is none. Raises `Invalid` when the file is damaged."""
    path = context_path(environ)
    try:
        with open(path, encoding="utf-8") as file:
            content: Any = json.load(file)
        return Context(
            str(content["url"]), str(content["token"]), str(content.get("ca", "")), str(content.get("pin", ""))
        )
    except (FileNotFoundError, NotADirectoryError):
        return Context()
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise _invalid(f"client context {path} cannot be used ({problem}); remove it or repair it") from problem


def save(context: Context, environ: Mapping[str, str]) -> str:
    """Write the context, readable by its owner only, and return its path. Raises `Invalid` when that fails."""
    from pathlib import Path

    from osapi.config.private import private_dir, replace

    path = Path(context_path(environ)).absolute()
    private_dir(path.parent)
    content = {name: value for name, value in context._asdict().items() if value or name in ("url", "token")}
    replace(path, json.dumps(content, indent=2).encode() + b"\n")
    return str(path)


def resolve(
    *,
    url: str | None = None,
    token: str | None = None,
    ca_file: str | None = None,
    pin: str | None = None,
    osapi_file: str | None = None,
    environ: Mapping[str, str],
) -> Context:
    """What counts for this call. `url`, `token`, `ca_file` and `pin` are flags, `osapi_file` the settings file asked for.

    The token is empty when none is known. The saved token and the saved trust belong to the saved address: with
    another address they are not used. Whom to trust is taken from one place, whole.
    """
    said = _over(Context(url or "", token or "", ca_file or "", pin or ""), _from_environment(environ))
    if said.url and said.token and (said.ca or said.pin or not said.url.lower().startswith("https:")):
        return said
    said = _over(said, _from_file(osapi_file or environ.get("OSAPI_OSAPIFILE")))
    saved = load(environ)
    said = said._replace(url=said.url or saved.url or DEFAULT_URL)
    return _over(said, saved) if saved.url.rstrip("/") == said.url.rstrip("/") else said


def may_trace(*, osapi_file: str | None = None, environ: Mapping[str, str]) -> bool:
    """Whether the settings are worth reading for the sake of tracing; that costs a YAML parser, this nearly nothing."""
    asked = environ.get("OSAPI_TELEMETRY_TRACING_ENABLED")
    if asked is not None:
        return asked.lower() not in ("", "0", "false", "no", "off")
    try:
        with open(osapi_file or environ.get("OSAPI_OSAPIFILE") or DEFAULT_FILE, "rb") as file:
            return b"tracing" in file.read().lower()
    except OSError:
        return False


def _from_file(asked: str | None) -> Context:
    """The values as the settings file has them; the default file counts only where it can be read."""
    if not asked and not os.access(DEFAULT_FILE, os.R_OK):
        return Context()
    from pathlib import Path

    from osapi.config.source import read_file

    content = read_file(Path(asked or DEFAULT_FILE))
    return Context(_at(content, _URL), _at(content, _TOKEN), _at(content, _CA), _at(content, _PIN))


def _from_environment(environ: Mapping[str, str]) -> Context:
    def value(path: tuple[str, ...]) -> str:
        return environ.get("_".join(("OSAPI", *path)).upper(), "")

    return Context(value(_URL), value(_TOKEN), value(_CA), value(_PIN))


def _over(first: Context, other: Context) -> Context:
    """What the first one knows, and for the rest the other."""
    ca, pin = (first.ca, first.pin) if first.ca or first.pin else (other.ca, other.pin)
    return Context(first.url or other.url, first.token or other.token, ca, pin)


def _at(content: object, path: tuple[str, ...]) -> str:
    """The text at this path; keys are compared without case."""
    here: object = content
    for step in path:
        if not isinstance(here, dict):
            return ""
        level = cast("dict[object, object]", here)
        here = next((value for key, value in level.items() if str(key).lower() == step), None)
    return here if isinstance(here, str) else ""


def _invalid(message: str) -> Exception:
    from osapi.contract.errors import Invalid

    return Invalid(message)
