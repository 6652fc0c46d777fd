"""Before a program listens: whether the address is private enough, and whether the port is free."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket

from osapi.contract.errors import Invalid


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address. A name other than `localhost` may mean anything: no."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def refuse_exposed(key: str, host: str, *, insecure: bool, tls: bool = False) -> None:
    """Raise `Invalid` when `host`, the value of the setting `key`, is reachable from outside without TLS.

    `tls` tells whether what listens there has TLS.
    """
    if not (insecure or tls or is_loopback(host)):
        raise Invalid(
            f"{key}: {host or 'every address'} can be reached from other machines and there is no TLS; "
            "use 127.0.0.1, set up TLS (`osapi tls init` begins), or start with --insecure if the network is trusted"
        )


def refuse_taken(section: str, host: str, port: int) -> None:
    """Raise `Invalid` when nobody could listen there now. `section` holds the settings `host` and `port`."""
    try:
        addresses = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as problem:
        raise Invalid(f"{section}.host: {host} cannot be resolved: {problem.strerror}") from problem
    for family, kind, protocol, _, address in addresses:
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError as problem:
                raise Invalid(_reason(section, host, port, problem)) from problem


def _reason(section: str, host: str, port: int, problem: OSError) -> str:
    match problem.errno:
        case errno.EADDRINUSE:
            return f"{section}.port: {host}:{port} is in use by another program; stop it, or choose another port"
        case errno.EADDRNOTAVAIL:
            return f"{section}.host: {host} is no address of this machine"
        case errno.EACCES:
            return f"{section}.port: {port} needs root; choose a port from 1024 up"
        case number:
            return f"{section}: {host}:{port} cannot be used: {os.strerror(number or 0)}"
