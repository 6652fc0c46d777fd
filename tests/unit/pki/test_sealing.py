"""What is sealed to a key can be read with that key, and with no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from osapi.contract.errors import Invalid
from osapi.pki import sealing
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.keys import load_or_create_sealing_key
from osapi.pki.sealing import NotForUs, SealingKey
from osapi.pki.signing import Signer

MINE, ANOTHER = SealingKey(b"\1" * 32), SealingKey(b"\2" * 32)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def test_who_has_the_key_reads_it() -> None:
    sealed = sealing.seal(b"text", MINE.public)
    assert MINE.open(sealed) == b"text"
    assert len(sealing.seal(sealing.new_key(), MINE.public)) == sealing.SEALED


def test_nobody_else_reads_it_and_nothing_of_it_can_be_changed() -> None:
    sealed = sealing.seal(b"text", MINE.public)
    for message in (sealed, b"", b"short", *(flipped(sealed, at) for at in range(len(sealed)))):
        with pytest.raises(NotForUs):
            (ANOTHER if message == sealed else MINE).open(message)


def test_the_same_text_is_never_sealed_alike() -> None:
    assert len({sealing.seal(b"text", MINE.public) for _ in range(10)}) == 10
    assert len({sealing.encrypt(b"text", b"k" * 32, b"") for _ in range(10)}) == 10


def test_a_message_needs_its_key_and_its_context() -> None:
    key = sealing.new_key()
    box = sealing.encrypt(b"text", key, b"job-1")
    assert sealing.decrypt(box, key, b"job-1") == b"text"
    for wrong in ((box, sealing.new_key(), b"job-1"), (box, key, b"job-2"), (box, b"", b"job-1"), (b"", key, b"job-1")):
        with pytest.raises(NotForUs):
            sealing.decrypt(*wrong)
    for at in range(len(box)):
        with pytest.raises(NotForUs):
            sealing.decrypt(flipped(box, at), key, b"job-1")


@pytest.mark.parametrize("public", [b"", bytes(31), bytes(32), b"\1" + bytes(31)])
def test_a_key_to_which_nothing_can_be_sealed_is_known(public: bytes) -> None:
    assert not sealing.is_usable(public)
    assert sealing.is_usable(MINE.public)


def test_the_file_is_what_others_write_and_read(tmp_path: Path) -> None:
    theirs = X25519PrivateKey.generate()
    text = theirs.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    ours = SealingKey.from_pem(text)
    assert ours.to_pem() == text
    assert ours.public == theirs.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    made = load_or_create_sealing_key(tmp_path / "keys", "sealing")
    assert load_or_create_sealing_key(tmp_path / "keys", "sealing").public == made.public
    assert (tmp_path / "keys" / "sealing.key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", [b"", PrivateKey(bytes(32)).to_pem(), b"-----BEGIN PRIVATE KEY-----\n"])
def test_another_kind_of_file_is_refused(tmp_path: Path, text: bytes) -> None:
    tmp_path.chmod(0o700)
    file = tmp_path / "sealing.key"
    file.write_bytes(text)
    file.chmod(0o600)
    with pytest.raises(Invalid, match="X25519"):
        load_or_create_sealing_key(tmp_path, "sealing")


def test_a_digest_is_told_by_the_key_and_what_it_is_for() -> None:
    one, other = Signer(PrivateKey(b"\1" * 32)), Signer(PrivateKey(b"\2" * 32))
    digests = {one.digest("a", b"x"), one.digest("a", b"y"), one.digest("b", b"x"), other.digest("a", b"x")}
    assert len(digests) == 4
    assert one.digest("a", b"x") == Signer(PrivateKey(b"\1" * 32)).digest("a", b"x")
