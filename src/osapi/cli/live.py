"""Prints what hosts give out while they work, as it comes, and says at the end how it went.

Of one host it is printed as it is; of several, line by line, each after [HOST].
"""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from osapi.cli import asking, exit_status
from osapi.cli.cells import cell, clean, rows
from osapi.sdk.events import attached
from osapi.sdk.request import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from osapi.cli.asking import Entry
    from osapi.cli.node import Call
    from osapi.cli.terminal import Terminal
    from osapi.sdk.events import ServerEvent
    from osapi.sdk.raw import RawClient

_STREAMS = ("stdout", "stderr")


def follow(call: Call, client: RawClient, term: Terminal) -> int:
    """Carry out a call, print what comes, and return the exit status."""
    printer = _Json(term) if call.output in ("json", "jsonl") else _Printer(call, term)
    try:
        with closing(client.stream(asking.to_request(call, call.wait_s, as_events=True))) as blocks:
            for event in attached(blocks):
                if isinstance(event, Response):
                    return printer.end(asking.read(event.body).entries, event.body)
                printer.take(event)
    except KeyboardInterrupt:
        printer.leave()
        raise
    raise AssertionError("a stream ends with its answer")


class _Printer:
    """For people, and for programs that read what the hosts' commands write."""

    def __init__(self, call: Call, term: Terminal) -> None:
        self._call = call
        self._term = term
        self._many = asking.is_broadcast(call.target)
        self._rest: dict[tuple[str, str], str] = {}
        self._heard: set[str] = set()
        self._job_id = ""

    def take(self, event: ServerEvent) -> None:
        """Print an event of the job, if it is output."""
        told = asking.json_object(event.data.encode())
        self._job_id = str(told.get("job_id") or self._job_id)
        if event.event != "output":
            return
        host, data = str(told.get("hostname")), cast("dict[str, Any]", told.get("data") or {})
        self._heard.add(str(told.get("machine_id")))
        if told.get("left_out"):
            self._tell(host, f"{told['left_out']} bytes came too fast and are left out here")
        if self._call.command.output:
            for name in _STREAMS:
                self._write(host, name, str(data.get(name) or ""))
        else:
            self._rows(host, data)
        self._term.out.flush()
        self._term.err.flush()

    def end(self, entries: list[Entry], _body: bytes) -> int:
        """Print what has not been printed yet, and what went wrong."""
        for entry in entries:
            host = str(entry.get("hostname"))
            if self._call.command.output and entry.get("machine_id") not in self._heard:
                for name in _STREAMS:
                    self._write(host, name, str(entry.get(name) or ""))
            self._finish(host)
            if entry.get("error"):
                self._tell(host, clean(str(entry["error"])))
        return exit_status.of_output(entries) if self._call.command.output else exit_status.of_results(entries)

    def leave(self) -> None:
        """Somebody does not want to see more."""
        if self._job_id and self._call.command.output:
            self._term.tell(f"The job goes on; to stop it: osapi client job cancel --job-id {self._job_id}")

    def _write(self, host: str, name: str, text: str) -> None:
        stream = self._term.out if name == "stdout" else self._term.err
        if not self._many:
            stream.write(text)
            return
        *lines, self._rest[host, name] = (self._rest.get((host, name), "") + text).split("\n")
        for line in lines:
            stream.write(f"[{host}] {line}\n")

    def _finish(self, host: str) -> None:
        """Print what a host has written of a line that it has not ended."""
        for name in _STREAMS:
            if rest := self._rest.pop((host, name), ""):
                self._write(host, name, f"{rest}\n")

    def _rows(self, host: str, data: Mapping[str, Any]) -> None:
        columns = self._call.command.columns
        head = f"[{host}] " if self._many else ""
        for values in rows(data, tuple(column.path for column in columns)):
            cells = (cell(value, column.format) for value, column in zip(values, columns, strict=True))
            self._term.say(head + "  ".join(cells))

    def _tell(self, host: str, text: str) -> None:
        self._term.tell(f"[{host}] osapi: {text}")


class _Json:
    """Every event as it came, one a line, and at the end the answer."""

    def __init__(self, term: Terminal) -> None:
        self._term = term

    def take(self, event: ServerEvent) -> None:
        self._term.say(event.data)
        self._term.out.flush()

    def end(self, entries: list[Entry], body: bytes) -> int:
        self._term.say(json.dumps(json.loads(body), ensure_ascii=False))
        return exit_status.of_results(entries)

    def leave(self) -> None:
        """Whoever reads this knows."""
