"""The document describes what is served, is valid, and keeps the contract."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from tests.contract.contract_check import Document, compare
from tests.unit.controller.kit import PlayedFleet, PlayedJobs, stage

from osapi.auth.permissions import PERMISSIONS
from osapi.controller import asgi
from osapi.controller.routing import RouteTree
from osapi.domains import discovery

CONTRACT = json.loads((Path(__file__).parents[2] / "contract" / "openapi.json").read_text(encoding="utf-8"))
OPEN = {"GetHealth", "GetHealthReady", "GetOpenAPI"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(asgi.document(discovery.operations()))
    return found


def served(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(method, path, facts) for path, item in document["paths"].items() for method, facts in item.items()]


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_the_same_declarations_give_the_same_bytes() -> None:
    assert asgi.document(discovery.operations()) == asgi.document(discovery.operations())


@pytest.mark.parametrize("prefix", ["/api/node/{hostname}/command", "/api/node/{hostname}/sysctl", "/api/job"])
def test_no_fact_of_the_contract_is_missing(document: dict[str, Any], prefix: str) -> None:
    broken, whole, operations, _, _ = compare(Document(CONTRACT), Document(document), prefix)
    assert broken == []
    assert whole == operations > 0


def test_no_fact_is_missing_of_the_operations_that_are_served(document: dict[str, Any]) -> None:
    contract = {facts["operationId"]: path for method, path, facts in served(CONTRACT) if "operationId" in facts}
    ours = {facts["operationId"] for _, _, facts in served(document)}
    kept = {"paths": {}, "components": CONTRACT["components"]}
    for method, path, facts in served(CONTRACT):
        if facts.get("operationId") in ours:
            kept["paths"].setdefault(path, {})[method] = facts
    broken, _, operations, _, _ = compare(Document(kept), Document(document))
    assert broken == []
    assert operations == len(ours & set(contract))
    assert {"GetHealth", "GetHealthReady", "GetNodeStatus", "GetNodeHostname", "getJobs"} <= ours


def test_every_operation_has_an_id_of_its_own(document: dict[str, Any]) -> None:
    ids = [facts["operationId"] for _, _, facts in served(document)]
    assert len(ids) == len(set(ids))


def test_only_the_probes_and_the_document_are_open(document: dict[str, Any]) -> None:
    for _, _, facts in served(document):
        if facts["operationId"] in OPEN:
            assert facts["security"] == []
        else:
            (scheme,) = facts["security"]
            (permission,) = scheme["BearerAuth"]
            assert permission in PERMISSIONS


def test_every_failure_has_the_one_shape(document: dict[str, Any]) -> None:
    for _, _, facts in served(document):
        statuses = {int(status) for status in facts["responses"]}
        if facts["operationId"] in OPEN:
            assert {500, 503} <= statuses
        else:
            assert {400, 401, 403, 404, 409, 500, 503} <= statuses
        assert ("requestBody" in facts) <= (413 in statuses)
        assert ("/api/node/" in facts.get("operationId", "")) <= (504 in statuses)
    for answer in document["components"]["responses"].values():
        assert answer["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorBody"}


def test_what_changes_hosts_can_be_tried_and_repeated(document: dict[str, Any]) -> None:
    for operation in discovery.operations():
        method, path = operation.route
        facts = document["paths"][f"/api/node/{{hostname}}{path}"][method.lower()]
        names = {parameter.get("$ref", "").rpartition("/")[2] for parameter in facts["parameters"]}
        assert {"Target", "Wait", "Prefer"} <= names
        assert ({"DryRun", "IdempotencyKey"} <= names) is (operation.kind.value == "modify")


def test_constraints_and_descriptions_are_there(document: dict[str, Any]) -> None:
    path = document["paths"]["/api/node/{hostname}/sysctl/{key}"]
    key = next(each for each in path["get"]["parameters"] if each.get("name") == "key")
    assert key["in"] == "path"
    assert key["required"] is True
    assert key["schema"]["minLength"] == 3
    assert key["description"]
    body = path["put"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    schema = document["components"]["schemas"][body]
    assert (list(schema["properties"]), schema["required"]) == (["value"], ["value"])


def test_every_field_of_every_request_is_described(document: dict[str, Any]) -> None:
    silent = [
        (facts["operationId"], parameter["name"])
        for _, _, facts in served(document)
        for parameter in facts["parameters"]
        if "$ref" not in parameter and "description" not in parameter
    ]
    assert silent == []


def test_a_stream_is_described_as_one(document: dict[str, Any]) -> None:
    facts = document["paths"]["/api/events"]["get"]
    assert list(facts["responses"]["200"]["content"]) == ["text/event-stream"]
    assert {"$ref": "#/components/parameters/LastEventId"} in facts["parameters"]


def test_nothing_is_defined_that_nobody_uses(document: dict[str, Any]) -> None:
    text = json.dumps(document)
    for kind in ("schemas", "parameters", "responses"):
        for name in document["components"][kind]:
            assert f'"#/components/{kind}/{name}"' in text


def test_what_is_described_is_what_is_served(document: dict[str, Any]) -> None:
    """The routes of slices need a broker; their facts are compared in the integration tests."""
    from osapi.controller.node import NodeServices

    services = NodeServices(jobs=PlayedJobs(), fleet=PlayedFleet(), wait_s=1, body_limit=1)
    operations = {operation.name: operation for operation in discovery.operations()}
    tree = RouteTree(asgi.routes(operations, services, [], []))
    described = {(method.upper(), path) for method, path, _ in served(document)}
    tags = {"Job", "Agent", "Facts", "File", "Audit", "Token", "Notification"}
    by_slices = {
        (each.method, each.path)
        for each in asgi.endpoints()
        if each.tag in tags or each.operation_id in ("GetHealthStatus", "getPrometheusTargets")
    }
    missing = [(method, path) for method, path in described - by_slices if tree.find(method, path) is None]
    assert missing == []


@pytest.mark.anyio
async def test_the_document_is_served(document: dict[str, Any]) -> None:
    answer = await stage().call("GET", "/api/openapi.json")
    assert answer.json == document


def test_the_document_can_be_printed(document: dict[str, Any]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "osapi.controller", "openapi"], capture_output=True, check=True, timeout=60
    )
    assert json.loads(done.stdout) == document
