"""The agent's own keys, made at its first start in its folder: what it signs with, and what secrets for it are sealed to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from osapi.pki.keys import load_or_create_keypair, load_or_create_sealing_key
from osapi.pki.sealing import SealingKey
from osapi.pki.signing import Signer


@dataclass(frozen=True)
class Keys:
    """Both keys. `signing_key` is the public half of the first, 32 bytes."""

    signer: Signer
    signing_key: bytes
    sealing: SealingKey


def load_or_create(folder: Path) -> Keys:
    """The keys in this folder (`agent.key`, `agent.pub`, `sealing.key`), made when they are missing. Raises `Invalid`."""
    private = load_or_create_keypair(folder, "agent")
    return Keys(Signer(private), private.public_key.raw, load_or_create_sealing_key(folder, "sealing"))
