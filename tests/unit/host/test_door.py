"""One suite for everything that offers `Host`: the real one below a temporary root, and the fake."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from osapi.contract.errors import (
    CommandFailed,
    Invalid,
    MissingTool,
    NotFound,
    OsapiError,
    Permanent,
    TooLarge,
    Unavailable,
)
from osapi.contract.facts import HostFacts
from osapi.host.door import Host, Task
from osapi.host.files import FileKind
from osapi.host.identity import Claims
from osapi.host.local import LocalHost, open_host
from osapi.host.plan import (
    Fetch,
    Forget,
    Intend,
    Keep,
    Link,
    Plan,
    Remember,
    Remove,
    Restore,
    Run,
    SetKernelValue,
    Signal,
    Write,
    sha256,
)
from osapi.host.processes import HostProcess
from osapi.host.program import TimedOut
from osapi.templates.faults import TemplateFault
from osapi.templates.rendering import Context
from osapi.testing.files import FakeFile
from osapi.testing.host import DEBIAN, FakeHost, Setup
from osapi.testing.live import Heard
from osapi.testing.objects import FakeObject, FakeObjects
from osapi.testing.programs import Script

pytestmark = pytest.mark.anyio

MACHINE = "0123456789abcdef0123456789abcdef"
FILES = {
    "/etc/os-release": DEBIAN,
    "/etc/machine-id": f"{MACHINE}\n",
    "/etc/hostname": "web-01\n",
    "/etc/motd": "welcome\n",
    "/etc/long": "x" * 2000,
    "/proc/sys/kernel/hostname": "web-01\n",
    "/proc/sys/vm/swappiness": "60\n",
    "/proc/uptime": "93784.12 180000.00\n",
    "/proc/loadavg": "0.50 0.40 0.30 1/200 4242\n",
    "/proc/meminfo": "MemTotal: 2048 kB\nMemFree: 512 kB\nMemAvailable: 1024 kB\nCached: 256 kB\nSReclaimable: 64 kB\n",
}
FILES |= {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n",
    "/proc/42/stat": f"42 (web) S 1 {' '.join(str(number) for number in range(5, 53))}\n",
    "/proc/42/status": "Name:\tweb\nTgid:\t42\nUid:\t0\t0\t0\t0\nVmRSS:\t    1024 kB\n",
    "/proc/42/cmdline": "web\0--port\08080\0",
    "/proc/42/cgroup": "0::/system.slice/web.service\n",
}
OBJECTS = {"app.conf": FakeObject(content=b"port = 80\n" * 20_000)}
LINKS = {"/etc/link": "motd", "/etc/elsewhere": "/opt/data", "/etc/loop": "loop"}
SCRIPTS = (
    Script(argv=("/bin/sh", "-c", "echo out; echo err >&2; exit 3"), stdout=b"out\n", stderr=b"err\n", exit_code=3),
    Script(argv=("/bin/sh", "-c", "kill -9 $$"), exit_code=None, signal=9),
    Script(argv=("/bin/sh", "-c", "echo begun; sleep 60"), stdout=b"begun\n", hangs=True),
    Script(argv=("/bin/sh", "-c", "printf %0100d 7"), stdout=b"0" * 99 + b"7"),
    Script(argv=("true",)),
)


def lay_out(root: Path) -> None:
    for path, content in FILES.items():
        place = root / path[1:]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
    (root / "opt/data").mkdir(parents=True)
    for path, target in LINKS.items():
        (root / path[1:]).symlink_to(target if not target.startswith("/") else f"..{target}")


async def real(root: Path, state: Path) -> LocalHost:
    lay_out(root)
    state.mkdir(mode=0o700)  # noqa: ASYNC240 - a test may block
    made = await open_host(state, claims=Claims(labels={"group": "web"}), root=str(root))
    return made.with_objects(FakeObjects(OBJECTS))


def fake() -> FakeHost:
    files = {path: FakeFile(content=content.encode()) for path, content in FILES.items()}
    files |= {path: FakeFile(kind=FileKind.LINK, content=target.encode()) for path, target in LINKS.items()}
    files["/opt/data"] = FakeFile(kind=FileKind.DIRECTORY, mode=0o755)
    return FakeHost(Setup(files=files, scripts=SCRIPTS, labels={"group": "web"}, machine_id=MACHINE, objects=OBJECTS))


@pytest.fixture(params=["real", "fake"])
async def host(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Host]:
    made = await real(tmp_path / "root", tmp_path / "state") if request.param == "real" else fake()
    yield made
    made.close()


async def refused(work: Awaitable[Any], kind: type[OsapiError], code: str | None = None) -> OsapiError:
    with pytest.raises(kind) as caught:
        await work
    assert caught.value.error_code == (code or kind.code)
    return caught.value


class TestRun:
    async def test_a_status_other_than_0_is_a_result(self, host: Host) -> None:
        done = await host.run(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"])
        assert (done.stdout, done.stderr, done.exit_code, done.signal) == (b"out\n", b"err\n", 3, None)

    async def test_a_signal_is_told_apart_from_a_status(self, host: Host) -> None:
        done = await host.run(["/bin/sh", "-c", "kill -9 $$"])
        assert (done.exit_code, done.signal) == (None, 9)

    async def test_time_running_out_keeps_the_output_so_far(self, host: Host) -> None:
        with pytest.raises(TimedOut, match=r"/bin/sh took longer than 0\.3 s") as caught:
            await host.run(["/bin/sh", "-c", "echo begun; sleep 60"], deadline_s=0.3)
        assert caught.value.partial.stdout == b"begun\n"
        assert caught.value.partial.exit_code is None

    async def test_output_over_the_limit_loses_its_middle(self, host: Host) -> None:
        done = await host.run(["/bin/sh", "-c", "printf %0100d 7"], output_limit=10)
        assert done.stdout == b"00000\n[osapi: 90 bytes left out]\n00007"
        assert done.truncated

    async def test_output_is_told_as_it_comes(self, host: Host) -> None:
        heard: list[tuple[str, bytes]] = []
        await host.run(
            ["/bin/sh", "-c", "echo out; echo err >&2; exit 3"],
            on_output=lambda stream, piece: heard.append((stream, piece)),
        )
        assert sorted(heard) == [("stderr", b"err\n"), ("stdout", b"out\n")]

    async def test_a_missing_program_is_named(self, host: Host) -> None:
        err = await refused(host.run(["no-such-program"]), MissingTool)
        assert "no-such-program" in err.message

    async def test_a_missing_directory_is_named(self, host: Host) -> None:
        err = await refused(host.run(["true"], cwd="/no/such"), NotFound)
        assert "/no/such" in err.message

    async def test_an_unknown_account_is_named(self, host: Host) -> None:
        err = await refused(host.run(["true"], user="nobody-at-all"), NotFound)
        assert "nobody-at-all" in err.message

    @pytest.mark.parametrize("argv", [[], [""], ["true", "a\0b"]])
    async def test_what_no_program_can_be_started_with_is_invalid(self, host: Host, argv: list[str]) -> None:
        await refused(host.run(argv), Invalid)

    async def test_which_finds_only_what_is_installed(self, host: Host) -> None:
        assert (host.which("true") or "").endswith("/true")
        assert host.which("no-such-program") is None


class TestProcesses:
    async def test_a_process_is_told_with_all_that_is_known(self, host: Host) -> None:
        web = HostProcess(
            pid=42,
            parent=1,
            name="web",
            state="S",
            start_ticks=22,
            cpu_ticks=29,
            threads=20,
            is_kernel=False,
            user="root",
            resident=1 << 20,
            command=("web", "--port", "8080"),
            cgroup="/system.slice/web.service",
        )
        assert await host.process(42) == web
        assert await host.processes() == [web]
        assert await host.process(43) is None

    async def test_a_process_that_started_at_another_time_gets_no_signal(self, host: Host) -> None:
        await refused(host.send_signal(42, 21, signal.SIGTERM), NotFound)
        plan = Plan((Signal(pid=42, start_ticks=21, number=signal.SIGTERM),), "SIGTERM to process 42")
        await refused(host.apply(plan), NotFound)

    async def test_nobody_gets_a_signal_in_check_mode(self, host: Host) -> None:
        checking = host.for_task(Task(check_mode=True))
        with pytest.raises(RuntimeError):
            await checking.send_signal(42, 22, signal.SIGTERM)


class TestLink:
    async def test_where_a_link_leads(self, host: Host) -> None:
        assert await host.read_link("/etc/link") == "motd"
        assert await host.read_link("/etc/motd") is None
        assert await host.read_link("/etc/nothing") is None
        assert await host.read_link("/no/such/place") is None

    @pytest.mark.parametrize("path", ["/etc/new", "/etc/link", "/etc/motd"])
    async def test_a_link_takes_the_place_of_nothing_a_link_or_a_file(self, host: Host, path: str) -> None:
        applied = await host.apply(Plan((Link(path=path, target="hostname"),), "a link"))
        assert applied.changed
        assert await host.read_link(path) == "hostname"
        assert await host.read(path, follow=True) == b"web-01\n"

    async def test_a_link_takes_the_place_of_no_directory(self, host: Host) -> None:
        await refused(host.link("/opt/data", "/etc"), Permanent, "unsafe_path")

    async def test_a_link_is_not_put_where_a_link_leads(self, host: Host) -> None:
        await refused(host.link("/etc/elsewhere/new", "/etc"), Permanent, "unsafe_path")

    async def test_a_link_needs_its_directory(self, host: Host) -> None:
        await refused(host.link("/no/such/place", "/etc"), NotFound)

    @pytest.mark.parametrize("target", ["", "a\0b", "a\nb"])
    async def test_a_link_leads_to_a_path(self, host: Host, target: str) -> None:
        await refused(host.link("/etc/new", target), Invalid)

    async def test_no_link_is_made_in_check_mode(self, host: Host) -> None:
        checking = host.for_task(Task(check_mode=True))
        with pytest.raises(RuntimeError):
            await checking.link("/etc/new", "motd")
        assert (await checking.apply(Plan((Link(path="/etc/new", target="motd"),), "a link"))).changed
        assert await host.read_link("/etc/new") is None


class TestRead:
    async def test_content_or_none(self, host: Host) -> None:
        assert await host.read("/etc/motd") == b"welcome\n"
        assert await host.read("/etc/nothing") is None
        assert await host.read("/no/such/place") is None

    async def test_a_file_over_the_limit_is_too_large(self, host: Host) -> None:
        assert len(await host.read("/etc/long", 2000) or b"") == 2000
        await refused(host.read("/etc/long", 1999), TooLarge)

    async def test_a_link_is_followed_only_on_request(self, host: Host) -> None:
        await refused(host.read("/etc/link"), Permanent, "unsafe_path")
        assert await host.read("/etc/link", follow=True) == b"welcome\n"

    async def test_a_link_on_the_way_stops_the_walk(self, host: Host) -> None:
        await refused(host.read("/etc/elsewhere/file"), Permanent, "unsafe_path")

    async def test_a_link_to_itself_ends(self, host: Host) -> None:
        await refused(host.read("/etc/loop", follow=True), Permanent, "unsafe_path")

    async def test_a_directory_is_no_file(self, host: Host) -> None:
        await refused(host.read("/etc"), Permanent, "unsafe_path")

    async def test_names_in_a_directory_are_sorted(self, host: Host) -> None:
        assert await host.list_dir("/proc/sys") == ["kernel", "vm"]
        assert await host.list_dir("/no/such") == []

    async def test_listing_does_not_follow_links(self, host: Host) -> None:
        await refused(host.list_dir("/etc/elsewhere"), Permanent, "unsafe_path")

    async def test_stat_describes_a_link_itself(self, host: Host) -> None:
        link, file, nothing = await host.stat("/etc/link"), await host.stat("/etc/motd"), await host.stat("/etc/none")
        assert link is not None
        assert link.kind is FileKind.LINK
        assert file is not None
        assert (file.kind, file.mode, file.size) == (FileKind.FILE, 0o644, 8)
        assert nothing is None


BAD_PATHS = [
    "",
    "etc/motd",
    "./etc/motd",
    "/etc/../etc/motd",
    "/etc/./motd",
    "/etc//motd",
    "/etc/motd/",
    "/etc/motd\0",
    "/etc/mo\ntd",
    "/etc/\u202emotd",
    "/etc/\x7f",
    "/" + "a" * 256,
    "/" + "ä" * 128,
    "/a" * 2049,
]


@pytest.mark.parametrize("path", BAD_PATHS, ids=lambda path: repr(path[:20]))
@pytest.mark.parametrize(
    "use",
    [
        lambda host, path: host.read(path),
        lambda host, path: host.read(path, follow=True),
        lambda host, path: host.stat(path),
        lambda host, path: host.list_dir(path),
        lambda host, path: host.write(path, b""),
        lambda host, path: host.write_from(path, pieces(b""), sha256=sha256(b"")),
        lambda host, path: host.digest(path),
        lambda host, path: host.remove(path),
        lambda host, path: host.disk_space(path),
    ],
    ids=["read", "follow", "stat", "list_dir", "write", "write_from", "digest", "remove", "disk_space"],
)
async def test_a_path_that_is_not_in_its_plainest_form_is_invalid(
    host: Host, use: Callable[[Host, str], Awaitable[Any]], path: str
) -> None:
    await refused(use(host, path), Invalid)


class TestWrite:
    async def test_a_new_file_has_content_and_mode(self, host: Host) -> None:
        await host.write("/etc/new", b"content", mode=0o640)
        stat = await host.stat("/etc/new")
        assert await host.read("/etc/new") == b"content"
        assert stat is not None
        assert stat.mode == 0o640

    async def test_special_bits_are_kept(self, host: Host) -> None:
        await host.write("/etc/new", b"", mode=0o4755)
        stat = await host.stat("/etc/new")
        assert stat is not None
        assert stat.mode == 0o4755

    async def test_an_old_file_gets_new_content_and_mode(self, host: Host) -> None:
        await host.write("/etc/motd", b"new", mode=0o600)
        stat = await host.stat("/etc/motd")
        assert await host.read("/etc/motd") == b"new"
        assert stat is not None
        assert stat.mode == 0o600

    async def test_missing_directories_are_made_on_request(self, host: Host) -> None:
        await refused(host.write("/srv/a/b", b""), NotFound)
        await host.write("/srv/a/b", b"deep", make_parents=True)
        stat = await host.stat("/srv/a")
        assert await host.read("/srv/a/b") == b"deep"
        assert stat is not None
        assert stat.mode == 0o755

    @pytest.mark.parametrize("path", ["/etc/link", "/etc/elsewhere/file", "/etc", "/etc/motd/file", "/"])
    async def test_nothing_but_a_regular_file_is_replaced(self, host: Host, path: str) -> None:
        await refused(host.write(path, b"x", make_parents=True), Permanent, "unsafe_path")
        assert await host.read("/etc/motd") == b"welcome\n"
        assert await host.list_dir("/opt/data") == []

    async def test_an_unknown_owner_stops_it_before_anything_is_written(self, host: Host) -> None:
        await refused(host.write("/etc/motd", b"x", owner="nobody-at-all"), Invalid, "unknown_owner")
        assert await host.read("/etc/motd") == b"welcome\n"

    async def test_nothing_is_left_beside_the_file(self, host: Host) -> None:
        before = await host.list_dir("/etc")
        await host.write("/etc/motd", b"x")
        assert await host.list_dir("/etc") == before


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


class TestWriteFrom:
    async def test_pieces_become_one_file(self, host: Host) -> None:
        await host.write_from(
            "/srv/a/b", pieces(b"one", b"two"), sha256=sha256(b"onetwo"), mode=0o600, make_parents=True
        )
        stat = await host.stat("/srv/a/b")
        assert await host.read("/srv/a/b") == b"onetwo"
        assert stat is not None
        assert stat.mode == 0o600

    async def test_another_digest_leaves_the_old_file(self, host: Host) -> None:
        before = await host.list_dir("/etc")
        await refused(host.write_from("/etc/motd", pieces(b"x"), sha256=sha256(b"y")), Permanent, "corrupt")
        assert (await host.read("/etc/motd"), await host.list_dir("/etc")) == (b"welcome\n", before)

    async def test_a_source_that_ends_badly_leaves_the_old_file(self, host: Host) -> None:
        async def cut() -> AsyncIterator[bytes]:
            yield b"x"
            raise Unavailable("cut")

        before = await host.list_dir("/etc")
        await refused(host.write_from("/etc/motd", cut(), sha256=sha256(b"x")), Unavailable)
        assert (await host.read("/etc/motd"), await host.list_dir("/etc")) == (b"welcome\n", before)

    @pytest.mark.parametrize("path", ["/etc/link", "/etc/elsewhere/file", "/etc", "/"])
    async def test_nothing_but_a_regular_file_is_replaced(self, host: Host, path: str) -> None:
        work = host.write_from(path, pieces(b"x"), sha256=sha256(b"x"), make_parents=True)
        await refused(work, Permanent, "unsafe_path")
        assert await host.read("/etc/motd") == b"welcome\n"

    async def test_an_object_is_put_in_place(self, host: Host) -> None:
        found = await host.objects.find("app.conf")
        applied = await host.apply(Plan((Fetch(path="/etc/app.conf", object=found, mode=0o640),), "app.conf"))
        stat = await host.stat("/etc/app.conf")
        assert applied.changed
        assert stat is not None
        assert (stat.mode, stat.size, await host.digest("/etc/app.conf")) == (0o640, found.size, found.sha256)


class TestDigest:
    async def test_a_file_of_any_length_has_one(self, host: Host) -> None:
        await host.write("/etc/large", b"x" * 3_000_000)
        assert await host.digest("/etc/large") == sha256(b"x" * 3_000_000)
        assert await host.digest("/etc/nothing") is None

    @pytest.mark.parametrize("path", ["/etc/link", "/etc/elsewhere/file", "/etc"])
    async def test_nothing_but_a_regular_file_has_one(self, host: Host, path: str) -> None:
        await refused(host.digest(path), Permanent, "unsafe_path")


class TestOwners:
    async def test_names_and_numbers_are_found(self, host: Host) -> None:
        assert await host.owner_ids("root", "root") == (0, 0)
        assert await host.owner_ids("4711", "4712") == (4711, 4712)

    @pytest.mark.parametrize("name", ["nobody-at-all", "-1", "4294967295", "٣", ""])
    async def test_a_name_that_nobody_has_is_refused(self, host: Host, name: str) -> None:
        await refused(host.owner_ids(name, None), Invalid, "unknown_owner")
        await refused(host.owner_ids(None, name), Invalid, "unknown_owner")


class TestRender:
    CONTEXT = Context(facts={"os": "debian", "cpus": 2}, vars={"port": 80}, hostname="web-01")

    async def test_a_template_speaks_of_facts_vars_and_host_name(self, host: Host) -> None:
        rendered = await host.render(b"{{ hostname }} {{ facts.os }}:{{ vars.port }}\n", self.CONTEXT)
        assert (rendered.content, rendered.facts) == (b"web-01 debian:80\n", ("os",))

    async def test_a_fault_is_told_with_its_line(self, host: Host) -> None:
        err = await refused(host.render(b"a\n{{ vars.none }}", self.CONTEXT), TemplateFault, "template_error")
        assert err.details == {"line": 2, "reason": "there is no 'none' in facts, vars or hostname"}

    async def test_a_template_of_go_is_rendered_too(self, host: Host) -> None:
        text = b'{{ if eq .Facts.os "debian" }}apt{{ end }} {{ .Vars.port }}'
        assert (await host.render(text, self.CONTEXT)).content == b"apt 80"

    async def test_a_template_that_is_too_long_is_refused(self, host: Host) -> None:
        await refused(host.render(b"x" * (256 * 1024 + 1), self.CONTEXT), TemplateFault, "template_error")

    async def test_what_becomes_too_long_is_refused(self, host: Host) -> None:
        text = b"{% for a in range(1000) %}{% for b in range(1000) %}123456789{% endfor %}{% endfor %}"
        await refused(host.render(text, self.CONTEXT), TemplateFault, "template_error")


class TestBackups:
    async def test_what_is_kept_can_be_put_back(self, host: Host) -> None:
        await host.write("/etc/motd", b"first", mode=0o640)
        await host.apply(Plan((Keep(path="/etc/motd"), Write(path="/etc/motd", content=b"ours"))))
        kept = await host.backups.stat("/etc/motd")
        assert kept is not None
        assert (kept.mode, kept.size, await host.backups.read("/etc/motd", 5)) == (0o640, 5, b"first")
        await host.apply(Plan((Restore(path="/etc/motd"), Forget(path="/etc/motd"))))
        stat = await host.stat("/etc/motd")
        assert stat is not None
        assert (stat.mode, await host.read("/etc/motd")) == (0o640, b"first")
        assert await host.backups.stat("/etc/motd") is None

    async def test_a_restored_file_may_have_lost_its_directory(self, host: Host) -> None:
        await host.write("/srv/a/b", b"deep", make_parents=True)
        await host.apply(Plan((Keep(path="/srv/a/b"), Remove(path="/srv/a/b"), Restore(path="/srv/a/b"))))
        assert await host.read("/srv/a/b") == b"deep"

    async def test_what_is_not_there_is_neither_kept_nor_restored(self, host: Host) -> None:
        await refused(host.backups.keep("/etc/nothing"), NotFound)
        await refused(host.backups.restore("/etc/nothing"), NotFound)
        assert await host.backups.stat("/etc/nothing") is None
        assert await host.backups.read("/etc/nothing", 5) is None
        await host.backups.drop("/etc/nothing")

    async def test_a_copy_over_the_limit_is_too_large(self, host: Host) -> None:
        await host.backups.keep("/etc/long")
        await refused(host.backups.read("/etc/long", 1999), TooLarge)

    @pytest.mark.parametrize("path", ["/etc/link", "/etc/elsewhere/file", "/etc"])
    async def test_nothing_but_a_regular_file_is_kept(self, host: Host, path: str) -> None:
        await refused(host.backups.keep(path), Permanent, "unsafe_path")


class TestRemove:
    async def test_a_second_removal_finds_nothing(self, host: Host) -> None:
        assert await host.remove("/etc/motd") is True
        assert await host.remove("/etc/motd") is False
        assert await host.remove("/no/such") is False

    @pytest.mark.parametrize("path", ["/etc/link", "/etc/elsewhere/file", "/etc"])
    async def test_nothing_but_a_regular_file_is_removed(self, host: Host, path: str) -> None:
        await refused(host.remove(path), Permanent, "unsafe_path")


class TestKernelValues:
    async def test_a_value_is_set(self, host: Host) -> None:
        await host.set_kernel_value("/proc/sys/vm/swappiness", "5")
        assert await host.read("/proc/sys/vm/swappiness") == b"5\n"

    async def test_an_unknown_value_is_not_found(self, host: Host) -> None:
        await refused(host.set_kernel_value("/proc/sys/vm/none", "5"), NotFound)
        assert await host.read("/proc/sys/vm/none") is None

    async def test_other_files_are_no_kernel_values(self, host: Host) -> None:
        await refused(host.set_kernel_value("/etc/motd", "5"), Invalid)


class TestIdentity:
    async def test_the_host_name_is_read_anew(self, host: Host) -> None:
        assert (await host.names()).hostname == "web-01"
        await host.set_kernel_value("/proc/sys/kernel/hostname", "web-02")
        names = await host.names()
        assert (names.hostname, names.machine_id, dict(names.labels)) == ("web-02", MACHINE, {"group": "web"})

    async def test_the_family_comes_from_os_release(self, host: Host) -> None:
        assert host.family.chain == ("debian", "linux")


class TestFigures:
    async def test_figures_come_from_proc(self, host: Host) -> None:
        memory = await host.figures.memory()
        assert (await host.figures.uptime()).total_seconds() == 93784.12
        assert await host.figures.load() == (0.5, 0.4, 0.3)
        assert (memory.total, memory.available, memory.cached) == (2097152, 1048576, 327680)
        assert memory.pressure_percent is None

    async def test_a_missing_file_is_told(self, host: Host) -> None:
        await refused(host.figures.disks(), Permanent, "io_error")


class TestCheckMode:
    @pytest.fixture
    def checking(self, host: Host) -> Host:
        return host.for_task(Task(check_mode=True))

    async def test_nothing_can_be_changed_directly(self, checking: Host) -> None:
        for work in (
            checking.write("/etc/motd", b"x"),
            checking.write_from("/etc/motd", pieces(b"x"), sha256=sha256(b"x")),
            checking.remove("/etc/motd"),
            checking.set_kernel_value("/proc/sys/vm/swappiness", "1"),
        ):
            with pytest.raises(RuntimeError, match="check mode"):
                await work
        assert await checking.read("/etc/motd") == b"welcome\n"

    async def test_a_plan_is_told_and_not_carried_out(self, checking: Host) -> None:
        plan = Plan(
            (
                Write(path="/etc/motd", content=b"x"),
                Run(argv=("no-such-program",)),
                Remember(path="/etc/motd", sha256=""),
            ),
            "-welcome\n+x",
        )
        applied = await checking.apply(plan)
        assert (applied.changed, applied.diff, applied.runs) == (True, "-welcome\n+x", ())
        assert await checking.read("/etc/motd") == b"welcome\n"
        assert await checking.managed.get("/etc/motd") is None


class TestApply:
    async def test_an_empty_plan_changes_nothing(self, host: Host) -> None:
        assert not (await host.apply(Plan())).changed

    async def test_actions_are_done_in_order(self, host: Host) -> None:
        plan = Plan(
            (
                Write(path="/etc/new", content=b"1"),
                Remove(path="/etc/motd"),
                SetKernelValue(path="/proc/sys/vm/swappiness", value="1"),
                Run(argv=("true",)),
            )
        )
        applied = await host.apply(plan)
        assert applied.changed
        assert [run.exit_code for run in applied.runs] == [0]
        assert await host.read("/etc/new") == b"1"
        assert await host.read("/etc/motd") is None
        assert await host.read("/proc/sys/vm/swappiness") == b"1\n"

    async def test_the_first_failure_ends_it_and_tells_the_last_words(self, host: Host) -> None:
        argv = ("/bin/sh", "-c", "echo out; echo err >&2; exit 3")
        err = await refused(host.apply(Plan((Run(argv=argv), Remove(path="/etc/motd")))), CommandFailed)
        assert err.message == "/bin/sh ended with status 3: err"
        assert await host.read("/etc/motd") == b"welcome\n"

    async def test_a_status_can_be_accepted(self, host: Host) -> None:
        argv = ("/bin/sh", "-c", "echo out; echo err >&2; exit 3")
        applied = await host.apply(Plan((Run(argv=argv, accept=frozenset({0, 3})),)))
        assert applied.runs[0].exit_code == 3

    async def test_an_end_by_signal_is_named(self, host: Host) -> None:
        err = await refused(host.apply(Plan((Run(argv=("/bin/sh", "-c", "kill -9 $$")),))), CommandFailed)
        assert err.message == "/bin/sh ended with signal SIGKILL"

    async def test_live_output_goes_to_whoever_asked_for_the_job(self, host: Host) -> None:
        heard = Heard()
        watched = host.for_task(Task(live=heard))
        argv = ("/bin/sh", "-c", "echo out; echo err >&2; exit 3")
        await watched.apply(Plan((Run(argv=argv, accept=None, live=True), Run(argv=argv, accept=None))))
        assert heard.texts == {"stdout": b"out\n", "stderr": b"err\n"}


class TestFacts:
    async def test_they_are_told_as_they_are_on_the_wire(self, host: Host) -> None:
        told = await host.facts()
        assert (told["machine_id"], told["hostname"], told["architecture"]) == (MACHINE, "web-01", host.architecture)
        assert told["os_release"] == {
            "id": "debian",
            "family": ["debian", "linux"],
            "version": "12",
            "codename": "bookworm",
        }
        assert msgspec.convert(told, HostFacts).hostname == "web-01"
        assert msgspec.json.decode(msgspec.json.encode(told)) == told

    async def test_looking_changes_nothing_and_is_allowed_in_check_mode(self, host: Host) -> None:
        assert (await host.for_task(Task(check_mode=True)).facts())["hostname"] == "web-01"


class TestManaged:
    async def test_a_note_says_who_when_and_what(self, host: Host) -> None:
        view = host.for_task(Task(job_id="j1", operation="node.sysctl.create"))
        await view.apply(Plan((Remember(path="/etc/motd", sha256=sha256(b"x"), metadata={"key": "k"}),)))
        note = await host.managed.get("/etc/motd")
        assert note is not None
        assert (note.job_id, note.operation, note.sha256) == ("j1", "node.sysctl.create", sha256(b"x"))
        assert (dict(note.metadata), note.settled) == ({"key": "k"}, True)
        assert note.recorded.utcoffset() is not None

    async def test_a_later_note_replaces_the_earlier(self, host: Host) -> None:
        await host.apply(Plan((Remember(path="/a", sha256="1", settled=False), Remember(path="/a", sha256="2"))))
        note = await host.managed.get("/a")
        assert note is not None
        assert (note.sha256, note.settled) == ("2", True)

    async def test_notes_are_listed_by_the_beginning_of_the_path(self, host: Host) -> None:
        paths = ["/etc/sysctl.d/osapi-b", "/etc/sysctl.d/osapi-a", "/etc/sysctl.d/osapi_", "/etc/cron.d/x"]
        await host.apply(Plan(tuple(Remember(path=path, sha256="") for path in paths)))
        found = await host.managed.below("/etc/sysctl.d/osapi-")
        assert [note.path for note in found] == ["/etc/sysctl.d/osapi-a", "/etc/sysctl.d/osapi-b"]

    async def test_an_intention_leaves_the_rest_of_the_note(self, host: Host) -> None:
        await host.apply(Plan((Remember(path="/a", sha256="1"), Intend(path="/a", sha256="2"))))
        note = await host.managed.get("/a")
        assert note is not None
        assert (note.sha256, note.settled, note.pending) == ("1", True, "2")
        await host.apply(Plan((Intend(path="/unknown", sha256="2"),)))
        assert await host.managed.get("/unknown") is None

    async def test_a_note_brought_up_to_date_is_no_change(self, host: Host) -> None:
        applied = await host.apply(Plan((Remember(path="/a", sha256="1", quiet=True),)))
        assert (applied.changed, (await host.managed.get("/a")) is not None) == (False, True)

    async def test_a_forgotten_note_is_gone(self, host: Host) -> None:
        await host.apply(Plan((Remember(path="/a", sha256="1"), Forget(path="/a"), Forget(path="/a"))))
        assert await host.managed.get("/a") is None
