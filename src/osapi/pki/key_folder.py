"""The controller's key folder: its key pair, the chain of keys before it (`controller.rotations`), and the rotation itself.

A rotation takes four steps on disk, each whole: the new key is kept aside, the chain tells of it, the public half and at last the key
itself take their places. One that was interrupted is brought to its end by whoever opens the folder next.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from osapi.config import private
from osapi.config.lock import Lock
from osapi.contract.errors import Forbidden, Invalid
from osapi.pki import keys, rotations
from osapi.pki.ed25519 import PrivateKey, PublicKey
from osapi.pki.rotations import Chain

NAME = "controller"
CHAIN = f"{NAME}.rotations"
_NEXT = f"{NAME}.next"


@dataclass(frozen=True)
class Held:
    """What the folder holds: the key that signs, and the chain that tells of it."""

    key: PrivateKey
    chain: Chain


def load(folder: Path) -> Held:
    """The key, made when there is none, and its chain. Raises `Invalid` for what cannot be used, `Conflict` during a rotation."""
    if (folder / _NEXT).exists():
        lock = _lock(folder)
        try:
            _finish(folder)
        finally:
            lock.release()
    return Held(keys.load_or_create_keypair(folder, NAME), read_chain(folder))


def read(folder: Path) -> Held:
    """As `load`, with nothing made or changed."""
    return Held(keys.load_private_key(folder / f"{NAME}.key"), read_chain(folder))


def read_chain(folder: Path) -> Chain:
    """The chain that is kept there, empty for none. Raises `Invalid`."""
    path = folder / CHAIN
    try:
        return rotations.decode(path.read_bytes())
    except FileNotFoundError:
        return ()
    except OSError as problem:
        raise Invalid(f"{path} cannot be read: {problem.strerror}") from problem
    except Forbidden as problem:
        raise Invalid(f"{path}: {problem.message}") from problem


def keep_chain(folder: Path, chain: Chain) -> None:
    """Write the chain, in one step. Raises `Invalid`."""
    private.replace(folder / CHAIN, rotations.encode(chain), mode=0o644)


def rotate(folder: Path, now: datetime, grace: timedelta) -> Held:
    """Put a fresh key in the place of the present one, which counts for `grace` yet.

    Raises `Invalid` for a grace below 0 and for a key or a chain that cannot be used, and `Conflict` while another rotation
    is under way.
    """
    if grace < timedelta(0):
        raise Invalid(f"grace {grace} is not allowed; 0 or more is, 0 ends the former key at once")
    lock = _lock(folder)
    try:
        _finish(folder)
        held = read(folder)
        _check_current(held, folder)
        key = PrivateKey.generate()
        chain = rotations.extended(held.chain, held.key, key, now, now + grace)
        private.replace(folder / _NEXT, key.to_pem())
        keep_chain(folder, chain)
        _finish(folder)
    finally:
        lock.release()
    return read(folder)


def _check_current(held: Held, folder: Path) -> None:
    try:
        current = rotations.follow(held.chain, held.key.public_key).current
    except Forbidden as problem:
        raise Invalid(f"{folder / CHAIN}: {problem.message}") from problem
    if current != keys.fingerprint(held.key.public_key):
        raise Invalid(
            f"{folder / NAME}.key was replaced already on another controller: copy its key folder here, or rotate there"
        )


def _finish(folder: Path) -> None:
    """Put the key aside into its place if the chain tells of it; else forget it, for nobody knows it."""
    aside = folder / _NEXT
    if not aside.exists():
        return
    key, chain = keys.load_private_key(aside), read_chain(folder)
    if chain and _is_newest(chain, key.public_key):
        private.replace(folder / f"{NAME}.pub", key.public_key.to_pem(), mode=0o644)
        private.replace(folder / f"{NAME}.key", key.to_pem())
    private.remove(aside)


def _is_newest(chain: Chain, key: PublicKey) -> bool:
    return rotations.follow(chain, key).current == keys.fingerprint(key)


def _lock(folder: Path) -> Lock:
    return Lock(folder / f".{CHAIN}.lock", f"the key folder {folder}")
