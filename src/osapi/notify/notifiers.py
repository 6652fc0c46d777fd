"""Ways to people. The log is built in, everything else goes through apprise."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
from collections.abc import Callable, Generator
from typing import Any, Protocol, cast

from osapi.contract.errors import DeadlineExceeded, Invalid, OsapiError, Unavailable
from osapi.telemetry.log import get_logger

LOG = "log"
DEADLINE_S = 30.0
_STATUS = re.compile(r"error=(\d{3})\b")
_log = get_logger(__name__)


class Notifier(Protocol):
    """One way to people."""

    async def send(self, title: str, body: str) -> None:
        """Return when the message is handed over. Raises `OsapiError`, whose text holds no secret."""
        ...


class LogNotifier:
    """Writes messages into the controller's log."""

    async def send(self, title: str, body: str) -> None:
        _log.warning("notify.message", title=title, text=body)


class AppriseNotifier:
    """Hands messages to apprise, in a thread of its own, since apprise waits.

    A thread that outlives the deadline is left alone; until it has ended nothing more is sent this way.
    """

    def __init__(self, service: Any, deadline_s: float = DEADLINE_S) -> None:
        self._service = service
        self._deadline_s = deadline_s
        self._thread: threading.Thread | None = None

    async def send(self, title: str, body: str) -> None:
        if self._thread is not None and self._thread.is_alive():
            raise Unavailable("the message before is still being sent")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        work = _worker(self._service, title, body, asyncio.get_running_loop(), future)
        self._thread = threading.Thread(target=work, name="apprise", daemon=True)
        self._thread.start()
        try:
            await asyncio.wait_for(future, self._deadline_s)
        except TimeoutError as late:
            raise DeadlineExceeded(f"nothing was heard within {self._deadline_s:g} s") from late


def of_url(name: str, url: str, schemes: frozenset[str], deadline_s: float = DEADLINE_S) -> Notifier:
    """A notifier of the settings. Raises `Invalid`; the URL, which may hold a password, is not repeated."""
    where = f"controller.notifications.notifiers.{name}.url"
    scheme = url.partition("://")[0].lower()
    if scheme not in schemes:
        allowed = ", ".join(sorted(schemes)) or "none"
        raise Invalid(f"{where}: its scheme is not allowed; controller.notifications.schemes allows {allowed}")
    try:
        import apprise
    except ImportError as missing:
        raise Invalid(f"{where}: the package apprise is missing; install osapi[notify]") from missing
    with _overheard():
        service = cast("Any", apprise.Apprise).instantiate(url, suppress_exceptions=True)
    if service is None:
        raise Invalid(f"{where}: apprise cannot read this URL; see the page of the scheme in its documentation")
    return AppriseNotifier(service, deadline_s)


def _worker(
    service: Any, title: str, body: str, loop: asyncio.AbstractEventLoop, future: asyncio.Future[None]
) -> Callable[[], None]:
    def settle(problem: OsapiError | None) -> None:
        if future.done():
            return
        if problem is None:
            future.set_result(None)
        else:
            future.set_exception(problem)

    def work() -> None:
        problem = _attempt(service, title, body)
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile: nobody waits
            loop.call_soon_threadsafe(settle, problem)

    return work


def _attempt(service: Any, title: str, body: str) -> OsapiError | None:
    """What went wrong, in words of ours: those of apprise may repeat the URL."""
    with _overheard() as heard:
        try:
            done = service.notify(title=title, body=body, body_format="text")
        except Exception as problem:  # noqa: BLE001 - a border: a plugin may raise anything
            return Unavailable(f"apprise failed: {type(problem).__name__}")
    if done:
        return None
    status = next((found[1] for line in heard if (found := _STATUS.search(line))), "")
    return Unavailable(f"the service answered {status}" if status else "the service cannot be reached or refuses")


class _Ear(logging.Handler):
    """Keeps what this thread logs."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.heard.append(record.getMessage())


@contextlib.contextmanager
def _overheard() -> Generator[list[str]]:
    """Listen to apprise's log, which goes nowhere else: it may hold secrets."""
    logger = logging.getLogger("apprise")
    logger.propagate = False
    ear = _Ear()
    logger.addHandler(ear)
    try:
        yield ear.heard
    finally:
        logger.removeHandler(ear)
