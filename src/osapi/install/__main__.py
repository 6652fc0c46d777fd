"""`python -m osapi.install`: makes a service of a program, takes it away, and tells what an agent without root needs.

It acts through the same door as the agent does (`osapi.host`), so a dry run shows what would be done, and a second run
does nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from osapi.agent import preflight
from osapi.config import source
from osapi.config.load import load
from osapi.config.settings import Settings
from osapi.contract.errors import OsapiError
from osapi.host import sudoers
from osapi.host.door import Host, Task
from osapi.host.identity import Claims
from osapi.host.local import open_host
from osapi.install import deciding, looking, wanted
from osapi.install.report import table

_ACCOUNT = "osapi-agent"


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 when something is missing or fails, with a line that says what."""
    chosen = _parser().parse_args(arguments)
    try:
        settings = load(source.locate(chosen.osapi_file, os.environ), os.environ)
        if chosen.verb == "preflight":
            return _preflight(settings)
        if chosen.verb == "sudoers":
            return _sudoers(chosen.user or _ACCOUNT, settings)
        return asyncio.run(_work(chosen, settings))
    except OsapiError as problem:
        sys.stderr.write(f"osapi {chosen.program} {chosen.verb}: {problem.message}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="osapi.install", description="Make services of this machine.")
    parser.add_argument("-f", "--osapi-file", help="settings file")
    parser.add_argument("program", choices=["agent", "controller", "broker"])
    parser.add_argument("verb", choices=["install", "uninstall", "preflight", "sudoers"])
    parser.add_argument("--user", help="account of an agent that is not root")
    parser.add_argument("--dry-run", action="store_true", help="show what would be done")
    return parser


def _preflight(settings: Settings) -> int:
    checks = preflight.checks(settings.agent.privilege_escalation.without)
    missing = sum(check.state == preflight.MISSING for check in checks)
    sys.stdout.write(f"{table(checks)}\n{len(checks)} checked, {missing} missing\n")
    return 1 if missing else 0


def _sudoers(account: str, settings: Settings) -> int:
    grants = preflight.granted(settings.agent.privilege_escalation.without)
    sys.stdout.write(sudoers.text(account, grants, preflight.helper()))
    return 0


async def _work(chosen: argparse.Namespace, settings: Settings) -> int:
    with tempfile.TemporaryDirectory() as folder:
        host = await open_host(Path(folder), claims=Claims(machine_id="install", labels={}))
        try:
            await looking.need(host)
            task = Task(operation=f"{chosen.program} {chosen.verb}", check_mode=chosen.dry_run)
            return await _change(host.for_task(task), chosen, settings)
        finally:
            host.close()


async def _change(host: Host, chosen: argparse.Namespace, settings: Settings) -> int:
    asked = await _wanted(host, chosen, settings)
    decide = deciding.install if chosen.verb == "install" else deciding.uninstall
    applied = await host.apply(decide(asked, await looking.look(host, asked)))
    said = applied.diff or "nothing to do"
    would = "; nothing was done, for this is a dry run" if applied.changed and chosen.dry_run else ""
    sys.stdout.write(f"{said}\n{_next(chosen, asked)}{would}\n")
    return 0


async def _wanted(host: Host, chosen: argparse.Namespace, settings: Settings) -> wanted.Wanted:
    osapi = str(Path(sys.executable).with_name("osapi"))
    if chosen.program == "broker":
        return wanted.broker(osapi)
    if chosen.program == "controller":
        return wanted.controller(osapi)
    if chosen.user:
        looking.check_account(chosen.user)
    account = chosen.user or (_ACCOUNT if chosen.verb == "uninstall" else None)
    token = await looking.join_token(host, settings.agent.join)
    without = tuple(settings.agent.privilege_escalation.without)
    return wanted.agent(osapi, preflight.helper(), account, token, without)


def _next(chosen: argparse.Namespace, asked: wanted.Wanted) -> str:
    if chosen.verb == "install":
        return f"start it with: systemctl start {asked.unit_name}"
    return f"left as they are: {', '.join(asked.left)}"


if __name__ == "__main__":
    sys.exit(main())
