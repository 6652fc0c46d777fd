"""Commands that become one of the programs: controller, agent, broker.

They do what a first start needs, then replace this process with `python -m osapi.<program>`, so that
signals and exit status are the program's own. Flags travel as environment variables, which win over the file.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import click

from osapi.cli.main import Globals, LazyGroup

if TYPE_CHECKING:
    from pathlib import Path

    from osapi.config.load import Loaded

_AGENT_FLAGS = (
    ("agent-host", "agent.nats.host", "Broker host."),
    ("agent-port", "agent.nats.port", "Broker port."),
    ("agent-client-name", "agent.nats.client_name", "Name of the connection."),
    ("agent-queue-group", "agent.queue_group", "Group of agents that share _any jobs."),
    ("agent-hostname", "agent.hostname", "Name shown to people."),
    ("agent-max-jobs", "agent.max_jobs", "Jobs that run at the same time."),
    ("consumer-max-deliver", "agent.consumer.max_deliver", "Times an unfinished job is handed out."),
    ("consumer-ack-wait", "agent.consumer.ack_wait", "Silence before a job goes to another agent, as 2m."),
    ("consumer-max-ack-pending", "agent.consumer.max_ack_pending", "Jobs handed out and unfinished at once."),
    ("consumer-replay-policy", "agent.consumer.replay_policy", "instant or original."),
)

insecure_option = click.option(
    "--insecure", is_flag=True, help="Allow listening on other than loopback addresses without TLS."
)

dry_run_option = click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")


@click.group(
    cls=LazyGroup, lazy={"key": ("osapi.cli.controller_key:key", "The key with which the controller signs jobs.")}
)
@click.option("-p", "--port", metavar="PORT", help="TCP port of the REST API. Default: 8080.")
@click.pass_obj
def controller(said: Globals, port: str | None) -> None:
    """Run the controller, which serves the REST API."""
    _keep(said, "controller.api.port", port)


@controller.command("start")
@insecure_option
@click.pass_obj
def start_controller(said: Globals, insecure: bool) -> None:
    """Serve the REST API until SIGTERM. The first start makes keys and an admin token."""
    from osapi.cli import first_start
    from osapi.config.paths import paths

    file, environ, loaded = prepared(said, insecure=insecure)
    found = first_start.controller(loaded.settings, paths(loaded.settings), environ)
    first_start.announce(found, environ, as_json=said.json)
    become("controller", file, environ)


@controller.command()
@click.pass_obj
def openapi(said: Globals) -> None:
    """Print the OpenAPI document of the REST API."""
    become("controller", None, environment(said, os.environ), "openapi")


def _agent_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `osapi agent`, in the order of the table."""
    for flag, _, text in reversed(_AGENT_FLAGS):
        command = click.option(f"--{flag}", help=text)(command)
    return command


@click.group()
@_agent_options
@click.option("--consumer-back-off", multiple=True, help="Waits before further hand-outs, as 30s,2m; may be repeated.")
@click.pass_obj
def agent(said: Globals, /, consumer_back_off: tuple[str, ...], **flags: str | None) -> None:
    """Run the agent of this host."""
    for flag, key, _ in _AGENT_FLAGS:
        _keep(said, key, flags[flag.replace("-", "_")])
    _keep(said, "agent.consumer.back_off", ",".join(consumer_back_off))


@agent.command("start")
@click.option("--join", metavar="TOKEN", help="Join token, or @FILE that holds it. Later starts need none.")
@click.pass_obj
def start_agent(said: Globals, join: str | None) -> None:
    """Work on jobs until SIGTERM. The first start needs a join token, except beside a controller."""
    from osapi.cli import first_start
    from osapi.config.paths import paths

    _keep(said, "agent.join", join)
    file, environ, loaded = prepared(said)
    first_start.require_controller(loaded.settings, paths(loaded.settings))
    become("agent", file, environ)


@agent.command()
@click.pass_obj
def preflight(said: Globals) -> None:
    """Check what an agent without root needs: commands, sudo rules, capabilities. Status 1 when something is missing."""
    _install(said, "agent", "preflight")


@agent.command()
@click.option("--user", metavar="NAME", help="The agent's account. Default: osapi-agent.")
@click.pass_obj
def sudoers(said: Globals, user: str | None) -> None:
    """Print the sudoers file of an agent without root."""
    _install(said, "agent", "sudoers", *(("--user", user) if user else ()))


@agent.command("install")
@click.option("--user", metavar="NAME", help="Run as this account, without root, through sudo. Default: as root.")
@click.option("--join", metavar="TOKEN", help="Join token, or @FILE that holds it. Needed unless a controller is here.")
@dry_run_option
@click.pass_obj
def install_agent(said: Globals, user: str | None, join: str | None, dry_run: bool) -> None:
    """Make the agent a service of this machine. A second call changes nothing."""
    _keep(said, "agent.join", join)
    _install(said, "agent", "install", *(("--user", user) if user else ()), *_dry(dry_run))


def _add_installing(group: click.Group, program: str, what: str) -> None:
    """Add the commands that make a service of a program and take it away."""

    @click.pass_obj
    def install(said: Globals, dry_run: bool) -> None:
        _install(said, program, "install", *_dry(dry_run))

    @click.pass_obj
    def uninstall(said: Globals, dry_run: bool) -> None:
        _install(said, program, "uninstall", *_dry(dry_run))

    install.__doc__ = f"Make the {what} a service of this machine. A second call changes nothing."
    uninstall.__doc__ = f"Take the service of the {what} away, and say what stays."
    if "install" not in group.commands:
        group.command("install")(dry_run_option(install))
    group.command("uninstall")(dry_run_option(uninstall))


