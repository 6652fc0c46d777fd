"""`osapi token`: make and check access tokens, without a controller, on the machine that has the signing key."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import msgspec

from osapi.auth import keyring, tokens
from osapi.auth.roles import check_names, from_settings
from osapi.cli import first_start, token_revoking
from osapi.cli.client import click_option
from osapi.cli.main import Globals
from osapi.cli.option import BadUsage
from osapi.cli.programs import prepared
from osapi.config import client, duration
from osapi.config.paths import paths
from osapi.contract.errors import Invalid, Unavailable
from osapi.sdk import calls, errors
from osapi.sdk.raw import RawClient

_SELF = "osapi token revoke"
"""Subject of the token with which the command asks; the audit shows it."""
_MOMENT = timedelta(minutes=1)


@click.group()
def token() -> None:
    """Make and check access tokens."""


@token.command()
@click.option("-r", "--roles", multiple=True, required=True, help="Roles, as admin,read; may be repeated.")
@click.option("-u", "--subject", required=True, help="The person or program that will use the token.")
@click.option(
    "-p", "--permissions", multiple=True, help="Permissions that replace those of the roles; may be repeated."
)
@click.option("-l", "--labels", multiple=True, help="Only for hosts with these labels, as group:web; may be repeated.")
@click.option("--lifetime", default="24h", show_default=True, help="How long the token is good, as 90m or 720h.")
@click.option("--save", is_flag=True, help="Let `osapi client` of this user use the token from now on.")
@click.pass_obj
def generate(
    said: Globals,
    roles: tuple[str, ...],
    subject: str,
    permissions: tuple[str, ...],
    labels: tuple[str, ...],
    lifetime: str,
    save: bool,
) -> None:
    """Make a token and print it."""
    settings = prepared(said)[2].settings
    names, direct, life = _split(roles), _split(permissions), _duration("--lifetime", lifetime)
    limits = _labels(labels)
    check_names(names, from_settings(settings.controller.api.security.roles))
    ring = first_start.key_ring(settings, paths(settings))
    made = tokens.issue(ring, subject, names, direct, life, datetime.now(UTC), max_lifetime=life, labels=limits)
    found: dict[str, str | list[str]] = {"token": made, "subject": subject, "roles": names, "permissions": direct}
    found |= {"labels": _split(labels), "id": _claims(made).jti}
    if save:
        found["context"] = client.save(
            first_start.context_of(settings, paths(settings))._replace(token=made), os.environ
        )
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
        "labels": [f"{key}:{value}" for key, value in claims.labels.items()],
        "id": claims.jti,
        "audience": [claims.aud] if isinstance(claims.aud, str) else list(claims.aud),
        "issued": _time(claims.iat),
        "expires": _time(claims.exp),
    }
    _show(found, as_json=said.json)


@token.command()
@click.option(
    "--grace", default="24h", show_default=True, help="How long tokens of the former key stay good; 0 ends them now."
)
@click.pass_obj
def rotate(said: Globals, grace: str) -> None:
    """Sign tokens with a new key from now on.

    Controllers that run on this machine take it within a second; copy the key ring to other controllers.
    """
    settings = prepared(said)[2].settings
    first_start.key_ring(settings, paths(settings))
    if settings.controller.api.security.signing_key:
        raise Invalid(f"{keyring.SETTING} is set, so the key is changed there, and controllers are started anew")
    place = paths(settings).tokens
    ring = keyring.rotate(place, datetime.now(UTC), _duration("--grace", grace))
    former = [f"{kid} until {until.isoformat().replace('+00:00', 'Z')}" for kid, until in ring.until.items()]
    _show({"kid": ring.current, "former": former, "key_ring": str(place)}, as_json=said.json)


@token.command(params=[click_option(option) for option in token_revoking.REVOKE_OPTIONS])
@click.pass_obj
def revoke(said: Globals, /, **given: Any) -> None:
    """Refuse a token, or all of a subject, from now on.

    Asks the controller of this machine, with a token of its own; elsewhere use `osapi client token revoke`.
    """
    settings = prepared(said)[2].settings
    ring = first_start.key_ring(settings, paths(settings))
    own = tokens.issue(ring, _SELF, [], ["token:write"], _MOMENT, datetime.now(UTC))
    try:
        request = calls.token_revoke(**token_revoking.wanted(given))
        here = first_start.context_of(settings, paths(settings))
        with RawClient(here.url, own, ca_file=here.ca or None, pin=here.pin or None) as controller:
            answer = controller.send(request).body
    except BadUsage as problem:
        raise click.UsageError(str(problem)) from problem
    except errors.SdkError as problem:
        raise Unavailable(problem.message) from problem
    _show(json.loads(answer), as_json=said.json)


def _split(values: tuple[str, ...]) -> list[str]:
    """Repeated flags and commas come to the same."""
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _duration(option: str, text: str) -> timedelta:
    try:
        return duration.parse(text)
    except ValueError as problem:
        raise Invalid(f"{option}: {problem}") from problem


def _labels(values: tuple[str, ...]) -> dict[str, str]:
    found = [part.partition(":") for part in _split(values)]
    if not all(colon for _, colon, _ in found):
        raise Invalid("--labels: write each as KEY:VALUE, as in group:web")
    return {key: value for key, _, value in found}


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
