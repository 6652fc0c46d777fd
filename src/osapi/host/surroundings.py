"""What a host runs in and on: container, virtual machine, service manager, package manager."""

from __future__ import annotations

from osapi.contract.errors import MissingTool
from osapi.host import systemd
from osapi.host.door import Host
from osapi.host.kernel import text

NONE = "none"
UNKNOWN = "unknown"

_DETECT = "systemd-detect-virt"
_DEADLINE_S = 5.0
_MARKS = {"/.dockerenv": "docker", "/run/.containerenv": "podman"}
_MANAGERS = {systemd.RUNS: "systemd", "/run/openrc": "openrc"}
_PACKAGES = {"apt-get": "apt", "dnf": "dnf", "yum": "yum", "zypper": "zypper", "apk": "apk", "pacman": "pacman"}
_DEBIAN = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "armhf",
    "armv6l": "armel",
    "i686": "i386",
    "i586": "i386",
    "ppc64le": "ppc64el",
    "s390x": "s390x",
    "riscv64": "riscv64",
    "mips64": "mips64el",
    "loongarch64": "loong64",
}


async def container(host: Host) -> str:
    """Kind of container, `none` for none. By systemd-detect-virt(1), without it by the marks that managers leave."""
    found = await _detected(host, "--container")
    if found is not None:
        return found
    for path, kind in _MARKS.items():
        if await host.stat(path) is not None:
            return kind
    return text(await host.read("/run/systemd/container", follow=True)) or NONE


async def virtualization(host: Host) -> str:
    """Kind of virtual machine, `none` for none, empty where nothing can tell."""
    return await _detected(host, "--vm") or ""


async def service_manager(host: Host) -> str:
    """What starts services; see sd_booted(3) for systemd."""
    for path, name in _MANAGERS.items():
        if await host.stat(path) is not None:
            return name
    return UNKNOWN


def package_manager(host: Host) -> str:
    """The first that is installed."""
    return next((name for program, name in _PACKAGES.items() if host.which(program)), UNKNOWN)


def debian_architecture(machine: str) -> str:
    """Machine type as dpkg calls it, from that of `uname -m`; see dpkg-architecture(1)."""
    return _DEBIAN.get(machine, machine)


async def _detected(host: Host, kind: str) -> str | None:
    """The answer; None when the program is not there. It says `none` with status 1."""
    try:
        completed = await host.run((_DETECT, kind), deadline_s=_DEADLINE_S)
    except MissingTool:
        return None
    return text(completed.stdout) or NONE
