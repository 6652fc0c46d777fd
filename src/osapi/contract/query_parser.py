"""Reads a target query as a user typed it; the grammar is told in `query`."""

from __future__ import annotations

import re
from collections.abc import Callable

from osapi.contract import fact_keys
from osapi.contract.errors import Invalid
from osapi.contract.query import GLOB, Either, Every, Everybody, Expression, Fact, Labelled, Named, NamedLike, Not

LONGEST = 4096
"""Characters of a query."""
MOST_TERMS = 64
"""Terms of a query; hosts that are spelled out count as one where they stand together in a list."""
_DEEPEST = 20
_SHOWN = 200
_TOKEN = re.compile(r"""\s*([(),]|(?:[^\s(),"']|"[^"]*"|'[^']*')+)""")
_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_])?")
_NAME_GLOB = re.compile(r"[A-Za-z0-9_.*?\[\]!-]{1,255}")
_LABEL_KEY = re.compile(r"[A-Za-z0-9_-]+")
_LABEL_VALUE = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_FACT = re.compile(r"@fact\.([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*):(.+)")
_RESERVED = frozenset({"and", "or", "not", "(", ")", ",", "_any"})


def parse(text: str) -> Expression:
    """The expression. Raises `Invalid` that says where the text stops making sense."""
    if len(text) > LONGEST or not text.isprintable():
        raise Invalid(f"target: a query has at most {LONGEST} characters, and no control characters")
    return _Reader(text).whole()


class _Reader:
    """Reads from left to right, one token ahead."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split()
        self._depth = 0
        self._terms = 0

    def whole(self) -> Expression:
        found = self._either()
        if self._tokens:
            raise self._wrong(f"expected and, or, a comma or the end before {self._tokens[-1]!r}")
        return found

    def _split(self) -> list[str]:
        """The tokens, the first at the end."""
        tokens: list[str] = []
        place, end = 0, len(self._text.rstrip())
        while place < end:
            found = _TOKEN.match(self._text, place)
            if found is None:
                raise self._wrong("a quotation mark is not closed")
            tokens.append(found[1])
            place = found.end()
        return tokens[::-1]

    def _take(self, token: str) -> bool:
        """Whether the next token is this one; then it is taken."""
        if self._tokens and self._tokens[-1] == token:
            self._tokens.pop()
            return True
        return False

    def _either(self) -> Expression:
        return self._joined("or", self._every, Either)

    def _every(self) -> Expression:
        return self._joined("and", self._single, Every)

    def _joined(self, word: str, part: Callable[[], Expression], join: type[Either | Every]) -> Expression:
        parts = [part()]
        while self._take(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else join(tuple(parts))

    def _single(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong(f"it is nested more than {_DEEPEST} deep")
        found = self._negated_or_list()
        self._depth -= 1
        return found

    def _negated_or_list(self) -> Expression:
        if self._take("not"):
            return Not(self._single())
        if self._take("("):
            found = self._either()
            if not self._take(")"):
                raise self._wrong("a parenthesis is not closed")
            return found
        return self._list()

    def _list(self) -> Expression:
        terms = [self._term()]
        while self._take(","):
            self._add(terms, self._term())
        self._terms += len(terms)
        if self._terms > MOST_TERMS:
            raise self._wrong(f"it has more than {MOST_TERMS} terms; give the hosts a label in common")
        return terms[0] if len(terms) == 1 else Either(tuple(terms))

    def _add(self, terms: list[Expression], term: Expression) -> None:
        last = terms[-1]
        if isinstance(last, Labelled | Fact) and isinstance(term, Named | NamedLike):
            raise self._wrong("a name after a comma could be a host or a value; write it out, as group:a,group:b")
        if isinstance(last, Named) and isinstance(term, Named):
            terms[-1] = Named(last.names | term.names)
        else:
            terms.append(term)

    def _term(self) -> Expression:
        word = self._tokens.pop() if self._tokens else ""
        if not word or word in _RESERVED:
            raise self._wrong(
                f"expected a host, key:value or @fact.KEY:VALUE instead of {repr(word) if word else 'the end'}"
            )
        if word == "_all":
            return Everybody()
        if word.startswith("@"):
            return self._fact(word)
        return self._label(word) if ":" in word else self._host(word)

    def _fact(self, word: str) -> Expression:
        found = _FACT.fullmatch(word)
        if found is None:
            raise self._wrong(f"{word!r} is no question about a fact; write @fact.KEY:VALUE, such as @fact.os:debian")
        key, value = found[1], re.sub("[\"']", "", found[2])
        if key not in fact_keys.BUILT_IN and not key.startswith(fact_keys.CUSTOM):
            raise self._wrong(fact_keys.unknown(key))
        return Fact(key, value)

    def _label(self, word: str) -> Expression:
        key, _, value = word.partition(":")
        is_value = _NAME_GLOB if GLOB & set(value) else _LABEL_VALUE
        if not (_LABEL_KEY.fullmatch(key) and is_value.fullmatch(value)):
            raise self._wrong(f"{word!r} is no label; write key:value of letters, digits, _, - and dots, or a glob")
        return Labelled(key, value)

    def _host(self, word: str) -> Expression:
        if GLOB & set(word) and _NAME_GLOB.fullmatch(word):
            return NamedLike(word)
        if _NAME.fullmatch(word):
            return Named(frozenset({word}))
        raise self._wrong(f"{word!r} is neither a host name nor a glob")

    def _wrong(self, why: str) -> Invalid:
        shown = self._text if len(self._text) <= _SHOWN else f"{self._text[:_SHOWN]}…"
        return Invalid(f"target {shown!r}: {why}")
