"""`osapi version`: what this program is, as JSON in any case."""

from __future__ import annotations

import json
import platform
import sys

import click

from osapi import __version__


@click.command()
def version() -> None:
    """Show the version as JSON."""
    click.echo(
        json.dumps(
            {
                "name": "osapi",
                "description": "Manage Linux hosts through a REST API, with NATS JetStream carrying the work.",
                "gitVersion": __version__,
                "pythonVersion": platform.python_version(),
                "compiler": platform.python_implementation(),
                "platform": f"{sys.platform}/{platform.machine()}",
            },
            indent=2,
        )
    )
