"""The whole life of a deployed file on a host in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from osapi.contract.errors import (
    CommandFailed,
    Conflict,
    Invalid,
    NotFound,
    NotManaged,
    OsapiError,
    Permanent,
    Protected,
)
from osapi.contract.files import ContentType
from osapi.deploy import decisions
from osapi.deploy.deployer import Deployer
from osapi.deploy.wanted import Content, Wanted
from osapi.host.door import Task
from osapi.host.files import FileKind
from osapi.host.plan import Action, Applied, Run, SetKernelValue
from osapi.templates.faults import TemplateFault
from osapi.testing.files import FakeFile
from osapi.testing.host import FakeHost, Setup
from osapi.testing.objects import FakeObject
from osapi.testing.programs import Script

pytestmark = pytest.mark.anyio

PATH = "/etc/app/app.conf"
RELOAD = Run(argv=("reload",))
LARGE = b"0123456789abcdef" * 50_000


@pytest.fixture
def host() -> Iterator[FakeHost]:
    objects = {
        "app.conf": FakeObject(content=b"port = 80\n"),
        "large": FakeObject(content=LARGE),
        "page": FakeObject(content=b"{{ facts.distribution }} {{ vars.port }}\n", content_type=ContentType.TEMPLATE),
    }
    files = {
        "/proc/sys/vm/swappiness": FakeFile(content=b"60\n"),
        "/etc/link": FakeFile(kind=FileKind.LINK, content=b"x"),
    }
    made = FakeHost(Setup(objects=objects, accounts=("root", "app"), scripts=(Script(argv=("reload",)),), files=files))
    yield made
    made.close()


def wanted(content: bytes | Content = b"port = 80\n", **more: Any) -> Wanted:
    return Wanted(path=PATH, content=Content.of(content) if isinstance(content, bytes) else content, **more)


async def deploy(host: FakeHost, file: Wanted, **more: Any) -> Applied:
    return await host.apply(decisions.deploy(file, await Deployer(host).look(file), **more))


async def undeploy(host: FakeHost, path: str = PATH, **more: Any) -> Applied:
    return await host.apply(decisions.undeploy(await Deployer(host).look_at(path), **more))


def on_disk(host: FakeHost) -> FakeFile | None:
    return host.snapshot().get(PATH)


class TestDeploy:
    async def test_a_new_file_is_put_in_place_once(self, host: FakeHost) -> None:
        first = await deploy(host, wanted(mode=0o640, owner="app", group="app"))
        assert first.changed
        assert on_disk(host) == FakeFile(content=b"port = 80\n", mode=0o640, owner="app", group="app")
        assert (
            first.diff
            == f"{PATH}: no file -> sha256 {Content.of(b'port = 80' + bytes([10])).sha256[:12]}\nmode 0640, owner app, group app"
        )
        again = await deploy(host, wanted(mode=0o640, owner="app", group="app"))
        assert (again.changed, again.diff) == (False, "")

    async def test_what_everybody_may_read_is_shown_line_by_line(self, host: FakeHost) -> None:
        assert (await deploy(host, wanted())).diff == f"--- /dev/null\n+++ {PATH}\n@@ -0,0 +1 @@\n+port = 80"
        assert (await deploy(host, wanted(b"port = 81\n"))).diff.endswith("@@ -1 +1 @@\n-port = 80\n+port = 81")
        assert "\n" not in (await deploy(host, wanted(b"\0binary"))).diff
        assert "secret" not in (await deploy(host, wanted(b"secret", mode=0o600))).diff
        assert "secret" not in (await deploy(host, wanted(b"public"))).diff

    async def test_in_check_mode_it_is_told_and_nothing_is_done(self, host: FakeHost) -> None:
        checking = host.for_task(Task(check_mode=True))
        told = await deploy(checking, wanted())
        assert (told.changed, on_disk(host), await host.notes()) == (True, None, {})
        assert told.diff == (await deploy(host, wanted())).diff

    @pytest.mark.parametrize(
        ("drifted", "diff"),
        [
            (FakeFile(content=b"port = 99\n"), f"--- {PATH}\n+++ {PATH}\n@@ -1 +1 @@\n-port = 99\n+port = 80"),
            (FakeFile(content=b"port = 80\n", mode=0o666), "mode 0666 -> 0644"),
            (FakeFile(content=b"port = 80\n", owner="app"), "owner 1000 -> 0"),
            (FakeFile(content=b"port = 80\n", group="app"), "group 1000 -> 0"),
            (None, f"--- /dev/null\n+++ {PATH}\n@@ -0,0 +1 @@\n+port = 80"),
        ],
        ids=["content", "mode", "owner", "group", "gone"],
    )
    async def test_drift_is_found_by_looking_and_repaired(
        self, host: FakeHost, drifted: FakeFile | None, diff: str
    ) -> None:
        await deploy(host, wanted())
        host.put(PATH, drifted)
        applied = await deploy(host, wanted())
        assert (applied.changed, applied.diff, on_disk(host)) == (True, diff, FakeFile(content=b"port = 80\n"))

    async def test_only_the_mode_may_change(self, host: FakeHost) -> None:
        await deploy(host, wanted())
        applied = await deploy(host, wanted(mode=0o4755))
        assert (applied.changed, applied.diff) == (True, "mode 0644 -> 4755")
        assert on_disk(host) == FakeFile(content=b"port = 80\n", mode=0o4755)

    async def test_a_file_in_the_way_is_a_conflict(self, host: FakeHost) -> None:
        host.put(PATH, FakeFile(content=b"theirs"))
        with pytest.raises(Conflict, match="is not managed by osapi; remove it, or set adopt") as caught:
            await deploy(host, wanted())
        assert caught.value.details is not None
        assert caught.value.details["path"] == PATH
        assert (on_disk(host), await host.notes()) == (FakeFile(content=b"theirs"), {})

    async def test_the_note_tells_where_it_comes_from(self, host: FakeHost) -> None:
        content = await Deployer(host).from_object("page", variables={"port": 80})
        view = host.for_task(Task(job_id="j1", operation="node.file.deploy"))
        await deploy(view, wanted(content, mode=0o600, owner="app", metadata={"k": "v"}))
        note = (await host.notes())[PATH]
        assert (note.sha256, note.mode, note.owner, note.group) == (content.sha256, 0o600, "app", None)
        assert (note.source, dict(note.metadata), note.job_id) == (content.source, {"k": "v"}, "j1")

    async def test_a_note_is_brought_up_to_date_without_a_change(self, host: FakeHost) -> None:
        await deploy(host, wanted(metadata={"k": "1"}))
        applied = await deploy(host, wanted(metadata={"k": "2"}))
        assert (applied.changed, applied.diff) == (False, "")
        assert dict((await host.notes())[PATH].metadata) == {"k": "2"}

    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("/proc/sys/vm/swappiness", Protected),
            ("/sys/x", Protected),
            ("/dev/sda", Protected),
            ("/etc/shadow", Protected),
            ("/etc/group-", Protected),
            ("/var/lib/osapi/agent/ledger.db", Protected),
            ("/var/lib/osapi", Protected),
            ("relative", Invalid),
            ("/etc/../x", Invalid),
            ("/etc/x\0", Invalid),
            ("/etc/link", Permanent),
            ("/etc/link/x", Permanent),
            ("/etc", Permanent),
        ],
    )
    async def test_some_places_are_out_of_reach(self, host: FakeHost, path: str, kind: type[OsapiError]) -> None:
        before = host.snapshot()
        with pytest.raises(kind):
            await deploy(host, Wanted(path=path, content=Content.of(b"x")), adopt=True)
        with pytest.raises(kind):
            await undeploy(host, path)
        assert host.snapshot() == before

    async def test_an_unknown_owner_is_told_before_anything_is_written(self, host: FakeHost) -> None:
        with pytest.raises(Invalid, match="unknown owner or group: 'nobody-at-all'"):
            await deploy(host, wanted(owner="nobody-at-all"))
        assert (on_disk(host), await host.notes()) == (None, {})


class TestObjects:
    async def test_a_raw_object_is_deployed_and_not_read_again(self, host: FakeHost) -> None:
        content = await Deployer(host).from_object("app.conf")
        assert (await deploy(host, wanted(content))).diff.endswith("+port = 80")
        reads = host.objects.reads
        assert not (await deploy(host, wanted(await Deployer(host).from_object("app.conf")))).changed
        assert host.objects.reads == reads

    async def test_a_large_object_is_told_by_its_digest(self, host: FakeHost) -> None:
        content = await Deployer(host).from_object("large")
        applied = await deploy(host, wanted(content))
        assert applied.diff == f"{PATH}: no file -> sha256 {content.sha256[:12]}"
        assert on_disk(host) == FakeFile(content=LARGE)
        host.put(PATH, FakeFile(content=b"short"))
        assert (await deploy(host, wanted(content))).changed
        assert on_disk(host) == FakeFile(content=LARGE)

    async def test_a_template_is_rendered_for_this_host(self, host: FakeHost) -> None:
        content = await Deployer(host).from_object("page", variables={"port": 8080})
        await deploy(host, wanted(content))
        assert on_disk(host) == FakeFile(content=b"debian 8080\n")
        assert content.source is not None
        assert (content.source.object_name, content.source.facts) == ("page", ("distribution",))

    async def test_the_caller_may_say_otherwise_than_the_upload(self, host: FakeHost) -> None:
        content = await Deployer(host).from_object("page", ContentType.RAW)
        await deploy(host, wanted(content))
        assert on_disk(host) == FakeFile(content=b"{{ facts.distribution }} {{ vars.port }}\n")

    async def test_what_cannot_be_had_is_told_before_anything_is_written(self, host: FakeHost) -> None:
        with pytest.raises(NotFound) as caught:
            await Deployer(host).from_object("nope")
        assert caught.value.error_code == "object_not_found"
        with pytest.raises(TemplateFault, match="line 1: there is no 'port'"):
            await Deployer(host).from_object("page")
        with pytest.raises(TemplateFault, match="at most"):
            await Deployer(host).from_object("large", ContentType.TEMPLATE)

    async def test_an_object_that_changes_meanwhile_leaves_the_old_file(self, host: FakeHost) -> None:
        await deploy(host, wanted(b"old"))
        file = wanted(await Deployer(host).from_object("large"))
        plan = decisions.deploy(file, await Deployer(host).look(file))
        host.objects.put("large", FakeObject(content=b"new"))
        with pytest.raises(OsapiError) as caught:
            await host.apply(plan)
        assert (caught.value.error_code, on_disk(host)) == ("object_changed", FakeFile(content=b"old"))


class TestUndeploy:
    async def test_a_file_that_was_not_there_before_goes(self, host: FakeHost) -> None:
        await deploy(host, wanted())
        gone = await undeploy(host)
        assert (gone.changed, gone.diff) == (True, f"--- {PATH}\n+++ /dev/null\n@@ -1 +0,0 @@\n-port = 80")
        assert (on_disk(host), await host.notes()) == (None, {})
        assert not (await undeploy(host)).changed

    async def test_an_adopted_file_comes_back_as_it_was(self, host: FakeHost) -> None:
        theirs = FakeFile(content=b"theirs\n", mode=0o640, owner="app", group="app")
        host.put(PATH, theirs)
        assert (await deploy(host, wanted(), adopt=True)).changed
        await deploy(host, wanted(b"port = 81\n"))
        assert set(host.backups.kept) == {PATH}
        back = await undeploy(host)
        assert (back.changed, on_disk(host), host.backups.kept, await host.notes()) == (True, theirs, {}, {})
        assert not (await undeploy(host)).changed
        host.put(PATH, FakeFile(content=b"another"))
        with pytest.raises(NotManaged):
            await undeploy(host)

    async def test_an_adopted_file_comes_back_even_when_ours_is_gone(self, host: FakeHost) -> None:
        host.put(PATH, FakeFile(content=b"theirs\n"))
        await deploy(host, wanted(), adopt=True)
        host.put(PATH, None)
        assert (await undeploy(host)).diff == f"--- /dev/null\n+++ {PATH}\n@@ -0,0 +1 @@\n+theirs"
        assert on_disk(host) == FakeFile(content=b"theirs\n")

    async def test_an_adopted_file_that_was_right_already_stays(self, host: FakeHost) -> None:
        host.put(PATH, FakeFile(content=b"port = 80\n"))
        adopted = await deploy(host, wanted(), adopt=True)
        assert (adopted.changed, adopted.diff) == (True, f"{PATH} is managed by osapi from now on")
        assert (await undeploy(host)).diff == f"{PATH} is not managed by osapi any more"
        assert on_disk(host) == FakeFile(content=b"port = 80\n")

    async def test_a_foreign_file_stays(self, host: FakeHost) -> None:
        host.put(PATH, FakeFile(content=b"theirs\n"))
        with pytest.raises(NotManaged, match="left alone"):
            await undeploy(host)
        assert on_disk(host) == FakeFile(content=b"theirs\n")

    async def test_a_note_without_a_file_goes(self, host: FakeHost) -> None:
        await deploy(host, wanted())
        host.put(PATH, None)
        assert (await undeploy(host)).changed
        assert await host.notes() == {}

    async def test_in_check_mode_nothing_is_done(self, host: FakeHost) -> None:
        await deploy(host, wanted())
        assert (await undeploy(host.for_task(Task(check_mode=True)))).changed
        assert (on_disk(host), set(await host.notes())) == (FakeFile(content=b"port = 80\n"), {PATH})


class TestWhatFollows:
    async def test_it_follows_a_change_and_nothing_else(self, host: FakeHost) -> None:
        await deploy(host, wanted(), then=(RELOAD,))
        await deploy(host, wanted(), then=(RELOAD,))
        assert len(host.calls) == 1
        await deploy(host, wanted(b"x"), then=(RELOAD,))
        assert len(host.calls) == 2

    @pytest.mark.parametrize("before", [(), (b"older",)], ids=["new", "changed"])
    async def test_what_failed_is_done_again(self, before: Sequence[bytes]) -> None:
        state = "/run/broken"
        scripts = (Script(argv=("reload",), exit_code=1, when={state: b"1"}), Script(argv=("reload",)))
        host = FakeHost(Setup(scripts=scripts))
        for content in before:
            await deploy(host, wanted(content), then=(RELOAD,))
        host.put(state, FakeFile(content=b"1"))
        with pytest.raises(CommandFailed):
            await deploy(host, wanted(), then=(RELOAD,))
        host.put(state, None)
        again = await deploy(host, wanted(), then=(RELOAD,))
        assert (again.changed, again.diff) == (True, f"{PATH} is in place; what follows from it is done again")
        assert not (await deploy(host, wanted(), then=(RELOAD,))).changed
        host.close()

    async def test_what_comes_first_is_needed_in_any_case(self, host: FakeHost) -> None:
        first: tuple[Action, ...] = (SetKernelValue(path="/proc/sys/vm/swappiness", value="1"),)
        assert (await deploy(host, wanted(), first=first, said="60 -> 1")).diff.endswith("+port = 80\n60 -> 1")
        host.put("/proc/sys/vm/swappiness", FakeFile(content=b"60\n"))
        again = await deploy(host, wanted(), first=first, said="60 -> 1")
        assert (again.changed, again.diff) == (True, "60 -> 1")
        assert await host.read("/proc/sys/vm/swappiness") == b"1\n"


class TestCrash:
    """The process dies between two actions of a plan; then the same is asked again."""

    @pytest.mark.parametrize("steps", range(5))
    @pytest.mark.parametrize("there", [None, b"theirs"], ids=["new", "adopted"])
    async def test_the_next_call_ends_as_the_first_would_have(self, steps: int, there: bytes | None) -> None:
        host = FakeHost(Setup(scripts=(Script(argv=("reload",)),)))
        original = None if there is None else FakeFile(content=there)
        host.put(PATH, original)
        plan = decisions.deploy(wanted(), await Deployer(host).look(wanted()), adopt=True, then=(RELOAD,))
        await host.apply(type(plan)(plan.actions[:steps], plan.diff))
        await deploy(host, wanted(), adopt=True, then=(RELOAD,))
        assert on_disk(host) == FakeFile(content=b"port = 80\n")
        assert not (await deploy(host, wanted(), then=(RELOAD,))).changed
        await undeploy(host)
        assert on_disk(host) == original
        host.close()

    async def test_an_intention_that_was_never_carried_out_leaves_their_file(self, host: FakeHost) -> None:
        host.put(PATH, FakeFile(content=b"theirs"))
        plan = decisions.deploy(wanted(), await Deployer(host).look(wanted()), adopt=True)
        await host.apply(type(plan)(plan.actions[:2], plan.diff))
        with pytest.raises(Conflict):
            await deploy(host, wanted())
        assert (await undeploy(host)).diff == f"{PATH} is not managed by osapi any more"
        assert (on_disk(host), await host.notes(), host.backups.kept) == (FakeFile(content=b"theirs"), {}, {})
