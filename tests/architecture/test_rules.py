"""Rules of the source tree that no linter knows. Who may import whom is in pyproject.toml, `[tool.importlinter]`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "osapi"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST_FILE = 500
GENERATED = "do not edit"
"""In the first line of a file that is written from the declarations, one entry for each operation."""

# Modules that may start programs, and what for.
MAY_START_PROGRAMS = {
    "osapi.host.process": "the agent's only door to the system",
    "osapi.host.escalation": "sudo, by which that door leads to root",
    "osapi.broker.server": "the nats-server program",
    "osapi.broker.reloading": "what lets another's nats-server read its configuration again",
    "osapi.cli.start": "broker, controller and agent as its children",
    "osapi.cli.programs": "becomes the program that it has prepared",
}
# Modules that may change files, and which.
MAY_WRITE_FILES = {
    "osapi.host.files": "the agent's only door to the system",
    "osapi.host.replacing": "files put in place by it",
    "osapi.host.escalated": "a file without a name, until it is whole and the helper can have it",
    "osapi.install.__main__": "a folder for the notes of the door, of which an installation makes none",
    "osapi.config.private": "keys, tokens, configuration of the broker, client context",
    "osapi.config.lock": "locks of data folders",
    "osapi.cli.audit_export": "the file in which the caller wants the audit",
    "osapi.sdk.generate.files": "generated modules in the source tree",
    "osapi.sdk.saving": "downloads, where the user wants them",
}

STARTS_PROGRAMS = {
    "os.system",
    "os.popen",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.posix_spawnp",
    "pty.spawn",
    "asyncio.create_subprocess_exec",
    "asyncio.create_subprocess_shell",
} | {f"os.{verb}{form}" for verb in ("exec", "spawn") for form in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")}
WRITES_FILES = {
    f"os.{name}" for name in ("remove", "unlink", "rename", "replace", "mkdir", "makedirs", "rmdir", "link", "symlink")
} | {f"os.{name}" for name in ("truncate", "chmod", "chown", "fchmod", "fchown")}
PATH_METHODS = {"write_text", "write_bytes", "unlink", "mkdir", "rmdir", "touch", "chmod", "symlink_to", "hardlink_to"}


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted text of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def starts_programs(tree: ast.Module) -> list[str]:
    found = [f"line {call.lineno}: {name}" for name, call in calls(tree) if name in STARTS_PROGRAMS]
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        found += [f"line {node.lineno}: import {name}" for name in names if name.split(".")[0] in ("subprocess", "pty")]
    return found


def writes_files(tree: ast.Module) -> list[str]:
    return [f"line {call.lineno}: {name}" for name, call in calls(tree) if writes(name, call)]


def writes(name: str, call: ast.Call) -> bool:
    owner, _, method = name.rpartition(".")
    if name == "os.open":
        return any(flag in ast.unparse(call) for flag in ("O_CREAT", "O_WRONLY", "O_RDWR")) and not is_null(call)
    if method == "open":
        return opens_for_writing(name, call)
    if owner in ("shutil", "tempfile"):
        return method not in ("which", "disk_usage")
    return name in WRITES_FILES or (bool(owner) and method in PATH_METHODS)


def is_null(call: ast.Call) -> bool:
    return ast.unparse(call.args[0]) == "os.devnull"


def opens_for_writing(name: str, call: ast.Call) -> bool:
    positional = call.args[1:] if name in ("open", "io.open") else call.args
    modes = [keyword.value for keyword in call.keywords if keyword.arg == "mode"] + positional[:1]
    return any(isinstance(mode, ast.Constant) and set(str(mode.value)) & set("wax+") for mode in modes)


def where(find: Callable[[ast.Module], list[str]]) -> dict[str, list[str]]:
    """What `find` finds, by module."""
    found = {name_of(path): find(tree_of(path)) for path in MODULES}
    return {module: places for module, places in found.items() if places}


def test_only_the_doors_start_programs() -> None:
    found = where(starts_programs)
    assert {module: places for module, places in found.items() if module not in MAY_START_PROGRAMS} == {}
    assert set(found) == set(MAY_START_PROGRAMS), "an exception that nobody needs"


def test_only_the_doors_change_files() -> None:
    found = where(writes_files)
    assert {module: places for module, places in found.items() if module not in MAY_WRITE_FILES} == {}
    assert set(found) == set(MAY_WRITE_FILES), "an exception that nobody needs"


@pytest.mark.parametrize(
    "source",
    ["import subprocess", "from subprocess import run", "import os\nos.execv('/bin/sh', [])", "os.system('ls')"],
)
def test_the_rule_finds_a_started_program(source: str) -> None:
    assert starts_programs(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    [
        "open('x', 'w')",
        "open('x', mode='ab')",
        "path.open('r+')",
        "path.write_text('')",
        "os.replace(a, b)",
        "os.open(p, os.O_CREAT)",
    ],
)
def test_the_rule_finds_a_written_file(source: str) -> None:
    assert writes_files(ast.parse(source))


@pytest.mark.parametrize(
    "source",
    ["open('x')", "open('x', 'rb')", "text.replace('a', 'w')", "shutil.which('w')", "os.open(os.devnull, os.O_RDWR)"],
)
def test_the_rule_lets_reading_pass(source: str) -> None:
    assert writes_files(ast.parse(source)) == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_every_module_says_why_it_exists(path: Path) -> None:
    assert ast.get_docstring(tree_of(path)), "a module begins with a docstring"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_file_outgrows_its_purpose(path: Path) -> None:
    text = path.read_text()
    assert GENERATED in text.partition("\n")[0] or len(text.splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.glob("*/__init__.py")) + sorted(PACKAGE.glob("domains/*/__init__.py")), ids=name_of
)
def test_a_package_is_entered_without_loading_its_modules(path: Path) -> None:
    """Each process loads only what is its own, so `__init__.py` holds a docstring and nothing else."""
    body = tree_of(path).body
    assert [type(node).__name__ for node in body] == ["Expr"]


def is_generated(path: Path) -> bool:
    return "do not edit" in (ast.get_docstring(tree_of(path)) or "")


def operation_names() -> set[str]:
    """The `name=` of every declared operation."""
    return {
        str(keyword.value.value)
        for path in PACKAGE.glob("domains/*/operations.py")
        for name, call in calls(tree_of(path))
        if name == "Operation"
        for keyword in call.keywords
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant)
    }


def test_the_core_knows_kinds_of_operations_and_never_their_names() -> None:
    names = operation_names()
    assert names
    spelled = [
        f"{name_of(path)} line {node.lineno}: {node.value}"
        for path in MODULES
        if not name_of(path).startswith("osapi.domains.") and not is_generated(path)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant) and node.value in names
    ]
    assert spelled == []
