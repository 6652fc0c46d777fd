"""Programs and services of a host in memory that take a text for the value in whose place it stands.

So a provider goes all the way with a hostile text, as if it were a good one. What they do not understand fails.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import msgspec

from osapi.host.service import Ask
from osapi.testing.programs import FakePrograms, Script
from osapi.testing.services import Exchange, FakeServices

Contents = Callable[[str], bytes | None]


class GulliblePrograms(FakePrograms):
    """Programs that were scripted for the value."""

    def __init__(self, original: FakePrograms, text: str, value: str) -> None:
        super().__init__(original._scripts, original._installed)
        self._text, self._value = text, value

    def _script(self, argv: tuple[str, ...], contents: Contents) -> Script:
        if not self.has(argv[0]):
            return super()._script(argv, contents)
        for words in (argv, tuple(_swapped(word, self._text, self._value) for word in argv)):
            for script in self._scripts:
                if script.argv == words and _holds(script, contents):
                    return script
        return Script(argv=argv, exit_code=1)


class GullibleServices(FakeServices):
    """Services that were scripted for the value."""

    def __init__(self, original: FakeServices, text: str, value: str) -> None:
        super().__init__(original._exchanges)
        self._text, self._value = text, value

    def _exchange(self, ask: Ask, contents: Contents) -> Exchange:
        for form in (ask, self._as_scripted(ask)):
            for exchange in self._exchanges:
                if exchange.answers(form) and _holds(exchange, contents):
                    return exchange
        return Exchange(socket=ask.socket, target=ask.target, status=400, content=b'{"message": "not understood"}')

    def _as_scripted(self, ask: Ask) -> Ask:
        encoded, value = (quote(text.encode("utf-8", "surrogatepass"), safe="") for text in (self._text, self._value))
        target = _swapped(ask.target, encoded, value)
        if ask.content is None:
            return replace(ask, target=target)
        return replace(ask, target=target, content=msgspec.json.encode(self._in_json(msgspec.json.decode(ask.content))))

    def _in_json(self, part: Any) -> Any:
        if isinstance(part, dict):
            return {self._in_json(name): self._in_json(value) for name, value in part.items()}
        if isinstance(part, list):
            return [self._in_json(entry) for entry in part]
        return _swapped(part, self._text, self._value) if isinstance(part, str) else part


def _swapped(word: str, text: str, value: str) -> str:
    return word.replace(text, value) if text else word


def _holds(scripted: Script | Exchange, contents: Contents) -> bool:
    return all(contents(path) == held for path, held in scripted.when.items())
