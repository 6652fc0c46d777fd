"""The asynchronous client, on httpx2 (install `osapi[async]`).

    async with AsyncClient("http://127.0.0.1:8080", token) as client:
        await client.run(sysctl.CREATE, SysctlCreate(key="vm.swappiness", value="10"), target="group:web")
        await client.node("web-01").sysctl.create(key="vm.swappiness", value="10")

The same requests and answers as `client`.
"""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import msgspec

from osapi.contract.ids import JobId
from osapi.contract.operation import Operation
from osapi.sdk import results
from osapi.sdk.aio_audit import AsyncAudit
from osapi.sdk.aio_files import AsyncFiles
from osapi.sdk.aio_fleet import AsyncAgents, AsyncHealth
from osapi.sdk.aio_jobs import AsyncJobs
from osapi.sdk.aio_notify import AsyncNotify
from osapi.sdk.aio_raw import AsyncRawClient
from osapi.sdk.aio_tokens import AsyncTokens
from osapi.sdk.following import AsyncFollowing
from osapi.sdk.raw import TIMEOUT_S
from osapi.sdk.results import Results
from osapi.sdk.retry import Retry
from osapi.sdk.wire import job_id_of, to_request

if TYPE_CHECKING:
    from osapi.sdk.aio_namespaces import AsyncNode

Req = TypeVar("Req", bound=msgspec.Struct)
Res = TypeVar("Res")


class AsyncClient:
    """Speaks to one controller. Tasks of one event loop may share it.

    Parameters and errors are those of `osapi.sdk.client.Client`, except `tls`: a context replaces the
    authorities that the system trusts.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        timeout_s: float = TIMEOUT_S,
        tls: ssl.SSLContext | None = None,
        retry: Retry | None = None,
    ) -> None:
        self.raw = AsyncRawClient(url, token, timeout_s=timeout_s, tls=tls, retry=retry)
        self.jobs = AsyncJobs(self.raw)
        self.agents = AsyncAgents(self.raw)
        self.notify = AsyncNotify(self.raw)
        self.files = AsyncFiles(self.raw)
        self.health = AsyncHealth(self.raw)
        self.audit = AsyncAudit(self.raw)
        self.tokens = AsyncTokens(self.raw)

    async def run(
        self,
        operation: Operation[Req, Res],
        request: Req,
        *,
        target: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[Res]:
        """Ask hosts to do something and wait for their answers; see `Client.run`."""
        http = to_request(
            operation, request, target=target, wait_s=wait_s, dry_run=dry_run, idempotency_key=idempotency_key
        )
        response = await self.raw.send(http)
        return results.parse(operation, response.status, response.body)

    def follow(
        self,
        operation: Operation[Req, Res],
        request: Req,
        *,
        target: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> AsyncFollowing[Res]:
        """Ask hosts to do something and be told what happens, as it happens; see `Client.follow`."""
        http = to_request(
            operation,
            request,
            target=target,
            wait_s=wait_s,
            as_events=True,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )
        return AsyncFollowing(operation, self.raw.stream(http))

    async def submit(
        self,
        operation: Operation[Req, Res],
        request: Req,
        *,
        target: str,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> JobId:
        """Ask hosts to do something and do not wait: the answers are found in `jobs` under the id."""
        http = to_request(
            operation, request, target=target, respond_async=True, dry_run=dry_run, idempotency_key=idempotency_key
        )
        return job_id_of(await self.raw.send(http))

    def node(self, target: str) -> AsyncNode:
        """Every operation as a method: `await client.node("web-01").sysctl.create(key=…, value=…)`."""
        from osapi.sdk.aio_namespaces import AsyncNode

        return AsyncNode(self.run, target)

    async def close(self) -> None:
        """Close all connections. The client cannot be used afterwards."""
        await self.raw.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
