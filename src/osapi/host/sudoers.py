"""Writes the sudoers file of an agent without root from what domains declare. Pure. See sudoers(5).

Arguments are regular expressions, which sudo knows since 1.9.10 (Debian 12). No line grants a shell, except for the one
of `Anything`, which grants everything and is only there when that is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from osapi.host.grants import Anything, Grant, Place, Program

PATH = "/etc/sudoers.d/osapi-agent"
MODE = 0o440
KEPT = ("OSAPI_JOB_ID", "OSAPI_RUN_ID")
"""Variables that mark what a job has started, so that it can be found and ended."""

_HEAD = """\
# Written by `osapi agent install`; changes here are lost. What it grants, and what of it amounts to root, is explained
# in docs/howto/install.md. Checked by `osapi agent preflight`.
Defaults:{user} !requiretty, !use_pty, !pam_session, !pam_setcred, !lecture
Defaults:{user} env_keep += "{kept}"
"""


def text(user: str, granted: Mapping[str, Iterable[Grant]], helper: str) -> str:
    """The whole file for the account `user`. `granted` are the grants by domain, `helper` the path of the helper.

    What two domains need stands once, with the first.
    """
    lines, seen = _HEAD.format(user=user, kept=" ".join(KEPT)), set[str]()
    for domain, grants in granted.items():
        entries = dict.fromkeys(_entry(user, grant, helper) for grant in grants)
        fresh = [entry for entry in entries if entry and entry not in seen]
        seen.update(fresh)
        lines += "".join(f"{line}\n" for line in (f"\n# {domain}", *fresh)) if fresh else ""
    return lines


def arguments(grant: Program | Place) -> str:
    """The arguments that a line grants, as a pattern; those of a place are the helper's. Empty for none."""
    if isinstance(grant, Program):
        return grant.arguments
    verbs = "|".join(grant.verbs)
    return f"({verbs}) -- {grant.path}" if len(grant.verbs) > 1 else f"{verbs} -- {grant.path}"


def example(grant: Program | Place, helper: str) -> tuple[str, ...]:
    """A call that the line grants, program and arguments."""
    if isinstance(grant, Program):
        return (grant.path, *grant.example.split())
    return (helper, grant.verbs[0], "--", grant.example)


def _entry(user: str, grant: Grant, helper: str) -> str:
    """The lines of one grant; empty for what sudo has no part in."""
    match grant:
        case Program():
            kept = f'Defaults!{grant.path} env_keep += "{" ".join(grant.env)}"\n' if grant.env else ""
            return kept + _told(grant.root) + _rule(user, grant.user, grant.path, arguments(grant))
        case Place():
            return _told(grant.root) + _rule(user, "root", helper, arguments(grant))
        case Anything():
            return _told(grant.root) + f"{user} ALL=(ALL:ALL) NOPASSWD:SETENV: ALL"
        case _:
            return ""


def _told(root: str) -> str:
    return f"# amounts to root: {root}\n" if root else ""


def _rule(user: str, become: str, program: str, pattern: str) -> str:
    granted = f"^{_escaped(pattern)}$" if pattern else '""'
    return f"{user} ALL=({become}) NOPASSWD: {program} {granted}"


def _escaped(pattern: str) -> str:
    """As sudoers reads patterns: what means something to itself has a backslash before it, and `$` inside one has, too."""
    return re.sub(r"([,:=#])", r"\\\1", pattern).replace("[$]", r"\$")
