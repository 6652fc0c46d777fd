from __future__ import annotations

import pytest

from osapi.sdk import address


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "base_path"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1", 8080, False, ""),
        ("http://web/", "web", 80, False, ""),
        ("https://osapi.example.org", "osapi.example.org", 443, True, ""),
        ("HTTPS://osapi.example.org:8443/fleet/", "osapi.example.org", 8443, True, "/fleet"),
        ("http://[::1]:8080", "::1", 8080, False, ""),
        ("http://[fe80::1]", "fe80::1", 80, False, ""),
        (" http://a:1/b/c ", "a", 1, False, "/b/c"),
    ],
)
def test_an_address_is_read_from_a_url(url: str, host: str, port: int, tls: bool, base_path: str) -> None:
    found = address.parse(url)
    assert (found.host, found.port, found.tls, found.base_path) == (host, port, tls, base_path)


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("127.0.0.1:8080", "http://HOST:PORT"),
        ("ftp://a", "http://HOST:PORT"),
        ("http://", "names no host"),
        ("http://:80", "names no host"),
        ("http://a:b", "number"),
        ("http://a:0", "number"),
        ("http://a:65536", "number"),
        ("http://[::1", "brackets"),
        ("http://[::1]8080", "brackets"),
        ("http://me:secret@a", "token is given apart"),
        ("http://a/b?c=d", "only"),
        ("http://a/b c", "only"),
        ("http://a/\r\nx", "only"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(url: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        address.parse(url)


@pytest.mark.parametrize(
    ("url", "authority"),
    [("http://a:80", "a"), ("https://a:443", "a"), ("http://a:443", "a:443"), ("http://[::1]:8080", "[::1]:8080")],
)
def test_the_host_header_leaves_out_the_usual_port(url: str, authority: str) -> None:
    assert address.parse(url).authority == authority


def test_an_address_prints_as_the_url_it_came_from() -> None:
    assert str(address.parse("https://a:8443/fleet")) == "https://a:8443/fleet"
