"""Name servers of any Linux: read from systemd-resolved or resolv.conf, kept by netplan where it is installed."""

from __future__ import annotations

from osapi.contract.errors import NotFound
from osapi.domains.dns import decisions, resolver
from osapi.domains.dns.decisions import KIND
from osapi.domains.dns.models import DnsChange, DnsConfig, DnsQuery, DnsRef, DnsUpdate
from osapi.domains.dns.provider import DnsProvider
from osapi.host.acting import failure_of
from osapi.host.door import Host
from osapi.host.plan import Plan
from osapi.netplan import change, seen


class LinuxDns:
    """Shows and keeps name servers."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def get(self, request: DnsQuery, /) -> DnsConfig:
        """Those that are in use. Raises `NotFound` when there is no such interface."""
        name = request.interface_name
        number = await self._host.read(f"/sys/class/net/{name}/ifindex", follow=True)
        if number is None:
            raise NotFound(f"there is no interface {name} on this host")
        managed = name in await seen.managed(self._host, KIND)
        if await self._host.stat(resolver.SOCKET) is None:
            text = (await self._host.read(resolver.RESOLV_CONF, follow=True) or b"").decode("utf-8", "replace")
            servers, domains = resolver.of_host(text)
            return DnsConfig(servers=servers, search_domains=domains, source="resolv.conf", managed=managed)
        servers, domains = resolver.of_interface(await self._ask(), int(number))
        return DnsConfig(servers=servers, search_domains=domains, source="resolved", managed=managed)

    async def update(self, request: DnsUpdate, /) -> DnsChange:
        """Keep name servers, on trial. A second call changes nothing; see `decisions.update` for refusals."""
        name = request.interface_name
        return await self._apply(name, decisions.update(request, await seen.look(self._host, KIND, name)))

    async def delete(self, request: DnsRef, /) -> DnsChange:
        """Remove those that are kept, on trial. A second call changes nothing."""
        name = request.interface_name
        return await self._apply(name, change.drop(await seen.look(self._host, KIND, name)))

    async def _apply(self, name: str, plan: Plan) -> DnsChange:
        applied = await self._host.apply(plan)
        return DnsChange(changed=applied.changed, diff=applied.diff, interface_name=name)

    async def _ask(self) -> bytes:
        done = await self._host.run(resolver.QUERY)
        if done.exit_code != 0:
            raise failure_of(done)
        return done.stdout


def provider(host: Host) -> DnsProvider:
    """A provider for one job."""
    return LinuxDns(host)
