"""What the group operations take and answer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from osapi.contract.operation import Change

Name = Annotated[
    str,
    Meta(
        description="Name of the group.",
        min_length=1,
        max_length=32,
        pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*\$?$(?!\n)",
        examples=["deploy"],
    ),
]

NewName = Annotated[
    str,
    Meta(
        description="Name of the new group: small letters, digits, `_` and `-`, beginning with a letter or `_`.",
        min_length=1,
        max_length=32,
        pattern=r"^[a-z_][a-z0-9_-]*\$?$(?!\n)",
        examples=["deploy"],
    ),
]

Member = Annotated[str, Meta(max_length=32, pattern=r"^(?:[A-Za-z_][A-Za-z0-9_.-]*\$?)?$(?!\n)")]
"""Name of an account; an empty one stands for nobody, so that a command line can empty a list."""


class GroupName(Struct, kw_only=True):
    """Names one group."""

    name: Name


class GroupCreate(Struct, kw_only=True):
    """A group to make."""

    name: NewName
    gid: Annotated[int, Meta(description="Number of the group. 0: the next free one.", ge=0, le=4294967294)] = 0
    system: Annotated[bool, Meta(description="Take the number from the range for system groups.")] = False


class GroupUpdate(Struct, kw_only=True):
    """Who shall belong to a group."""

    name: Name
    members: Annotated[
        list[Member],
        Meta(
            description="All accounts that belong to the group beside those whose primary group it is. "
            "None, or one empty name: nobody.",
            max_length=1024,
            examples=[["alice", "bob"]],
        ),
    ]


class GroupDelete(Struct, kw_only=True):
    """A group to remove."""

    name: Name
    force: Annotated[bool, Meta(description="Remove it also when it is a system group (number below 1000).")] = False


class Group(Struct, kw_only=True):
    """One group."""

    name: Annotated[str, Meta(description="Name of the group.")]
    gid: Annotated[int, Meta(description="Number of the group.")]
    members: Annotated[
        list[str], Meta(description="Accounts that belong to it, without those whose primary group it is.")
    ]


class GroupReport(Struct, kw_only=True):
    """The groups that were asked for."""

    groups: Annotated[list[Group], Meta(description="The groups, in the order of /etc/group.")]


class GroupChange(Change, kw_only=True):
    """What became of a group."""

    name: Annotated[str, Meta(description="Name of the group.")]
