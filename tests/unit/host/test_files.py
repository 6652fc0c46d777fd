"""Files of a real file system: what a crash, a full disk and a hostile neighbour can do."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from osapi.contract.errors import OsapiError, Permanent
from osapi.host.files import FileTree

ME = {"uid": os.getuid(), "gid": os.getgid()}
KILLS = 50


def write(tree: FileTree, path: str, content: bytes, mode: int = 0o644) -> None:
    tree.write(path, content, mode=mode, make_parents=False, **ME)


KILLER = """
import os, random, signal, sys, time
from osapi.host.files import FileTree

tree, path, chance = FileTree(sys.argv[1]), sys.argv[1] + "/file", random.Random(1)
modes = {b"a": 0o600, b"b": 0o640}

def write_for_ever(told):
    while True:
        for letter, mode in modes.items():
            tree.write("/file", letter * 300_000, mode=mode, uid=os.getuid(), gid=os.getgid(), make_parents=False)
            os.write(told, b".")

torn = 0
for _ in range(int(sys.argv[2])):
    heard, told = os.pipe()
    writer = os.fork()
    if writer == 0:
        write_for_ever(told)
    os.read(heard, 1)
    time.sleep(chance.uniform(0, 0.01))
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    os.close(heard), os.close(told)
    content = open(path, "rb").read()
    torn += content != content[:1] * 300_000 or os.stat(path).st_mode & 0o7777 != modes[content[:1]]
print("torn", torn)
"""


def test_a_file_is_never_torn_however_often_its_writer_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLER, str(tmp_path), str(KILLS)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "torn 0\n"


def test_what_a_crash_left_beside_a_file_is_swept_away_once_it_is_old(tmp_path: Path) -> None:
    old, fresh, foreign = tmp_path / ".osapi-0.tmp", tmp_path / ".osapi-1.tmp", tmp_path / ".other-0.tmp"
    for path in (old, fresh, foreign):
        path.write_text("x")
    os.utime(old, (0, 0))
    os.utime(foreign, (0, 0))
    write(FileTree(str(tmp_path)), "/file", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".osapi-1.tmp", ".other-0.tmp", "file"]


def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk: the write fails in the middle all the same."""
    tree = FileTree(str(tmp_path))
    write(tree, "/file", b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(Permanent) as caught:
            write(tree, "/file", b"x" * 200_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.error_code == "io_error"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_directory_that_is_swapped_for_a_link_never_leads_elsewhere(tmp_path: Path) -> None:
    """Somebody swaps `inside/dir` for a link to `outside` and back, all the time."""
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    (inside / "dir").mkdir(parents=True)
    (inside / "link").symlink_to(outside)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            (inside / "dir").rename(inside / "real")
            (inside / "link").rename(inside / "dir")
            (inside / "dir").rename(inside / "link")
            (inside / "real").rename(inside / "dir")

    swapper = threading.Thread(target=swap)
    swapper.start()
    tree, outcomes = FileTree(str(inside)), {"written": 0, "refused": 0}
    try:
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline or not all(outcomes.values()):
            assert time.monotonic() < deadline + 20
            try:
                write(tree, "/dir/file", b"secret")
                outcomes["written"] += 1
            except OsapiError:
                outcomes["refused"] += 1
    finally:
        stop.set()
        swapper.join()
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("use", ["read", "remove", "write"])
def test_a_file_that_is_swapped_for_a_link_is_not_followed(tmp_path: Path, use: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    root = tmp_path / "root"
    root.mkdir()
    (root / "file").symlink_to(secret)
    tree = FileTree(str(root))
    with pytest.raises(Permanent) as caught:
        {"read": tree.read, "remove": tree.remove, "write": lambda path: write(tree, path, b"x")}[use]("/file")
    assert caught.value.error_code == "unsafe_path"
    assert secret.read_text() == "secret"
    assert (root / "file").is_symlink()


def test_a_pipe_or_a_device_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Permanent, match="no regular file"):
        FileTree(str(tmp_path)).read("/pipe")
    with pytest.raises(Permanent, match="no regular file"):
        FileTree().read("/dev/zero")


def test_the_mode_is_exact_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        FileTree(str(tmp_path)).write("/a/b/file", b"", mode=0o666, make_parents=True, **ME)
    finally:
        os.umask(before)
    assert (tmp_path / "a/b/file").stat().st_mode & 0o7777 == 0o666
    assert (tmp_path / "a").stat().st_mode & 0o7777 == 0o755


def test_several_writers_of_one_file_each_leave_it_whole(tmp_path: Path) -> None:
    tree = FileTree(str(tmp_path))
    contents = [bytes([number]) * 50_000 for number in range(8)]
    threads = [threading.Thread(target=write, args=(tree, "/file", content)) for content in contents * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file").read_bytes() in contents
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_owner_is_set_before_the_file_has_its_name(tmp_path: Path) -> None:
    """Only root may give files away; for anybody else the write fails as a whole."""
    tree = FileTree(str(tmp_path))
    with contextlib.nullcontext() if os.geteuid() == 0 else pytest.raises(Permanent):
        tree.write("/file", b"x", mode=0o4755, uid=65534, gid=65534, make_parents=False)
    if os.geteuid() == 0:
        found = (tmp_path / "file").stat()
        assert (found.st_uid, found.st_gid, found.st_mode & 0o7777) == (65534, 65534, 0o4755)
    else:
        assert list(tmp_path.iterdir()) == []
