"""Where a controller listens, read from a URL."""

from __future__ import annotations


class Address:
    """Scheme, host, port and the path that everything hangs below (empty, or `/prefix` behind a proxy)."""

    __slots__ = ("base_path", "host", "port", "tls")

    def __init__(self, host: str, port: int, *, tls: bool = False, base_path: str = "") -> None:
        self.host = host
        self.port = port
        self.tls = tls
        self.base_path = base_path

    def __str__(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.authority}{self.base_path}"

    @property
    def authority(self) -> str:
        """Host and port as the Host header wants them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def parse(url: str) -> Address:
    """Read `http://HOST[:PORT][/PREFIX]` or the same with https. Raises `ValueError` that names the fault."""
    scheme, separator, rest = url.strip().partition("://")
    if not separator or scheme.lower() not in ("http", "https"):
        raise ValueError(f"{url!r} is no address of a controller; write http://HOST:PORT or https://HOST:PORT")
    authority, slash, path = rest.partition("/")
    if "@" in authority or "?" in rest or "#" in rest or not rest.isprintable() or " " in rest:
        raise ValueError(f"{url!r}: an address holds scheme, host, port and path only; the token is given apart")
    tls = scheme.lower() == "https"
    host, port = _split(url, authority, 443 if tls else 80)
    return Address(host, port, tls=tls, base_path=f"{slash}{path}".rstrip("/"))


def _split(url: str, authority: str, default: int) -> tuple[str, int]:
    if authority.startswith("["):
        host, bracket, rest = authority[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"{url!r}: an IPv6 address stands in brackets, as in http://[::1]:8080")
        text = rest[1:]
    else:
        host, _, text = authority.partition(":")
    if not host:
        raise ValueError(f"{url!r} names no host")
    if not text:
        return host, default
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise ValueError(f"{url!r}: the port is a number from 1 to 65535")
    return host, int(text)
