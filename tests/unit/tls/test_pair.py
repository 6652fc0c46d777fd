from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from osapi.contract.errors import Invalid
from osapi.tls.pair import Pair, check

from .making import authority, expired, pair

Damage = Callable[[Pair, Path], Pair]


def _passphrase(good: Pair, folder: Path) -> Pair:
    del folder
    key = ec.generate_private_key(ec.SECP256R1())
    good.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))
    return good


def _other_key(good: Pair, folder: Path) -> Pair:
    return replace(good, key=pair(authority(folder / "ca"), folder / "other").key)


def _written(name: str, text: str) -> Damage:
    def damage(good: Pair, folder: Path) -> Pair:
        del folder
        getattr(good, name).write_text(text)
        return good

    return damage


def _open_to_all(good: Pair, folder: Path) -> Pair:
    del folder
    good.key.chmod(0o644)
    return good


DAMAGES: dict[str, tuple[Damage, str]] = {
    "no certificate": (lambda good, folder: replace(good, cert=folder / "x"), r"^a\.tls\.cert: \S+/x cannot be read"),
    "no key": (lambda good, folder: replace(good, key=folder / "x"), r"^a\.tls\.key: \S+/x cannot be read"),
    "not PEM": (_written("cert", "hello"), r"^a\.tls\.cert: \S+ holds no certificate in PEM; name a file that begins"),
    "no key in PEM": (_written("key", "hello"), r"^a\.tls\.key: \S+ holds no private key in PEM"),
    "passphrase": (_passphrase, r"^a\.tls\.key: \S+ has a passphrase; write it without one: openssl pkey"),
    "another key": (_other_key, r"^a\.tls\.key: \S+ is not the key of the certificate \S+; name the two"),
    "readable": (_open_to_all, r"^a\.tls\.key: \S+ can be read by everybody; run chmod o= \S+"),
    "expired": (
        lambda good, folder: expired(authority(folder / "ca"), folder),
        r"^a\.tls\.cert: \S+ expired at \S+Z; renew it",
    ),
}


def test_a_good_pair_tells_what_it_is_for(tmp_path: Path) -> None:
    made = check(pair(authority(tmp_path / "ca"), tmp_path, "osapi.test", "*.example.test", "::1"))
    assert made.names == ("osapi.test", "*.example.test", "::1")
    assert made.issuer == "CN=test"
    assert made.host == "osapi.test"
    assert [made.is_for(name) for name in ("osapi.test", "OSAPI.test", "a.example.test", "[::1]")] == [True] * 4
    assert not any(made.is_for(name) for name in ("a.osapi.test", "a.b.example.test", "example.test", "::2"))


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_wrong_is_one_sentence_with_setting_file_and_remedy(name: str, tmp_path: Path) -> None:
    damage, words = DAMAGES[name]
    bad = damage(pair(authority(tmp_path / "ca"), tmp_path), tmp_path)
    with pytest.raises(Invalid, match=words):
        check(replace(bad, section="a.tls"))


def test_a_certificate_of_tomorrow_is_refused_today(tmp_path: Path) -> None:
    good = pair(authority(tmp_path / "ca"), tmp_path)
    with pytest.raises(Invalid, match=r"api\.tls\.cert: .* is valid from .* only, and here it is .*; set the clock"):
        check(good, datetime.now(UTC) - timedelta(hours=1))
