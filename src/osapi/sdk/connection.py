"""One kept-alive HTTP/1.1 connection on a plain socket (RFC 9112).

`http.client` would do the same and costs the CLI 1.5 times a bare start of Python, nearly all of it for the
parser of e-mail headers; what a client of one known server needs of HTTP fits on this page. Retries and the
choice between connections belong to `raw`.
"""

from __future__ import annotations

import select
import socket
import time
from typing import TYPE_CHECKING

from osapi.sdk.errors import BadAnswer, Unreachable
from osapi.sdk.request import Request

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator
    from io import BufferedReader

    from osapi.sdk.address import Address
    from osapi.sdk.form import UploadForm

_LINE_LIMIT = 65536
_HEADER_LIMIT = 200
_BLOCK = 65536


class Connection:
    """An open connection. Use it for one exchange at a time; `is_reusable` says whether for another."""

    def __init__(self, sock: socket.socket, address: Address) -> None:
        self._socket = sock
        self._address = address
        self._reader: BufferedReader = sock.makefile("rb")
        self._version = ""
        self._until: float | None = None
        self._is_cut = False
        self._is_tls = hasattr(sock, "pending")  # not by type: that would import the module
        self.is_reusable = False
        self.used = False

    def start(self, request: Request, headers: dict[str, str], timeout_s: float) -> tuple[int, dict[str, str]]:
        """Send a request and read status and headers of the answer. Raises `Unreachable` or `BadAnswer`."""
        self._socket.settimeout(timeout_s)
        sent = False
        try:
            self._socket.sendall(self._encode(request, headers))
            sent = True
            if request.form is not None:
                self._send(request.form)
            return self._read_head()
        except TimeoutError as problem:
            raise Unreachable(
                f"{self._address} did not answer within {timeout_s:g} s", sent=True, timed_out=True
            ) from problem
        except OSError as problem:
            raise Unreachable(f"the connection to {self._address} broke: {_reason(problem)}", sent=sent) from problem

    def body(
        self, request: Request, status: int, headers: dict[str, str], *, until: float | None = None
    ) -> Iterator[bytes]:
        """Yield the body of the answer as it arrives. Raises `Unreachable` or `BadAnswer`.

        `until` is the time, on the monotonic clock, at which the wait for more ends with a time-out.
        """
        self._until = until
        try:
            yield from self._blocks(request, status, headers)
        except TimeoutError as problem:
            raise Unreachable(f"{self._address} fell silent in mid-answer", sent=True, timed_out=True) from problem
        except OSError as problem:
            raise Unreachable(f"the connection to {self._address} broke: {_reason(problem)}", sent=True) from problem
        self.is_reusable = self._keeps_open(status, headers)
        self.used = True

    def is_stale(self) -> bool:
        """Whether the controller has closed the idle connection, or said something nobody asked for."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        self._reader.close()
        self._socket.close()

    def _send(self, form: UploadForm) -> None:
        """Send a long body, until the controller has heard enough: it may answer early, and close.

        With TLS something may arrive that is no answer, so there only a broken connection tells.
        """
        try:
            for piece in form.pieces():
                if not self._is_tls and self.is_stale():
                    break
                self._socket.sendall(piece)
            else:
                return
        except (BrokenPipeError, ConnectionResetError):
            pass
        self._is_cut = True

    def _encode(self, request: Request, headers: dict[str, str]) -> bytes:
        lines = [
            f"{request.method} {self._address.base_path}{request.path} HTTP/1.1",
            f"host: {self._address.authority}",
        ]
        lines += [f"{name}: {value}" for name, value in {**headers, **request.headers}.items()]
        if request.form is not None:
            lines += [f"content-type: {request.form.content_type}", f"content-length: {request.form.length}"]
        elif request.body is not None:
            lines.append("content-type: application/json")
        if request.form is None and (request.body is not None or request.method not in ("GET", "DELETE")):
            lines.append(f"content-length: {len(request.body or b'')}")
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a header or the path of the request holds a line break")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (request.body or b"")

    def _read_head(self) -> tuple[int, dict[str, str]]:
        while True:
            status = self._status()
            headers = self._headers()
            if status >= 200:
                return status, headers

    def _status(self) -> int:
        line = self._line()
        if not line:
            raise ConnectionResetError("it was closed before an answer came")
        version, _, rest = line.partition(" ")
        code = rest[:3]
        if not version.startswith("HTTP/1.") or not (len(code) == 3 and code.isascii() and code.isdigit()):
            raise BadAnswer(f"{self._address} does not speak HTTP/1.1: it answered {line[:40]!r}")
        self._version = version
        return int(code)

    def _headers(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for _ in range(_HEADER_LIMIT):
            line = self._line()
            if not line.strip():
                return headers
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        raise BadAnswer(f"{self._address} answered with more than {_HEADER_LIMIT} headers")

    def _line(self) -> str:
        line = self._reader.readline(_LINE_LIMIT + 1)
        if len(line) > _LINE_LIMIT:
            raise BadAnswer(f"{self._address} answered with a line of more than {_LINE_LIMIT} bytes")
        return line.decode("latin-1")

    def _blocks(self, request: Request, status: int, headers: dict[str, str]) -> Iterator[bytes]:
        if status in (204, 304) or request.method == "HEAD":
            return
        if headers.get("transfer-encoding", "").lower().endswith("chunked"):
            yield from self._chunks()
        elif "content-length" in headers:
            yield from self._exactly(self._number(headers["content-length"], 10))
        else:
            while block := self._read(_BLOCK):
                yield block

    def _chunks(self) -> Iterator[bytes]:
        while size := self._chunk_size():
            yield from self._exactly(size)
            self._line()
        while self._line().strip():
            pass

    def _chunk_size(self) -> int:
        self._bound_wait()
        return self._number(self._line().partition(";")[0], 16)

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size > 0:
            block = self._read(min(size, _BLOCK))
            if not block:
                raise ConnectionResetError("it was closed in mid-answer")
            size -= len(block)
            yield block

    def _read(self, most: int) -> bytes:
        self._bound_wait()
        return self._reader.read1(most)

    def _bound_wait(self) -> None:
        if self._until is not None:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._socket.settimeout(left)

    def _number(self, text: str, base: int) -> int:
        digits = text.strip()
        if not digits:
            raise ConnectionResetError("it was closed in mid-answer")
        try:
            number = int(digits, base)
        except ValueError:
            number = -1
        if number < 0 or not digits.isalnum():
            raise BadAnswer(f"{self._address} answered with a length that is no number: {digits[:40]!r}")
        return number

    def _keeps_open(self, status: int, headers: dict[str, str]) -> bool:
        framed = "content-length" in headers or "transfer-encoding" in headers or status in (204, 304)
        return (
            framed
            and not self._is_cut
            and self._version == "HTTP/1.1"
            and headers.get("connection", "").lower() != "close"
        )


def connect(address: Address, tls: ssl.SSLContext | None, timeout_s: float) -> Connection:
    """Open a connection. Raises `Unreachable`; nothing has been sent then."""
    try:
        return Connection(_open(address, tls, timeout_s), address)
    except TimeoutError as problem:
        raise Unreachable(
            f"{address} did not accept a connection within {timeout_s:g} s", sent=False, timed_out=True
        ) from problem
    except OSError as problem:
        raise Unreachable(f"cannot connect to {address}: {_reason(problem)}", sent=False) from problem


def _open(address: Address, tls: ssl.SSLContext | None, timeout_s: float) -> socket.socket:
    """Try each address of the host in turn.

    Names go to the resolver as bytes: for text, Python imports the whole of IDNA first, which takes longer
    than the exchange.
    """
    host = address.host.encode("ascii" if address.host.isascii() else "idna")
    failure = OSError(f"{address.host} has no address")
    for family, kind, protocol, _, place in socket.getaddrinfo(host, address.port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(timeout_s)
            sock.connect(place)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return sock if tls is None else tls.wrap_socket(sock, server_hostname=address.host)
        except OSError as problem:
            failure = problem
            sock.close()
    raise failure


def _reason(problem: OSError) -> str:
    return problem.strerror or str(problem) or type(problem).__name__
