"""Which file sets a kernel parameter at boot, when several do. See sysctl.d(5).

systemd-sysctl(8) sorts the files of all directories by name and the last one wins; a file in /etc hides one
of the same name in /run or /usr/lib. /etc/sysctl.conf, where Debian links to it as 99-sysctl.conf, comes
before ours by that name, so it is of no concern.
"""

from __future__ import annotations

from collections.abc import Mapping

from osapi.domains.sysctl.keys import canonical
from osapi.host.kernel import same

DIRECTORIES = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")
"""From the first that is looked at to the last."""


def later_names(name: str, directory_names: Mapping[str, list[str]]) -> dict[str, str]:
    """Files that are read after the one called `name`: file name to full path, in the order of reading."""
    later: dict[str, str] = {}
    for directory in DIRECTORIES:
        for candidate in directory_names.get(directory, []):
            if candidate.endswith(".conf") and candidate > name:
                later.setdefault(candidate, f"{directory}/{candidate}")
    return dict(sorted(later.items()))


def overriding(key: str, value: str, contents: Mapping[str, str]) -> str | None:
    """The last of these files, given in the order of reading, if it gives `key` another value."""
    winner: tuple[str, str] | None = None
    for path, text in contents.items():
        found = assignments(text).get(key)
        if found is not None:
            winner = path, found
    return None if winner is None or same(winner[1], value) else winner[0]


def assignments(text: str) -> dict[str, str]:
    """What a file of sysctl.d(5) sets: canonical name to value. Comments, patterns and exclusions are left out."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().removeprefix("-").partition("=")
        if equals and not line.lstrip().startswith(("#", ";")) and "*" not in name:
            found[canonical(name.strip())] = value.strip()
    return found
