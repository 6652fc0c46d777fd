"""Custom facts: which files count, what they say, and that a broken one spoils nothing."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from osapi.contract.errors import Permanent
from osapi.host import custom_facts, fact_values
from osapi.host.custom_facts import CustomFacts, Gathered
from osapi.host.files import FileKind
from osapi.host.identity import Claims
from osapi.host.local import open_host
from osapi.testing.files import DIRECTORY, FakeFile
from osapi.testing.host import FakeHost, Setup
from osapi.testing.programs import Script

pytestmark = pytest.mark.anyio

FOLDER = custom_facts.FOLDER


def file(content: str = "", **more: Any) -> FakeFile:
    return FakeFile(content=content.encode(), **more)


def program(name: str, stdout: str, **more: Any) -> Script:
    return Script(argv=(f"{FOLDER}/{name}",), stdout=stdout.encode(), **more)


def host_of(files: dict[str, FakeFile], *scripts: Script, folder: FakeFile = DIRECTORY) -> FakeHost:
    placed = {f"{FOLDER}/{name}": content for name, content in files.items()}
    return FakeHost(Setup(files={FOLDER: folder, **placed}, scripts=scripts))


async def gather(files: dict[str, FakeFile], *scripts: Script, folder: FakeFile = DIRECTORY) -> Gathered:
    return await CustomFacts().gather(host_of(files, *scripts, folder=folder), run_all=True)


async def problem_with(name: str, content: FakeFile, *scripts: Script) -> str:
    """What is said about one file; its neighbour must still be heard."""
    found = await gather({name: content, "neighbour.txt": file("well=yes")}, *scripts)
    assert found.facts == {"well": "yes"}
    (problem,) = found.problems
    assert problem.source == f"{FOLDER}/{name}"
    return problem.error


async def test_files_of_every_form_are_put_together_in_order() -> None:
    found = await gather(
        {
            "10-base.json": file('{"role": "web", "app": {"port": 80}, "n": 1.5, "on": true, "gone": null}'),
            "20-more.yaml": file("tags: [a, b]\nsince: 2026-01-31\nrole: db\n"),
            "30-lines.txt": file("# a comment\n\n colour = light blue \nempty=\nequation=a=b\n"),
            "40-program": file(mode=0o755),
            "50-other": file(mode=0o700),
            ".hidden.json": file("{"),
        },
        program("40-program", "speed=fast\n"),
        program("50-other", '\n{"nested": {"deep": [1, {"x": null}]}}'),
    )
    assert found.problems == ()
    assert found.facts == {
        "role": "db", "app": {"port": 80}, "n": 1.5, "on": True, "tags": ["a", "b"], "since": "2026-01-31",
        "colour": "light blue", "empty": "", "equation": "a=b", "speed": "fast", "nested": {"deep": [1, {}]},
    }  # fmt: skip


async def test_no_folder_and_an_empty_one_say_nothing() -> None:
    assert await CustomFacts().gather(FakeHost(), run_all=True) == Gathered()
    assert await gather({}) == Gathered()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("x.json", file("{"), "it is no JSON"),
        ("x.json", file("[1]"), "it must hold names and values"),
        ("x.json", file("[" * 60000), "it is no JSON"),
        ("x.json", file('{"a b": 1}'), "a b: names have letters, digits, _ and -"),
        ("x.json", file('{"a": {"b": {"c.d": 1}}}'), "a.b.c.d: names have letters"),
        ("x.json", file('{"a": 1e999}'), ""),
        ("x.json", file('{"a": 99999999999999999999}'), ""),
        ("x.json", file('{"a": "%s"}' % ("x" * 5000)), "a: use text of at most 4096 characters"),
        ("x.json", file(f'{{"a": [{",".join("1" * 600)}]}}'), "more than 512 values"),
        ("x.json", file('{"a":' * 20 + "1" + "}" * 20), "more than 8 deep"),
        ("x.json", file(f'{{"a": {"[" * 20}1{"]" * 20}}}'), "more than 8 deep"),
        ("x.json", file(" " * 70000), "longer than 65536 bytes"),
        ("x.yaml", file("a: [1"), "it is no YAML"),
        ("x.yml", file("just text"), "it must hold names and values"),
        ("x.yml", file(""), "it must hold names and values"),
        ("x.yaml", file("1: x"), "1: names have letters"),
        ("x.yaml", file("a: !!binary aGFsbG8="), "a: use text"),
        ("x.yaml", file("a: !!python/object:os.system x"), "it is no YAML"),
        ("x.yaml", file("a: .nan"), "a: use text"),
        ("x.txt", file("a=1\nb"), "line 2 is not NAME=VALUE"),
        ("x.txt", file("=1"), "names have letters"),
        ("x.json", file("{}", owner="65534"), "it must belong to root"),
        ("x.json", file("{}", mode=0o664), "writable by nobody else"),
        ("x.json", file("{}", mode=0o646), "writable by nobody else"),
        ("x.json", file("/etc/shadow", kind=FileKind.LINK), "it is a link"),
        ("x.json", DIRECTORY, "it is a directory"),
        ("x.conf", file("a=1"), "make it executable, or name it .json"),
        ("x", file(mode=0o777), "writable by nobody else"),
        ("x", file(mode=0o755, owner="65534"), "it must belong to root"),
    ],
)
async def test_a_broken_file_is_told_and_spoils_nothing(name: str, content: FakeFile, says: str) -> None:
    assert says in await problem_with(name, content)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (program("x", "", exit_code=3, stderr=b"no such thing\n"), "it ended with status 3: no such thing"),
        (program("x", "", exit_code=None, signal=9), "it ended with status None"),
        (program("x", "a=1", hangs=True), "took longer than 5 s"),
        (program("x", "a=" + "1" * 70000), "it printed more than 65536 bytes"),
        (program("x", "nonsense"), "line 1 is not NAME=VALUE"),
        (program("x", "{nonsense"), "it is no JSON"),
    ],
)
async def test_a_broken_program_is_told_and_spoils_nothing(script: Script, says: str) -> None:
    assert says in await problem_with("x", file(mode=0o755), script)


@pytest.mark.parametrize(
    "folder", [replace(DIRECTORY, mode=0o777), replace(DIRECTORY, owner="65534"), replace(DIRECTORY, mode=0o775)]
)
async def test_a_folder_that_others_can_write_is_not_believed(folder: FakeFile) -> None:
    found = await gather({"x.json": file('{"a": 1}')}, folder=folder)
    assert (found.facts, len(found.problems), found.problems[0].source) == ({}, 1, FOLDER)


@pytest.mark.parametrize("names", [[f"{n}.json" for n in range(65)], [f"{n}" for n in range(17)]])
async def test_a_folder_with_too_many_files_is_not_read(names: list[str]) -> None:
    found = await gather({name: file("{}") for name in names})
    assert (found.facts, [problem.source for problem in found.problems]) == ({}, [FOLDER])


async def test_all_facts_together_are_bounded() -> None:
    long = "\n".join(f"{{}}{n}={'x' * 4000}" for n in range(5))
    found = await gather(
        {"a.txt": file(long.format(*"aaaaa")), "b.txt": file(long.format(*"bbbbb")), "c.txt": file("c=1")}
    )
    assert set(found.facts) == {"a0", "a1", "a2", "a3", "a4", "c"}
    assert "over 32768 bytes together" in found.problems[0].error


async def test_programs_are_run_again_only_when_it_is_time_or_they_are_new() -> None:
    host = host_of({"x": file(mode=0o755), "y.txt": file("b=1")}, program("x", "a=1"))
    facts = CustomFacts()
    for run_all, runs in ((False, 1), (False, 1), (True, 2), (False, 2)):
        assert (await facts.gather(host, run_all=run_all)).facts == {"a": "1", "b": "1"}
        assert len(host.calls) == runs
    host.put(f"{FOLDER}/y.txt", file("b=2"))
    assert (await facts.gather(host, run_all=False)).facts == {"a": "1", "b": "2"}
    host.put(f"{FOLDER}/x", None)
    assert (await facts.gather(host, run_all=False)).facts == {"b": "2"}
    host.put(f"{FOLDER}/x", file(mode=0o755))
    await facts.gather(host, run_all=False)
    assert len(host.calls) == 3


async def test_real_programs_are_run_with_a_clean_environment(tmp_path: Path) -> None:
    folder, state = tmp_path / "facts.d", tmp_path / "state"
    folder.mkdir(mode=0o755)
    state.mkdir()
    (folder / "where").write_text(
        '#!/bin/sh\nprintf \'{"home": "%s", "secret": "%s", "cwd": "%s"}\' "$HOME" "$SECRET" "$PWD"\n'
    )
    (folder / "where").chmod(0o755)
    host = await open_host(state, claims=Claims(labels={}, machine_id="m1"), facts_folder=str(folder))
    os.environ["SECRET"] = "x"
    try:
        told = (await host.facts())["facts"]
    finally:
        del os.environ["SECRET"]
        host.close()
    assert told == {"home": "/root" if os.geteuid() == 0 else "/", "secret": "", "cwd": "/"}


def test_yaml_that_stands_for_itself_many_times_counts_each_time() -> None:
    layers = "\n".join(f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]" for before, name in ("ab", "bc", "cd"))
    with pytest.raises(Permanent, match="more than 512 values"):
        fact_values.parse(f"a: &a [1,1,1,1,1,1,1,1,1]\n{layers}\n".encode(), "yaml")
