"""What to do about a kernel parameter, given what is on the host. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from osapi.contract.errors import Conflict, NotFound, NotManaged, Permanent
from osapi.domains.sysctl import keys
from osapi.domains.sysctl.models import SysctlCreate, SysctlUpdate
from osapi.domains.sysctl.precedence import assignments
from osapi.host.files import FileKind, FileStat
from osapi.host.kernel import same
from osapi.host.managed import ManagedFile
from osapi.host.plan import Action, Forget, Plan, Remember, Remove, SetKernelValue, Write, file_diff, sha256

_MODE = 0o644


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is known of one parameter. `key` is canonical."""

    key: str
    record: ManagedFile | None
    content: bytes | None
    """Our file; None when it is not there."""
    file: FileStat | None
    kernel: FileStat | None
    """The parameter in /proc/sys; None when the kernel does not know it."""
    running: str | None
    """Its value now; None when the kernel does not know or does not show it."""

    @property
    def is_managed(self) -> bool:
        """Whether OSAPI has set it. An intention that was never carried out does not count."""
        return self.record is not None and self.record.settled

    @property
    def desired(self) -> str | None:
        return self.record.metadata.get("value") if self.record else None

    @property
    def previous(self) -> str | None:
        """Value from before OSAPI; None when that is not known.

        The note of an intention counts only if it seems to have reached the kernel: otherwise the value
        from before may be another by now.
        """
        if self.record is None or not (self.record.settled or same(self.running or "", self.desired or "")):
            return None
        return self.record.metadata.get("previous")

    @property
    def persisted(self) -> str | None:
        """The value in our file; None when it is gone or says nothing about the key."""
        if self.content is None:
            return None
        return assignments(self.content.decode("utf-8", "replace")).get(self.key)


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
    if seen.record is None and seen.content is not None and not request.adopt:
        raise Conflict(
            f"{keys.file_path(seen.key)} exists and is not managed by osapi; remove it, or set adopt",
            details={"key": seen.key, "found": seen.persisted, "requested": request.value},
        )
    return set_value(request.value, seen)


def update(request: SysctlUpdate, seen: Seen) -> Plan:
    """Give a managed parameter another value. Raises `NotManaged` for any other, and as `set_value` does."""
    if not seen.is_managed:
        raise NotManaged(f"{seen.key} is not managed by osapi on this host; create it first")
    return set_value(request.value, seen)


def set_value(value: str, seen: Seen) -> Plan:
    """Whatever is needed for kernel, file and note to hold the value; nothing when they do.

    Raises `NotFound` when the kernel does not know the key, `Permanent` (`read_only`) when it is not for setting.
    """
    running = _settable(seen)
    content = f"{seen.key} = {value}\n".encode()
    path = keys.file_path(seen.key)
    note = Remember(
        path=path,
        sha256=sha256(content),
        metadata={"key": seen.key, "value": value, "previous": running if seen.previous is None else seen.previous},
    )
    needs_kernel = not same(running, value)
    needs_file = seen.content != content or not _is_right(seen.file)
    if seen.is_managed and seen.desired == value and not needs_kernel and not needs_file:
        return Plan()
    actions: list[Action] = []
    if not seen.is_managed:
        actions.append(Remember(path=path, sha256=note.sha256, metadata=note.metadata, settled=False))
    if needs_kernel:
        actions.append(SetKernelValue(path=keys.kernel_path(seen.key), value=value))
    if needs_file:
        actions.append(Write(path=path, content=content, mode=_MODE, make_parents=True))
    actions.append(note)
    return Plan(tuple(actions), _diff(seen, value, content) or f"{path} is managed by osapi from now on")


def delete(seen: Seen) -> Plan:
    """Restore the value from before and remove the file; nothing when there is neither note nor file.

    Raises `NotManaged` when only a file is there that OSAPI did not write. That the kernel refuses to go back
    is no failure, since some values can only be set once until the next boot.
    """
    path = keys.file_path(seen.key)
    if seen.record is None:
        if seen.content is not None:
            raise NotManaged(f"{path} exists and is not managed by osapi; it is left alone")
        return Plan()
    actions: list[Action] = [Remove(path=path), Forget(path=path)]
    previous = seen.previous
    if previous is not None and seen.running is not None and not same(seen.running, previous):
        actions.insert(0, SetKernelValue(path=keys.kernel_path(seen.key), value=previous, required=False))
    return Plan(tuple(actions), _diff(seen, previous, None) or f"{path} is not managed by osapi any more")


def note_after_delete(seen: Seen, running: str | None) -> str:
    """What an operator should know when the kernel did not go back to the value from before."""
    if running is None or seen.previous is None or same(running, seen.previous):
        return ""
    return f"the kernel keeps {running!r} until the next boot: it refused to go back to {seen.previous!r}"


def _settable(seen: Seen) -> str:
    """The value now, of a parameter that can be set and read back."""
    if seen.kernel is None:
        raise NotFound(f"the kernel of this host has no parameter {seen.key}")
    if seen.kernel.kind is not FileKind.FILE:
        raise NotFound(f"{seen.key} is a group of kernel parameters; name one of them")
    if seen.running is None or not seen.kernel.mode & 0o200:
        raise Permanent(
            f"{seen.key} cannot be set on this host: it is not both readable and writable", code="read_only"
        )
    return seen.running


def _is_right(file: FileStat | None) -> bool:
    return file is not None and file.mode == _MODE


def _diff(seen: Seen, value: str | None, content: bytes | None) -> str:
    parts = [file_diff(keys.file_path(seen.key), seen.content, content)]
    if seen.running is not None and value is not None and not same(seen.running, value):
        parts.append(f"kernel {seen.key}: {seen.running} -> {value}")
    if seen.content == content and seen.file is not None and seen.file.mode != _MODE:
        parts.append(f"mode {seen.file.mode:04o} -> {_MODE:04o}")
    return "\n".join(filter(None, parts))
