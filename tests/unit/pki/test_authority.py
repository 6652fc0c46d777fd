from __future__ import annotations

import stat
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from osapi.contract.errors import Invalid
from osapi.pki import authority
from osapi.pki.authority import AUTHORITY_LIFE, LEAF_LIFE, issue, load_or_create, signed

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def test_the_key_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    load_or_create(folder, "test", NOW)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())} == {
        "tls": 0o700,
        "ca.key": 0o600,
        "ca.crt": 0o644,
    }


def test_a_second_call_finds_the_same(tmp_path: Path) -> None:
    first = load_or_create(tmp_path / "tls", "test", NOW)
    again = load_or_create(tmp_path / "tls", "another name", NOW + timedelta(days=1))
    assert again.certificate == first.certificate


def test_openssl_accepts_the_chain_for_each_name_and_both_uses(tmp_path: Path) -> None:
    made = load_or_create(tmp_path / "tls", "test", datetime.now(UTC))
    leaf = tmp_path / "leaf.crt"
    leaf.write_bytes(issue(made, ["osapi.test", "*.wild.test", "10.0.0.1", "::1"], datetime.now(UTC))[0])
    names = ("-verify_hostname=osapi.test", "-verify_hostname=a.wild.test", "-verify_ip=10.0.0.1", "-verify_ip=::1")
    for purpose in ("sslserver", "sslclient"):
        for name in names:
            done = subprocess.run(
                ["openssl", "verify", "-x509_strict", "-CAfile", str(tmp_path / "tls" / "ca.crt"), "-purpose", purpose,
                 *name.split("="), str(leaf)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr


def test_a_leaf_ends_no_later_than_its_authority(tmp_path: Path) -> None:
    made = load_or_create(tmp_path / "tls", "test", NOW)
    late = NOW + AUTHORITY_LIFE - timedelta(days=3)
    for moment, ends in ((NOW, NOW + LEAF_LIFE), (late, NOW + AUTHORITY_LIFE)):
        path = tmp_path / "leaf.crt"
        path.write_bytes(issue(made, ["a"], moment)[0])
        assert authority.read(path).not_valid_after_utc == ends


def test_a_leaf_is_known_for_its_authority_and_no_other(tmp_path: Path) -> None:
    ours, other = (load_or_create(tmp_path / name, "test", NOW) for name in ("a", "b"))
    path = tmp_path / "leaf.crt"
    path.write_bytes(issue(ours, ["a"], NOW)[0])
    leaf = authority.read(path)
    assert (signed(ours.certificate, leaf), signed(other.certificate, leaf)) == (True, False)
    assert signed(ours.certificate, ours.certificate)


@pytest.mark.parametrize("name", ["", "a b", "-a", "a-", "a..b", "*", "a.*.b", "x" * 64, ".".join(["a" * 60] * 5), "ä"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match="is neither a host name nor an address; give one as"):
        authority.check_name(name)


def test_half_an_authority_is_neither_used_nor_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    for missing, other in (("ca.key", "ca.crt"), ("ca.crt", "ca.key")):
        load_or_create(folder, "test", NOW)
        (folder / missing).unlink()
        with pytest.raises(Invalid, match=rf"{missing} is missing beside .*{other}; put it back, or remove both"):
            load_or_create(folder, "test", NOW)
        (folder / other).unlink()


def test_an_authority_that_does_not_fit_or_has_ended_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    load_or_create(folder, "test", NOW)
    with pytest.raises(Invalid, match=r"ca\.crt expired at 2039-12-30; remove it"):
        load_or_create(folder, "test", NOW + AUTHORITY_LIFE)
    load_or_create(tmp_path / "other", "test", NOW)
    (folder / "ca.key").write_bytes((tmp_path / "other" / "ca.key").read_bytes())
    with pytest.raises(Invalid, match=r"ca\.key is not the key of .*ca\.crt; put the right one back"):
        load_or_create(folder, "test", NOW)
    (folder / "ca.key").chmod(0o644)
    with pytest.raises(Invalid, match="others could read the secret"):
        load_or_create(folder, "test", NOW)
