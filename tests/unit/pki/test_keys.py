from __future__ import annotations

import hashlib
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nkeys as reference
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from osapi.contract.errors import Forbidden, Invalid
from osapi.pki import keys, nkeys
from osapi.pki.ed25519 import PrivateKey
from osapi.pki.signing import Signer, Verifier

KEY = PrivateKey(bytes(range(32)))
OTHER = PrivateKey(bytes(32))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_pair_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "pki"
    first = keys.load_or_create_keypair(folder, "controller")
    second = keys.load_or_create_keypair(folder, "controller")
    assert first.seed == second.seed
    assert sorted(path.name for path in folder.iterdir()) == ["controller.key", "controller.pub"]
    assert (mode(folder), mode(folder / "controller.key"), mode(folder / "controller.pub")) == (0o700, 0o600, 0o644)
    assert keys.load_public_key(folder / "controller.pub").raw == first.public_key.raw


def test_processes_that_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def make(_: int) -> bytes:
        together.wait()
        return keys.load_or_create_keypair(tmp_path / "pki", "controller").seed

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(make, range(8)))) == 1


def test_a_lost_public_file_is_written_again(tmp_path: Path) -> None:
    keys.load_or_create_keypair(tmp_path, "agent")
    (tmp_path / "agent.pub").unlink()
    key = keys.load_or_create_keypair(tmp_path, "agent")
    assert keys.fingerprint(keys.load_public_key(tmp_path / "agent.pub")) == keys.fingerprint(key.public_key)


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    keys.load_or_create_keypair(tmp_path, "agent")
    (tmp_path / "agent.pub").write_bytes(OTHER.public_key.to_pem())
    with pytest.raises(Invalid, match="is not the public half"):
        keys.load_or_create_keypair(tmp_path, "agent")


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "no private key in PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no private key in PEM"),
        (
            ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            "of another kind",
        ),
    ],
)
def test_a_file_without_an_ed25519_key_is_named(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "agent.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Invalid, match=part):
        keys.load_private_key(path)


def test_a_missing_public_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"controller.pub cannot be read: No such file"):
        keys.load_public_key(tmp_path / "controller.pub")


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    keys.load_or_create_keypair(tmp_path, "agent")
    (tmp_path / "agent.key").chmod(0o644)
    with pytest.raises(Invalid, match="others could read"):
        keys.load_or_create_keypair(tmp_path, "agent")


def test_the_key_id_is_the_digest_of_the_raw_public_key() -> None:
    digest = hashlib.sha256(KEY.public_key.raw).hexdigest()
    assert Signer(KEY).key_id == f"SHA256:{digest}"


def test_what_was_signed_is_accepted() -> None:
    signer = Signer(KEY)
    Verifier.of(OTHER.public_key, KEY.public_key).verify("job", signer.key_id, b"x", signer.sign("job", b"x"))


@given(purpose=st.text(), data=st.binary(), flip=st.integers(0, 63), bit=st.integers(0, 7))
def test_any_change_is_refused(purpose: str, data: bytes, flip: int, bit: int) -> None:
    signer, verifier = Signer(KEY), Verifier.of(KEY.public_key)
    signature = signer.sign(purpose, data)
    verifier.verify(purpose, signer.key_id, data, signature)
    broken = bytearray(signature)
    broken[flip] ^= 1 << bit
    for changed in (
        (purpose + "x", data, signature),
        (purpose, data + b"x", signature),
        (purpose, data, bytes(broken)),
    ):
        with pytest.raises(Forbidden, match="does not fit"):
            verifier.verify(changed[0], signer.key_id, changed[1], changed[2])


def test_a_purpose_cannot_be_moved_into_the_data() -> None:
    signer = Signer(KEY)
    with pytest.raises(Forbidden):
        Verifier.of(KEY.public_key).verify("job", signer.key_id, b"cancel\0x", signer.sign("job\0cancel", b"x")[:63])
    assert signer.sign("a", b"b\0c") != signer.sign("ab", b"\0c")


@pytest.mark.parametrize("signature", [b"", b"x" * 63, b"x" * 65, bytes(64)])
def test_a_malformed_signature_is_refused(signature: bytes) -> None:
    with pytest.raises(Forbidden):
        Verifier.of(KEY.public_key).verify("job", keys.fingerprint(KEY.public_key), b"x", signature)


def test_an_unknown_key_is_refused_by_name() -> None:
    signer = Signer(OTHER)
    with pytest.raises(Forbidden, match=f"key {signer.key_id} is not trusted"):
        Verifier.of(KEY.public_key).verify("job", signer.key_id, b"x", signer.sign("job", b"x"))


def test_nkeys_are_made_once_and_read_by_the_reference_library(tmp_path: Path) -> None:
    folder = tmp_path / "nkeys"
    public = nkeys.load_or_create(folder, "agent")
    assert nkeys.load_or_create(folder, "agent") == public
    seed = (folder / "agent.seed").read_bytes()
    assert reference.from_seed(bytearray(seed)).public_key.decode() == public
    assert nkeys.read_public(folder / "agent.nkey") == public
    assert (mode(folder / "agent.seed"), mode(folder / "agent.nkey")) == (0o600, 0o644)


def test_a_seed_of_the_reference_library_is_read(tmp_path: Path) -> None:
    seed = reference.encode_seed(bytes(range(32)), reference.PREFIX_BYTE_USER)
    path = tmp_path / "x.seed"
    path.write_bytes(seed + b"\n")
    path.chmod(0o600)
    assert nkeys.public_of(path) == reference.from_seed(bytearray(seed)).public_key.decode()


@pytest.mark.parametrize("account", [True, False])
def test_what_is_no_user_seed_is_refused(tmp_path: Path, account: bool) -> None:
    seed = reference.encode_seed(bytes(32), reference.PREFIX_BYTE_ACCOUNT) if account else b"SUAJUNK"
    path = tmp_path / "x.seed"
    path.write_bytes(seed)
    path.chmod(0o600)
    with pytest.raises(Invalid, match="no nkey seed of a user"):
        nkeys.public_of(path)


def test_a_seed_with_a_wrong_letter_is_refused(tmp_path: Path) -> None:
    nkeys.load_or_create(tmp_path, "agent")
    path = tmp_path / "agent.seed"
    text = path.read_text()
    path.write_text(text[:20] + ("A" if text[20] != "A" else "B") + text[21:])
    with pytest.raises(Invalid, match="no nkey seed"):
        nkeys.public_of(path)


def test_a_public_file_that_does_not_fit_is_put_right(tmp_path: Path) -> None:
    public = nkeys.load_or_create(tmp_path, "agent")
    (tmp_path / "agent.nkey").write_text("UOTHER\n")
    assert nkeys.load_or_create(tmp_path, "agent") == public
    assert nkeys.read_public(tmp_path / "agent.nkey") == public
