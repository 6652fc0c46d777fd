"""What domains do as root is what they declare: every case, and every grant by its example."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from tests.domains.cases import Case, load_all, part

from osapi.agent.preflight import granted
from osapi.contract.errors import OsapiError
from osapi.domains import discovery
from osapi.host import sudoers
from osapi.host.grants import TRIAL_DIR, Anything, Member, Place, Program
from osapi.testing.host import FakeHost

NOT_WRITTEN = re.compile(rf"{FakeHost().state_dir}/|/proc/[0-9]+/")
"""What the agent may write by itself, and processes that a signal has ended."""
TRIAL = f"{FakeHost().trial_dir}/"
CHANGES = [case for case in load_all() if case.content.failure is None or case.content.failure.code != "refused"]


@pytest.mark.anyio
@pytest.mark.parametrize("case", CHANGES, ids=lambda case: case.name)
async def test_what_a_case_does_as_root_is_declared(case: Case) -> None:
    host = case.new_host()
    await case.prepare(host)
    before = host.snapshot()
    with suppress(OsapiError):
        await case.run(host)
    grants = discovery.privileges(case.name.split("/")[0])
    for call in host.calls:
        if call.privileged or call.user is not None:
            argv = [word.replace(TRIAL.rstrip("/"), TRIAL_DIR) for word in call.argv]
            covering = [each for each in grants if isinstance(each, Anything) or _fits(each, argv)]
            assert covering, f"not declared in privileges.py: {call.argv}"
            assert call.user is None or any(not isinstance(each, Program) or each.user == "ALL" for each in covering)
            for each in covering:
                assert isinstance(each, Anything) or set(call.env) <= {*each.env}, call.env
    scripted = left_by_others(case)
    after = host.snapshot()
    for path in before.keys() | after.keys():
        if before.get(path) != after.get(path) and path not in scripted and not NOT_WRITTEN.match(path):
            assert any(isinstance(each, Place) and re.fullmatch(each.path, path) for each in grants), path
    host.close()


def left_by_others(case: Case) -> set[str]:
    """Files that the case has programs and services leave behind."""
    given = case.content.host
    every = [given, *(part(case.name.split("/")[0], name) for name in given.parts)]
    told = [each for one in every for each in (*one.commands, *(x for asked in one.sockets.values() for x in asked))]
    return {path for each in told for path in each.sets}


def _fits(grant: object, argv: list[str]) -> bool:
    return isinstance(grant, Program) and grant.fits(argv)


@pytest.mark.parametrize("grant", [each for grants in granted().values() for each in grants], ids=str)
def test_the_example_of_a_grant_fits_it(grant: object) -> None:
    if isinstance(grant, Program | Place):
        arguments = " ".join(sudoers.example(grant, "/helper")[1:])
        assert re.fullmatch(sudoers.arguments(grant), arguments)


def test_what_gives_a_shell_is_left_out_unless_it_is_asked_for() -> None:
    text = sudoers.text("osapi", granted(["command"]), "/opt/osapi/bin/osapi-privileged")
    assert "ALL\n" not in text
    assert not re.search(r"NOPASSWD: \S*/(sh|bash|env|python\S*|su|sudo)\b", text)
    assert "NOPASSWD:SETENV: ALL\n" in sudoers.text("osapi", granted(), "/opt/osapi/bin/osapi-privileged")


def test_what_amounts_to_root_says_so() -> None:
    silent = [each for grants in granted().values() for each in grants if isinstance(each, Anything | Member)]
    assert {each.group: bool(each.root) for each in silent if isinstance(each, Member)} == {
        "docker": True,
        "systemd-journal": False,
    }
    assert all(each.root for each in silent if isinstance(each, Anything))
