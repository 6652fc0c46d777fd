"""What the engine answers, as far as it is looked at. The names are those of its API; null stands for nothing.

See https://docs.docker.com/engine/api/v1.41/, and for Podman the part of its API that is called compat.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct, field

Texts = list[str] | None


class Version(Struct, frozen=True, rename="pascal"):
    """GET /version."""

    api_version: str
    min_api: str = field(name="MinAPIVersion", default="")
    version: str = ""
    components: list[Component] | None = None


class Component(Struct, frozen=True, rename="pascal"):
    """A part of the engine."""

    name: str


class Problem(Struct, frozen=True):
    """The body of every refusal."""

    message: str


class Made(Struct, frozen=True, rename="pascal"):
    """POST /containers/create, and POST /containers/{id}/exec."""

    id: str
    warnings: Texts = None


class Health(Struct, frozen=True, rename="pascal"):
    """Result of a health check."""

    status: str = ""


class State(Struct, frozen=True, rename="pascal"):
    """What a container does. `running` holds also while it is paused or about to be restarted."""

    status: str
    running: bool = False
    paused: bool = False
    exit_code: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    health: Health | None = None


class Settings(Struct, frozen=True, rename="pascal"):
    """What an image or container says about the process in it."""

    hostname: str = ""
    user: str = ""
    env: Texts = None
    cmd: Texts = None
    image: str = ""
    working_dir: str = ""
    entrypoint: list[str] | str | None = None
    labels: dict[str, str] | None = None
    volumes: dict[str, object] | None = None
    tty: bool = False
    stop_timeout: int | None = None


class Binding(Struct, frozen=True, rename="pascal"):
    """The host's side of a port."""

    host_ip: str = ""
    host_port: str = ""


Ports = dict[str, list[Binding] | None] | None


class RestartPolicy(Struct, frozen=True, rename="pascal"):
    """When the engine starts a container again."""

    name: str = ""
    maximum_retry_count: int = 0


class HostConfig(Struct, frozen=True, rename="pascal"):
    """What a container gets of the host."""

    network_mode: str = ""
    port_bindings: Ports = None
    restart_policy: RestartPolicy = RestartPolicy()
    privileged: bool = False
    dns: Texts = None


class Mount(Struct, frozen=True, rename="pascal"):
    """Something that a container sees; `name` only for a volume."""

    type: str
    destination: str
    source: str = ""
    name: str = ""
    writable: bool = field(name="RW", default=True)


class Network(Struct, frozen=True, rename="pascal"):
    """How a container is connected to a network."""

    gateway: str = ""
    ip_address: str = field(name="IPAddress", default="")
    ipv6_address: str = field(name="GlobalIPv6Address", default="")
    mac_address: str = ""


class NetworkSettings(Struct, frozen=True, rename="pascal"):
    """The networks of a container, and where its ports can be reached now."""

    ports: Ports = None
    networks: dict[str, Network | None] | None = None


class Container(Struct, frozen=True, rename="pascal"):
    """GET /containers/{id}/json."""

    id: str
    name: str
    """With a slash before it."""
    created: datetime
    image: str
    """Id of its image."""
    state: State
    config: Settings
    path: str = ""
    args: Texts = None
    restart_count: int = 0
    host_config: HostConfig = HostConfig()
    mounts: list[Mount] | None = None
    network_settings: NetworkSettings = NetworkSettings()

    @property
    def plain_name(self) -> str:
        """As people write it."""
        return self.name.removeprefix("/")


class Listed(Struct, frozen=True, rename="pascal"):
    """An entry of GET /containers/json. `created` in seconds since 1970."""

    id: str
    image: str
    image_id: str = field(name="ImageID")
    state: str
    created: int
    names: Texts = None

    @property
    def plain_name(self) -> str:
        """Its own name; others may be those by which linked containers know it, as `/other/name`."""
        names = [name.removeprefix("/") for name in self.names or ()]
        return min(names, key=lambda name: name.count("/"), default="")


class Image(Struct, frozen=True, rename="pascal"):
    """GET /images/{name}/json."""

    id: str
    size: int = 0
    repo_tags: Texts = None
    repo_digests: Texts = None
    config: Settings | None = None

    @property
    def full_id(self) -> str:
        """With the kind of its digest, which Podman leaves out here and there."""
        return full_id(self.id)


class ListedImage(Struct, frozen=True, rename="pascal"):
    """An entry of GET /images/json. `created` in seconds since 1970."""

    id: str
    size: int
    created: int
    repo_tags: Texts = None
    repo_digests: Texts = None


class Removed(Struct, frozen=True, rename="pascal"):
    """An entry of the answer to DELETE /images/{name}."""

    untagged: str = ""
    deleted: str = ""


class Descriptor(Struct, frozen=True):
    """What a registry knows an image by."""

    digest: str


class Distribution(Struct, frozen=True, rename="pascal"):
    """GET /distribution/{name}/json."""

    descriptor: Descriptor


class ExecState(Struct, frozen=True, rename="pascal"):
    """GET /exec/{id}/json. `pid` 0: it never started."""

    running: bool = False
    exit_code: int | None = None
    pid: int = 0


def full_id(image: str) -> str:
    """The id of an image with the kind of its digest."""
    return image if not image or ":" in image else f"sha256:{image}"


def moment(found: datetime | None) -> datetime | None:
    """A point in time; None for year 1, by which the engine says that it has not come yet."""
    return None if found is None or found.year == 1 else found


def decode_problem(content: bytes) -> str:
    """What a refusal says; its text as it is when it is none of the engine's."""
    try:
        return msgspec.json.decode(content, type=Problem).message
    except msgspec.DecodeError:
        return content.decode("utf-8", "replace").strip()
