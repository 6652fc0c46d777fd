"""What to do about a kernel parameter, given what is on the host. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from osapi.contract.errors import Conflict, NotFound, NotManaged, Permanent
from osapi.deploy import decisions as files
from osapi.deploy.wanted import Content, Wanted
from osapi.deploy.wanted import Seen as SeenFile
from osapi.domains.sysctl import keys
from osapi.domains.sysctl.models import SysctlCreate, SysctlUpdate
from osapi.domains.sysctl.precedence import assignments
from osapi.host.files import FileKind, FileStat
from osapi.host.kernel import same
from osapi.host.plan import Plan, SetKernelValue


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is known of one parameter. `key` is canonical."""

    key: str
    file: SeenFile
    kernel: FileStat | None
    """The parameter in /proc/sys; None when the kernel does not know it."""
    running: str | None
    """Its value now; None when the kernel does not know or does not show it."""

    @property
    def is_managed(self) -> bool:
        """Whether OSAPI has set it. An intention that was never carried out does not count."""
        return self.file.managed

    @property
    def desired(self) -> str | None:
        return self.file.note.metadata.get("value") if self.file.note else None

    @property
    def previous(self) -> str | None:
        """Value from before OSAPI; None when that is not known.

        The note of an intention counts only if it seems to have reached the kernel: otherwise the value
        from before may be another by now.
        """
        note = self.file.note
        if note is None or not (note.settled or same(self.running or "", self.desired or "")):
            return None
        return note.metadata.get("previous")

    @property
    def persisted(self) -> str | None:
        """The value in our file; None when it is gone or says nothing about the key."""
        if self.file.content is None:
            return None
        return assignments(self.file.content.decode("utf-8", "replace")).get(self.key)


def create(request: SysctlCreate, seen: Seen) -> Plan:
    """Set a parameter that is not managed yet, or repair one that is.

    Raises `Conflict` when another value is managed (unless `replace`) or a file is in the way that OSAPI did
    not write (unless `adopt`), and as `set_value` does.
    """
    if seen.is_managed and not same(seen.desired or "", request.value) and not request.replace:
        raise Conflict(
            f"{seen.key} is managed with the value {seen.desired!r}, not {request.value!r}; use update, or set replace",
            details={"key": seen.key, "managed": seen.desired, "requested": request.value},
        )
    return set_value(request.value, seen, adopt=request.adopt)


def update(request: SysctlUpdate, seen: Seen) -> Plan:
    """Give a managed parameter another value. Raises `NotManaged` for any other, and as `set_value` does."""
    if not seen.is_managed:
        raise NotManaged(f"{seen.key} is not managed by osapi on this host; create it first")
    return set_value(request.value, seen)


def set_value(value: str, seen: Seen, *, adopt: bool = False) -> Plan:
    """Whatever is needed for kernel, file and note to hold the value; nothing when they do.

    Raises `NotFound` when the kernel does not know the key, `Permanent` (`read_only`) when it is not for setting.
    """
    running = _settable(seen)
    first = [] if same(running, value) else [SetKernelValue(path=keys.kernel_path(seen.key), value=value)]
    return files.deploy(
        wanted(seen.key, value, running if seen.previous is None else seen.previous),
        seen.file,
        adopt=adopt,
        first=first,
        said=_said(seen, value),
    )


def wanted(key: str, value: str, previous: str) -> Wanted:
    """The file that sets a parameter at boot; the note about it keeps the value from before OSAPI."""
    return Wanted(
        path=keys.file_path(key),
        content=Content.of(f"{key} = {value}\n".encode()),
        metadata={"key": key, "value": value, "previous": previous},
    )


def delete(seen: Seen) -> Plan:
    """Restore the value from before and take the file away; nothing when there is neither note nor file.

    Raises `NotManaged` when only a file is there that OSAPI did not write. That the kernel refuses to go back
    is no failure, since some values can only be set once until the next boot.
    """
    previous = seen.previous
    if previous is None or seen.running is None or same(seen.running, previous):
        return files.undeploy(seen.file)
    first = SetKernelValue(path=keys.kernel_path(seen.key), value=previous, required=False)
    return files.undeploy(seen.file, first=(first,), said=_said(seen, previous))


def note_after_delete(seen: Seen, running: str | None) -> str:
    """What an operator should know when the kernel did not go back to the value from before."""
    if running is None or seen.previous is None or same(running, seen.previous):
        return ""
    return f"the kernel keeps {running!r} until the next boot: it refused to go back to {seen.previous!r}"


def _settable(seen: Seen) -> str:
    """The value now, of a parameter that can be set and read back."""
    if seen.kernel is None:
        raise NotFound(f"the kernel of this host has no parameter {seen.key}; `sysctl -a` there lists those it has")
    if seen.kernel.kind is not FileKind.FILE:
        raise NotFound(f"{seen.key} is a group of kernel parameters; name one of them")
    if seen.running is None or not seen.kernel.mode & 0o200:
        raise Permanent(
            f"{seen.key} cannot be set on this host: it is not both readable and writable", code="read_only"
        )
    return seen.running


def _said(seen: Seen, value: str) -> str:
    """What becomes of the kernel's value; empty when it is that already."""
    if seen.running is None or same(seen.running, value):
        return ""
    return f"kernel {seen.key}: {seen.running} -> {value}"
