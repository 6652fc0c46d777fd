"""Machine ids and names."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from osapi.contract.errors import Invalid, Permanent
from osapi.host import identity

pytestmark = pytest.mark.anyio

ID = "0123456789abcdef0123456789abcdef"


def reader(files: Mapping[str, bytes]) -> identity.Read:
    async def read(path: str) -> bytes | None:
        return files.get(path)

    return read


async def test_the_setting_comes_first() -> None:
    assert await identity.machine_id(reader({"/etc/machine-id": ID.encode()}), "agent-2") == "agent-2"


async def test_the_system_comes_next() -> None:
    assert await identity.machine_id(reader({"/etc/machine-id": f"{ID}\n".encode()})) == ID
    assert await identity.machine_id(reader({"/var/lib/dbus/machine-id": f"{ID}\n".encode()})) == ID


async def test_an_image_that_was_never_booted_falls_through() -> None:
    files = {"/etc/machine-id": b"uninitialized\n", "/var/lib/dbus/machine-id": ID.encode()}
    assert await identity.machine_id(reader(files)) == ID


async def test_without_any_the_remedy_is_named() -> None:
    with pytest.raises(Permanent, match=r"systemd-machine-id-setup or set agent\.machine_id"):
        await identity.machine_id(reader({"/etc/machine-id": b"\n"}))


@pytest.mark.parametrize("text", ["a.b", "a b", "*", ">", "-a", "a" * 65, "ä"])
async def test_what_could_not_be_part_of_a_subject_is_invalid(text: str) -> None:
    with pytest.raises(Invalid, match=r"agent\.machine_id"):
        await identity.machine_id(reader({}), text)


async def test_a_name_that_does_not_resolve_has_no_fqdn() -> None:
    started = time.monotonic()
    assert await identity.fqdn("no-such-host.invalid", 1.0) == ""
    assert time.monotonic() - started < 5
