"""The page that follows one request through the code names what is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "request.md").read_text()
SOURCE = ROOT / "src" / "osapi"
# A file in bold, then the names from it: **`jobs/roster.py`** `prefixes` `contains`
MENTIONS = [
    (path, re.findall(r"`([\w.]+)`", names))
    for path, names in re.findall(r"\*\*`([\w/]+\.py)`\*\*((?:\s+`[\w.]+`)*)", PAGE)
]


def defined(path: Path) -> set[str]:
    """Names on the top level of a module, and `Class.method` for those one level below."""
    found: set[str] = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            found.add(node.name)
            inner = [each for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
            found |= {f"{node.name}.{each.name}" for each in inner}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


def test_the_page_names_files() -> None:
    assert len(MENTIONS) > 30


@pytest.mark.parametrize(("path", "names"), MENTIONS, ids=[path for path, _ in MENTIONS])
def test_what_the_page_names_is_there(path: str, names: list[str]) -> None:
    assert (SOURCE / path).is_file()
    assert set(names) <= defined(SOURCE / path)
