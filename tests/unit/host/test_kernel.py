"""Values of the kernel: set, read back, compare."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from osapi.contract.errors import NotFound, OsapiError, Permanent
from osapi.host import kernel
from osapi.host.files import FileTree

PATH = "/proc/sys/vm/swappiness"


class Kernel:
    """One value that takes what it is told to take."""

    def __init__(self, value: str | None, taken: dict[str, str] | None = None, refusal: int | None = None) -> None:
        self.value = value
        self._taken = taken or {}
        self._refusal = refusal

    def read(self, _: str) -> bytes | None:
        return None if self.value is None else f"{self.value}\n".encode()

    def overwrite(self, path: str, content: bytes) -> None:
        if self._refusal is not None:
            raise OSError(self._refusal, os.strerror(self._refusal), path)
        value = content.decode().strip()
        self.value = self._taken.get(value, value)

    def set(self, value: str) -> None:
        kernel.set_value(PATH, value, read=self.read, overwrite=self.overwrite)


def test_a_value_that_the_kernel_takes_is_set() -> None:
    target = Kernel("60")
    target.set("10")
    assert target.value == "10"


def test_a_value_that_the_kernel_spells_otherwise_is_set() -> None:
    target = Kernel("0", {"0x10": "16", "1 2": "1\t2"})
    target.set("0x10")
    target.set("1 2")
    assert target.value == "1\t2"


def test_a_value_that_the_kernel_bends_is_rejected_and_put_back() -> None:
    target = Kernel("60", {"500": "200"})
    with pytest.raises(Permanent, match="took '200'") as caught:
        target.set("500")
    assert caught.value.error_code == "rejected"
    assert target.value == "60"


@pytest.mark.parametrize(
    ("number", "kind", "code"),
    [
        (errno.EINVAL, Permanent, "rejected"),
        (errno.EPERM, Permanent, "rejected"),
        (errno.ERANGE, Permanent, "rejected"),
        (errno.EROFS, Permanent, "read_only"),
        (errno.EACCES, Permanent, "read_only"),
        (errno.ENOENT, NotFound, "not_found"),
        (errno.EIO, Permanent, "io_error"),
    ],
)
def test_a_refusal_says_what_the_kernel_said(number: int, kind: type[OsapiError], code: str) -> None:
    target = Kernel("60", refusal=number)
    with pytest.raises(kind, match=os.strerror(number) if kind is Permanent else PATH) as caught:
        target.set("10")
    assert caught.value.error_code == code


def test_an_unknown_value_is_not_found() -> None:
    with pytest.raises(NotFound):
        Kernel(None).set("10")


@pytest.mark.parametrize(
    ("one", "other"), [("10", "0x0a"), ("010", "8"), ("-1", "-1"), ("1 2\t3", "1  2 3"), ("core.%p", "core.%p")]
)
def test_texts_that_mean_the_same(one: str, other: str) -> None:
    assert kernel.same(one, other)


@pytest.mark.parametrize(("one", "other"), [("10", "1"), ("1 2", "12"), ("a", "A"), ("09", "9"), ("", "0")])
def test_texts_that_do_not_mean_the_same(one: str, other: str) -> None:
    assert not kernel.same(one, other)


def test_the_real_kernel_refuses_nonsense_and_keeps_its_value() -> None:
    """Needs no privileges: without them the refusal is another one, but a refusal."""
    files = FileTree()
    before = Path(PATH).read_text()
    with pytest.raises(Permanent) as caught:
        kernel.set_value(PATH, "nonsense", read=files.read, overwrite=files.overwrite)
    assert caught.value.error_code in ("rejected", "read_only")
    assert Path(PATH).read_text() == before
