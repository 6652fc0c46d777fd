"""Asks a program over HTTP."""

from __future__ import annotations

import http.client
import ssl


def connection(
    host: str, port: int, tls: ssl.SSLContext | None, *, timeout_s: float = 10, source: tuple[str, int] | None = None
) -> http.client.HTTPConnection:
    """Not yet open. `tls` None: plain. `source` is the address from which it comes; port 0 is any."""
    if tls is None:
        return http.client.HTTPConnection(host, port, timeout=timeout_s, source_address=source)
    return http.client.HTTPSConnection(host, port, timeout=timeout_s, source_address=source, context=tls)


def get(host: str, port: int, path: str) -> tuple[int, str]:
    """Status and body of an answer. Raises `OSError` when nobody answers."""
    asking = connection(host, port, None)
    try:
        asking.request("GET", path)
        answer = asking.getresponse()
        return answer.status, answer.read().decode()
    finally:
        asking.close()
