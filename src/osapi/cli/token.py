"""`osapi token`: make and check access tokens, without a controller, on the machine that has the signing key."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import click
import msgspec

from osapi.auth import tokens
from osapi.auth.roles import check_names, from_settings
from osapi.cli import first_start
from osapi.cli.main import Globals
from osapi.cli.programs import prepared
from osapi.config import client, duration
from osapi.config.paths import paths
from osapi.contract.errors import Invalid


@click.group()
def token() -> None:
    """Make and check access tokens."""


@token.command()
@click.option("-r", "--roles", multiple=True, required=True, help="Roles, as admin,read; may be repeated.")
@click.option("-u", "--subject", required=True, help="The person or program that will use the token.")
@click.option(
    "-p", "--permissions", multiple=True, help="Permissions that replace those of the roles; may be repeated."
)
@click.option("--lifetime", default="24h", show_default=True, help="How long the token is good, as 90m or 720h.")
@click.option("--save", is_flag=True, help="Let `osapi client` of this user use the token from now on.")
@click.pass_obj
def generate(
    said: Globals, roles: tuple[str, ...], subject: str, permissions: tuple[str, ...], lifetime: str, save: bool
) -> None:
    """Make a token and print it."""
    settings = prepared(said)[2].settings
    names, direct, life = _split(roles), _split(permissions), _lifetime(lifetime)
    check_names(names, from_settings(settings.controller.api.security.roles))
    ring = first_start.key_ring(settings, paths(settings))
    made = tokens.issue(ring, subject, names, direct, life, datetime.now(UTC), max_lifetime=life)
    found: dict[str, str | list[str]] = {"token": made, "subject": subject, "roles": names, "permissions": direct}
    if save:
        found["context"] = client.save(client.Context(first_start.url_of(settings), made), os.environ)
    _show(found, as_json=said.json)


@token.command()
@click.option("-t", "--token", "text", required=True, help="The token to check.")
@click.pass_obj
def validate(said: Globals, text: str) -> None:
    """Check a token and print what it says; exit status 1 when it is refused.

    Whether it was revoked is known to the controllers only.
    """
    settings = prepared(said)[2].settings
    ring = first_start.key_ring(settings, paths(settings))
    roles = from_settings(settings.controller.api.security.roles)
    identity = tokens.verify(text, ring, roles, frozenset[str](), datetime.now(UTC))
    claims = _claims(text)
    found: dict[str, str | list[str]] = {
        "subject": identity.subject,
        "roles": list(identity.roles),
        "permissions": list(claims.permissions),
        "effective_permissions": sorted(identity.permissions),
        "audience": [claims.aud] if isinstance(claims.aud, str) else list(claims.aud),
        "issued": _time(claims.iat),
        "expires": _time(claims.exp),
    }
    _show(found, as_json=said.json)


def _split(values: tuple[str, ...]) -> list[str]:
    """Repeated flags and commas come to the same."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _lifetime(text: str) -> timedelta:
    try:
        return duration.parse(text)
    except ValueError as problem:
        raise Invalid(f"--lifetime: {problem}") from problem


def _claims(text: str) -> tokens.Claims:
    """What a token that has been verified says (RFC 7515, 7.1: the part between the dots)."""
    payload = text.split(".")[1]
    return msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)), type=tokens.Claims)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _show(found: Mapping[str, str | list[str]], *, as_json: bool) -> None:
    """One `Name: value` a line, or a JSON object. What is empty is left out of the lines."""
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        if value:
            title = name.replace("_", " ").title()
            click.echo(f"{title}: {value if isinstance(value, str) else ', '.join(value)}")
