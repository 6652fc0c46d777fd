"""Shell completion: the script for a shell, and the values that only the controller knows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem, get_completion_class

from osapi.cli.option import Option

if TYPE_CHECKING:
    from osapi.sdk.request import Request

PATIENCE_S = 0.5
"""Longer than this nobody waits for a completion."""

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def values(option: Option) -> Complete | None:
    """What completes the value of an option; None when nothing does."""
    if option.completes:
        return {"target": _targets, "job": _job_ids}[option.completes]
    if option.choices:
        return lambda _context, _parameter, begun: _items(option.choices, begun)
    return None


def _job_ids(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """The newest jobs, each with its status and operation."""
    from osapi.sdk import calls

    found: list[dict[str, Any]] = _ask(calls.job_list(limit=50)).get("items") or []
    return [
        CompletionItem(job["id"], help=f"{job['status']} {job['operation']['type']}")
        for job in found
        if str(job["id"]).startswith(begun)
    ]


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    For bash: eval "$(osapi completion bash)" in ~/.bashrc.
    """
    made = get_completion_class(shell)
    root = context.find_root()
    if made is None or root.info_name is None:
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(made(root.command, {}, root.info_name, "_OSAPI_COMPLETE").source())


def _targets(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    from osapi.sdk import calls

    agents: list[dict[str, Any]] = _ask(calls.agent_list()).get("agents") or []
    hosts = sorted(str(agent["hostname"]) for agent in agents)
    labelled: list[dict[str, str]] = [agent.get("labels") or {} for agent in agents]
    labels = sorted({f"{key}:{value}" for labels in labelled for key, value in labels.items()})
    return _items(["_all", "_any", *hosts, *labels], begun)


def _ask(request: Request) -> dict[str, Any]:
    """The answer of the controller, or nothing: a completion never complains."""
    from osapi.cli import asking
    from osapi.config import client
    from osapi.sdk.raw import RawClient
    from osapi.sdk.retry import Retry

    try:
        known = client.resolve(environ=os.environ)
        with RawClient(known.url, known.token, timeout_s=PATIENCE_S, retry=Retry(attempts=1)) as raw:
            return asking.json_object(raw.send(request).body)
    except Exception:  # noqa: BLE001 - the shell would print it into the line being typed
        return {}


def _items(words: Iterable[str], begun: str) -> list[CompletionItem]:
    return [CompletionItem(word) for word in words if word.startswith(begun)]
