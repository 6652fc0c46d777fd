from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.conftest import NatsServer

from osapi.contract.errors import Invalid, Unavailable
from osapi.transport.broker import Broker
from osapi.transport.layout import ANY, Bucket, Discard, Durable, Layout, ObjectStore, Storage, Stream
from osapi.transport.provision import provision

pytestmark = pytest.mark.anyio


async def ask(broker: Broker, subject: str) -> dict[str, Any]:
    answer = await broker.request(f"$JS.API.{subject}", timeout_s=5)
    told: dict[str, Any] = msgspec.json.decode(answer.data)
    return told


async def names(broker: Broker) -> set[str]:
    return set((await ask(broker, "STREAM.NAMES"))["streams"] or [])


async def test_the_default_layout_is_made(broker: Broker) -> None:
    await provision(broker, Layout())
    assert await names(broker) == {
        "JOBS",
        "JOBS-DLQ",
        "OUTPUT",
        "KV_job-queue",
        "KV_job-responses",
        "KV_agent-registry",
        "KV_agent-facts",
        "KV_agent-state",
        "KV_file-state",
        "KV_agent-enrollment",
        "OBJ_file-objects",
        "OBJ_job-output",
    }


async def test_the_job_stream_refuses_when_full_and_repeats_what_it_stored(broker: Broker) -> None:
    await provision(broker, Layout())
    config = (await ask(broker, "STREAM.INFO.JOBS"))["config"]
    assert config["subjects"] == ["jobs.>"]
    assert config["discard"] == "new"
    assert config["republish"] == {"src": "jobs.>", "dest": "live.jobs.>"}
    assert config["storage"] == "file"


async def test_dead_letters_take_advisories_and_what_is_sent_to_them(broker: Broker) -> None:
    await provision(broker, Layout())
    config = (await ask(broker, "STREAM.INFO.JOBS-DLQ"))["config"]
    assert config["subjects"] == ["dlq.>", "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.JOBS.*"]
    assert config["metadata"]["dead_letter_queue"] == "true"
    await broker.append("dlq.jobs.1", b"{}")


async def test_buckets_are_made_for_direct_reading_with_one_value_a_key(broker: Broker) -> None:
    await provision(
        broker,
        Layout(buckets=(Bucket(name="b", ttl=timedelta(hours=1), max_bytes=10**6, storage=Storage.MEMORY),)),
    )
    config = (await ask(broker, "STREAM.INFO.KV_b"))["config"]
    expected = {
        "subjects": ["$KV.b.>"],
        "max_msgs_per_subject": 1,
        "max_age": 3600 * 10**9,
        "max_bytes": 10**6,
        "storage": "memory",
        "num_replicas": 1,
        "allow_direct": True,
        "allow_rollup_hdrs": True,
        "discard": "new",
    }
    assert {name: config[name] for name in expected} == expected


async def test_the_shared_durable_is_as_the_layout_says(broker: Broker) -> None:
    await provision(broker, Layout())
    config = (await ask(broker, "CONSUMER.INFO.JOBS.any"))["config"]
    assert config["filter_subjects"] == ["jobs.query._any", "jobs.modify._any"]
    assert config["ack_policy"] == "explicit"
    assert config["ack_wait"] == 5 * 10**9
    assert config["max_deliver"] == 5
    assert config["max_ack_pending"] == 1000
    assert config["deliver_policy"] == "all"
    assert "backoff" not in config


async def test_a_second_call_changes_nothing_and_keeps_what_is_stored(broker: Broker) -> None:
    await provision(broker, Layout())
    await broker.append("jobs.query._any", b"x")
    await broker.bucket("job-queue").put("k", b"x")
    before = [(await ask(broker, f"STREAM.INFO.{name}"))["config"] for name in sorted(await names(broker))]
    await provision(broker, Layout())
    assert [(await ask(broker, f"STREAM.INFO.{name}"))["config"] for name in sorted(await names(broker))] == before
    assert await broker.stream("JOBS").count() == 1
    assert await broker.bucket("job-queue").get("k") is not None
    assert await broker.pull_queue("JOBS", "any").fetch(2) is not None


