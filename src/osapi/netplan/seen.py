"""What is on a host before its network is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from osapi.contract.errors import Conflict, MissingTool, NotManaged
from osapi.deploy import wanted as deploy
from osapi.deploy.deployer import Deployer
from osapi.host import links
from osapi.host.door import Host
from osapi.host.links import Link
from osapi.host.plan import Metadata
from osapi.netplan import places
from osapi.netplan.places import Place
from osapi.netplan.takeover import Clash
from osapi.netplan.tree import DIRECTORIES, SUFFIX, Sections, Tree

_decode_taken = msgspec.json.Decoder(list[Clash]).decode


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is known of one interface, and of OSAPI's file for one concern of it."""

    name: str
    tree: Tree
    links: Mapping[str, Link]
    """Every interface of the kernel, by name."""
    file: deploy.Seen
    """What is known of our file."""
    scratch: str
    """A folder in which files may be tried before they count."""
    leftovers: tuple[str, ...]
    """Files that an earlier try left there."""

    @property
    def link(self) -> Link | None:
        """The interface; None when the kernel has none of that name."""
        return self.links.get(self.name)

    @property
    def path(self) -> str:
        """Our file, whether it is there or not."""
        return self.file.path

    @property
    def metadata(self) -> Metadata:
        """What was noted with our file. An intention counts once the content that it names is in place."""
        return self.file.note.metadata if self.file.note is not None and self.file.managed else {}

    @property
    def taken(self) -> list[Clash]:
        """What was taken out of other files for ours."""
        return _decode_taken(self.metadata.get("taken", "[]"))

    @property
    def others(self) -> Sections:
        """What all files but ours say together."""
        return self.tree.without(self.path).merged()

    @property
    def place(self) -> Place:
        """Where netplan knows the interface."""
        return places.find(self.others, self.name, self.link)


async def look(host: Host, kind: str, name: str) -> Seen:
    """Look at everything. Raises `MissingTool` without netplan, `Invalid`, `Permanent` (`invalid_config`)."""
    path = places.file_path(kind, name)
    if host.which("netplan") is None:
        raise MissingTool("netplan is not installed on this host; networks that it does not configure are left alone")
    scratch = f"{host.state_dir}/netplan"
    return Seen(
        name=name,
        tree=await read(host),
        links={link.name: link for link in await links.links(host)},
        file=await Deployer(host).look_at(path),
        scratch=scratch,
        leftovers=tuple(
            f"{scratch}{places.DIRECTORY}/{old}" for old in await host.list_dir(scratch + places.DIRECTORY)
        ),
    )


async def managed(host: Host, kind: str) -> dict[str, Metadata]:
    """What was noted for the interfaces of which OSAPI keeps this concern, by name."""
    records = await host.managed.below(f"{places.OWN}{kind}-")
    return {record.metadata["interface"]: record.metadata for record in records if record.settled}


async def read(host: Host) -> Tree:
    """Every file that netplan reads, links followed as netplan does."""
    found: dict[str, bytes] = {}
    for directory in DIRECTORIES:
        for name in await host.list_dir(directory):
            if name.endswith(SUFFIX):
                content = await host.read(f"{directory}/{name}", follow=True)
                found |= {} if content is None else {f"{directory}/{name}": content}
    return Tree.of(found)


def check_new(seen: Seen, config: str, *, replace: bool) -> None:
    """Whether a definition may be made. `config` is what is asked for, as it is noted.

    Raises `Conflict` when another is managed, unless `replace`.
    """
    if seen.file.managed and seen.metadata.get("config") != config and not replace:
        raise Conflict(
            f"{seen.name} is managed with other settings; use update, or set replace",
            details={"managed": seen.metadata.get("config"), "requested": config},
        )


def check_managed(seen: Seen) -> None:
    """Raises `NotManaged` unless OSAPI has made the definition."""
    if not seen.file.managed:
        raise NotManaged(f"{seen.name} has no settings managed by osapi on this host; create them first")
