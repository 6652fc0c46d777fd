"""`osapi tls`: a certificate authority of one's own, and certificates for what OSAPI serves."""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from osapi.cli.main import Globals
from osapi.cli.programs import prepared
from osapi.config import private
from osapi.config.paths import paths
from osapi.config.settings import Settings
from osapi.contract.errors import Invalid
from osapi.pki import authority
from osapi.pki.authority import Authority
from osapi.tls import certificate
from osapi.tls.certificate import Certificate

LEAVES = ("api", "broker", "metrics")
_SETTINGS = {
    "api": ("controller.api.tls",),
    "broker": ("nats.server.tls",),
    "metrics": ("controller.metrics.tls", "agent.metrics.tls", "nats.server.metrics.tls"),
}


@dataclass(frozen=True)
class Leaf:
    """One certificate in its folder. `state` is made, renewed or kept."""

    name: str
    state: str
    cert: str
    key: str
    names: tuple[str, ...]
    expires: str
    fingerprint: str


@click.group()
def tls() -> None:
    """Make certificates for what OSAPI serves."""


@tls.command()
@click.option(
    "--name", "names", multiple=True, metavar="NAME", help="Further host name or address for the certificates."
)
@click.option(
    "--renew", is_flag=True, help="Make certificates anew that end within 30 days or lack a name that is asked for."
)
@click.pass_obj
def init(said: Globals, names: tuple[str, ...], renew: bool) -> None:
    """Make an authority, and certificates for API, broker and metrics.

    What is there stays; repeating it changes nothing. The names are this machine's, those in the settings, each
    --name, and those that a certificate had before.
    """
    settings = prepared(said)[2].settings
    now, folder = datetime.now(UTC), paths(settings).tls
    for name in names:
        authority.check_name(name)
    signer = authority.load_or_create(folder, f"OSAPI authority of {socket.gethostname()}", now)
    wanted = wanted_names(settings, names)
    leaves = [_leaf(folder, name, signer, wanted, now, renew=renew) for name in LEAVES]
    _show(folder, certificate.of(signer.certificate), leaves, as_json=said.json)


def wanted_names(settings: Settings, more: Sequence[str]) -> list[str]:
    """This machine's own names, what the settings listen on and call, and `more`; each once."""
    server = settings.nats.server
    hosts = [settings.controller.api.host, server.host]
    hosts += [section.metrics.host for section in (settings.controller, settings.agent, server)]
    here = [socket.gethostname(), socket.getfqdn(), "localhost", "127.0.0.1", "::1"]
    return list(dict.fromkeys(name for name in (*here, *more, *hosts) if _is_usable(name)))


def _is_usable(name: str) -> bool:
    """Whether a certificate can be for it: not for all addresses at once, nor for a name that is none."""
    try:
        return not ipaddress.ip_address(name).is_unspecified
    except ValueError:
        pass
    try:
        authority.check_name(name)
    except Invalid:
        return False
    return True


def _leaf(folder: Path, name: str, signer: Authority, wanted: Sequence[str], now: datetime, *, renew: bool) -> Leaf:
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    state = "made"
    if cert.exists() and key.exists():
        state = "renewed" if renew and _is_due(cert, signer, wanted, now) else "kept"
    if state != "kept":
        former = certificate.of(authority.read(cert)).names if state == "renewed" else ()
        made, secret = authority.issue(signer, list(dict.fromkeys((*wanted, *former))), now)
        private.replace(key, secret)
        private.replace(cert, made, mode=0o644)
    found = certificate.of(authority.read(cert))
    ends = found.ends.isoformat().replace("+00:00", "Z")
    return Leaf(name, state, str(cert), str(key), found.names, ends, found.fingerprint)


def _is_due(cert: Path, signer: Authority, wanted: Sequence[str], now: datetime) -> bool:
    found = authority.read(cert)
    lacks = set(wanted) - set(certificate.of(found).names)
    return bool(
        lacks or found.not_valid_after_utc - now < authority.NEAR_END or not authority.signed(signer.certificate, found)
    )


def _show(folder: Path, ca: Certificate, leaves: Sequence[Leaf], *, as_json: bool) -> None:
    if as_json:
        root = {"cert": str(folder / "ca.crt"), "fingerprint": ca.fingerprint, "expires": ca.ends.isoformat()}
        click.echo(json.dumps({"authority": root, "certificates": [asdict(leaf) for leaf in leaves]}, indent=2))
        return
    click.echo("\n".join(_lines(folder, ca, leaves)))


def _lines(folder: Path, ca: Certificate, leaves: Sequence[Leaf]) -> Iterator[str]:
    yield f"authority  {folder / 'ca.crt'}, until {ca.ends:%Y-%m-%d}"
    yield f"  {ca.fingerprint}"
    for leaf in leaves:
        yield f"{leaf.name:<9}  {leaf.state}, until {leaf.expires[:10]}, for {', '.join(leaf.names)}"
    yield "\nSettings for this machine:\n"
    yield from _yaml(leaves)
    yield "\nOther machines trust the authority: copy ca.crt there, compare its fingerprint (above) with"
    yield "  openssl x509 -in ca.crt -noout -fingerprint -sha256"
    yield "and name the file with agent.nats.tls.ca (agents) or --ca-file (osapi client)."
    yield f"Never copy {folder / 'ca.key'}."


def _yaml(leaves: Sequence[Leaf]) -> Iterator[str]:
    """The settings that use the certificates, as YAML. Metrics only get theirs; whether to serve them is another matter."""
    tree: dict[str, object] = {}
    for leaf in leaves:
        for key in _SETTINGS[leaf.name]:
            here: dict[str, object] = tree
            for step in key.split("."):
                here = here.setdefault(step, {})  # type: ignore[assignment] # dictionaries all the way
            here |= {"cert": leaf.cert, "key": leaf.key}
    yield from _nested(tree, "  ")


def _nested(tree: dict[str, object], indent: str) -> Iterator[str]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield f"{indent}{name}:"
            yield from _nested(value, f"{indent}  ")  # pyright: ignore[reportUnknownArgumentType] # built above
        else:
            yield f"{indent}{name}: {value}"
