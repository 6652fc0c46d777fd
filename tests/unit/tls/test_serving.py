"""The certificate that is shown, by handshakes in memory."""

from __future__ import annotations

import logging
import ssl
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from osapi.contract.errors import Invalid
from osapi.pki.authority import Authority
from osapi.tls.certificate import fingerprint
from osapi.tls.pair import Pair, check
from osapi.tls.serving import LOOK_S, ServingTls

from .making import authority, expired, pair


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def shown(serving: ServingTls, name: str | None = "127.0.0.1") -> str:
    """The fingerprint of what a client is shown. `name` None asks for no name (no SNI)."""
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(down, up, server_hostname=name)
    server = serving.context.wrap_bio(up, down, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    der = client.getpeercert(binary_form=True)
    assert der is not None
    return fingerprint(der)


@pytest.fixture
def signer(tmp_path: Path) -> Authority:
    return authority(tmp_path / "ca")


@pytest.fixture
def first(signer: Authority, tmp_path: Path) -> Pair:
    return pair(signer, tmp_path)


@pytest.mark.parametrize("name", ["127.0.0.1", "osapi.test", None])
def test_a_replaced_certificate_is_shown_to_the_next_who_connects(
    name: str | None, first: Pair, signer: Authority, tmp_path: Path
) -> None:
    clock = Clock()
    serving = ServingTls(first, clock)
    before = check(first).fingerprint
    assert shown(serving, name) == before
    pair(signer, tmp_path)
    assert shown(serving, name) == before  # it was looked at less than a second ago
    clock.now += LOOK_S
    assert shown(serving, name) == check(first).fingerprint != before


def test_links_are_followed_as_certbot_turns_them(first: Pair, signer: Authority, tmp_path: Path) -> None:
    clock = Clock()
    live = Pair("api.tls", tmp_path / "live.crt", tmp_path / "live.key")
    live.cert.symlink_to(first.cert)
    live.key.symlink_to(first.key)
    serving = ServingTls(live, clock)
    second = pair(signer, tmp_path / "second")
    for link, file in ((live.cert, second.cert), (live.key, second.key)):
        link.unlink()
        link.symlink_to(file)
    clock.now += LOOK_S
    assert shown(serving) == check(second).fingerprint


@pytest.mark.parametrize("kind", ["half", "expired", "rubbish", "gone"])
def test_what_cannot_be_used_leaves_the_one_before_and_says_so_once(
    kind: str, first: Pair, signer: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    serving = ServingTls(first, clock)
    before = check(first).fingerprint
    if kind == "half":
        first.cert.write_bytes(pair(signer, tmp_path / "second").cert.read_bytes())
    elif kind == "expired":
        expired(signer, tmp_path)
    elif kind == "rubbish":
        first.cert.write_text("rubbish")
    else:
        first.cert.unlink()
    for _ in range(3):
        clock.now += LOOK_S
        assert shown(serving) == before
    (told,) = [record for record in caplog.records if record.message == "tls.certificate_refused"]
    assert told.levelno == logging.ERROR
    assert "api.tls." in str(told.__dict__["error"])
    assert str(told.__dict__["error"]).endswith("; the one before stays in use")
    second = pair(signer, tmp_path)
    clock.now += LOOK_S
    assert shown(serving) == check(second).fingerprint


def test_an_end_that_is_near_is_told(
    first: Pair, signer: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    del first
    with caplog.at_level(logging.INFO):
        ServingTls(pair(signer, tmp_path, age=timedelta(days=390)))
    assert [record.message for record in caplog.records] == ["tls.certificate", "tls.certificate_expires_soon"]


def test_what_cannot_be_used_at_the_start_is_refused(first: Pair, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"api\.tls\.cert"):
        ServingTls(replace(first, cert=tmp_path / "none"))
