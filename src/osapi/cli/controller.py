"""The commands below `osapi client controller`: the key of the controller on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osapi.cli.tree import Leaf

_FINGERPRINT = "Show the fingerprint of the controller's key on this machine."


def find(words: str) -> Leaf | None:
    """The command of these words."""
    if words != "controller key fingerprint":
        return None
    from osapi.cli import key_report

    return key_report.leaf(words, _FINGERPRINT, lambda places: (places.pki, "controller"))


def lines() -> dict[str, str]:
    """Every group and command by its words, with a line of help."""
    return {"controller key": "The controller's key.", "controller key fingerprint": _FINGERPRINT}
