"""What the files of this repository may say: nothing about the machine or the registry they were made with."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("src", "tests", "bench", "docs", "tools", "testbed", "requirements", "changes")
TEXT = {".py", ".md", ".toml", ".lock", ".sh", ".json", ".yaml", ".txt", ""}
# In two parts each, so that this file does not say them either.
UNWANTED = (
    "python" + "hosted",
    "registry." + "npmjs",
    "deb." + "debian.org",
    "pypi." + "org",
    "/wor" + "k/",
    "/far" + "m/",
)


def texts() -> list[Path]:
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if "__pycache__" not in path.parts]
    top = [path for path in ROOT.iterdir() if not path.name.startswith(".")]
    return sorted(path for path in inside + top if path.is_file() and path.suffix in TEXT)


@pytest.mark.parametrize("word", UNWANTED)
def test_no_file_names_a_registry_or_a_path_of_one_machine(word: str) -> None:
    said = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in texts()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if word in line
    ]
    assert said == []


@pytest.mark.parametrize("lock", ["osapi.lock", "dev.lock"])
def test_every_pinned_package_has_a_hash_and_no_address(lock: str) -> None:
    lines = (ROOT / "requirements" / lock).read_text().splitlines()
    pins = [number for number, line in enumerate(lines) if line and not line.startswith((" ", "#"))]
    assert pins
    assert [lines[n] for n in pins if "==" not in lines[n] or "--hash=sha256:" not in lines[n + 1]] == []
    assert [line for line in lines if "://" in line or "--index-url" in line] == []


def test_the_lock_has_every_package_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime = project["project"]["dependencies"]
    everything = [*runtime, *project["project"]["optional-dependencies"]["async"], *project["dependency-groups"]["dev"]]
    for lock, wanted in (("osapi.lock", runtime), ("dev.lock", everything)):
        text = (ROOT / "requirements" / lock).read_text()
        names = {re.sub(r"[\[<>=!~ ].*", "", name).lower() for name in wanted}
        assert {name for name in names if f"\n{name}==" not in f"\n{text}"} == set(), "run ./dev lock"
