"""The domain that CONTRIBUTING.md builds works, and nothing outside its folder had to know of it."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.domains import cases, proofs

import osapi.domains
from osapi.agent.catalogue import Catalogue
from osapi.controller import asgi
from osapi.domains import discovery
from osapi.testing.host import FakeHost

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"```python\n# osapi/domains/(motd/\w+\.py)\n(.*?)```", re.DOTALL)
DATA = re.compile(r"```json\n# tests/domains/(motd/\w+/[\w/]+\.json)\n(.*?)```", re.DOTALL)


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The folder of the example, found like any other domain."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    blocks = BLOCK.findall(page) + DATA.findall(page)
    assert len(blocks) == 9
    for name, text in blocks:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(cases, "FOLDER", tmp_path)
    monkeypatch.setattr(osapi.domains, "__path__", [*osapi.domains.__path__, str(tmp_path)])
    yield
    for name in [name for name in sys.modules if name.startswith("osapi.domains.motd")]:
        del sys.modules[name]


@pytest.mark.anyio
async def test_the_case_of_the_example_holds(example: None) -> None:
    (case,) = [each for each in cases.load_all() if each.name.startswith("motd/")]
    host = case.new_host()
    before = host.snapshot()
    told = await case.run(host, check_mode=True)
    assert (told.changed, host.snapshot()) == (True, before)
    assert msgspec.to_builtins(await case.run(host)) == case.content.result
    assert host.snapshot()["/etc/motd"] == cases.as_file(case.content.after.files["/etc/motd"])
    assert (await case.run(host)).changed is False
    host.close()


def test_what_the_example_writes_as_root_is_declared(example: None) -> None:
    (grant,) = discovery.privileges("motd")
    assert grant.fits("write", "/etc/motd")


def test_the_proofs_of_the_example_are_some(example: None) -> None:
    proof = proofs.change("motd", "UPDATE")
    assert msgspec.convert(proof.request, discovery.constants("motd")["UPDATE"].request)
    assert proof.before != proof.after
    assert proofs.read("motd", "GET").tells == ("text",)


@pytest.mark.anyio
async def test_the_agent_finds_the_example_and_runs_it(example: None) -> None:
    host = FakeHost()
    found = Catalogue(discovery, host.family.chain).find("node.motd.get")
    assert found is not None
    assert (await found.call(host)(found.operation.request())).text == ""
    host.close()


def test_the_example_is_described_without_an_edit_elsewhere(example: None) -> None:
    document = json.loads(asgi.document(discovery.operations()))
    update = document["paths"]["/api/node/{hostname}/motd"]["put"]
    assert update["security"] == [{"BearerAuth": ["node:write"]}]


def test_another_family_is_skipped(example: None) -> None:
    assert discovery.implementation("motd", ("windows",)) is None
