"""A change on trial stays when the controller is reached afterwards, and is undone in every other case."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from osapi.contract.errors import Conflict, MissingTool, OsapiError, Unsupported
from osapi.host import trial
from osapi.host.door import Task
from osapi.host.plan import Applied, Plan, Remove, Run, Try, Write
from osapi.host.undoing import script
from osapi.testing.files import DIRECTORY, FakeFile
from osapi.testing.host import FakeHost, Setup
from osapi.testing.programs import Script

pytestmark = pytest.mark.anyio

OLD, NEW, GONE = "/etc/net/old", "/etc/net/new", "/etc/net/gone"
FOLDER = "/var/lib/osapi/agent/trial"
UNIT = "osapi-undo-job-1"
APPLY = ("net", "apply")
START = ("systemctl", "start", "--", f"{UNIT}.service")
STOP = ("systemctl", "stop", "--", f"{UNIT}.timer")
BACK = {OLD: b"before", NEW: None, GONE: b"gone", f"{FOLDER}/pending": None}
TRYING = Try(
    actions=(Write(path=OLD, content=b"after"), Write(path=NEW, content=b"new"), Remove(path=GONE), Run(argv=APPLY)),
    repair=(("net", "apply"),),
)
PLAN = Plan((TRYING,), "a change")


def transient(*how: str) -> tuple[str, ...]:
    unit = (f"--unit={UNIT}", "--property=Type=oneshot", "--description=Undo a change made by OSAPI")
    return ("systemd-run", "--quiet", "--collect", *unit, *how, "--", "/bin/sh", f"{FOLDER}/undo")


UNDONE = trial.Aftermath("reverted", "its change was undone")
IN_PART = trial.Aftermath("undo_failed", "its change could be undone only in part")
ARM = transient("--on-active=60", "--timer-property=AccuracySec=100ms")


def host_with(
    *scripts: Script, reaches: Sequence[bool] = (True,), files: dict[str, bytes] | None = None, systemd: bool = True
) -> FakeHost:
    """The host before; its scripts are asked before those that let everything go well."""
    well = (Script(argv=ARM), Script(argv=APPLY), Script(argv=STOP), Script(argv=START, sets=undone(BACK)))
    given = {OLD: b"before", GONE: b"gone", **(files or {})}
    setup = {path: FakeFile(content=content, mode=0o600) for path, content in given.items()}
    if systemd:
        setup["/run/systemd/system"] = DIRECTORY
    made = FakeHost(Setup(files=setup, scripts=(*scripts, *well), reaches=reaches))
    return made.for_task(Task(job_id="job-1"))


def undone(back: dict[str, bytes | None], job: bytes = b"job-1") -> dict[str, bytes | None]:
    """What the script leaves behind."""
    return {**back, f"{FOLDER}/undone": job}


def on_disk(host: FakeHost) -> dict[str, bytes]:
    return {path: file.content for path, file in host.snapshot().items() if path.startswith(("/etc/net", FOLDER))}


def ran(host: FakeHost) -> list[tuple[str, ...]]:
    return [call.argv for call in host.calls]


async def refused(host: FakeHost) -> OsapiError:
    with pytest.raises(OsapiError) as caught:
        await host.apply(PLAN)
    return caught.value


class TestHold:
    async def test_what_is_reached_afterwards_stays_and_leaves_nothing_behind(self) -> None:
        host = host_with()
        assert (await host.apply(PLAN)).changed
        assert on_disk(host) == {OLD: b"after", NEW: b"new"}
        assert ran(host) == [ARM, APPLY, STOP]
        host.close()

    async def test_everything_to_undo_it_is_on_disk_before_the_change(self) -> None:
        host = host_with(Script(argv=APPLY, exit_code=1), Script(argv=START), Script(argv=transient("--wait")))
        await refused(host)
        left = on_disk(host)
        assert (left[f"{FOLDER}/copy-0"], left[f"{FOLDER}/copy-2"]) == (b"before", b"gone")
        assert left[f"{FOLDER}/pending"] == b"job-1"
        assert left[f"{FOLDER}/undo"].decode() == script(
            FOLDER, {OLD: "copy-0", NEW: None, GONE: "copy-2"}, [("net", "apply")]
        )
        assert {host.snapshot()[f"{FOLDER}/{name}"].mode for name in ("undo", "pending", "copy-0")} == {0o600}
        host.close()

    async def test_what_is_not_reached_is_undone_and_told(self) -> None:
        host = host_with(reaches=(False, True))
        problem = await refused(host)
        assert problem.error_code == "reverted"
        assert problem.message.endswith("; the change was undone")
        assert ran(host) == [ARM, APPLY, START, STOP]
        assert {path: on_disk(host).get(path) for path in (OLD, NEW, GONE)} == {
            OLD: b"before",
            NEW: None,
            GONE: b"gone",
        }
        host.close()

    async def test_what_fails_is_undone_and_told_with_its_own_code(self) -> None:
        host = host_with(Script(argv=APPLY, exit_code=1, stderr=b"bad gateway"))
        problem = await refused(host)
        assert problem.error_code == "command_failed"
        assert "bad gateway; the change was undone" in problem.message
        assert on_disk(host)[OLD] == b"before"
        host.close()

    async def test_what_hangs_is_undone(self) -> None:
        host = host_with(Script(argv=APPLY, hangs=True))
        assert (await refused(host)).error_code == "timeout"
        assert on_disk(host)[OLD] == b"before"
        host.close()

    async def test_a_change_that_the_timer_undid_meanwhile_is_not_called_done(self) -> None:
        host = host_with(Script(argv=APPLY, sets=undone(BACK)))
        assert (await refused(host)).error_code == "reverted"
        assert ran(host) == [ARM, APPLY, STOP]
        host.close()

    async def test_without_its_timer_the_script_is_started_by_itself(self) -> None:
        alone = Script(argv=transient("--wait"), sets=undone(BACK))
        host = host_with(Script(argv=START, exit_code=5), alone, reaches=(False, True))
        assert (await refused(host)).error_code == "reverted"
        assert ran(host) == [ARM, APPLY, START, transient("--wait"), STOP]
        host.close()

    async def test_an_undoing_that_fails_is_told_and_left_to_the_timer(self) -> None:
        host = host_with(
            Script(argv=START, exit_code=1), Script(argv=transient("--wait"), exit_code=1), reaches=(False,)
        )
        assert (await refused(host)).error_code == "undo_failed"
        assert STOP not in ran(host)
        host.close()

    async def test_without_a_timer_nothing_is_changed(self) -> None:
        host = host_with(Script(argv=ARM, exit_code=1, stderr=b"Failed to connect to bus"))
        problem = await refused(host)
        assert problem.error_code == "no_timer"
        assert "nothing was changed" in problem.message
        assert on_disk(host) == {OLD: b"before", GONE: b"gone"}
        host.close()

    async def test_without_systemd_run_nothing_is_changed(self) -> None:
        host = host_with()
        host._state.programs._installed.discard("systemd-run")
        with pytest.raises(MissingTool, match="systemd-run"):
            await host.apply(PLAN)
        assert on_disk(host) == {OLD: b"before", GONE: b"gone"}
        host.close()

    async def test_where_systemd_does_not_run_nothing_is_tried(self) -> None:
        host = host_with(systemd=False)
        with pytest.raises(Unsupported, match="systemd"):
            await host.apply(PLAN)
        assert (ran(host), on_disk(host)) == ([], {OLD: b"before", GONE: b"gone"})
        host.close()

    async def test_nothing_is_tried_while_another_change_is_on_trial(self) -> None:
        other = ("systemctl", "start", "--", "osapi-undo-job-0.service")
        stop = ("systemctl", "stop", "--", "osapi-undo-job-0.timer")
        sets = undone({f"{FOLDER}/pending": None}, b"job-0")
        host = host_with(Script(argv=other, sets=sets), Script(argv=stop), files={f"{FOLDER}/pending": b"job-0"})
        with pytest.raises(Conflict, match="job-0"):
            await host.apply(PLAN)
        assert ran(host) == [other, stop]
        assert (await host.apply(PLAN)).changed
        host.close()

    async def test_who_is_stopped_meanwhile_undoes_it(self) -> None:
        began = asyncio.Event()

        class Waiting(FakeHost):
            async def reaches_controller(self, settle_s: float, deadline_s: float) -> bool:
                if began.is_set():
                    return True
                began.set()
                await asyncio.Event().wait()
                raise AssertionError

        host = host_with()
        waiting = Waiting(task=host.task, state=host._state)
        work: asyncio.Task[Applied] = asyncio.create_task(waiting.apply(PLAN))
        await began.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert (on_disk(host)[OLD], ran(host)) == (b"before", [ARM, APPLY, START, STOP])
        assert await trial.aftermath(host, "job-1") == UNDONE
        host.close()


class TestSettle:
    """What an agent finds that was not there at the end."""

    @pytest.mark.parametrize("name", ["pending", "undoing"])
    async def test_what_was_on_trial_is_undone(self, name: str) -> None:
        host = host_with(files={f"{FOLDER}/{name}": b"job-1", OLD: b"after"})
        assert await trial.settle(host) == "job-1"
        assert (on_disk(host)[OLD], ran(host)) == (b"before", [START, STOP])
        assert await trial.aftermath(host, "job-1") == UNDONE
        host.close()

    async def test_what_the_timer_has_undone_needs_nothing(self) -> None:
        host = host_with(files={f"{FOLDER}/undone": b"job-1"})
        assert await trial.settle(host) is None
        assert await trial.aftermath(host, "job-1") == UNDONE
        assert await trial.aftermath(host, "job-0") is None
        assert ran(host) == []
        host.close()

    async def test_what_could_not_be_undone_is_told(self) -> None:
        nothing = Script(argv=START, exit_code=1, sets={f"{FOLDER}/pending": None, f"{FOLDER}/undoing": b"job-1"})
        host = host_with(nothing, Script(argv=transient("--wait"), exit_code=1), files={f"{FOLDER}/pending": b"job-1"})
        await trial.settle(host)
        assert await trial.aftermath(host, "job-1") == IN_PART
        host.close()

    async def test_nothing_is_left_of_a_change_that_stays(self) -> None:
        host = host_with()
        await host.apply(PLAN)
        assert await trial.settle(host) is None
        assert await trial.aftermath(host, "job-1") is None
        host.close()


class TestScript:
    """The real script, run by the real shell."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        """A folder with a change on trial: `a` was changed, `b c` was made, `d` was removed."""
        folder = tmp_path / "it's here"
        folder.mkdir()
        (folder / "pending").write_text("job-1")
        (folder / "copy-0").write_text("a before")
        (folder / "copy-0").chmod(0o640)
        (folder / "copy-1").write_text("d before")
        (tmp_path / "a").write_text("a after")
        (tmp_path / "b c").write_text("b after")
        return folder

    def run(self, place: Path, *repair: Sequence[str]) -> int:
        top = place.parent
        copies = {f"{top}/a": "copy-0", f"{top}/b c": None, f"{top}/d": "copy-1"}
        (place / "undo").write_text(script(str(place), copies, repair))
        return subprocess.run(["/bin/sh", place / "undo"], capture_output=True, check=False, timeout=10).returncode

    def files(self, place: Path) -> dict[str, str]:
        return {path.name: path.read_text() for path in place.parent.iterdir() if path.is_file()}

    def test_everything_is_put_back_and_then_repaired(self, place: Path) -> None:
        assert self.run(place, ["cp", str(place.parent / "a"), str(place.parent / "seen")]) == 0
        assert self.files(place) == {"a": "a before", "d": "d before", "seen": "a before"}
        assert (place.parent / "a").stat().st_mode & 0o777 == 0o640
        assert sorted(path.name for path in place.iterdir()) == ["copy-0", "copy-1", "undo", "undone"]
        assert (place / "undone").read_text() == "job-1"

    def test_what_is_confirmed_stays(self, place: Path) -> None:
        (place / "pending").unlink()
        assert self.run(place, ["touch", str(place.parent / "ran")]) == 0
        assert self.files(place) == {"a": "a after", "b c": "b after"}

    def test_a_second_run_does_nothing(self, place: Path) -> None:
        assert self.run(place) == 0
        (place.parent / "a").write_text("later")
        assert self.run(place) == 0
        assert self.files(place)["a"] == "later"

    def test_one_failure_does_not_stop_the_rest_and_can_be_made_good(self, place: Path) -> None:
        (place / "copy-0").rename(place / "away")
        assert self.run(place, ["touch", str(place.parent / "ran")]) == 1
        assert self.files(place) == {"a": "a after", "d": "d before", "ran": ""}
        assert (place / "undoing").read_text() == "job-1"
        (place / "away").rename(place / "copy-0")
        assert self.run(place) == 0
        assert self.files(place)["a"] == "a before"
        assert (place / "undone").exists()

    def test_a_repair_that_fails_is_tried_again_by_the_next_run(self, place: Path) -> None:
        assert self.run(place, ["false"]) == 1
        assert self.run(place, ["true"]) == 0
