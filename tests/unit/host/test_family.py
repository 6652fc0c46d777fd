"""Which family a host belongs to."""

from __future__ import annotations

import plistlib

import pytest

from osapi.domains import discovery
from osapi.host.family import detect, parse, recognise

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
        ("ID=raspbian\nID_LIKE=debian\n", ("raspbian", "debian", "linux"), "debian"),
        ("ID=kali\nID_LIKE=debian\n", ("kali", "debian", "linux"), "debian"),
        ("ID=pop\nID_LIKE='ubuntu debian'\n", ("pop", "ubuntu", "debian", "linux"), "debian"),
        ("ID=elementary\nID_LIKE=ubuntu\n", ("elementary", "ubuntu", "debian", "linux"), "debian"),
        ("ID=ubuntu\n", ("ubuntu", "debian", "linux"), "debian"),
        ("ID=fedora\n", ("fedora", "linux"), "fedora"),
        ("ID=rocky\nID_LIKE='rhel centos fedora'\n", ("rocky", "rhel", "centos", "fedora", "linux"), "fedora"),
        ("ID=Debian\nID_LIKE=debian\n", ("debian", "linux"), "debian"),
        ("ID=../../etc\n", ("linux",), "linux"),
        ("NAME=Something\n", ("linux",), "linux"),
        ("", ("linux",), "linux"),
    ],
)
def test_families(text: str, chain: tuple[str, ...], name: str) -> None:
    assert parse(text).chain == chain
    assert parse(text).name == name


@pytest.mark.parametrize("release", ["ID=raspbian\nID_LIKE=debian\n", "ID=linuxmint\nID_LIKE='ubuntu debian'\n"])
def test_descendants_of_debian_have_its_packages(release: str) -> None:
    factory = discovery.implementation("package", parse(release).chain)
    assert factory is not None
    assert factory.__module__ == "osapi.domains.package.debian"


def test_macos_is_known_by_the_file_that_sw_vers_reads() -> None:
    told = {"ProductName": "macOS", "ProductVersion": "14.5", "ProductBuildVersion": "23F79"}
    family = recognise([None, None, plistlib.dumps(told)])
    assert (family.id, family.name, family.chain) == ("darwin", "darwin", ("darwin",))
    assert family.facts == {
        "NAME": "macOS",
        "VERSION_ID": "14.5",
        "BUILD_ID": "23F79",
        "PRETTY_NAME": "macOS 14.5",
    }


@pytest.mark.parametrize("content", [b"", b"<plist", b"\xff\xfe", b"bplist00", plistlib.dumps({})])
def test_macos_is_macos_whatever_its_file_holds(content: bytes) -> None:
    assert recognise([None, None, content]).chain == ("darwin",)


def test_os_release_comes_first() -> None:
    assert recognise([b"ID=debian\n", None, plistlib.dumps({})]).chain == ("debian", "linux")
    assert recognise([None, None, None]).chain == ("linux",)


@pytest.mark.anyio
async def test_the_second_place_is_looked_at_when_the_first_is_empty() -> None:
    async def read(path: str) -> bytes | None:
        return {"/usr/lib/os-release": b"ID=alpine\n"}.get(path)

    assert (await detect(read)).id == "alpine"
