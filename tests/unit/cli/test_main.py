from __future__ import annotations

import subprocess
import sys

import click
import pytest

from osapi.cli import main as cli
from osapi.cli.main import Globals, hoisted, root
from osapi.contract.errors import Invalid


@click.group()
@click.option("-f", "--file")
@click.option("-d", "--debug", is_flag=True)
@click.option("-j", "--json", is_flag=True)
def top() -> None: ...


@top.group()
@click.option("-T", "--target")
def node() -> None: ...


@node.command("exec")
@click.option("--command")
@click.option("--args", multiple=True)
@click.option("--pair", nargs=2)
@click.option("-d", "--delete")
@click.option("-v", count=True)
@click.argument("rest", nargs=-1)
def execute() -> None: ...


@node.command("list")
@click.option("--all/--some")
def listing() -> None: ...


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("node list", "node list"),
        ("node list --json", "--json node list"),
        ("node list -j -d", "-j -d node list"),
        ("node list -dj", "-dj node list"),
        ("-j node list -f x", "-j -f x node list"),
        ("node list --file=x", "--file=x node list"),
        ("node list -fx", "-fx node list"),
        ("node list -jf x", "-jf x node list"),
        ("node list -T web", "node -T web list"),
        ("-T web node list", "-T web node list"),
        ("node -j list -T web", "-j node -T web list"),
        ("node exec --command ls --args -j", "node exec --command ls --args -j"),
        ("node exec --args -f --json", "--json node exec --args -f"),
        ("node exec --args=-f -j", "-j node exec --args=-f"),
        ("node exec --pair -j -f -j", "-j node exec --pair -j -f"),
        ("node exec -d x", "node exec -d x"),
        ("node exec --debug", "--debug node exec"),
        ("node exec -vv -j", "-j node exec -vv"),
        ("node exec -- -j --json", "node exec -- -j --json"),
        ("node exec word -j", "-j node exec word"),
        ("node list --some -j", "-j node list --some"),
        ("node list --unknown -j", "-j node list --unknown"),
        ("node list -x", "node list -x"),
        ("node list -jx", "node list -jx"),
        ("node list --help", "node list --help"),
        ("nonsense -j", "nonsense -j"),
        ("node list -f", "-f node list"),
        ("", ""),
        ("-", "-"),
    ],
)
def test_an_option_moves_to_the_nearest_group_that_knows_it(words: str, expected: str) -> None:
    assert hoisted(top, words.split()) == expected.split()


def run(*words: str) -> int:
    return cli.main(words)


@pytest.mark.parametrize("words", [("version",), ("version", "-j"), ("-d", "version", "--osapi-file", "missing")])
def test_the_options_of_the_whole_stand_anywhere(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 0
    assert '"gitVersion": "0.1.0"' in capsys.readouterr().out


def test_commands_are_handed_what_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Globals] = []

    @click.command()
    @click.pass_obj
    def listen(said: Globals) -> None:
        heard.append(said)

    monkeypatch.setitem(root.commands, "listen", listen)
    assert run("listen", "-f", "x.yaml", "--json") == 0
    assert heard == [Globals("x.yaml", False, True, {})]


@pytest.mark.parametrize("words", [("nonsense",), ("version", "--nonsense"), ("token", "generate")])
def test_wrong_usage_ends_with_status_1(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 1
    assert "Usage:" in capsys.readouterr().err


def test_a_known_failure_is_one_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def fail() -> None:
        raise Invalid("this is wrong; do that")

    monkeypatch.setitem(root.commands, "fail", fail)
    assert run("fail") == 1
    assert capsys.readouterr() == ("", "osapi: this is wrong; do that\n")


def test_an_unknown_failure_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def fail() -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(root.commands, "fail", fail)
    with pytest.raises(ZeroDivisionError):
        run("fail")


def test_a_command_may_choose_its_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    @click.pass_context
    def leave(ctx: click.Context) -> None:
        ctx.exit(3)

    monkeypatch.setitem(root.commands, "leave", leave)
    assert run("leave") == 3


def test_the_help_of_the_whole_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    listed = capsys.readouterr().out
    for name in ("agent", "client", "controller", "job", "nats", "start", "token", "version"):
        assert f"\n  {name} " in listed


@pytest.mark.parametrize(
    "words", [("controller",), ("agent",), ("nats", "server"), ("token",), ("start",), ("client",), ("job",)]
)
def test_every_group_has_a_help(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words, "-h") == 0
    assert "Usage: osapi " in capsys.readouterr().out


SIDE = [
    "asyncio",
    "yaml",
    "msgspec",
    "nats",
    "starlette",
    "uvicorn",
    "cryptography",
    "jwt",
    "psutil",
    "rich",
    "httpx2",
    "pathlib",
    "dataclasses",
]


@pytest.mark.parametrize("words", [["version"], ["--help"], ["job"]])
def test_a_light_command_imports_nothing_heavy(words: list[str]) -> None:
    program = (
        "import sys\nfrom osapi.cli.main import main\nmain(sys.argv[1:])\n"
        "print([name for name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in eval(done.stderr)}
    assert loaded.isdisjoint(SIDE)
    assert not [name for name in eval(done.stderr) if name.startswith(("osapi.con", "osapi.agent", "osapi.auth"))]
