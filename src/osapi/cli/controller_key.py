"""`osapi controller key`: the key with which the controller of this machine signs jobs. Nothing is asked of a controller."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import click

from osapi.cli.main import Globals
from osapi.cli.programs import prepared
from osapi.config import duration
from osapi.config.paths import paths
from osapi.contract.errors import Invalid
from osapi.pki import key_folder, rotations
from osapi.pki.keys import fingerprint


@click.group()
def key() -> None:
    """The key with which the controller signs jobs."""


@key.command()
@click.option(
    "--grace", help="How long jobs of the former key are taken yet, as 24h; 0 ends it now. Default: the setting."
)
@click.pass_obj
def rotate(said: Globals, grace: str | None) -> None:
    """Sign jobs with a new key from now on.

    Controllers that run on this machine take it within seconds; copy the key folder to other controllers.
    """
    settings = prepared(said)[2].settings
    folder = paths(settings).pki
    lasting = settings.controller.pki.rotation_grace_period
    try:
        lasting = lasting if grace is None else duration.parse(grace)
    except ValueError as problem:
        raise Invalid(f"--grace: {problem}") from problem
    former = fingerprint(key_folder.read(folder).key.public_key)
    held = key_folder.rotate(folder, datetime.now(UTC), lasting)
    known = rotations.follow(held.chain, held.key.public_key)
    until = known.until[former].isoformat().replace("+00:00", "Z")
    found = {"fingerprint": known.current, "former": former, "until": until, "folder": str(folder)}
    if said.json:
        click.echo(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        click.echo(f"{name.title()}: {value}")
