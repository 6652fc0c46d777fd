"""Whether a password fits a hash, against what other programs of the host make."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from osapi.contract.secret import Secret
from osapi.host import crypt

PASSWORD = Secret("a'$(x)\"\\é ")


def hashed(method: str) -> Secret:
    """As openssl-passwd(1) makes it."""
    argv = ["openssl", "passwd", f"-{method}", "-stdin", "-salt", "osapitest"]
    made = subprocess.run(argv, input=f"{PASSWORD.reveal()}\n".encode(), capture_output=True, check=True)
    return Secret(made.stdout.decode().strip())


@pytest.mark.parametrize("method", ["1", "5", "6"])
def test_a_password_fits_its_hash_and_no_other(method: str) -> None:
    found = hashed(method)
    assert crypt.fits(PASSWORD, found) is True
    assert crypt.fits(Secret(PASSWORD.reveal() + "x"), found) is False


def test_the_method_of_debian_is_known() -> None:
    """What `perl -e 'print crypt("x", q($y$j9T$abcdefghijkl$))'` prints there."""
    found = Secret("$y$j9T$abcdefghijkl$tIEIK0tRpVYnb5EbxZDlFLI0ryBZQGiiMcG7Xj5gBz0")
    assert crypt.fits(Secret("x"), found) is True
    assert crypt.fits(Secret("y"), found) is False


@pytest.mark.parametrize("field", ["", "!", "*", "!!", "!$6$osapitest$abc"])
def test_nothing_fits_a_field_that_lets_nobody_in(field: str) -> None:
    assert crypt.fits(PASSWORD, Secret(field)) is False


@pytest.mark.parametrize("field", ["$9$unknown$method", "$", "$y$broken"])
def test_a_hash_that_the_host_does_not_know_cannot_be_told(field: str) -> None:
    assert crypt.fits(PASSWORD, Secret(field)) is None


def test_threads_do_not_mix_their_results() -> None:
    found = hashed("5")
    with ThreadPoolExecutor(8) as pool:
        guesses = [PASSWORD if number % 2 else Secret(str(number)) for number in range(40)]
        told = list(pool.map(lambda guess: crypt.fits(guess, found), guesses))
    assert told == [bool(number % 2) for number in range(40)]


def test_without_a_library_nothing_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypt, "_crypt", lambda: None)
    assert crypt.fits(PASSWORD, hashed("5")) is None
    assert crypt.fits(PASSWORD, Secret("!")) is False
