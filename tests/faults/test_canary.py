"""Row 46 of the fault matrix: a secret is nowhere but where it has to be.

Every operation that takes a secret is asked for, in every way in which a caller can ask, while somebody watches the list of
processes; afterwards the whole data folder, the store of the broker among it, all logs and all that was answered is
searched. Accounts of this machine are not changed: those operations run in check mode here, and for real on a host of
its own in `tests/acceptance/test_user.py`.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from bench.stack import running
from tests.integration.api.kit import Api, Installation, eventually

from osapi.contract import masking
from osapi.contract.operation import Operation
from osapi.domains import discovery
from osapi.domains.user import operations as user
from osapi.domains.user.models import Password, UserPassword

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

CANARY = "Kanarienvogel-7c1f"
MARK = "no-secret-5b1e"
"""Travels beside each secret. It must be found, or the search is blind."""
HASH = f"$6$osapi${CANARY}"
SLEEP = "sleep 0.4"

ASKED: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "node.user.create": [
        ("?dry_run=true", {"name": MARK, "password": CANARY}),
        ("?dry_run=true", {"name": MARK, "password": HASH, "hashed": True}),
    ],
    "node.user.password": [
        ("?dry_run=true", {"password": CANARY}),
        ("?dry_run=true", {"password": HASH, "hashed": True}),
    ],
    "command.exec.execute": [
        (
            "",
            {
                "command": "sh",
                "args": ["-c", f"cat; {SLEEP}"],
                "secret_stdin": CANARY,
                "env": [f"M={MARK}"],
                "keep_output": True,
            },
        ),
        (
            "",
            {
                "command": "sh",
                "args": ["-c", f'echo "$T" >&2; {SLEEP}'],
                "secret_env": [f"T={CANARY}"],
                "keep_output": True,
            },
        ),
    ],
    "command.shell.execute": [
        ("", {"command": f": {MARK}; {SLEEP}; cat; exit 3", "secret_stdin": CANARY}),
        ("", {"command": f': {MARK}; {SLEEP}; echo "$T"', "secret_env": [f"T={CANARY}"]}),
        ("", {"command": f": {MARK}; cat; sleep 60", "secret_stdin": CANARY, "timeout": 1}),
    ],
}
"""Query and body for each operation that takes a secret. A new one is told how it is asked here."""


def forms(secret: str) -> list[bytes]:
    """The secret as it may lie about: as it is, in base 64 at any place of a group, in hexadecimal."""
    found = {secret.encode(), secret.encode().hex().encode()}
    for before in range(3):
        text = base64.b64encode(b"\0" * before + secret.encode())
        found.add(text[4 if before else 0 : -4])
    return sorted(found)


class Watcher:
    """Looks at the command line and the environment of every process, again and again."""

    def __init__(self, needle: bytes) -> None:
        self._needle = needle
        self.looks = 0
        self.lines: set[bytes] = set()
        self.environments: set[bytes] = set()
        self._stop = threading.Event()

    @contextmanager
    def watching(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            self.looks += 1
            for folder in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    line = (folder / "cmdline").read_bytes()
                    if self._needle in line:
                        self.lines.add(line)
                    if self._needle in (folder / "environ").read_bytes():
                        self.environments.add(line)


def hits(place: Path, needles: list[bytes]) -> list[str]:
    """The files below that hold one of them."""
    files = (path for path in place.rglob("*") if path.is_file())
    return [str(path.relative_to(place)) for path in files if any(needle in path.read_bytes() for needle in needles)]


def secret_operations() -> list[Operation[Any, Any]]:
    return [operation for operation in discovery.operations() if masking.holds(operation.request)]


def test_every_operation_with_a_secret_is_asked_here() -> None:
    assert {operation.name for operation in secret_operations()} == set(ASKED)


class Caller:
    """Asks, and keeps everything that comes back."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.answers: list[str] = []
        self.jobs: dict[str, None] = {}

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = await self._api(method, path, body, **headers)
        self.answers += [answer.text, str(dict(answer.headers))]
        content = answer.json() if answer.content else {}
        if content.get("job_id"):
            self.jobs[content["job_id"]] = None
        return content

    async def read(self, path: str) -> None:
        """Take in what is no JSON."""
        self.answers.append((await self._api("GET", path)).text)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The secret in a file, for the command line."""
    made = tmp_path / "secret"
    made.write_text(f"{CANARY}\n")
    return made


async def test_row_46_a_secret_is_nowhere_at_rest_and_in_no_list_of_processes(tmp_path: Path, file: Path) -> None:
    watcher = Watcher(CANARY.encode())
    async with running(tmp_path / "stack", agents=2, changes={"debug": True}) as stack:
        installation = Installation(stack, tmp_path, Api(stack.api_port, stack.token))
        caller = Caller(installation.admin)
        with watcher.watching():
            asked = await everything(caller)
            spoken = await by_the_other_clients(installation, file, caller)
        await installation.admin.close()
    places = search(tmp_path / "stack", caller, spoken, watcher)
    found = {place: where for place, where in places.items() if where}
    print(
        f"\nrow 46: places = {len(places)}, operations = {asked}, looks = {watcher.looks}, hits = {len(found)} {found}"
    )
    assert found == {}
    assert watcher.looks > 20
    assert all("T=" not in line.decode(errors="replace") for line in watcher.lines)


async def everything(caller: Caller) -> int:
    """Every operation in every way: rightly, twice, wrongly, to nobody, again. Returns how often something was asked."""
    asked = 0
    for operation in secret_operations():
        method, path = operation.route
        for query, body in ASKED[operation.name]:
            for target in ("web-00", "_all", "_any"):
                route = f"/api/node/{target}{path.replace('{name}', MARK)}"
                key = f"{operation.name}-{asked}"
                done = await caller.ask(method, route + query, body, idempotency_key=key)
                again = await caller.ask(method, route + query, body, idempotency_key=key)
                assert again.get("job_id") == done.get("job_id")
                asked += 2
            for spoiled in (with_secrets(body, lambda it: f"{it}\0"), with_secrets(body, lambda it: [it]), {CANARY: 1}):
                await caller.ask(method, route + query, spoiled)
                asked += 1
            other = with_secrets(body, lambda it: f"{it}x")
            assert (await caller.ask(method, route + query, other, idempotency_key=key)).get("code") == "conflict"
            await caller.ask(method, route.replace("_any", "nobody") + query, body)
            asked += 2
    return asked + await look_back(caller)


def with_secrets(body: dict[str, Any], change: Any) -> dict[str, Any]:
    """The body with each of its secrets changed."""

    def changed(value: Any) -> Any:
        if isinstance(value, list):
            return [changed(one) for one in value]
        return change(value) if CANARY in str(value) else value

    return {name: changed(value) for name, value in body.items()}


async def look_back(caller: Caller) -> int:
    """Everything that can be read of jobs, and every job again, without its secrets and with them."""
    jobs = list(caller.jobs)
    for path in (
        "/api/job?limit=100",
        "/api/job/dead-letter",
        "/api/agent",
        "/api/agent/quarantine",
        "/api/openapi.json",
        "/api/audit?limit=100",
        "/api/health/status",
    ):
        await caller.ask("GET", path)
    await caller.read("/api/audit/export")
    await caller.read("/api/audit/chain")
    for job in jobs:
        shown = await caller.ask("GET", f"/api/job/{job}")
        assert "********" in json.dumps(shown["operation"]["data"])
        refused = await caller.ask("POST", f"/api/job/{job}/retry", {})
        assert refused["code"] == "secrets_needed"
        hashed = shown["operation"]["data"].get("hashed")
        given = dict.fromkeys(refused["details"]["fields"], HASH if hashed else f"T={CANARY}")
        created = await caller.ask("POST", f"/api/job/{job}/retry", {"secrets": given})
        await caller.read(f"/api/job/{job}/events")
        for kept in (await caller.ask("GET", f"/api/job/{job}/output"))["items"]:
            await caller.read(f"/api/job/{job}/output/{kept['hostname']}/{kept['name']}")
        await caller.ask("POST", f"/api/job/{job}/retry", {"secrets": {**given, "nothing": CANARY}})
        assert created["status"] == "created", created
    return 5 * len(jobs)


async def by_the_other_clients(installation: Installation, file: Path, caller: Caller) -> list[str]:
    """The command line and the SDK, with a password out of a file."""
    words = ("node", "user", "password", "--name", MARK, "-T", "web-00", "--check", "--password", f"@{file}")
    spoken = [await installation.cli(*words, "--debug"), await installation.cli(*words, "--json")]
    spoken.append(await installation.cli("job", "list", "--json", "--limit", "100"))
    async with installation.sdk() as client:
        request = UserPassword(name=MARK, password=Password(CANARY))
        with suppress(Exception):
            await client.run(user.PASSWORD, request, target="web-00", dry_run=True)

    async def settled() -> bool:
        counts = (await caller.ask("GET", "/api/job?limit=1"))["status_counts"]
        return not {"submitted", "processing"} & set(counts)

    await eventually(settled, 90)
    return [text for one in spoken for text in (one.out, one.err)]


def search(folder: Path, caller: Caller, spoken: list[str], watcher: Watcher) -> dict[str, list[str]]:
    """Where the secret was found, by place. The mark beside it must be found wherever requests rest or are shown."""
    needles = forms(CANARY)
    said = {"API answers": caller.answers, "command line output": spoken}
    assert hits(folder / "data" / "nats", forms(MARK)), "the search finds nothing at all"
    assert any(MARK in text for text in caller.answers)
    assert any("event: output" in text and "********" in text for text in caller.answers), "nothing was told live"
    assert "********" in caller.answers, "nothing was kept whole"
    return {
        "broker store": hits(folder / "data" / "nats", needles),
        "data folder": hits(folder / "data", needles),
        "agents' folders": [name for place in sorted(folder.glob("agent-?")) for name in hits(place, needles)],
        "logs and settings": [path.name for path in folder.glob("*") if path.is_file() and hits_file(path, needles)],
        **{
            place: [text for text in texts if any(needle.decode() in text for needle in needles)]
            for place, texts in said.items()
        },
        "command lines of processes": [line.decode(errors="replace") for line in watcher.lines],
        "environments of processes that were not given it": [
            line.decode(errors="replace") for line in watcher.environments if b"$T" not in line and b"sleep" not in line
        ],
    }


def hits_file(path: Path, needles: list[bytes]) -> bool:
    return any(needle in path.read_bytes() for needle in needles)