async def test_limits_that_changed_are_updated(broker: Broker) -> None:
    layout = Layout()
    await provision(broker, layout)
    jobs = replace(layout.jobs, max_msgs=7, max_age=timedelta(hours=2), max_bytes=10**6, discard=Discard.OLD)
    durable = replace(ANY, ack_wait=timedelta(seconds=9), max_deliver=2, filters=("jobs.query._any",))
    buckets = (Bucket(name="agent-registry", ttl=timedelta(seconds=90)),)
    await provision(broker, replace(layout, jobs=jobs, durables=(durable,), buckets=buckets))
    config = (await ask(broker, "STREAM.INFO.JOBS"))["config"]
    assert (config["max_msgs"], config["max_age"], config["max_bytes"], config["discard"]) == (
        7,
        2 * 3600 * 10**9,
        10**6,
        "old",
    )
    config = (await ask(broker, "CONSUMER.INFO.JOBS.any"))["config"]
    assert (config["ack_wait"], config["max_deliver"]) == (9 * 10**9, 2)
    assert (await ask(broker, "STREAM.INFO.KV_agent-registry"))["config"]["max_age"] == 90 * 10**9


async def test_several_controllers_may_provision_at_the_same_time(broker: Broker, connect: Any) -> None:
    brokers = [broker, *[await connect() for _ in range(4)]]
    await asyncio.gather(*(provision(each, Layout()) for each in brokers))
    assert len(await names(broker)) == 12


async def test_controllers_with_different_settings_end_with_one_of_them(broker: Broker, connect: Any) -> None:
    layouts = [replace(Layout(), jobs=replace(Layout().jobs, max_msgs=limit)) for limit in range(10, 20)]
    brokers = [await connect() for _ in layouts]
    await asyncio.gather(*(provision(each, layout) for each, layout in zip(brokers, layouts, strict=True)))
    assert (await ask(broker, "STREAM.INFO.JOBS"))["config"]["max_msgs"] in range(10, 20)


async def test_an_audit_stream_is_made_only_when_asked_for(broker: Broker) -> None:
    await provision(broker, replace(Layout(), audit=Stream(name="AUDIT", subjects=("audit.>",))))
    assert "AUDIT" in await names(broker)
    assert await broker.append("audit.1", b"{}", expect_last=0) == 1


async def test_a_value_the_broker_cannot_take_is_told_by_name(broker: Broker) -> None:
    with pytest.raises(Invalid, match=r"stream JOBS cannot be created.*replicas"):
        await provision(broker, replace(Layout(), jobs=replace(Layout().jobs, replicas=3)))
    await provision(broker, Layout())
    with pytest.raises(Invalid, match=r"stream JOBS cannot be updated.*storage"):
        await provision(broker, replace(Layout(), jobs=replace(Layout().jobs, storage=Storage.MEMORY)))
    bad = Durable(name="bad", stream="JOBS", filters=("jobs.>", "jobs.query.>"))
    with pytest.raises(Invalid, match=r"consumer bad of JOBS.*overlap"):
        await provision(broker, replace(Layout(), durables=(bad,)))


async def test_a_broker_without_jetstream_is_told(nats_server: Any, connect: Any) -> None:
    nats_server.configure("accounts { A { users = [ { user: a, password: p } ] } }\nno_auth_user: a")
    nats_server.restart()
    broker = await connect()
    with pytest.raises(Unavailable, match="JetStream"):
        await provision(broker, Layout())


async def test_with_a_namespace_every_name_and_subject_has_it(nats_server: Any, broker: Broker, connect: Any) -> None:
    spaced = await connect(replace(nats_server.address, namespace="site1"))
    await provision(spaced, replace(Layout(), audit=Stream(name="AUDIT", subjects=("audit.>",))))
    found = await names(broker)
    assert {name.removeprefix("KV_").removeprefix("OBJ_").split("-")[0] for name in found} == {"site1"}
    jobs = (await ask(broker, "STREAM.INFO.site1-JOBS"))["config"]
    assert jobs["subjects"] == ["site1.jobs.>"]
    assert jobs["republish"] == {"src": "site1.jobs.>", "dest": "site1.live.jobs.>"}
    dead = (await ask(broker, "STREAM.INFO.site1-JOBS-DLQ"))["config"]
    assert dead["subjects"] == ["site1.dlq.>", "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.site1-JOBS.*"]
    durable = (await ask(broker, "CONSUMER.INFO.site1-JOBS.any"))["config"]
    assert durable["filter_subjects"] == ["site1.jobs.query._any", "site1.jobs.modify._any"]


async def test_a_broker_that_cannot_reserve_what_may_be_kept_says_what_to_change(nats_server: NatsServer) -> None:
    nats_server.stop()
    nats_server.configure(f"jetstream {{ store_dir: {nats_server.store}, max_file_store: 100MB }}")
    nats_server.start()
    broker = await Broker.connect(nats_server.address, name="test")
    wanted = replace(Layout(), objects=(ObjectStore(name="kept", max_bytes=1 << 32),))
    with pytest.raises(
        Unavailable, match=r"OBJ_kept .* with max_bytes 4294967296 \(make max_bytes .*insufficient storage"
    ):
        await provision(broker, wanted)
    await broker.close()
