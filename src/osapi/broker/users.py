"""Who may connect to a nats-server that somebody else runs, as the file that it includes."""

from __future__ import annotations

from pathlib import Path

from osapi.broker import accounts, configuration
from osapi.broker.accounts import Guests, Identities
from osapi.config import private
from osapi.config.fields import KEYLESS
from osapi.config.paths import Paths
from osapi.config.settings import Settings
from osapi.contract.errors import Invalid
from osapi.pki import nkeys


class Users:
    """The users of one installation, as the file for nats-server."""

    def __init__(self, settings: Settings, places: Paths) -> None:
        """Raises `Invalid` where users have no keys of their own, for namespaces that differ, and for keys that cannot be read or made."""
        _check(settings)
        self._settings = settings
        self._identities = _identities(settings, places)

    def text(self, guests: Guests) -> bytes:
        """What nats-server includes in its block `accounts`."""
        return configuration.text(accounts.document(self._settings, self._identities, guests))


class Target:
    """The file that nats-server includes; `mode` are its permissions."""

    def __init__(self, path: Path, mode: int) -> None:
        self._path = path
        self._mode = mode

    def begin(self, text: bytes) -> None:
        """Show that the file can be written: as it is, or with `text` when it is missing. Raises `Invalid`."""
        self.write(self._path.read_bytes() if self._path.is_file() else text)

    def write(self, text: bytes) -> None:
        """Replace the file, whole. Raises `Invalid`; the file is then as before."""
        private.replace(self._path, text, self._mode)


def _check(settings: Settings) -> None:
    kind, rights = settings.nats.server.auth.type, settings.nats.server.namespace
    if kind in KEYLESS:
        raise Invalid(f"nats.server.auth.type is {kind}: users are kept only where they have keys (nkey)")
    if rights != settings.controller.nats.namespace:
        raise Invalid(
            f"nats.server.namespace is {rights!r} and controller.nats.namespace {settings.controller.nats.namespace!r}; "
            "set both alike, for rights are written for the former"
        )


def _identities(settings: Settings, places: Paths) -> Identities:
    """The public nkeys of controller and broker, made when they are missing. Raises `Invalid`.

    A machine that follows, and has no controller, needs of the controller's key only the public half.
    """
    private.private_dir(places.data_dir)
    return Identities(controller=_controller(settings, places), broker=nkeys.load_or_create(places.nkeys, "broker"))


def _controller(settings: Settings, places: Paths) -> str:
    chosen, shown = settings.controller.nats.auth.nkey_file, places.nkeys / "controller.nkey"
    if chosen and Path(chosen).exists():
        return nkeys.public_of(Path(chosen))
    if shown.exists() and not places.seed("controller").exists():
        return nkeys.read_public(shown)
    return nkeys.load_or_create(places.nkeys, "controller")
