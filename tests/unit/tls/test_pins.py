from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from osapi.tls import pins

from .making import authority, pair

DIGITS = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        DIGITS,
        DIGITS.upper(),
        f"SHA256:{DIGITS}",
        f"sha256:{DIGITS.upper()}",
        f" {DIGITS} ",
        ":".join(DIGITS[at : at + 2] for at in range(0, 64, 2)),
        "sha256:" + ":".join(DIGITS[at : at + 2].upper() for at in range(0, 64, 2)),
    ],
)
def test_a_pin_is_read_as_programs_print_it(text: str) -> None:
    assert pins.parse(text) == DIGITS


@pytest.mark.parametrize("text", ["", "00", DIGITS[:-1], f"{DIGITS}0", "g" * 64, f"sha1:{DIGITS}"])
def test_what_is_no_pin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no SHA-256 fingerprint: 64 hex digits are"):
        pins.parse(text)


@pytest.mark.parametrize("names", [("127.0.0.1",), tuple(f"host-{n}.example.test" for n in range(300))])
def test_a_certificate_fits_the_pin_of_itself_and_that_of_its_key(names: tuple[str, ...], tmp_path: Path) -> None:
    made = pair(authority(tmp_path / "ca"), tmp_path, *names)
    found = x509.load_pem_x509_certificate(made.cert.read_bytes())
    key = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    der = ssl.PEM_cert_to_DER_cert(made.cert.read_text())
    assert pins.of(der) == (hashlib.sha256(der).hexdigest(), hashlib.sha256(key).hexdigest())
