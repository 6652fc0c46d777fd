"""What is on a host that decisions about accounts depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from osapi.host.account_files import GroupLine, PasswdLine, ShadowLine
from osapi.host.files import FileStat


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The accounts of a host, and what the request needs to know beside them."""

    accounts: Sequence[PasswdLine]
    groups: Sequence[GroupLine]
    shadow: Mapping[str, ShadowLine] | None
    """None when the agent may not read it."""
    today: int
    """Days since 1970-01-01."""
    shells: frozenset[str] | None = None
    """What /etc/shells lists; None when there is no such file."""
    files: Mapping[str, FileStat | None] = field(default_factory=dict[str, FileStat | None])
    """Homes and shells that the request is about; None for one that is not there."""

    def account(self, name: str) -> PasswdLine | None:
        """The account of that name; None when there is none."""
        return next((account for account in self.accounts if account.name == name), None)

    def belongs_to(self, name: str) -> list[str]:
        """Groups beside the primary one."""
        return [group.name for group in self.groups if name in group.members]

    def is_shut(self, name: str) -> bool:
        """Whether the account is past its day."""
        line = (self.shadow or {}).get(name)
        return line is not None and line.expires is not None and line.expires <= self.today
