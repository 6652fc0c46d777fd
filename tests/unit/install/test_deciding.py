"""What an installation does, given what is there. Nothing of a machine is needed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from osapi.host.files import FileKind, FileStat
from osapi.host.plan import Plan, Remove, Run, Write
from osapi.install import deciding, units, wanted
from osapi.install.deciding import Seen

OSAPI = "/opt/osapi/bin/osapi"
HELPER = "/opt/osapi/bin/osapi-privileged"
NOTHING = Seen(stats={}, contents={}, uids={"root": 0}, groups=frozenset({"systemd-journal"}))
UNPRIVILEGED = wanted.agent(OSAPI, HELPER, "osapi-agent", b"SUsecret", ("command",))


def commands(plan: Plan) -> list[str]:
    return [action.argv[0] for action in plan.actions if isinstance(action, Run)]


def stat(mode: int, uid: int, kind: FileKind = FileKind.FILE) -> FileStat:
    return FileStat(kind=kind, mode=mode, uid=uid, gid=uid, size=1, modified=datetime(2026, 1, 1, tzinfo=UTC))


def installed(asked: wanted.Wanted) -> Seen:
    """A machine that has all of it."""
    uids = {"root": 0, "osapi-agent": 990, "osapi": 991}
    files = [*asked.files, asked.unit, *([asked.sudoers] if asked.sudoers else [])]
    folders = {each.path: stat(each.mode, uids[each.owner], FileKind.DIRECTORY) for each in asked.folders}
    return Seen(
        stats={**folders, **{each.path: stat(each.mode, uids[each.owner]) for each in files}},
        contents={each.path: each.content for each in files},
        uids=uids,
        groups=frozenset({"systemd-journal"}),
        memberships={"osapi-agent": frozenset({"systemd-journal"})},
        enabled=True,
        active=True,
    )


def test_everything_is_made_in_an_order_that_works() -> None:
    plan = deciding.install(UNPRIVILEGED, NOTHING)
    assert list(dict.fromkeys(commands(plan))) == ["useradd", "install", "visudo", "systemctl"]
    written = [action.path for action in plan.actions if isinstance(action, Write)]
    assert written[-2:] == ["/etc/sudoers.d/osapi-agent", "/etc/systemd/system/osapi-agent.service"]
    assert "systemd-journal" in plan.diff
    assert "docker" not in plan.diff.splitlines()[0], "a group that the machine lacks is left out"


def test_what_is_shown_holds_no_secret() -> None:
    plan = deciding.install(UNPRIVILEGED, NOTHING)
    assert "SUsecret" not in plan.diff
    assert any(isinstance(action, Write) and action.content == b"SUsecret" for action in plan.actions)


@pytest.mark.parametrize(
    "asked", [UNPRIVILEGED, wanted.broker(OSAPI), wanted.controller(OSAPI), wanted.agent(OSAPI, HELPER, None, {})]
)
def test_a_second_time_nothing_is_done(asked: wanted.Wanted) -> None:
    assert deciding.install(asked, installed(asked)) == Plan()


def test_sudoers_are_tried_before_they_are_written() -> None:
    actions = deciding.install(UNPRIVILEGED, NOTHING).actions
    tried = next(n for n, each in enumerate(actions) if isinstance(each, Run) and each.argv[0] == "visudo")
    written = next(n for n, each in enumerate(actions) if isinstance(each, Write) and "sudoers" in each.path)
    assert tried < written


def test_a_unit_of_the_package_needs_no_second_one() -> None:
    asked = wanted.controller(OSAPI)
    seen = installed(asked)
    packaged = {**seen.contents, asked.packaged_unit: asked.unit.content}
    plan = deciding.install(asked, Seen(**{**seen.__dict__, "contents": packaged}))
    assert [each for each in plan.actions if isinstance(each, Remove)] == [Remove(path=asked.unit.path)]
    without = {path: content for path, content in packaged.items() if path != asked.unit.path}
    assert deciding.install(asked, Seen(**{**seen.__dict__, "contents": without})) == Plan()


def test_taking_away_ends_the_service_first_and_leaves_data() -> None:
    plan = deciding.uninstall(UNPRIVILEGED, installed(UNPRIVILEGED))
    assert commands(plan) == ["systemctl", "systemctl"]
    assert [each.path for each in plan.actions if isinstance(each, Remove)] == [
        "/etc/systemd/system/osapi-agent.service",
        "/etc/sudoers.d/osapi-agent",
    ]
    assert deciding.uninstall(UNPRIVILEGED, NOTHING) == Plan()


def test_a_group_that_is_no_longer_granted_is_left() -> None:
    asked = wanted.agent(OSAPI, HELPER, "osapi-agent", {}, ("command", "docker"))
    seen = installed(asked)
    both = {"osapi-agent": frozenset({"systemd-journal", "docker", "adm"})}
    plan = deciding.install(asked, Seen(**{**seen.__dict__, "memberships": both}))
    assert plan.diff.splitlines()[0] == "- account osapi-agent in group docker"
    assert commands(plan)[0] == "gpasswd"


def test_an_agent_without_root_may_become_root_by_sudo() -> None:
    text = units.agent(OSAPI, "osapi-agent")
    assert "AmbientCapabilities=CAP_DAC_READ_SEARCH CAP_KILL\n" in text
    for setting in ("NoNewPrivileges", "CapabilityBoundingSet", "SystemCall", "Restrict", "Protect", "Lock"):
        assert setting not in text, "it would hold for what sudo starts, or forbid sudo"
