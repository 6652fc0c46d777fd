"""One run of nats-server: started, watched until it accepts connections, stopped."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
import time
from collections.abc import Sequence
from pathlib import Path

from osapi.broker.log import ServerLog
from osapi.config.lifeline import tied_to_parent
from osapi.contract.errors import Unavailable
from osapi.telemetry.log import Logger

_POLL_S = 0.02
_GREETING = b"INFO "


class Server:
    """A running nats-server. Make one with `start`."""

    def __init__(self, process: asyncio.subprocess.Process, log: ServerLog, reading: asyncio.Task[None]) -> None:
        self._process = process
        self._log = log
        self._reading = reading

    @classmethod
    async def start(cls, binary: Path, configuration: Path, log: Logger, *, inherited: Sequence[int] = ()) -> Server:
        """Start the program. It ends when this process does, and keeps the `inherited` descriptors open.

        In a session of its own: Ctrl-C in a terminal reaches this process only, which then stops it in order.
        Raises `Unavailable` when the program cannot be run.
        """
        try:
            process = await asyncio.create_subprocess_exec(
                str(binary),
                "-c",
                str(configuration),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=tuple(inherited),
                start_new_session=True,
                preexec_fn=tied_to_parent(signal.SIGTERM),
            )
        except OSError as problem:
            raise Unavailable(f"{binary} cannot be run: {problem.strerror}") from problem
        server_log = ServerLog(log)
        assert process.stderr is not None  # noqa: S101 - asked for above
        return cls(process, server_log, asyncio.create_task(server_log.follow(process.stderr)))

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait_ready(self, host: str, port: int, timeout_s: float, tls: ssl.SSLContext | None = None) -> None:
        """Return when it greets a client, over TLS when `tls` is given. Raises `Unavailable`, with its last complaint, when it ends or stays silent."""
        deadline = time.monotonic() + timeout_s
        while self._process.returncode is None and time.monotonic() < deadline:
            if await _greets(host, port, tls):
                self._log.speak()
                return
            await asyncio.sleep(_POLL_S)
        raise Unavailable(await self._failure(timeout_s))

    async def wait(self) -> int:
        """Its exit status, once it has ended and its log is read; negative for a signal."""
        status = await self._process.wait()
        await self._reading
        return status

    def reload(self) -> None:
        """Let it read its configuration again: connections of users that are gone are cut."""
        self._signal(signal.SIGHUP)

    async def stop(self, deadline_s: float) -> None:
        """Ask it to stop (it flushes its store), and kill it when it has not by the deadline. Idempotent."""
        self._log.quiet()
        self._signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.wait(), deadline_s)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _failure(self, timeout_s: float) -> str:
        if self._process.returncode is None:
            return f"nats-server accepts no connections after {timeout_s:g} s"
        await self._reading
        return (
            f"nats-server ended with status {self._process.returncode}: {self._log.last_complaint or 'no reason given'}"
        )


async def _greets(host: str, port: int, tls: ssl.SSLContext | None) -> bool:
    """Whether a NATS server answers there; it speaks first, with INFO, and with TLS waits for a handshake then.

    The handshake is made, for one that is broken off would stand in its log as an error.
    """
    try:
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                greets = (await reader.readline()).startswith(_GREETING)
                if greets and tls is not None:
                    await writer.start_tls(tls, server_hostname=host)
                return greets
            finally:
                writer.close()
    except OSError:  # TimeoutError is one
        return False
