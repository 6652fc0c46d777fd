"""Fingerprints of key files on this machine, for comparing with what a controller shows. Nothing is asked of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osapi.cli import exit_status, terminal
from osapi.cli.tree import Leaf, shared_options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from typing import Any

    from osapi.config.paths import Paths


def leaf(words: str, summary: str, place: Callable[[Paths], tuple[Path, str]]) -> Leaf:
    """The command that prints the fingerprint of the key pair in that folder, of that name, made when it is missing."""

    def run(given: Mapping[str, Any], environ: Mapping[str, str]) -> int:
        term = terminal.of_process(environ)
        return _show(term, given, environ, place)

    return Leaf(words, summary, shared_options(), run)


def _show(
    term: terminal.Terminal,
    given: Mapping[str, Any],
    environ: Mapping[str, str],
    place: Callable[[Paths], tuple[Path, str]],
) -> int:
    import json

    from osapi.cli.report import pair
    from osapi.config import source
    from osapi.config.load import load
    from osapi.config.paths import paths
    from osapi.contract.errors import OsapiError
    from osapi.pki.keys import fingerprint, load_or_create_keypair

    try:
        folder, name = place(paths(load(source.locate(given.get("osapi_file"), environ), environ), environ))
        found = fingerprint(load_or_create_keypair(folder, name).public_key)
    except OsapiError as problem:
        term.tell(f"osapi: {problem.message}")
        return exit_status.USAGE
    if given.get("json"):
        term.say(json.dumps({"fingerprint": found}))
    else:
        pair(term, "Fingerprint", found)
    return exit_status.OK