@click.group()
def nats() -> None:
    """Run the embedded broker."""


@nats.group()
def server() -> None:
    """Run the embedded broker."""


@server.command("start")
@insecure_option
@click.pass_obj
def start_server(said: Globals, insecure: bool) -> None:
    """Run the broker until SIGTERM. The first start makes its users' keys."""
    file, environ, _ = prepared(said, insecure=insecure)
    become("broker", file, environ)


@server.command()
@click.option("-o", "--output", metavar="FILE", help="File to write, in one step. Default: standard output.")
@click.option("--mode", default="0600", metavar="MODE", help="Permissions of the file, octal. Default: 0600.")
@click.option(
    "--offline",
    is_flag=True,
    help="Ask no broker: list controller, broker and whom this machine knew last. For the start.",
)
@click.option("--follow", is_flag=True, help="Stay, and write and reload at each change. Needs --output.")
@click.option("--pid-file", metavar="FILE", help="Reload by SIGHUP to the nats-server whose pid_file this is.")
@click.argument("command", nargs=-1)
@click.pass_obj
def authorization(
    said: Globals,
    output: str | None,
    mode: str,
    offline: bool,
    follow: bool,
    pid_file: str | None,
    command: tuple[str, ...],
) -> None:
    """Write the accounts and users for a nats-server that is not OSAPI's own, for its block `accounts` to include.

    With --follow the server is reloaded by SIGHUP (--pid-file) or by COMMAND, given after `--`.
    """
    _check_following(mode, output, offline, follow, pid_file, command)
    values = (("--output", output), ("--mode", mode), ("--pid-file", pid_file))
    flags = (("--offline", offline), ("--follow", follow))
    words = [word for name, value in values if value for word in (name, value)]
    words += [name for name, given in flags if given]
    file, environ, _ = prepared(said)
    become("broker.authorization", file, environ, *words, *(("--", *command) if command else ()))


def _check_following(
    mode: str, output: str | None, offline: bool, follow: bool, pid_file: str | None, command: tuple[str, ...]
) -> None:
    """Raise a usage error for what does not go together."""
    if not re.fullmatch("0?[0-7]{3}", mode):
        raise click.UsageError(f"--mode {mode}: three octal digits are expected, as 0640.")
    if not follow:
        if pid_file or command:
            raise click.UsageError("A reload needs --follow.")
        return
    if offline or not output:
        raise click.UsageError("--follow needs --output, and a broker: no --offline.")
    if bool(pid_file) == bool(command):
        raise click.UsageError("--follow needs one way to reload: --pid-file FILE, or -- COMMAND.")


_add_installing(controller, "controller", "controller")
_add_installing(agent, "agent", "agent")
_add_installing(server, "broker", "broker")


@click.group(invoke_without_command=True)
@click.pass_context
def job(ctx: click.Context) -> None:
    """Jobs are listed, watched, retried and cancelled with `osapi client job`."""
    click.echo(ctx.get_help())


def environment(said: Globals, environ: Mapping[str, str], *, insecure: bool = False) -> dict[str, str]:
    """The environment for a program: `environ` with what was said in flags."""
    flags = dict(said.flags)
    _set(flags, "debug", said.debug)
    _set(flags, "insecure", insecure)
    if said.json:
        flags["telemetry.log.format"] = "json"
    return {**environ, **{variable(key): value for key, value in flags.items()}}


def prepared(said: Globals, *, insecure: bool = False) -> tuple[Path | None, dict[str, str], Loaded]:
    """File, environment and settings of a program. Raises `Invalid` with every fault in them."""
    from osapi.config.load import load_with_origin
    from osapi.config.source import locate

    environ = environment(said, os.environ, insecure=insecure)
    file = locate(said.osapi_file, environ)
    return file, environ, load_with_origin(file, environ)


def command_line(program: str, file: Path | None, *arguments: str) -> list[str]:
    """How a program is started. `-P` keeps the current folder out of the search for modules."""
    return [
        sys.executable,
        "-P",
        "-m",
        f"osapi.{program}",
        *(["--osapi-file", str(file)] if file else []),
        *arguments,
    ]


def become(program: str, file: Path | None, environ: Mapping[str, str], *arguments: str) -> NoReturn:
    """Replace this process with the program."""
    sys.stdout.flush()
    line = command_line(program, file, *arguments)
    os.execve(line[0], line, dict(environ))  # noqa: S606 - no shell is wanted


def _install(said: Globals, *words: str) -> NoReturn:
    from osapi.config.source import locate

    environ = environment(said, os.environ)
    become("install", locate(said.osapi_file, environ), environ, *words)


def _dry(dry_run: bool) -> tuple[str, ...]:
    return ("--dry-run",) if dry_run else ()


def variable(key: str) -> str:
    """Name of the environment variable for a key (`osapi.config.keys.variable_of`, without its imports)."""
    return f"OSAPI_{key.replace('.', '_').upper()}"


def _keep(said: Globals, key: str, value: str | None) -> None:
    if value:
        said.flags[key] = value


def _set(flags: dict[str, str], key: str, value: bool) -> None:
    if value:
        flags[key] = "true"
