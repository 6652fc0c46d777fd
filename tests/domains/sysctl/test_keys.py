"""Whatever passes as a key stays where it belongs."""

from __future__ import annotations

import posixpath
from typing import get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osapi.domains.sysctl import keys
from osapi.domains.sysctl.models import Key, SysctlKey
from osapi.host.files import parts_of

PATTERN = get_args(Key)[1].pattern


@given(st.from_regex(PATTERN).filter(lambda key: 3 <= len(key) <= 200))
def test_a_key_names_one_file_of_ours_and_one_of_the_kernel(key: str) -> None:
    name = keys.canonical(msgspec.convert({"key": key}, SysctlKey).key)
    assert parts_of(keys.kernel_path(name))[:2] == ["proc", "sys"]
    assert parts_of(keys.file_path(name))[:-1] == ["etc", "sysctl.d"]
    assert posixpath.basename(keys.file_path(name)).startswith("osapi-")
    assert keys.canonical(name) == name


@given(st.from_regex(PATTERN), st.from_regex(PATTERN))
def test_two_parameters_never_share_a_file(one: str, other: str) -> None:
    first, second = keys.canonical(one), keys.canonical(other)
    assert (keys.file_path(first) == keys.file_path(second)) == (keys.kernel_path(first) == keys.kernel_path(second))


@given(st.text())
def test_no_text_gets_past_the_pattern_and_out_of_the_directory(text: str) -> None:
    try:
        key = msgspec.convert({"key": text}, SysctlKey).key
    except msgspec.ValidationError:
        return
    parts_of(keys.kernel_path(keys.canonical(key)))
    parts_of(keys.file_path(keys.canonical(key)))


@pytest.mark.parametrize(
    ("key", "canonical", "path"),
    [
        ("vm.swappiness", "vm.swappiness", "/proc/sys/vm/swappiness"),
        ("vm/swappiness", "vm.swappiness", "/proc/sys/vm/swappiness"),
        ("net.ipv4.conf.eth0/1.x", "net.ipv4.conf.eth0/1.x", "/proc/sys/net/ipv4/conf/eth0.1/x"),
        ("net/ipv4/conf/eth0.1/x", "net.ipv4.conf.eth0/1.x", "/proc/sys/net/ipv4/conf/eth0.1/x"),
    ],
)
def test_both_ways_of_writing(key: str, canonical: str, path: str) -> None:
    assert keys.canonical(key) == canonical
    assert keys.kernel_path(canonical) == path
