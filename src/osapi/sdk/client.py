"""The synchronous client.

    with Client("http://127.0.0.1:8080", token) as client:
        for answer in client.run(sysctl.CREATE, SysctlCreate(key="vm.swappiness", value="10"), target="group:web"):
            print(answer.hostname, answer.status, answer.changed)
        client.node("web-01").sysctl.create(key="vm.swappiness", value="10")

A host that fails is an entry in the answer; what the controller refuses is an exception of `errors`.
"""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

import msgspec

from osapi.contract.ids import JobId
from osapi.contract.operation import Operation
from osapi.sdk import results
from osapi.sdk.audit import Audit
from osapi.sdk.files import Files
from osapi.sdk.fleet import Agents, Health
from osapi.sdk.following import Following
from osapi.sdk.jobs import Jobs
from osapi.sdk.notify import Notify
from osapi.sdk.raw import TIMEOUT_S, RawClient
from osapi.sdk.results import Results
from osapi.sdk.retry import Retry
from osapi.sdk.tokens import Tokens
from osapi.sdk.wire import job_id_of, to_request

if TYPE_CHECKING:
    from osapi.sdk.namespaces import Node

Req = TypeVar("Req", bound=msgspec.Struct)
Res = TypeVar("Res")


class Client:
    """Speaks to one controller. Threads may share it.

    `timeout_s` bounds the wait for an answer besides what the controller itself is asked to wait. `ca_file`
    is a PEM file of the authorities to trust for https; None trusts those of the system. Raises
    `ValueError` for an address or token that cannot be one; every method raises `osapi.sdk.errors.SdkError`.
    """

    def __init__(
        self,
        url: str,
        token: str = "",
        *,
        timeout_s: float = TIMEOUT_S,
        ca_file: str | None = None,
        retry: Retry | None = None,
    ) -> None:
        self.raw = RawClient(url, token, timeout_s=timeout_s, ca_file=ca_file, retry=retry)
        self.jobs = Jobs(self.raw)
        self.agents = Agents(self.raw)
        self.notify = Notify(self.raw)
        self.files = Files(self.raw)
        self.health = Health(self.raw)
        self.audit = Audit(self.raw)
        self.tokens = Tokens(self.raw)

    def run(
        self,
        operation: Operation[Req, Res],
        request: Req,
        *,
        target: str,
        wait_s: float | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Results[Res]:
        """Ask hosts to do something and wait for their answers.

        `target` is a host name, a machine id, `key:value`, a query of these, `_any` or `_all`. `wait_s` is how long the
        controller waits for hosts; None means its own limit, or the deadline of the work when that is longer.
        `dry_run` reports what would change and changes nothing. Whatever modifies is sent with an
        Idempotency-Key (a fresh one unless given), so that sending it again after a broken connection makes
        no second job. A host that fails is an entry, not an exception, except that one host alone refuses
        with `NotFound`, `Conflict` or `Forbidden`; `NoAnswer` means that no host answered in time.
        """
        http = to_request(
            operation, request, target=target, wait_s=wait_s, dry_run=dry_run, idempotency_key=idempotency_key
        )
        response = self.raw.send(http)
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
    ) -> Following[Res]:
        """Ask hosts to do something and be told what happens, as it happens; see `Following`."""
        http = to_request(
            operation,
            request,
            target=target,
            wait_s=wait_s,
            as_events=True,
            dry_run=dry_run,
            idempotency_key=idempotency_key,
        )
        return Following(operation, self.raw.stream(http))

    def submit(
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
        return job_id_of(self.raw.send(http))

    def node(self, target: str) -> Node:
        """Every operation as a method: `client.node("web-01").sysctl.create(key=…, value=…)`."""
        from osapi.sdk.namespaces import Node

        return Node(self.run, target)

    def close(self) -> None:
        """Close idle connections."""
        self.raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
