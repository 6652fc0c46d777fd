"""One host on which operations are shown: prepared, asked through the SDK, and looked at by its own programs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from tests.acceptance.fleet import ROOT, Fleet
from tests.domains.proofs import Proof, joined

from osapi.cli.cells import cell, rows
from osapi.contract import masking
from osapi.contract.operation import Operation
from osapi.contract.result import HostResult, Outcome
from osapi.sdk.client import Client

_CLIENT = "osapi client "
_MARK = "/run/osapi-mark"
_RESTLESS = (
    "/var/lib/osapi",  # the agent's own notes
    "/var/lib/osapi-agent",
    "/var/log",
    "/var/lib/systemd",
    "/var/lib/chrony",
    "/var/cache/apt",  # apt's copies of its own lists, made again by whoever looks
    "/tmp",
    "/var/tmp",
)
"""Where files change on a host that nobody touches."""


@dataclass(frozen=True)
class Subject:
    """One host. `machine` is its id, which stays the same whatever it is called."""

    fleet: Fleet
    number: int
    machine: str
    sdk: Client

    @contextmanager
    def prepared(self, proof: Proof, folder: Path) -> Iterator[None]:
        """The host as the proof wants it, and as it was afterwards. `folder` is that of the proof."""
        for script in proof.scripts:
            self.shell((folder / script).read_text())
        try:
            for line in proof.prepare:
                self._do(line, folder)
            yield
        finally:
            for line in proof.cleanup:
                self._do(line, folder)

    def request(self, operation: Operation[Any, Any], proof: Proof) -> Any:
        """What is asked, with what only the host can tell."""
        found = {name: self.shell(line) for name, line in proof.found.items()}
        return msgspec.convert({**proof.request, **found}, operation.request, strict=False, dec_hook=masking.read)

    def ask(self, operation: Operation[Any, Any], request: Any, *, dry_run: bool = False) -> HostResult[Any]:
        """The host's answer, which must be a good one."""
        (answer,) = self.sdk.run(operation, request, target=self.machine, dry_run=dry_run)
        assert answer.status is Outcome.OK, answer
        return answer

    def look(self, proof: Proof) -> str:
        """What the proof looks at."""
        return self.shell(joined(proof.look))

    def shell(self, line: str) -> str:
        """Run shell on the host; returns what it prints. Fails when it fails."""
        return self.fleet.bed("enter", self.number, "env", f"CHECKOUT={ROOT}", "sh", "-c", line)

    def mark(self) -> None:
        """From now on it is noticed when a file is touched."""
        self.shell(f"touch {_MARK}")

    def touched(self, but: tuple[str, ...]) -> list[str]:
        """Files and folders on the host's disk that were made, written or otherwise changed since the mark."""
        spared = " -o ".join(f"-path {shlex.quote(path)}" for path in (*_RESTLESS, *but))
        return self.shell(rf"find / -xdev \( {spared} \) -prune -o -cnewer {_MARK} -print").splitlines()

    def _do(self, line: str, folder: Path) -> None:
        if not line.startswith(_CLIENT):
            self.shell(line)
            return
        words = shlex.split(line.removeprefix(_CLIENT).replace("{host}", self.machine))
        answer = self.fleet.client(*words, folder=folder)
        assert answer.status == 0, f"{line}: {answer}"


@contextmanager
def subject(fleet: Fleet, number: int) -> Iterator[Subject]:
    """Host `number` of the bed."""
    with fleet.sdk() as sdk:
        yield Subject(fleet, number, fleet.bed("enter", number, "cat", "/etc/machine-id"), sdk)


def told(data: Any, paths: tuple[str, ...]) -> str:
    """The values at these paths of a result, a line for each row."""
    entries = msgspec.to_builtins(data)
    found = [row for entry in (entries if isinstance(entries, list) else [entries]) for row in rows(entry, paths)]
    return "\n".join(" ".join(filter(None, map(cell, row))) for row in found).strip()
