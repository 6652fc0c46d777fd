"""How a container is set up: as asked for, as it is, and whether that is the same. Pure.

What `create` cannot ask for (limits, capabilities, further networks) is not compared, except for what would make
another container of it: privileges, the network and the entry point.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from osapi.domains.docker import notation
from osapi.domains.docker.answers import Container, Image, Mount, Ports, Settings, full_id
from osapi.domains.docker.models import ContainerCreate
from osapi.domains.docker.notation import Port, Volume

ENGINES_OWN = frozenset({"PATH", "HOSTNAME", "HOME", "TERM", "container"})
"""Variables that an engine may add by itself."""
_USUAL_NETWORKS = ("", "default", "bridge", "slirp4netns", "pasta", "private")
"""What engines call the network of a container that nobody has asked another one for."""
_BY_NAME = ("env", "labels")
_ID_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """How a container is set up. Empty values stand for the engine's choice."""

    image: str
    """Id of the image."""
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    env: Mapping[str, str]
    hostname: str
    dns: tuple[str, ...]
    ports: tuple[Port, ...]
    volumes: tuple[Volume, ...]
    labels: Mapping[str, str]
    restart: tuple[str, int]
    user: str
    working_dir: str
    network: str = ""
    privileged: bool = False


def wanted(request: ContainerCreate, image: Image) -> Configuration:
    """What is asked for, with what the image says where the request says nothing."""
    base = image.config or Settings()
    return Configuration(
        image=image.full_id,
        entrypoint=_words(base.entrypoint),
        command=tuple(request.command) or _words(base.cmd),
        env=_variables(base.env) | notation.variables(request.env),
        hostname=request.hostname,
        dns=tuple(request.dns),
        ports=notation.ports(request.ports),
        volumes=notation.volumes(request.volumes),
        labels=(base.labels or {}) | notation.labels(request.labels),
        restart=notation.restart(request.restart),
        user=request.user or base.user,
        working_dir=request.working_dir or base.working_dir or "/",
    )


def actual(container: Container, image: Image) -> Configuration:
    """What is there. `image` is that of the container."""
    own, given, base = container.config, container.host_config, image.config or Settings()
    policy = given.restart_policy
    return Configuration(
        image=full_id(container.image),
        entrypoint=_words(own.entrypoint),
        command=_words(own.cmd),
        env=_variables(own.env),
        hostname="" if own.hostname == container.id[:_ID_SHOWN] else own.hostname,
        dns=tuple(given.dns or ()),
        ports=tuple(sorted(bound(given.port_bindings))),
        volumes=tuple(sorted(_volumes(container.mounts or [], base.volumes or {}))),
        labels=own.labels or {},
        restart=(policy.name or "no", policy.maximum_retry_count),
        user=own.user,
        working_dir=own.working_dir or "/",
        network="" if given.network_mode in _USUAL_NETWORKS else given.network_mode,
        privileged=given.privileged,
    )


def differences(asked: Configuration, found: Configuration) -> list[str]:
    """In what they differ, by the names of the fields; of variables and labels, which. No value is told."""
    found = replace(found, env=_without_engines_own(found.env, asked.env))
    return list(_differences(asked, found))


def _differences(asked: Configuration, found: Configuration) -> Iterator[str]:
    for one in fields(Configuration):
        mine, theirs = getattr(asked, one.name), getattr(found, one.name)
        if mine != theirs:
            yield f"{one.name} ({_names(mine, theirs)})" if one.name in _BY_NAME else one.name


def _names(mine: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    return ", ".join(sorted(name for name in {*mine, *theirs} if mine.get(name) != theirs.get(name)))


def body(request: ContainerCreate) -> dict[str, Any]:
    """The request as the engine wants it; only what is asked for."""
    ports, (policy, tries) = notation.ports(request.ports), notation.restart(request.restart)
    host: dict[str, Any] = {
        "PortBindings": _bindings(ports),
        "Mounts": [_mount(volume) for volume in notation.volumes(request.volumes)],
        "Dns": request.dns,
        "RestartPolicy": {"Name": policy, "MaximumRetryCount": tries} if policy != "no" else {},
    }
    settings: dict[str, Any] = {
        "Cmd": request.command,
        "Env": request.env,
        "Hostname": request.hostname,
        "User": request.user,
        "WorkingDir": request.working_dir,
        "Labels": notation.labels(request.labels),
        "ExposedPorts": {port.key: {} for port in ports},
        "HostConfig": {name: value for name, value in host.items() if value},
    }
    return {"Image": request.image, **{name: value for name, value in settings.items() if value}}


def described(request: ContainerCreate) -> str:
    """What will be there, for people; of variables only the names."""
    lines: dict[str, Any] = {
        "image": request.image,
        "command": shlex.join(request.command),
        "env": ", ".join(sorted(notation.variables(request.env))),
        "hostname": request.hostname,
        "dns": ", ".join(request.dns),
        "ports": ", ".join(str(port) for port in notation.ports(request.ports)),
        "volumes": ", ".join(str(volume) for volume in notation.volumes(request.volumes)),
        "labels": ", ".join(request.labels),
        "restart": "" if request.restart == "no" else request.restart,
        "user": request.user,
        "working_dir": request.working_dir,
        "state": "running" if request.auto_start else "created",
    }
    told = [f"+  {name}: {value}" for name, value in lines.items() if value]
    return "\n".join([f"+container {request.name or 'with a name of the engine'}", *told])


def bound(ports: Ports) -> Iterator[Port]:
    """Ports as the engine writes them; one that has no port of the host is none."""
    for key, bindings in (ports or {}).items():
        container, _, protocol = key.partition("/")
        for binding in bindings or ():
            if container.isdecimal() and binding.host_port.isdecimal():
                yield Port(int(container), protocol or "tcp", binding.host_ip, int(binding.host_port))


def shown(mount: Mount) -> Volume:
    """A mount as people write it."""
    return Volume(mount.destination, mount.name or mount.source or mount.type, read_only=not mount.writable)


def _volumes(mounts: list[Mount], of_image: Mapping[str, object]) -> Iterator[Volume]:
    """All but the volumes without a name that the image asks for."""
    for mount in mounts:
        is_anonymous = mount.type == "volume" and mount.destination in of_image and len(mount.name) == 64
        if not is_anonymous:
            yield shown(mount)


def _bindings(ports: tuple[Port, ...]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for port in ports:
        found.setdefault(port.key, []).append({"HostIp": port.address, "HostPort": str(port.host)})
    return found


def _mount(volume: Volume) -> dict[str, Any]:
    kind = "bind" if volume.is_bind else "volume"
    return {"Type": kind, "Source": volume.source, "Target": volume.target, "ReadOnly": volume.read_only}


def _words(text: list[str] | str | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) and text else tuple(text or ())


def _variables(texts: list[str] | None) -> dict[str, str]:
    return {name: value for name, _, value in (text.partition("=") for text in texts or ())}


def _without_engines_own(env: Mapping[str, str], asked: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name in asked or name not in ENGINES_OWN}
