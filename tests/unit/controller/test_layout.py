"""From the settings to what the broker must hold."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import yaml

from osapi.config.load import load
from osapi.controller import layout
from osapi.transport.layout import Discard, Layout, Storage


def of(tmp_path: Path, **nats: object) -> Layout:
    file = tmp_path / "osapi.yaml"
    file.write_text(yaml.safe_dump({"nats": nats}))
    return layout.of_settings(load(file, {}))


def test_an_empty_file_gives_everything_a_controller_needs(tmp_path: Path) -> None:
    found = of(tmp_path)
    assert (found.jobs.name, found.jobs.discard) == ("JOBS", Discard.NEW)
    assert found.jobs.republish is not None
    assert (found.jobs.republish.source, found.jobs.republish.destination) == ("jobs.>", "live.jobs.>")
    assert found.dead_letters.name == "JOBS-DLQ"
    assert found.audit is not None
    assert {bucket.name for bucket in found.buckets} == {
        "job-queue",
        "job-responses",
        "agent-registry",
        "agent-facts",
        "agent-state",
        "file-state",
        "agent-enrollment",
        "notifications",
        "auth-tokens",
    }
    assert [(store.name, store.ttl) for store in found.objects] == [
        ("file-objects", None),
        ("job-output", timedelta(days=1)),
    ]
    output = found.output
    assert (output.name, output.storage, output.discard) == ("OUTPUT", Storage.MEMORY, Discard.OLD)
    assert (output.max_bytes, output.max_msgs_per_subject) == (64 * 1024 * 1024, 64)
    assert [(durable.name, durable.stream) for durable in found.durables] == [("any", "JOBS")]


def test_one_setting_asks_for_copies_of_everything(tmp_path: Path) -> None:
    found = of(tmp_path, replicas=3, kv={"replicas": 5})
    parts = (found.jobs, found.dead_letters, found.output, found.audit, *found.buckets, *found.objects)
    asked = {part.name: part.replicas for part in parts if part is not None}
    assert {name for name, copies in asked.items() if copies == 5} == {"job-queue", "job-responses"}
    assert {copies for name, copies in asked.items() if not name.startswith("job-")} == {3}


def test_names_limits_and_copies_are_those_of_the_settings(tmp_path: Path) -> None:
    found = of(
        tmp_path,
        stream={"name": "WORK", "max_msgs": 7, "max_age": "1h", "replicas": 3, "storage": "memory", "discard": "old"},
        kv={"bucket": "q", "response_bucket": "r", "ttl": "2h", "max_bytes": 99},
    )
    jobs = found.jobs
    assert (jobs.name, jobs.max_msgs, jobs.max_age, jobs.replicas) == ("WORK", 7, timedelta(hours=1), 3)
    assert (jobs.storage, jobs.discard) == (Storage.MEMORY, Discard.OLD)
    assert (found.dead_letters.name, found.durables[0].stream) == ("WORK-DLQ", "WORK")
    first = found.buckets[0]
    assert (first.name, first.ttl, first.max_bytes) == ("q", timedelta(hours=2), 99)


def test_nothing_means_without_limit_and_one_copy(tmp_path: Path) -> None:
    found = of(tmp_path, stream={"max_age": "0s", "max_msgs": 0, "replicas": 0})
    assert (found.jobs.max_age, found.jobs.max_msgs, found.jobs.replicas) == (None, None, 1)


def test_what_has_no_name_is_left_out(tmp_path: Path) -> None:
    found = of(tmp_path, audit={"stream": ""}, facts={"bucket": ""}, objects={"bucket": ""}, output={"bucket": ""})
    assert found.audit is None
    assert found.objects == ()
    assert "" not in {bucket.name for bucket in found.buckets}
