"""Gives a host another name: read what it is called, decide what to do. See hostname(5) and hostname(7)."""

from __future__ import annotations

from dataclasses import dataclass

from osapi.contract.errors import Invalid
from osapi.host import systemd
from osapi.host.door import Host
from osapi.host.plan import Action, Plan, Run, SetKernelValue, Write

STATIC_NAME = "/etc/hostname"
KERNEL_NAME = "/proc/sys/kernel/hostname"
HOST_NAME_MAX = 64
"""See gethostname(2)."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a host is called, now and after the next boot."""

    running: str
    static: str | None
    """Content of /etc/hostname without comments; None when there is no such file."""
    has_hostnamed: bool


async def look(host: Host) -> Seen:
    """Read both names, and who keeps them."""
    static = await host.read(STATIC_NAME, follow=True)
    running = await host.read(KERNEL_NAME)
    return Seen(
        running=(running or b"").decode("utf-8", "replace").strip(),
        static=None if static is None else _first_name(static.decode("utf-8", "replace")),
        has_hostnamed=host.which("hostnamectl") is not None and await systemd.runs(host),
    )


def decide(name: str, seen: Seen) -> Plan:
    """What to do so that the host is called `name` now and after the next boot.

    Raises `Invalid` for a name that is longer than a kernel can hold, although RFC 1123 allows it.
    """
    if len(name) > HOST_NAME_MAX:
        raise Invalid(f"hostname {name!r} has {len(name)} characters; Linux holds {HOST_NAME_MAX}")
    if seen.running == name and seen.static == name:
        return Plan()
    diff = "\n".join(filter(None, (_line("running", seen.running, name), _line("static", seen.static or "", name))))
    if seen.has_hostnamed:
        return Plan((Run(argv=("hostnamectl", "set-hostname", "--", name), privileged=True),), diff)
    actions: list[Action] = []
    if seen.running != name:
        actions.append(SetKernelValue(path=KERNEL_NAME, value=name))
    if seen.static != name:
        actions.append(Write(path=STATIC_NAME, content=f"{name}\n".encode()))
    return Plan(tuple(actions), diff)


def _first_name(text: str) -> str:
    lines = (line.strip() for line in text.splitlines())
    return next((line for line in lines if line and not line.startswith("#")), "")


def _line(which: str, before: str, after: str) -> str:
    return "" if before == after else f"{which} host name: {before or 'none'} -> {after}"
