"""Whether an attempt did harm: a text may only be data, whole and as one argument, or in the content of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import unquote

from tests.corpora.attempts import Effect, Target
from tests.corpora.payloads import CANARY

from osapi.host.service import Ask
from osapi.testing.programs import Call

INTERPRETERS = {"sh", "bash", "dash", "env", "sudo", "su", "xargs", "awk", "perl", "python3", "eval", "nsenter"}
"""Programs whose arguments are programs."""
_MARK = CANARY.strip("/")
_PLAIN = re.compile(r"[A-Za-z0-9._~!$'()*,;:@/-]*")
"""What cannot end a path or a part of a query, see RFC 3986, 3.3 and 3.4. Names of images have slashes."""
_NOTICEABLE = 3
"""A text shorter than this may stand in an argument by chance."""


def hits(target: Target, text: str, effect: Effect) -> list[str]:
    """What went wrong; empty when the text was refused or passed as plain data."""
    found = [hit for call in effect.calls for hit in _of_call(call, text, is_verbatim=target.is_verbatim)]
    if target.is_secret and len(text) >= _NOTICEABLE:
        found += [f"told to everybody: {call.argv}" for call in effect.calls if text in " ".join(call.argv)]
    found += _of_files(target, text, effect.written)
    found += [hit for ask in effect.asked for hit in _of_ask(ask, text)]
    if effect.outcome.code == "internal":
        found.append(f"crashed: {effect.outcome.error}")
    return found


def reached(text: str, effect: Effect) -> bool:
    """Whether the text came to a program or into a file."""
    data = text.encode("utf-8", "replace")
    in_words = any(_holds(word, text) for call in effect.calls for word in call.argv)
    in_input = any(call.stdin and data in call.stdin for call in effect.calls)
    in_files = any(_holds(path, text) or data in (content or b"") for path, content in effect.written.items())
    return in_words or in_input or in_files


def is_interpreted(effect: Effect) -> bool:
    """Whether a program was started whose arguments are programs."""
    return any(PurePosixPath(call.argv[0]).name in INTERPRETERS for call in effect.calls)


def _of_call(call: Call, text: str, *, is_verbatim: bool) -> Iterator[str]:
    for at, word in enumerate(call.argv):
        if _holds(word, text) and (fault := _fault(call, at, text, is_verbatim=is_verbatim)):
            yield f"{fault}: {call.argv}"
    if is_verbatim:
        return
    if any(_holds(f"{name}={value}", text) for name, value in call.env.items()):
        yield f"in the environment of {call.argv}"
    if _brings_lines(text) and text.encode() in (call.stdin or b""):
        yield f"lines of its own in the input of {call.argv}"


def _fault(call: Call, at: int, text: str, *, is_verbatim: bool) -> str | None:
    """What is wrong with an argument that holds the text; None when it is plain data."""
    word, program = call.argv[at], PurePosixPath(call.argv[0]).name
    if text not in word:
        return "taken apart"
    if is_verbatim:
        return None
    if at == 0:
        return "run as a program"
    if program in INTERPRETERS:
        return f"handed to {program}"
    is_option = word.startswith("-") and word.startswith(text) and "--" not in call.argv[: at + 1]
    return "read as an option" if is_option else None


def _of_files(target: Target, text: str, written: dict[str, bytes | None]) -> Iterator[str]:
    for path, content in written.items():
        is_asked_for = target.value.startswith("/") and path == text
        if (path == CANARY or path.startswith(f"{CANARY}/")) and not is_asked_for:
            yield f"wrote {path}"
        if _brings_lines(text) and text.encode() in (content or b"") and not target.is_verbatim:
            yield f"lines of its own in {path}"


def _of_ask(ask: Ask, text: str) -> Iterator[str]:
    """In the body of a request a text is a string of JSON; in path and query it must be encoded."""
    if len(text) >= _NOTICEABLE and text in ask.target and not _PLAIN.fullmatch(text):
        yield f"not encoded: {ask.method} {ask.target}"
    if any(unquote(part) in (".", "..") for part in ask.target.partition("?")[0].split("/")):
        yield f"leads elsewhere: {ask.method} {ask.target}"


def _holds(word: str, text: str) -> bool:
    return _MARK in word or word == text or (len(text) >= _NOTICEABLE and text in word)


def _brings_lines(text: str) -> bool:
    return "\n" in text.strip()
