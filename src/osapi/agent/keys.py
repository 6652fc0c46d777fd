"""The agent's own keys, made at its first start in its folder: what it signs with, and what secrets for it are sealed to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from osapi.config import private as private_files
from osapi.pki import nkeys
from osapi.pki.keys import load_or_create_keypair, load_or_create_sealing_key
from osapi.pki.sealing import SealingKey
from osapi.pki.signing import Signer

SEED = "agent.seed"
"""The signing key as the broker wants it."""


@dataclass(frozen=True)
class Keys:
    """Both keys. `signing_key` is the public half of the first, 32 bytes; at the broker the agent is known by it too."""

    signer: Signer
    signing_key: bytes
    sealing: SealingKey


def load_or_create(folder: Path) -> Keys:
    """The keys in this folder (`agent.key`, `agent.pub`, `sealing.key`), made when they are missing. Raises `Invalid`."""
    private = load_or_create_keypair(folder, "agent")
    seed = nkeys.seed_of(private).encode()
    if not (folder / SEED).exists() or private_files.read(folder / SEED) != seed:
        private_files.replace(folder / SEED, seed)
    return Keys(Signer(private), private.public_key.raw, load_or_create_sealing_key(folder, "sealing"))
