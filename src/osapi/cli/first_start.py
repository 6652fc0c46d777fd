"""What the first start of an installation makes: keys, broker identities, an admin token, a client context.

Everything is made only when it is missing, so later starts change nothing and print no token. Each file
is for its owner only and is written whole by the package that reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import click

from osapi.auth import keyring, tokens
from osapi.auth.keyring import KeyRing
from osapi.auth.roles import from_settings
from osapi.cli import local_tls
from osapi.config import client, private
from osapi.config.listening import refuse_exposed
from osapi.config.paths import Paths
from osapi.config.settings import Settings
from osapi.contract.errors import Invalid, Unauthenticated
from osapi.pki import key_folder, nkeys

ADMIN = "admin"


@dataclass(frozen=True)
class Found:
    """What a start found or made. `token` is empty unless this was the first start.

    `context` is the file from which `osapi client` takes address and token; empty when it could not be
    written or belongs to another controller, and `remark` then says so.
    """

    url: str
    token: str = ""
    context: str = ""
    remark: str = ""


def broker(paths: Paths) -> None:
    """Make the identities with which controller and broker connect to the broker."""
    private.private_dir(paths.data_dir)
    for name in ("controller", "broker"):
        nkeys.load_or_create(paths.nkeys, name)


def controller(settings: Settings, paths: Paths, environ: Mapping[str, str]) -> Found:
    """Make what the controller needs, and see to it that `osapi client` of this user works.

    Raises `Invalid` when something cannot be made or read, or would be exposed.
    """
    api = settings.controller.api
    refuse_exposed("controller.api.host", api.host, insecure=settings.insecure, tls=bool(api.tls.cert))
    from_settings(api.security.roles)
    first = not (paths.pki / "controller.key").exists()
    broker(paths)
    if not api.security.signing_key:
        keyring.load_or_create(paths.tokens)
    ring = key_ring(settings, paths)
    here = context_of(settings, paths)
    token = tokens.issue(ring, ADMIN, [ADMIN], [], tokens.MAX_LIFETIME, datetime.now(UTC))
    context, remark = _context(here._replace(token=token), ring, settings, environ)
    key_folder.load(paths.pki)  # last, for it marks that the first start is done
    return Found(here.url, token if first else "", context, remark)


def require_controller(settings: Settings, paths: Paths) -> None:
    """Raise `Invalid`, saying what to do, when the agent knows no controller and has nothing to join one with."""
    ways = (paths.controller_public_key, paths.local_join, paths.agent_state / "join.token")
    if not settings.agent.join and not any(way.exists() for way in ways):
        raise Invalid(
            "this agent knows no controller: make a join token there with `osapi client agent join-token` and start it"
            " with --join TOKEN, or --join @FILE"
        )


def key_ring(settings: Settings, paths: Paths) -> KeyRing:
    """The keys that sign tokens: that of the settings, else those of this installation. Raises `Invalid` without any."""
    key = settings.controller.api.security.signing_key
    if key:
        return keyring.of_setting(key)
    if not paths.tokens.exists():
        raise Invalid(f"there is no key to sign tokens: {paths.tokens} is missing; `osapi controller start` makes it")
    return keyring.load(paths.tokens)


def context_of(settings: Settings, paths: Paths) -> client.Context:
    """How this machine reaches the API; the token is left open. Raises `Invalid` for certificates that cannot be used.

    Whom the settings trust counts, and without a word there our own authority, where it has signed.
    """
    api, trusted = settings.controller.api, settings.controller.client.tls
    host = reachable(api.host)
    seen = local_tls.seen("controller.api.tls", api.tls, host, paths)
    if seen is None:
        return client.Context(_url("http", host, api.port))
    url = _url("https", seen.name, api.port)
    if trusted.ca or trusted.pin:
        return client.Context(url, ca=trusted.ca, pin=trusted.pin)
    return client.Context(url, ca=seen.ca)


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def reachable(host: str) -> str:
    """An address at which this machine reaches a program that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound


def announce(found: Found, environ: Mapping[str, str], *, as_json: bool) -> None:
    """Print address and, once, the token. It is kept out of the system's journal, which others may read."""
    shown = found.token if "JOURNAL_STREAM" not in environ else ""
    if as_json:
        fields = {"url": found.url, "token": shown, "context": found.context, "remark": found.remark}
        click.echo(json.dumps({name: value for name, value in fields.items() if value}))
        return
    lines = [f"OSAPI  {found.url}"]
    if shown:
        lines.append(f"admin token, shown this once, good for 24 hours:\n  {shown}")
    if found.token and found.context:
        lines.append(f"osapi client is set up for this user ({found.context}); try: osapi client node hostname get")
    if found.remark:
        lines.append(found.remark)
    click.echo("\n".join(lines))


def _context(here: client.Context, ring: KeyRing, settings: Settings, environ: Mapping[str, str]) -> tuple[str, str]:
    """Save address, token and trust for `osapi client`, unless what is saved is good or is another controller's."""
    path = client.context_path(environ)
    try:
        saved = client.load(environ)
        if saved.url and not _is_same(saved.url, here.url):
            return "", (
                f"osapi client of this user stays with {saved.url} ({path}); "
                "`osapi token generate --roles admin --subject NAME --save` changes that"
            )
        if _is_good(saved.token, ring, settings):
            here = here._replace(token=saved.token)
        if saved.ca or saved.pin:
            here = here._replace(ca=saved.ca, pin=saved.pin)
        if here != saved:
            client.save(here, environ)
    except Invalid as problem:
        return "", f"osapi client is not set up: {problem.message}"
    return path, ""


def _is_same(saved: str, here: str) -> bool:
    """Whether both are one controller, which may have got TLS, or lost it, since the address was saved."""
    return saved.rstrip("/").partition("://")[2] == here.partition("://")[2]


def _is_good(token: str, ring: KeyRing, settings: Settings) -> bool:
    roles = from_settings(settings.controller.api.security.roles)
    try:
        tokens.verify(token, ring, roles, frozenset[str](), datetime.now(UTC))
    except Unauthenticated:
        return False
    return True
