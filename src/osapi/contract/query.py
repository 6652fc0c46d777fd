"""Target queries: which hosts are meant, by name, label and fact, with `and`, `or`, `not`, parentheses, lists, globs.

    group:web and not @fact.arch:arm64
    web-01,web-02 or (@fact.os.version:1* and site:*.eu)
    @fact.cpu.model:"Intel(R) Xeon*"

`not` binds closest, then `,` (a list: any of these), then `and`, then `or`. A glob is `*`, `?` or `[abc]`, as in
fnmatch(3), and covers the whole name or value. Quotes hold a value with blanks together.

What is not known of a host is neither true nor false: while its facts are unknown, `@fact.os:debian` and
`not @fact.os:debian` both leave it out.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import translate

from osapi.contract import fact_keys
from osapi.contract.facts import HostFacts

GLOB = frozenset("*?[")


@dataclass(frozen=True)
class Candidate:
    """What a query can ask of one host. `facts` None: it has not told any."""

    machine: str
    hostname: str
    labels: Mapping[str, str]
    facts: HostFacts | None


Verdict = bool | None
"""Whether a host is meant; None when that cannot be said."""


@dataclass(frozen=True)
class Everybody:
    """`_all`."""

    def verdict(self, _: Candidate) -> Verdict:
        return True


@dataclass(frozen=True)
class Named:
    """Hosts by their names or machine ids, spelled out."""

    names: frozenset[str]

    def verdict(self, host: Candidate) -> Verdict:
        return host.hostname in self.names or host.machine in self.names


@dataclass(frozen=True)
class NamedLike:
    """Hosts by a glob for their name."""

    pattern: str

    def verdict(self, host: Candidate) -> Verdict:
        return _fits(self.pattern, host.hostname)


@dataclass(frozen=True)
class Labelled:
    """Hosts by a label: its value, what is below it, or a glob."""

    key: str
    value: str

    def verdict(self, host: Candidate) -> Verdict:
        have = host.labels.get(self.key)
        if have is None:
            return False
        return (
            _fits(self.value, have)
            if GLOB & set(self.value)
            else have == self.value or have.startswith(f"{self.value}.")
        )


@dataclass(frozen=True)
class Fact:
    """Hosts by a fact of which one value is this, or fits this glob."""

    key: str
    value: str

    def verdict(self, host: Candidate) -> Verdict:
        if host.facts is None:
            return None
        return any(_fits(self.value, have) for have in fact_keys.values(host.facts, self.key))


@dataclass(frozen=True)
class Not:
    """All others."""

    inner: Expression

    def verdict(self, host: Candidate) -> Verdict:
        found = self.inner.verdict(host)
        return None if found is None else not found


@dataclass(frozen=True)
class Every:
    """Hosts that all parts mean."""

    parts: tuple[Expression, ...]

    def verdict(self, host: Candidate) -> Verdict:
        return _first(False, self.parts, host)


@dataclass(frozen=True)
class Either:
    """Hosts that any part means."""

    parts: tuple[Expression, ...]

    def verdict(self, host: Candidate) -> Verdict:
        return _first(True, self.parts, host)


Expression = Everybody | Named | NamedLike | Labelled | Fact | Not | Every | Either


def names(expression: Expression) -> Iterator[str]:
    """Every host name or machine id that is spelled out."""
    match expression:
        case Named(spelled):
            yield from sorted(spelled)
        case Not(inner):
            yield from names(inner)
        case Every(parts) | Either(parts):
            for part in parts:
                yield from names(part)
        case _:
            pass


def _first(deciding: bool, parts: tuple[Expression, ...], host: Candidate) -> Verdict:
    """The verdict that decides, if any part has it; else whether all have the other one."""
    unknown = False
    for part in parts:
        found = part.verdict(host)
        if found is deciding:
            return deciding
        unknown = unknown or found is None
    return None if unknown else not deciding


def _fits(pattern: str, text: str) -> bool:
    return pattern == text if not GLOB & set(pattern) else _compiled(pattern)(text) is not None


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> Callable[[str], re.Match[str] | None]:
    return re.compile(translate(pattern)).match
