from __future__ import annotations

import pytest

from osapi.transport.address import Address, Credentials, Names


def test_without_namespace_names_stay_as_they_are() -> None:
    names = Names()
    assert names.subject("jobs.x") == "jobs.x"
    assert names.bare("jobs.x") == "jobs.x"
    assert names.stream("JOBS") == "JOBS"
    assert names.bucket_stream("job-queue") == "KV_job-queue"
    assert names.bucket_prefix("job-queue") == "$KV.job-queue."


def test_a_namespace_stands_before_subjects_and_in_names() -> None:
    names = Names("site1")
    assert names.subject("jobs.x") == "site1.jobs.x"
    assert names.stream("JOBS") == "site1-JOBS"
    assert names.bucket_stream("job-queue") == "KV_site1-job-queue"
    assert names.bucket_prefix("job-queue") == "$KV.site1-job-queue."


@pytest.mark.parametrize("subject", ["$JS.API.INFO", "$KV.b.k", "_INBOX.x.1", "_INBOX_agent1.x"])
def test_subjects_of_the_broker_and_inboxes_get_no_namespace(subject: str) -> None:
    assert Names("site1").subject(subject) == subject


def test_the_namespace_is_taken_off_once() -> None:
    names = Names("a")
    assert names.bare(names.subject("a.b")) == "a.b"


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Address(servers=("nats://h:1",), auth=Credentials(username="u", password="secret")))
