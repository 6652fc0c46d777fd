"""What cases cannot show: a refresh that finds nothing new, how long things may take, what apt-get is told."""

from __future__ import annotations

import pytest

from osapi.contract.operation import Nothing
from osapi.domains.package import apt
from osapi.domains.package.debian import provider
from osapi.host.door import Task
from osapi.testing.files import FakeFile
from osapi.testing.host import FakeHost, Setup
from osapi.testing.programs import Script

pytestmark = pytest.mark.anyio

LIST = f"{apt.LISTS}/mirror.example_debian_dists_bookworm_InRelease"


async def test_a_refresh_that_finds_nothing_new_has_changed_nothing() -> None:
    host = FakeHost(Setup(files={LIST: FakeFile(content=b"old")}, scripts=[Script(argv=apt.refresh().argv)]))
    found = await provider(host).refresh(Nothing())
    assert (found.changed, found.diff) == (False, "")
    host.close()


async def test_the_lock_of_the_lists_is_no_list() -> None:
    script = Script(argv=apt.refresh().argv, sets={f"{apt.LISTS}/lock": b""})
    host = FakeHost(Setup(scripts=[script]))
    assert (await provider(host).refresh(Nothing())).changed is False
    host.close()


async def test_check_mode_asks_no_source() -> None:
    host = FakeHost(Setup(scripts=[Script(argv=apt.refresh().argv)]))
    found = await provider(host.for_task(Task(check_mode=True))).refresh(Nothing())
    assert (found.changed, host.calls) == (True, [])
    host.close()


def test_a_change_is_made_with_privilege_without_questions_and_with_time_for_it() -> None:
    run = apt.change(apt.Order("install", ("osapi-probe",)))
    assert (run.privileged, run.env["DEBIAN_FRONTEND"], run.deadline_s) == (True, "noninteractive", 1800.0)
    assert run.argv[-3:] == ("install", "--", "osapi-probe")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("Inst a (1 Debian:12.15/oldstable, Debian-Security:12/oldstable-security [amd64])", "install a 1"),
        ("Inst a:i386 [1] (2 Debian:12 [i386]) [b:amd64 ]", "upgrade a:i386 1 -> 2"),
        ("Remv a [1:2.3-4]", "remove a 1:2.3-4"),
        ("Purg a [1]", "remove a 1"),
    ],
)
def test_a_line_of_a_simulation_is_a_step(line: str, sentence: str) -> None:
    assert [step.sentence for step in apt.parse(line).steps] == [sentence]


@pytest.mark.parametrize("line", ["Conf a (1 Debian:12 [amd64])", "  osapi-probe", "E: no", ""])
def test_any_other_line_is_none(line: str) -> None:
    assert apt.parse(line).steps == ()


def test_a_source_whose_signature_is_wrong_has_failed() -> None:
    said = (
        "W: An error occurred during the signature verification. The repository is not updated and the previous index "
        "files will be used. GPG error: http://a.example/debian bookworm InRelease: no key\n"
        "E: Failed to fetch http://b.example/x/InRelease  404  Not Found\n"
    )
    assert apt.failed_sources(said) == ["http://a.example/debian", "http://b.example/x/InRelease"]
