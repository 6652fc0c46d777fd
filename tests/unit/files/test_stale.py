from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from osapi.contract.ids import MachineId
from osapi.files.api import StaleReason
from osapi.files.record import FileState, key
from osapi.files.stale import stale

WHEN = datetime(2026, 1, 2, tzinfo=UTC)


def state(**more: Any) -> FileState:
    known: dict[str, Any] = {
        "machine_id": MachineId("m"),
        "hostname": "web-01",
        "path": "/etc/x",
        "sha256": "rendered",
        "operation": "node.file.deploy",
        "job_id": "j",
        "deployed_at": WHEN,
        "object_name": "x",
        "source_sha256": "object",
    }
    return FileState(**{**known, **more})


@pytest.mark.parametrize(
    ("known", "digests", "told"),
    [
        ({}, {"x": "object"}, None),
        ({}, {"x": "another"}, (StaleReason.OBJECT, "object", "another")),
        ({}, {}, (StaleReason.GONE, "object", "")),
        ({"rendered_sha256": "rendered"}, {"x": "object"}, None),
        ({"rendered_sha256": "now"}, {"x": "object"}, (StaleReason.FACTS, "rendered", "now")),
        ({"rendered_sha256": "now"}, {"x": "another"}, (StaleReason.OBJECT, "object", "another")),
    ],
)
def test_digests_decide(
    known: dict[str, str], digests: dict[str, str], told: tuple[StaleReason, str, str] | None
) -> None:
    found = [(one.reason, one.deployed_sha, one.current_sha) for one in stale([state(**known)], digests)]
    assert found == ([] if told is None else [told])


def test_they_are_told_in_order() -> None:
    states = [
        state(object_name=name, hostname=host, path=path) for name in "ba" for host in "21" for path in ("/z", "/y")
    ]
    found = [(one.object_name, one.hostname, one.path) for one in stale(states, {})]
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("operation", "provider"),
    [
        ("node.file.deploy", "file"),
        ("node.cron.create", "cron"),
        ("node.certificate.update", "certificate"),
        ("x", "x"),
    ],
)
def test_the_provider_is_the_domain_of_the_operation(operation: str, provider: str) -> None:
    assert state(operation=operation).provider == provider


def test_a_key_fits_whatever_machine_and_path_are() -> None:
    machine, _, path = key(MachineId("a.b c"), "/etc/ü *>").partition(".")
    assert (machine, len(path), path.isalnum()) == ("a_b_c", 64, True)
