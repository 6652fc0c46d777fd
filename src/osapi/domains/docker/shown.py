"""From what the engine says of containers and images to what is told of them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from osapi.domains.docker import configuration
from osapi.domains.docker.answers import Binding, Container, Listed, ListedImage, Network, Ports, full_id, moment
from osapi.domains.docker.image_models import ImageFilter, ImageList, ImageSummary
from osapi.domains.docker.models import (
    ContainerDetail,
    ContainerFilter,
    ContainerList,
    ContainerNetwork,
    ContainerSummary,
)

RUNNING = frozenset({"running", "restarting"})
"""States of a container whose processes run, or will in a moment."""
_ANYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what the engine says, not where we listen
_NO_NAME = "<none>"


def containers(request: ContainerFilter, found: Iterable[Listed]) -> ContainerList:
    """Those in the states asked for, the newest first, up to the limit."""
    wanted = {"running": (True,), "stopped": (False,), "all": (True, False)}[request.state]
    fitting = [one for one in found if (one.state in RUNNING) in wanted]
    fitting.sort(key=lambda one: (-one.created, one.plain_name))
    return ContainerList(containers=[_summary(one) for one in fitting[: request.limit]], total=len(fitting))


def container(found: Container) -> ContainerDetail:
    """One container; of its variables only the names."""
    state, given, policy = found.state, found.config, found.host_config.restart_policy
    networks = [_network(name, one) for name, one in sorted((found.network_settings.networks or {}).items())]
    return ContainerDetail(
        id=found.id,
        name=found.plain_name,
        image=given.image,
        state=state.status,
        created=moment(found.created),
        image_id=full_id(found.image),
        command=[word for word in (found.path, *(found.args or ())) if word],
        ports=_ports(found),
        mounts=[str(one) for one in sorted(map(configuration.shown, found.mounts or ()))],
        env=sorted({text.partition("=")[0] for text in given.env or ()}),
        network_settings=_first(networks),
        networks=networks,
        health=state.health.status if state.health else "",
        restart=_policy(policy.name, policy.maximum_retry_count),
        restart_count=found.restart_count,
        started=moment(state.started_at),
        finished=moment(state.finished_at),
        exit_code=None if state.running or moment(state.started_at) is None else state.exit_code,
    )


def images(request: ImageFilter, found: Iterable[ListedImage]) -> ImageList:
    """The newest first, up to the limit."""
    ordered = sorted(found, key=lambda one: (-one.created, one.id))
    return ImageList(images=[_image(one) for one in ordered[: request.limit]], total=len(ordered))


def _summary(found: Listed) -> ContainerSummary:
    created = datetime.fromtimestamp(found.created, UTC)
    return ContainerSummary(id=found.id, name=found.plain_name, image=found.image, state=found.state, created=created)


def _image(found: ListedImage) -> ImageSummary:
    return ImageSummary(
        id=full_id(found.id),
        tags=[tag for tag in found.repo_tags or () if _NO_NAME not in tag],
        digests=[digest for digest in found.repo_digests or () if _NO_NAME not in digest],
        size=found.size,
        created=moment(datetime.fromtimestamp(found.created, UTC)),
    )


def _ports(found: Container) -> list[str]:
    """Where its ports can be reached: as they are now, or while it does not run as they will be."""
    live = found.network_settings.ports if found.state.running else None
    return [str(port) for port in sorted({*configuration.bound(_plain(live or found.host_config.port_bindings))})]


def _plain(ports: Ports) -> Ports:
    """All addresses of the host, of both families, are written as none."""
    return {
        key: [Binding("" if one.host_ip in _ANYWHERE else one.host_ip, one.host_port) for one in bindings or ()]
        for key, bindings in (ports or {}).items()
    }


def _network(name: str, found: Network | None) -> ContainerNetwork:
    found = found or Network()
    return ContainerNetwork(
        name=name,
        ip_address=found.ip_address,
        gateway=found.gateway,
        ipv6_address=found.ipv6_address,
        mac_address=found.mac_address,
    )


def _first(networks: list[ContainerNetwork]) -> dict[str, str]:
    return dict(_facts(networks[0])) if networks else {}


def _facts(network: ContainerNetwork) -> Iterator[tuple[str, str]]:
    yield "network", network.name
    if network.ip_address:
        yield "ip_address", network.ip_address
    if network.gateway:
        yield "gateway", network.gateway


def _policy(name: str, tries: int) -> str:
    return f"{name or 'no'}{f':{tries}' if tries else ''}"
