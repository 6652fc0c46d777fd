"""Which family a host belongs to."""

from __future__ import annotations

import pytest

from osapi.host.family import detect, parse

UBUNTU = """
# a comment
PRETTY_NAME="Ubuntu 24.04.1 LTS"
ID=ubuntu
ID_LIKE=debian
VERSION_ID="24.04"
this line is none
BROKEN="no end
"""


def test_the_chain_goes_from_the_particular_to_the_general() -> None:
    family = parse(UBUNTU)
    assert family.chain == ("ubuntu", "debian", "linux")
    assert (family.id, family.name) == ("ubuntu", "debian")
    assert family.facts["PRETTY_NAME"] == "Ubuntu 24.04.1 LTS"


@pytest.mark.parametrize(
    ("text", "chain", "name"),
    [
        ("ID=debian\n", ("debian", "linux"), "debian"),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'\n", ("linuxmint", "ubuntu", "debian", "linux"), "debian"),
        ("ID=opensuse-leap\nID_LIKE='suse opensuse'\n", ("opensuse-leap", "suse", "opensuse", "linux"), "opensuse"),
        ("ID=Debian\nID_LIKE=debian\n", ("debian", "linux"), "debian"),
        ("ID=../../etc\n", ("linux",), "linux"),
        ("NAME=Something\n", ("linux",), "linux"),
        ("", ("linux",), "linux"),
    ],
)
def test_families(text: str, chain: tuple[str, ...], name: str) -> None:
    assert parse(text).chain == chain
    assert parse(text).name == name


@pytest.mark.anyio
async def test_the_second_place_is_looked_at_when_the_first_is_empty() -> None:
    async def read(path: str) -> bytes | None:
        return {"/usr/lib/os-release": b"ID=alpine\n"}.get(path)

    assert (await detect(read)).id == "alpine"
