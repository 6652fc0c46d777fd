"""Asks a program over plain HTTP."""

from __future__ import annotations

import http.client


def get(host: str, port: int, path: str) -> tuple[int, str]:
    """Status and body of an answer. Raises `OSError` when nobody answers."""
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
