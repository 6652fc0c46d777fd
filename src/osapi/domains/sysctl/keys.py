"""Names of kernel parameters: both ways to write them, their file in /proc/sys, our file in /etc/sysctl.d.

sysctl(8) and sysctl.d(5): the first separator in a name tells which one separates its parts. After a dot,
dots separate and `/` stands for a dot within a part; after a slash it is the other way round.
"""

from __future__ import annotations

DIRECTORY = "/etc/sysctl.d"
PREFIX = f"{DIRECTORY}/osapi-"
_SUFFIX = ".conf"
_SWAP = str.maketrans("./", "/.")


def canonical(key: str) -> str:
    """The name with dots between its parts."""
    return key if _first_separator(key) == "." else key.translate(_SWAP)


def kernel_path(key: str) -> str:
    """Where the kernel shows a canonical name: dots become slashes and slashes dots."""
    return f"/proc/sys/{key.translate(_SWAP)}"


def file_path(key: str) -> str:
    """Our file for a canonical name. A slash, which no file name can hold, is written as %2F."""
    return f"{PREFIX}{key.replace('/', '%2F')}{_SUFFIX}"


def _first_separator(key: str) -> str:
    return next((letter for letter in key if letter in "./"), ".")
