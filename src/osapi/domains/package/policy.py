"""Which versions of a package there are, from `apt-cache policy`, see apt-cache(8). Pure."""

from __future__ import annotations

import re

from osapi.contract.errors import NotFound
from osapi.domains.package.models import PackageVersion, PackageVersions

_HEAD = re.compile(r"^(\S+):$")
_INSTALLED = re.compile(r"^  Installed: (.*)$", re.MULTILINE)
_CANDIDATE = re.compile(r"^  Candidate: (.*)$", re.MULTILINE)
_VERSION = re.compile(r"^ (?:\*\*\*|   ) (\S+) -?\d+(?: \(phased \d+%\))?$")
_SOURCE = re.compile(r"^ {8,}-?\d+ (.+)$")
_NONE = "(none)"
_STATUS = "/var/lib/dpkg/status"
"""What is installed is a source to apt, but one from which nothing can be had."""


def question(name: str) -> tuple[str, ...]:
    """The call that tells the versions of a package."""
    return ("apt-cache", "policy", "--", name)


def parse(name: str, output: str) -> PackageVersions:
    """Read the answer. Raises `NotFound` when it is about no package, or about another one than `name`.

    apt-cache takes a name that no package has for a pattern, and answers for what fits it.
    """
    head, _, table = output.partition("\n")
    found = _HEAD.match(head)
    if found is None or not _same(found[1], name):
        raise NotFound(f"there is no package {name}; refresh the lists of packages if it is new")
    installed, candidate = (_named(pattern, table) for pattern in (_INSTALLED, _CANDIDATE))
    if not (installed or candidate):
        raise NotFound(f"no version of {name} can be had from the sources of this host")
    versions: list[PackageVersion] = []
    for line in table.splitlines():
        if version := _VERSION.match(line):
            is_installed, is_candidate = version[1] == installed, version[1] == candidate
            versions.append(
                PackageVersion(version=version[1], installed=is_installed, candidate=is_candidate, sources=[])
            )
        elif (source := _SOURCE.match(line)) and versions and source[1] != _STATUS:
            versions[-1].sources.append(source[1])
    return PackageVersions(name=name, versions=versions, installed=installed, candidate=candidate)


def _named(pattern: re.Pattern[str], table: str) -> str:
    found = pattern.search(table)
    return "" if found is None or found[1] == _NONE else found[1]


def _same(told: str, name: str) -> bool:
    """apt-cache leaves out the architecture when it is the host's own."""
    return told in (name, name.partition(":")[0])
