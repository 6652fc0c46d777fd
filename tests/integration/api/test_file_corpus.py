"""Row 35 of the fault matrix at the API: hostile paths and names in every field of the file routes."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from tests import corpus
from tests.integration.agent.test_faults import figures
from tests.integration.api.kit import Installation

from osapi.sdk.request import quote

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]


async def test_row_35_hostile_paths_and_names_are_refused_at_the_api(fleet: Installation, tmp_path: Path) -> None:
    inside = corpus.lay_out(tmp_path / "place")
    answers: list[tuple[str, httpx2.Response]] = []
    await fleet.admin.post(
        "/api/file",
        b'--b\r\ncontent-disposition: form-data; name="name"\r\n\r\ncorpus\r\n'
        b'--b\r\ncontent-disposition: form-data; name="file"\r\n\r\nx\r\n--b--\r\n',
        content_type="multipart/form-data; boundary=b",
    )
    for path in corpus.paths(inside):
        deploy = {"object_name": "corpus", "path": path, "content_type": "raw", "adopt": True}
        answers.append((path, await fleet.admin.post("/api/node/web-00/file/deploy", deploy)))
        answers.append((path, await fleet.admin.post("/api/node/web-00/file/undeploy", {"path": path})))
        answers.append((path, await fleet.admin.post("/api/node/web-00/file/status", {"path": path})))
    for name in corpus.NAMES:
        deploy = {"object_name": name, "path": f"{inside}/named", "content_type": "raw"}
        answers.append((name, await fleet.admin.post("/api/node/web-00/file/deploy", deploy)))
        for method, where in (("GET", ""), ("GET", "/content"), ("DELETE", "")):
            answers.append((name, await fleet.admin(method, f"/api/file/{quote(name)}{where}")))
    await fleet.admin("DELETE", "/api/file/corpus")
    crashed = [(text, answer.status_code) for text, answer in answers if answer.status_code >= 500]
    done = [text for text, answer in answers if answer.status_code < 300 and not failed(answer)]
    figures(
        "row 35",
        at="the API",
        inputs=len(answers),
        carried_out=len(done),
        internal_errors=len(crashed),
        escapes=int(corpus.escaped(inside)),
    )
    assert (crashed, done) == ([], [])
    assert not corpus.escaped(inside)


def failed(answer: httpx2.Response) -> bool:
    """Whether the host itself refused."""
    return all(entry["status"] == "failed" for entry in answer.json().get("results", [{"status": "ok"}]))
