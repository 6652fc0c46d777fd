"""What the sysctl operations take and answer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from osapi.contract.operation import Change

_PART = r"[A-Za-z0-9_:@+-]+"

Key = Annotated[
    str,
    Meta(
        description="Kernel parameter as sysctl(8) names it. Either separator: `net.ipv4.ip_forward` or "
        "`net/ipv4/ip_forward`; an interface name with a dot is `net.ipv4.conf.eth0/100.rp_filter`.",
        min_length=3,
        max_length=200,
        pattern=rf"^(?!-){_PART}(?:[./]{_PART})+$(?!\n)",
        examples=["vm.swappiness"],
    ),
]

Value = Annotated[
    str,
    Meta(
        description="Value, one line of printable ASCII; several numbers are separated by blanks.",
        min_length=1,
        max_length=1024,
        pattern=r"^[!-~](?:[\t -~]*[!-~])?$(?!\n)",
        examples=["10"],
    ),
]


class SysctlKey(Struct, kw_only=True):
    """Names one kernel parameter."""

    key: Key


class SysctlCreate(Struct, kw_only=True):
    """A kernel parameter to set now and at every boot."""

    key: Key
    value: Value
    replace: Annotated[bool, Meta(description="Set the value also when OSAPI already manages another one.")] = False
    adopt: Annotated[bool, Meta(description="Take over a file of the same name that OSAPI did not write.")] = False


class SysctlUpdate(Struct, kw_only=True):
    """Another value for a managed kernel parameter."""

    key: Key
    value: Value


class SysctlEntry(Struct, kw_only=True, omit_defaults=True):
    """A managed kernel parameter: what is wanted, what is in the file, what the kernel uses."""

    key: Annotated[str, Meta(description="Kernel parameter with dots between its parts.")]
    value: Annotated[str, Meta(description="Value the kernel uses now; the wanted one when it cannot be read.")]
    desired: Annotated[str, Meta(description="Value that OSAPI was asked to keep.")]
    persisted: Annotated[
        str | None, Meta(description="Value in the file in /etc/sysctl.d; absent when the file is gone or changed.")
    ] = None
    running: Annotated[
        str | None, Meta(description="Value the kernel uses now; absent when the kernel does not know the key.")
    ] = None
    previous: Annotated[str, Meta(description="Value before OSAPI took over; deleting restores it.")]
    in_sync: Annotated[bool, Meta(description="Whether file and kernel both hold the desired value.")]
    overridden_by: Annotated[
        str | None, Meta(description="File that sets another value at boot, after ours; absent when none does.")
    ] = None


class SysctlChange(Change, kw_only=True):
    """What became of a kernel parameter."""

    key: Annotated[str, Meta(description="Kernel parameter with dots between its parts.")]
    running: Annotated[
        str | None, Meta(description="Value the kernel uses after the operation; absent when it does not know the key.")
    ] = None
    note: Annotated[str, Meta(description="What an operator should know about it; empty when nothing.")] = ""
