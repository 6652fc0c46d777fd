from __future__ import annotations

import ast
import dataclasses
import enum
from typing import Annotated, Any, Literal

import msgspec
import pytest

from osapi.cli import generate, node, tree
from osapi.cli.option import BadUsage
from osapi.contract.operation import Column, Kind, Operation
from osapi.contract.secret import Secret
from osapi.sdk.generate.places import Place, places
from osapi.sdk.generate.spelling import Ungeneratable


def test_the_table_of_commands_is_current() -> None:
    assert generate.FILE.read_text() == generate.text(places()), "run ./dev gen"


class Mode(enum.Enum):
    FAST = "fast"
    SLOW = "slow"


class Flags(msgspec.Struct, kw_only=True):
    """Every kind of field that a flag can hold."""

    count: int = 3
    rate: float = 0.5
    mode: Mode = Mode.SLOW
    level: Literal["a", "b"] | None = None
    names: list[str] = []
    ports: list[int] | None = None
    force: bool = False
    dhcp: bool | None = None
    start: bool = True
    path_name: Annotated[str, msgspec.Meta(description="A path.", extra={"flag": "where"})]
    other: Annotated[str | None, msgspec.Meta(description="Another.")] = msgspec.field(name="otherName", default=None)
    key: Secret | None = None
    keys: list[Secret] = []


def _operation(model: type[msgspec.Struct], **more: Any) -> Place:
    operation: Operation[Any, Any] = Operation(
        **{
            "name": "node.thing.make",
            "operation_id": "x",
            "kind": Kind.MODIFY,
            "request": model,
            "result": model,
            "permission": "x",
            "route": ("POST", "/thing"),
            "command": ("node", "thing", "make"),
            "summary": "Make a thing.",
            **more,
        }
    )
    return Place("osapi.domains.sysctl.operations", "MAKE", operation)


def _commands(model: type[msgspec.Struct], **more: Any) -> dict[str, Any]:
    text = generate.text([_operation(model, **more)])
    found: dict[str, Any] = {}
    exec(compile(ast.parse(text), "_commands", "exec"), found)
    return found


def test_fields_become_flags() -> None:
    flags = {flag[0]: flag[1:6] for flag in _commands(Flags)["COMMANDS"]["node thing make"]["flags"]}
    assert flags == {
        "where": ("path_name", "text", True, None, ()),
        "count": ("count", "int", False, 3, ()),
        "rate": ("rate", "float", False, 0.5, ()),
        "mode": ("mode", "text", False, "slow", ("fast", "slow")),
        "level": ("level", "text", False, None, ("a", "b")),
        "names": ("names", "text-list", False, None, ()),
        "ports": ("ports", "int-list", False, None, ()),
        "force": ("force", "switch", False, False, ()),
        "dhcp": ("dhcp", "toggle", False, None, ()),
        "start": ("start", "toggle", False, True, ()),
        "other": ("otherName", "text", False, None, ()),
        "key": ("key", "secret", False, None, ()),
        "keys": ("keys", "secret-list", False, None, ()),
    }


def test_what_is_given_becomes_the_request() -> None:
    command = node._command("node thing make", _commands(Flags)["COMMANDS"]["node thing make"])
    dests = {option.name: option.dest for option, _ in command.flags}
    given = {
        dests["--where"]: "/a",
        dests["--ports"]: ["1,2", "3"],
        dests["--dhcp"]: False,
        dests["--rate"]: "2",
        dests["--other"]: "x",
    }
    call = node.interpret(command, given)
    assert call.fields == {"path_name": "/a", "ports": [1, 2, 3], "dhcp": False, "rate": 2.0, "otherName": "x"}
    assert {option.off_name for option, _ in command.flags if option.off_name} == {"--no-dhcp", "--no-start"}


def test_columns_and_groups_are_written_down() -> None:
    found = _commands(Flags, columns=(Column("NAME", "things[].name"),))
    assert found["COMMANDS"]["node thing make"]["columns"] == (("NAME", "things[].name", "text"),)
    assert found["GROUPS"] == {"node thing": "Make a thing."}


class Nested(msgspec.Struct):
    routes: list[Flags]


class Mapped(msgspec.Struct):
    vars: dict[int, str]


class Taken(msgspec.Struct):
    target: str


@pytest.mark.parametrize(
    ("model", "told"),
    [(Nested, "routes: no flag can hold"), (Mapped, "vars: no flag can hold"), (Taken, "--target is taken")],
)
def test_what_no_flag_can_hold_is_refused(model: type[msgspec.Struct], told: str) -> None:
    with pytest.raises(Ungeneratable, match=told):
        generate.text([_operation(model)])


def test_a_function_of_the_domain_makes_what_no_flag_can_hold() -> None:
    place = dataclasses.replace(_operation(Nested), module="osapi.domains.route.operations")
    found: dict[str, Any] = {}
    exec(generate.text([place]), found)
    command = node._command("node thing make", found["COMMANDS"]["node thing make"])
    ((option, _),) = command.flags
    assert (option.kind, option.is_list, option.word) == ("osapi.domains.route.cli:routes", True, "ROUTES")
    call = node.interpret(command, {option.dest: ["10.0.0.0/8 via 10.0.0.1"]})
    assert call.fields == {"routes": [{"to": "10.0.0.0/8", "via": "10.0.0.1"}]}
    with pytest.raises(BadUsage, match=r"--routes: '10\.0\.0\.0/8' names no router"):
        node.interpret(command, {option.dest: ["10.0.0.0/8"]})


def test_a_command_elsewhere_is_refused() -> None:
    with pytest.raises(Ungeneratable, match="its command is not"):
        generate.text([_operation(Flags, command=("fleet", "list"))])


class Empty(msgspec.Struct):
    pass


class Disk(msgspec.Struct):
    name: str


class Whole(msgspec.Struct):
    uptime: str
    disks: list[Disk]


def _details(*columns: Column) -> tuple[Any, ...]:
    whole = _operation(Empty, result=Whole, columns=columns)
    disks = _operation(Empty, name="other", command=("node", "other"), columns=(Column("MOUNT", "disks[].name"),))
    found: dict[str, Any] = {}
    exec(generate.text([whole, disks]), found)
    return tuple(found["COMMANDS"]["node thing make"]["details"])


def test_a_list_that_no_column_shows_is_shown_as_another_command_does() -> None:
    assert _details(Column("UPTIME", "uptime")) == (("UPTIME", "uptime", "text"), ("MOUNT", "disks[].name", "text"))


def test_what_a_row_shows_needs_no_details() -> None:
    assert _details(Column("DISK", "disks[].name")) == ()


def test_every_group_says_what_it_is_for() -> None:
    told = tree.below("node")
    assert told["container"] == tree.below("node container")["docker"]
    assert told["disk"] == "Show the mounted local file systems."
    assert told["network"] == "Commands on dns, interface, ping, route."
