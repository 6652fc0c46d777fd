"""Files from the upload to the disk of a host and back, by HTTP, SDK and command line."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.integration.api.conftest import installation
from tests.integration.api.kit import Installation, by_host, eventually

from osapi.contract.files import ContentType
from osapi.sdk.client import Client
from osapi.sdk.errors import Conflict, Forbidden, NotFound, SdkError
from osapi.sdk.request import quote

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(180)]

CONF = b"port = 80\n"
PAGE = b"{{ hostname }} {{ vars.port }} {{ facts.labels.group }}\n"
SEEDED = ["osapi/logrotate.v1", "osapi/motd.v1", "osapi/systemd-service.v1"]


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


Upload = Callable[..., Awaitable[httpx2.Response]]


@pytest.fixture
async def upload(fleet: Installation) -> AsyncIterator[Upload]:
    """Upload by a form as any HTTP client makes it; what was uploaded goes afterwards."""
    names: set[str] = set()

    async def send(
        name: str, content: bytes, kind: str = "raw", *, force: bool = False, token: str = ""
    ) -> httpx2.Response:
        names.add(name)
        async with httpx2.AsyncClient(base_url=fleet.admin.url, timeout=60, verify=fleet.admin.tls or True) as http:
            return await http.post(
                f"/api/file?force={str(force).lower()}",
                data={"name": name, "content_type": kind},
                files={"file": ("x", content)},
                headers={"authorization": f"Bearer {token or fleet.stack.token}"},
            )

    yield send
    for name in names:
        await fleet.admin("DELETE", f"/api/file/{quote(name)}")


async def files(fleet: Installation) -> dict[str, dict[str, Any]]:
    answer = (await fleet.admin.get("/api/file")).json()
    assert answer["total"] == len(answer["files"])
    return {file["name"]: file for file in answer["files"]}


async def deploy(fleet: Installation, target: str, name: str, path: Path, **more: Any) -> httpx2.Response:
    body = {"object_name": name, "path": str(path), "content_type": "raw", **more}
    return await fleet.admin.post(f"/api/node/{target}/file/deploy", body)


async def stale(fleet: Installation, name: str) -> list[dict[str, Any]]:
    answer = (await fleet.admin.get("/api/file/stale")).json()
    return [one for one in answer["stale"] if one["object_name"] == name]


class TestStore:
    async def test_a_file_is_uploaded_shown_downloaded_and_deleted(self, fleet: Installation, upload: Upload) -> None:
        answer = await upload("app/a b.conf", CONF)
        told = {"name": "app/a b.conf", "sha256": sha(CONF), "size": len(CONF), "content_type": "raw"}
        assert (answer.status_code, answer.json()) == (201, {**told, "changed": True})
        assert (await files(fleet))["app/a b.conf"] == {**told, "source": "user"}
        path = "/api/file/app%2Fa%20b.conf"
        assert (await fleet.admin.get(path)).json() == {**told, "source": "user"}
        content = await fleet.admin.get(f"{path}/content")
        assert (content.status_code, content.content, content.headers["content-type"]) == (
            200,
            CONF,
            "application/octet-stream",
        )
        head = await fleet.admin("HEAD", f"{path}/content")
        assert (head.headers["content-length"], head.headers["x-content-sha256"]) == (str(len(CONF)), sha(CONF))
        gone = await fleet.admin("DELETE", path)
        assert (gone.status_code, gone.json()) == (200, {"name": "app/a b.conf", "deleted": True, "deployments": 0})
        for method, where in (("GET", path), ("GET", f"{path}/content"), ("DELETE", path)):
            answer = await fleet.admin(method, where)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")

    async def test_what_is_there_is_replaced_by_force_only(self, fleet: Installation, upload: Upload) -> None:
        assert (await upload("x", CONF)).json()["changed"] is True
        assert (await upload("x", CONF)).json()["changed"] is False
        other = await upload("x", b"port = 81\n")
        assert (other.status_code, other.json()["code"]) == (409, "conflict")
        assert other.json()["details"] == {"name": "x", "present": sha(CONF), "uploaded": sha(b"port = 81\n")}
        assert (await files(fleet))["x"]["sha256"] == sha(CONF)
        forced = await upload("x", b"port = 81\n", force=True)
        assert (forced.status_code, forced.json()["changed"]) == (201, True)
        assert (await fleet.admin.get("/api/file/x/content")).content == b"port = 81\n"

    async def test_the_same_content_may_become_a_template(self, fleet: Installation, upload: Upload) -> None:
        await upload("x", CONF)
        assert (await upload("x", CONF, "template")).json()["changed"] is True
        assert (await files(fleet))["x"]["content_type"] == "template"

    async def test_of_uploads_at_once_one_wins_and_is_whole(self, fleet: Installation, upload: Upload) -> None:
        contents = [bytes([65 + number]) * 300_000 for number in range(6)]
        answers = await asyncio.gather(*(upload("x", content) for content in contents))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409, 409]
        assert (await fleet.admin.get("/api/file/x/content")).content in contents

    async def test_what_osapi_brings_along_is_there_and_protected(self, fleet: Installation, upload: Upload) -> None:
        own = {name: file for name, file in (await files(fleet)).items() if file["source"] == "osapi"}
        assert sorted(own) == SEEDED
        assert {file["content_type"] for file in own.values()} == {"template"}
        for answer in (
            await upload("osapi/motd.v1", b"x", force=True),
            await upload("osapi/new", b"x"),
            await fleet.admin("DELETE", "/api/file/osapi%2Fmotd.v1"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "protected")
        assert {name: (await files(fleet))[name] for name in SEEDED} == own

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"a\n{% if x %}", "line 2: "),
            (b"\n\n{{ x | nope }}", "line 3: there is no filter 'nope'"),
            (b'{{ printf "%s" .Vars.x }}', "line 1: the function `printf` is not supported"),
            (b"ok\n{{ if .Vars.x }}", "line 2: `if` without its `end`"),
            (b"\xff", "line 1: it is not UTF-8"),
            (b"x" * 300_000, "at most"),
        ],
    )
    async def test_a_template_that_no_host_could_render_is_refused(
        self, fleet: Installation, upload: Upload, content: bytes, says: str
    ) -> None:
        answer = await upload("bad", content, "template")
        assert (answer.status_code, answer.json()["code"]) == (400, "template_error")
        assert says in answer.json()["error"]
        assert "bad" not in await files(fleet)
        assert (await upload("bad", content)).status_code == 201  # as it is, it is only a file

    @pytest.mark.parametrize(
        ("name", "content", "kind", "says"),
        [
            ("x", b"", "raw", "file: it is empty"),
            ("", b"x", "raw", "name"),
            ("x" * 256, b"x", "raw", "name"),
            ("a\nb", b"x", "raw", "name"),
            ("a\u202eb", b"x", "raw", "is not a name"),
            ("x", b"x", "jinja", "content_type"),
        ],
    )
    async def test_what_does_not_fit_is_refused(
        self, fleet: Installation, upload: Upload, name: str, content: bytes, kind: str, says: str
    ) -> None:
        before = await files(fleet)
        answer = await upload(name, content, kind)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), answer.text
        assert says in answer.json()["error"]
        assert await files(fleet) == before

    @pytest.mark.parametrize(
        ("content_type", "body", "says"),
        [
            ("application/json", b"{}", "multipart/form-data"),
            ("multipart/form-data", b"x", "boundary"),
            ("multipart/form-data; boundary=b", b"hello", "no multipart form"),
            ("multipart/form-data; boundary=b", b"--b\r\n", "ends too early"),
            (
                "multipart/form-data; boundary=b",
                b'--b\r\ncontent-disposition: form-data; name="name"\r\n\r\nx\r\n--b--\r\n',
                "file: missing",
            ),
            (
                "multipart/form-data; boundary=b",
                b'--b\r\ncontent-disposition: form-data; name="name"\r\n\r\nx\r\n--b\r\ncontent-disposition: form-data; name="file"\r\n\r\nhalf',
                "ends too early",
            ),
            (
                "multipart/form-data; boundary=b",
                b'--b\r\ncontent-disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n',
                "name: missing",
            ),
            (
                "multipart/form-data; boundary=b",
                b'--b\r\ncontent-disposition: form-data; name="x"\r\n\r\nx\r\n' * 100_000 + b"--b--\r\n",
                "given twice",
            ),
            (
                "multipart/form-data; boundary=b",
                b"".join(b'--b\r\ncontent-disposition: form-data; name="%d"\r\n\r\nx\r\n' % n for n in range(100))
                + b"--b--\r\n",
                "more than 16 parts",
            ),
            (
                "multipart/form-data; boundary=b",
                b'--b\r\ncontent-disposition: form-data; name="name"\r\n\r\n' + b"x" * 100_000 + b"\r\n--b--\r\n",
                "longer than",
            ),
        ],
        ids=["json", "boundary", "text", "open", "no file", "half", "no name", "twice", "parts", "field"],
    )
    async def test_a_form_that_is_none_is_refused(
        self, fleet: Installation, content_type: str, body: bytes, says: str
    ) -> None:
        before = await files(fleet)
        answer = await fleet.admin.post("/api/file", body, content_type=content_type)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid"), answer.text
        assert says in answer.json()["error"]
        assert await files(fleet) == before

    async def test_the_name_may_come_after_the_file(self, fleet: Installation, upload: Upload) -> None:
        await upload("late", b"to be replaced")
        part = b'--b\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        body = part % (b"file", PAGE) + part % (b"content_type", b"template") + part % (b"name", b"late") + b"--b--\r\n"
        answer = await fleet.admin.post("/api/file?force=true", body, content_type="multipart/form-data; boundary=b")
        assert (answer.status_code, answer.json()["sha256"], answer.json()["content_type"]) == (
            201,
            sha(PAGE),
            "template",
        )

    async def test_an_upload_that_is_cut_leaves_nothing(self, fleet: Installation) -> None:
        before = await files(fleet)
        reader, writer = await asyncio.open_connection("127.0.0.1", fleet.stack.api_port, ssl=fleet.admin.tls)
        head = (
            f"POST /api/file HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {fleet.stack.token}\r\n"
            "content-type: multipart/form-data; boundary=b\r\ncontent-length: 9000000\r\n\r\n"
            '--b\r\ncontent-disposition: form-data; name="name"\r\n\r\ncut\r\n'
            '--b\r\ncontent-disposition: form-data; name="file"\r\n\r\n'
        )
        writer.write(head.encode() + b"x" * 3_000_000)
        await writer.drain()
        writer.transport.abort()
        del reader

        async def gone() -> bool:
            assert await files(fleet) == before
            return await chunks(fleet) == await expected_chunks(fleet)

        await eventually(gone)

    async def test_who_may_only_read_changes_nothing(self, fleet: Installation, upload: Upload) -> None:
        token = fleet.token(permissions=("file:read",))
        assert (await upload("x", CONF, token=token)).status_code == 403
        async with fleet.caller(token) as reader:
            assert (await reader.get("/api/file")).status_code == 200
            assert (await reader("DELETE", "/api/file/osapi%2Fmotd.v1")).status_code == 403
        async with fleet.caller(fleet.token(permissions=("job:read",))) as other:
            for path in ("/api/file", "/api/file/x", "/api/file/x/content", "/api/file/stale"):
                assert (await other.get(path)).status_code == 403
        async with fleet.caller("") as nobody:
            assert (await nobody.post("/api/file", b"x", content_type="multipart/form-data")).status_code == 401


async def chunks(fleet: Installation) -> int:
    """How many chunks the store holds."""
    from bench.wire import connect

    wire = await connect(fleet.stack.login)
    wire.listen_for_answers()
    info = await wire.ask("$JS.API.STREAM.INFO.OBJ_file-objects", {"subjects_filter": "$O.file-objects.C.>"})
    await wire.close()
    return sum((info["state"].get("subjects") or {}).values())


async def expected_chunks(fleet: Installation) -> int:
    return sum(-(-file["size"] // (128 * 1024)) for file in (await files(fleet)).values())


class TestHosts:
    async def test_a_file_is_deployed_compared_repaired_and_taken_away(
        self, fleet: Installation, upload: Upload, tmp_path: Path
    ) -> None:
        await upload("app.conf", CONF)
        place = tmp_path / "etc" / "app.conf"
        told = by_host(
            await fleet.admin.post(
                "/api/node/web-00/file/deploy?dry_run=true",
                {"object_name": "app.conf", "path": str(place), "content_type": "raw"},
            )
        )["web-00"]
        assert (told["changed"], told["diff"].splitlines()[-1], place.exists()) == (True, "+port = 80", False)
        answer = await deploy(fleet, "web-00", "app.conf", place, mode="0640")
        assert answer.status_code == 202
        done = by_host(answer)["web-00"]
        assert (done["changed"], done["sha256"], done["path"]) == (True, sha(CONF), str(place))
        assert (place.read_bytes(), place.stat().st_mode & 0o7777) == (CONF, 0o640)
        assert by_host(await deploy(fleet, "web-00", "app.conf", place, mode="0640"))["web-00"]["changed"] is False

        place.write_bytes(b"port = 99\n")
        place.chmod(0o666)
        where = {"path": str(place)}
        found = by_host(await fleet.admin.post("/api/node/web-00/file/status", where))["web-00"]
        assert (found["status"], found["deviations"], found["sha256"]) == (
            "drifted",
            ["content", "mode"],
            sha(b"port = 99\n"),
        )
        assert by_host(await deploy(fleet, "web-00", "app.conf", place, mode="0640"))["web-00"]["changed"] is True
        assert (place.read_bytes(), place.stat().st_mode & 0o7777) == (CONF, 0o640)

        answer = await fleet.admin.post("/api/node/web-00/file/undeploy", where)
        gone = by_host(answer)["web-00"]
        assert (answer.status_code, gone["changed"], place.exists()) == (202, True, False)
        assert gone["left"] == ["app.conf in the store", f"the empty directory {place.parent}"]
        assert by_host(await fleet.admin.post("/api/node/web-00/file/undeploy", where))["web-00"]["changed"] is False
        assert by_host(await fleet.admin.post("/api/node/web-00/file/status", where))["web-00"]["status"] == "missing"

    async def test_a_file_in_the_way_is_left_or_kept(self, fleet: Installation, upload: Upload, tmp_path: Path) -> None:
        await upload("app.conf", CONF)
        place = tmp_path / "app.conf"
        place.write_bytes(b"theirs\n")
        place.chmod(0o600)
        refused = await deploy(fleet, "web-00", "app.conf", place)
        assert (refused.status_code, refused.json()["code"], place.read_bytes()) == (409, "conflict", b"theirs\n")
        assert by_host(await deploy(fleet, "web-00", "app.conf", place, adopt=True))["web-00"]["changed"] is True
        assert place.read_bytes() == CONF
        back = by_host(await fleet.admin.post("/api/node/web-00/file/undeploy", {"path": str(place)}))["web-00"]
        assert (back["restored"], place.read_bytes(), place.stat().st_mode & 0o7777) == (True, b"theirs\n", 0o600)

    async def test_a_template_is_rendered_on_each_host(
        self, fleet: Installation, upload: Upload, tmp_path: Path
    ) -> None:
        await upload("page", PAGE, "template")
        answer = await deploy(
            fleet, "group:web", "page", tmp_path / "page", content_type="template", vars={"port": 80}, adopt=True
        )
        # Both agents run on this machine, so the later one has replaced what the earlier one wrote.
        texts = {"web-00 80 web.dev\n", "web-01 80 web.prod\n"}
        assert {entry["sha256"] for entry in by_host(answer).values()} <= {sha(text.encode()) for text in texts}
        assert (tmp_path / "page").read_text() in texts

    async def test_a_template_that_fails_on_a_host_says_where(
        self, fleet: Installation, upload: Upload, tmp_path: Path
    ) -> None:
        await upload("page", b"a\n" + PAGE, "template")
        entry = by_host(await deploy(fleet, "web-00", "page", tmp_path / "page", content_type="template"))["web-00"]
        assert (entry["status"], entry["code"]) == ("failed", "template_error")
        assert "line 2: there is no 'port'" in entry["error"]
        assert not (tmp_path / "page").exists()

    async def test_an_object_that_is_not_there_is_named(self, fleet: Installation, tmp_path: Path) -> None:
        answer = await deploy(fleet, "web-00", "nope", tmp_path / "x")
        entry = by_host(answer)["web-00"]
        assert (answer.status_code, entry["status"], entry["code"]) == (202, "failed", "object_not_found")

    async def test_the_agents_own_folders_are_protected(self, fleet: Installation, upload: Upload) -> None:
        await upload("x", CONF)
        for path in (
            fleet.stack.paths.data_dir / "x",
            fleet.folder / "stack" / "agent-0" / "ledger.db",
            Path("/etc/shadow"),
        ):
            answer = await deploy(fleet, "web-00", "x", path, adopt=True)
            assert (answer.status_code, answer.json()["code"]) == (403, "protected")


class TestStale:
    async def test_another_upload_makes_a_deployment_stale_until_it_is_deployed(
        self, fleet: Installation, upload: Upload, tmp_path: Path
    ) -> None:
        await upload("app.conf", CONF)
        place = tmp_path / "app.conf"
        await deploy(fleet, "web-00", "app.conf", place)
        assert await stale(fleet, "app.conf") == []
        new = b"port = 81\n"
        await upload("app.conf", new, force=True)

        async def found() -> list[dict[str, Any]]:
            return await stale(fleet, "app.conf")

        (one,) = await eventually(found)
        machine = fleet.agent("web-00").machine
        assert one == {
            "object_name": "app.conf",
            "hostname": "web-00",
            "machine_id": machine,
            "provider": "file",
            "path": str(place),
            "deployed_sha": sha(CONF),
            "current_sha": sha(new),
            "deployed_at": one["deployed_at"],
            "reason": "object",
        }
        await deploy(fleet, "web-00", "app.conf", place)

        async def fresh() -> bool:
            return await stale(fleet, "app.conf") == []

        await eventually(fresh)
        answer = await fleet.admin("DELETE", "/api/file/app.conf")
        assert answer.json()["deployments"] == 1
        (gone,) = await stale(fleet, "app.conf")
        assert (gone["reason"], gone["deployed_sha"], gone["current_sha"]) == ("gone", sha(new), "")
        await fleet.admin.post("/api/node/web-00/file/undeploy", {"path": str(place)})
        await eventually(fresh)

    async def test_a_template_is_not_stale_because_it_was_rendered(
        self, fleet: Installation, upload: Upload, tmp_path: Path
    ) -> None:
        await upload("page", PAGE, "template")
        answer = await deploy(fleet, "db-00", "page", tmp_path / "page", content_type="template", vars={"port": 1})
        assert by_host(answer)["db-00"]["changed"] is True
        await upload("other", CONF)  # a later word about the same agent shows that the earlier was heard
        await deploy(fleet, "db-00", "other", tmp_path / "other")
        await upload("other", b"x", force=True)

        async def heard() -> list[dict[str, Any]]:
            return await stale(fleet, "other")

        await eventually(heard)
        assert await stale(fleet, "page") == []
        for path in ("page", "other"):
            await fleet.admin.post("/api/node/db-00/file/undeploy", {"path": str(tmp_path / path)})

    async def test_what_a_caller_does_not_reach_is_not_told(
        self, fleet: Installation, upload: Upload, tmp_path: Path
    ) -> None:
        await upload("app.conf", CONF)
        for host in ("web-00", "db-00"):
            await deploy(fleet, host, "app.conf", tmp_path / host)
        await upload("app.conf", b"x", force=True)

        async def both() -> bool:
            return len(await stale(fleet, "app.conf")) == 2

        await eventually(both)
        async with fleet.caller(fleet.token("web-team", permissions=("file:read",))) as limited:
            seen = (await limited.get("/api/file/stale")).json()
        assert {one["hostname"] for one in seen["stale"] if one["object_name"] == "app.conf"} <= {"web-00", "db-00"}
        for host in ("web-00", "db-00"):
            await fleet.admin.post(f"/api/node/{host}/file/undeploy", {"path": str(tmp_path / host)})


class TestClients:
    async def test_the_command_line_does_it_all(self, fleet: Installation, upload: Upload, tmp_path: Path) -> None:
        await upload("cli.conf", b"to be replaced")
        source, copy = tmp_path / "source", tmp_path / "copy"
        source.write_bytes(CONF * 1000)
        refused = await fleet.cli("file", "upload", "--name", "cli.conf", "--file", str(source))
        assert (refused.status, "set force" in refused.err) == (1, True)
        done = await fleet.cli("file", "upload", "--name", "cli.conf", "--file", str(source), "--force", "--json")
        assert (done.status, done.json["changed"], done.json["sha256"]) == (0, True, sha(CONF * 1000))
        again = await fleet.cli("file", "upload", "--name", "cli.conf", "--file", str(source))
        assert (again.status, "Changed" in again.out, "no" in again.out) == (0, True, True)
        shown = await fleet.cli("file", "get", "--name", "cli.conf")
        assert sha(CONF * 1000) in shown.out
        listed = await fleet.cli("file", "list")
        assert listed.out.split("\n")[1].split() == ["NAME", "SHA256", "SIZE", "SOURCE", "TYPE"]
        assert "cli.conf" in listed.out
        assert (await fleet.cli("file", "download", "--name", "cli.conf", "--out", str(copy))).status == 0
        assert copy.read_bytes() == CONF * 1000
        assert (await fleet.cli("file", "download", "--name", "cli.conf")).out.encode() == CONF * 1000
        words = ("node", "file", "deploy", "-T", "web-00", "--object", "cli.conf", "--path", str(tmp_path / "x"))
        assert (await fleet.cli(*words)).status == 0
        assert (tmp_path / "x").read_bytes() == CONF * 1000
        status = await fleet.cli("node", "file", "status", "-T", "web-00", "--path", str(tmp_path / "x"), "--json")
        assert status.json["results"][0]["status"] == "in-sync"
        source.write_bytes(PAGE)
        template = ("--content-type", "template")
        assert (
            await fleet.cli("file", "upload", "--name", "cli.conf", "--file", str(source), "--force", *template)
        ).status == 0
        old = await fleet.cli("file", "stale")
        assert ("cli.conf" in old.out, "object" in old.out) == (True, True)
        assert (await fleet.cli(*words, *template, "--var", "port=80", "--var", "x=1=2")).status == 0
        assert (tmp_path / "x").read_text() == "web-00 80 web.dev\n"
        assert (await fleet.cli("node", "file", "undeploy", "-T", "web-00", "--path", str(tmp_path / "x"))).status == 0
        gone = await fleet.cli("file", "delete", "--name", "cli.conf")
        assert (gone.status, "Deleted" in gone.out) == (0, True)
        assert (await fleet.cli("file", "get", "--name", "cli.conf")).status == 1

    async def test_a_download_that_cannot_be_written_is_told(self, fleet: Installation, tmp_path: Path) -> None:
        said = await fleet.cli("file", "download", "--name", "osapi/motd.v1", "--out", str(tmp_path / "no" / "x"))
        assert (said.status, "cannot write" in said.err) == (1, True)
        said = await fleet.cli("file", "upload", "--name", "x", "--file", str(tmp_path / "nothing"))
        assert (said.status, "cannot read" in said.err) == (1, True)
        assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - a test may block

    async def test_both_clients_of_the_sdk_do_it_all(self, fleet: Installation, upload: Upload, tmp_path: Path) -> None:
        await upload("sdk", b"to be replaced")
        large = os.urandom(1_500_000)
        (tmp_path / "large").write_bytes(large)

        def synchronous() -> None:
            with Client(fleet.admin.url, fleet.stack.token, ca_file=fleet.admin.ca_file) as client:
                with pytest.raises(Conflict):
                    client.files.upload("sdk", tmp_path / "large")
                done = client.files.upload("sdk", tmp_path / "large", force=True)
                assert (done.changed, done.size, done.sha256) == (True, len(large), sha(large))
                assert not client.files.upload("sdk", large).changed
                assert b"".join(client.files.download("sdk")) == large
                assert client.files.save("sdk", tmp_path / "copy").sha256 == sha(large)
                assert (tmp_path / "copy").read_bytes() == large
                assert "sdk" in {file.name for file in client.files.list().files}
                with pytest.raises(Forbidden):
                    client.files.upload("osapi/x", b"x" * 5_000_000)
                assert client.files.upload("sdk", PAGE, content_type=ContentType.TEMPLATE, force=True).changed

        await asyncio.to_thread(synchronous)
        async with fleet.sdk() as client:
            assert not (await client.files.upload("sdk", PAGE, content_type=ContentType.TEMPLATE)).changed
            assert (await client.files.upload("sdk", tmp_path / "large", force=True)).sha256 == sha(large)
            assert b"".join([piece async for piece in client.files.download("sdk")]) == large
            assert (await client.files.save("sdk", tmp_path / "again")).size == len(large)
            assert (tmp_path / "again").read_bytes() == large
            assert (await client.files.get("sdk")).content_type is ContentType.RAW
            assert (await client.files.stale()).total >= 0
            assert (await client.files.delete("sdk")).deleted
            with pytest.raises(NotFound):
                await client.files.get("sdk")
            with pytest.raises(SdkError, match="cannot read"):
                await client.files.upload("x", tmp_path / "nothing")


async def test_an_upload_beyond_the_limit_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    limit = 2_000_000
    async with installation(tmp_path, controller={"api": {"upload_limit_bytes": limit}}) as made:

        def send() -> None:
            with Client(made.admin.url, made.stack.token, ca_file=made.admin.ca_file) as client:
                client.files.upload("large", b"x" * (limit + 1))

        with pytest.raises(SdkError) as caught:
            await asyncio.to_thread(send)
        assert json.loads(caught.value.body)["code"] == "too_large"  # type: ignore[attr-defined] # an ApiError
        assert sorted(await files(made)) == SEEDED
        assert await chunks(made) == await expected_chunks(made)


async def test_without_a_place_for_files_there_are_no_files(tmp_path: Path) -> None:
    async with installation(tmp_path, nats={"objects": {"bucket": ""}}) as made:
        await made.stack.start_agents(1)
        assert (await made.admin.get("/api/file")).status_code == 404
        body = {"object_name": "x", "path": str(tmp_path / "x"), "content_type": "raw"}
        answer = await made.admin.post("/api/node/web-00/file/deploy", body)
        entry = by_host(answer)["web-00"]
        assert (entry["status"], "nats.objects.bucket" in entry["error"]) == ("skipped", True)
        status = by_host(await made.admin.post("/api/node/web-00/file/status", {"path": str(tmp_path / "x")}))["web-00"]
        assert status["status"] == "missing"


async def test_a_store_that_is_full_keeps_nobody_from_being_served(tmp_path: Path) -> None:
    async with installation(tmp_path, nats={"objects": {"max_bytes": 400}}) as made:
        assert (await made.admin.get("/health/ready")).status_code == 200
        body = b'--b\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n'
        form = body % (b"name", b"x") + body % (b"file", b"x" * 1000) + b"--b--\r\n"
        answer = await made.admin.post("/api/file", form, content_type="multipart/form-data; boundary=b")
        assert (answer.status_code, answer.json()["code"]) == (503, "refused")
