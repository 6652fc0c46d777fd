"""What type checkers infer of the SDK. Not run; `test_types.py` has mypy and pyright read it.

Lines with an ignore must be refused: a checker that accepts one reports the ignore as unnecessary.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

from osapi.contract.ids import JobId
from osapi.contract.operation import Nothing
from osapi.contract.result import HostResult, Outcome
from osapi.domains.node import operations as node
from osapi.domains.node.models import Hostname
from osapi.domains.sysctl import operations as sysctl
from osapi.domains.sysctl.models import SysctlChange, SysctlCreate, SysctlEntry, SysctlKey
from osapi.jobs.api import JobDetail, JobEvent, JobList
from osapi.sdk.aio import AsyncClient
from osapi.sdk.client import Client
from osapi.sdk.jobs import EventsMissed
from osapi.sdk.results import Results


def sync(client: Client) -> None:
    changes = client.run(sysctl.CREATE, SysctlCreate(key="vm.swappiness", value="10"), target="group:web")
    assert_type(changes, Results[SysctlChange])
    assert_type(changes[0], HostResult[SysctlChange])
    assert_type(changes[0].data, SysctlChange | None)
    assert_type(changes[0].status, Outcome)
    assert_type(changes.failed, list[HostResult[SysctlChange]])
    assert_type(changes.require_success(), Results[SysctlChange])
    for change in changes:
        assert_type(change, HostResult[SysctlChange])

    assert_type(client.run(sysctl.LIST, Nothing(), target="_all"), Results[list[SysctlEntry]])
    assert_type(client.node("web-01").sysctl.create(key="vm.swappiness", value="10"), Results[SysctlChange])
    assert_type(client.node("web-01").sysctl.list(), Results[list[SysctlEntry]])
    assert_type(client.node("web-01").hostname.get(), Results[Hostname])
    assert_type(client.submit(node.OS, Nothing(), target="_all"), JobId)

    assert_type(client.jobs.list(status="failed"), JobList)
    assert_type(client.jobs.iterate(), Iterator[JobDetail])
    assert_type(client.jobs.watch("id"), Iterator[JobEvent])
    assert_type(client.jobs.events(), Iterator[JobEvent | EventsMissed])


async def asynchronous(client: AsyncClient) -> None:
    changes = await client.run(sysctl.CREATE, SysctlCreate(key="vm.swappiness", value="10"), target="group:web")
    assert_type(changes, Results[SysctlChange])
    assert_type(await client.node("web-01").sysctl.create(key="vm.swappiness", value="10"), Results[SysctlChange])
    assert_type(await client.node("web-01").sysctl.list(), Results[list[SysctlEntry]])
    assert_type(await client.submit(node.OS, Nothing(), target="_all"), JobId)
    assert_type(await client.jobs.list(), JobList)
    assert_type(client.jobs.iterate(), AsyncIterator[JobDetail])
    assert_type(client.jobs.watch("id"), AsyncIterator[JobEvent])


def refused(client: Client) -> None:
    client.run(sysctl.CREATE, SysctlKey(key="a.b"), target="_all")  # type: ignore[misc]  # pyright: ignore[reportArgumentType]
    client.run(sysctl.CREATE, SysctlCreate(key="a.b", value="1"))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.node("a").sysctl.create(key="a.b")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.node("a").sysctl.create(key="a.b", value=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    client.node("a").hostname.get(dry_run=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.node("a").command.exec(command="ls", args="-l")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
