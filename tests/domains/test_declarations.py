"""What every domain must keep to, so that everything else can be derived from it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
import pytest
from tests.domains import proofs
from tests.domains.cases import FOLDER, Case, folders, load_all

import osapi.domains
from osapi.auth.permissions import PERMISSIONS
from osapi.contract import masking
from osapi.contract.operation import Change, Handler, Kind, Operation
from osapi.controller.decode import BODY_METHODS
from osapi.domains import discovery
from osapi.testing.files import FakeFile
from osapi.testing.host import FakeHost

OPERATIONS = discovery.operations()
CASES = load_all()
SUCCESSES = [case for case in CASES if case.content.failure is None]
CHANGES = [case for case in SUCCESSES if case.operation.kind is Kind.MODIFY]
REPEATABLE = [case for case in CHANGES if not (case.operation.name.startswith("command.") or case.content.again)]
"""Commands do what the caller says, so nobody can know whether a second run changes anything."""

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
each_domain = pytest.mark.parametrize("domain", discovery.names())


def once(values: Iterator[Any]) -> None:
    assert [value for value, count in Counter(values).items() if count > 1] == []


def test_names_routes_commands_and_ids_are_each_given_once() -> None:
    once(operation.name for operation in OPERATIONS)
    once(operation.operation_id for operation in OPERATIONS)
    once((method, re.sub(r"{\w+}", "{}", path)) for method, path in (operation.route for operation in OPERATIONS))
    once(operation.command for operation in OPERATIONS)


@each_operation
def test_a_permission_is_one_that_exists(operation: Operation[Any, Any]) -> None:
    assert operation.permission in PERMISSIONS


@each_operation
def test_braces_in_a_route_name_required_fields_of_the_request(operation: Operation[Any, Any]) -> None:
    fields = {field.encode_name: field for field in msgspec.structs.fields(operation.request)}
    for name in re.findall(r"{(\w+)}", operation.route[1]):
        assert fields[name].required


@each_operation
def test_the_method_of_a_route_fits_the_kind(operation: Operation[Any, Any]) -> None:
    """A query whose request does not fit into an address, such as a path, comes by POST."""
    assert operation.route[0] in (("GET", "POST") if operation.kind is Kind.QUERY else ("POST", "PUT", "DELETE"))


@each_operation
def test_a_summary_is_a_sentence(operation: Operation[Any, Any]) -> None:
    assert re.fullmatch(r"[A-Z][^\n]*\.", operation.summary)


@each_operation
def test_no_field_of_a_result_hides_one_of_the_envelope(operation: Operation[Any, Any]) -> None:
    """A host's answer has both side by side, see `contract.result.HostResult`; only the contract may have it so."""
    names = {one.encode_name for one in msgspec.structs.fields(entry_of(operation.result))}
    hidden = names & {"status", "error", "code"}
    assert hidden == ({"status"} if operation.operation_id == "PostNodeFileStatus" else set())


@each_operation
def test_a_secret_stands_in_a_body_and_nowhere_else(operation: Operation[Any, Any]) -> None:
    """Addresses are written to logs."""
    if masking.holds(operation.request):
        assert operation.route[0] in BODY_METHODS
    assert not masking.holds(operation.result)


@each_operation
def test_every_field_is_described(operation: Operation[Any, Any]) -> None:
    undescribed: list[str] = []
    _, components = msgspec.json.schema_components([operation.request, operation.result])
    for model, schema in components.items():
        undescribed += [
            f"{model}.{name}" for name, field in schema.get("properties", {}).items() if not described(field)
        ]
    assert undescribed == []


def entry_of(result: Any) -> type[msgspec.Struct]:
    """What one entry of an answer is made of: a host may give several."""
    inner: type[msgspec.Struct] = get_args(result)[0] if get_origin(result) is list else result
    return inner


def described(field: dict[str, Any]) -> bool:
    return bool(field.get("description"))


@each_operation
def test_what_changes_a_host_tells_whether_it_did(operation: Operation[Any, Any]) -> None:
    is_change = isinstance(operation.result, type) and issubclass(operation.result, Change)
    assert is_change == (operation.kind is Kind.MODIFY)


@each_operation
def test_columns_lead_to_fields_of_the_result(operation: Operation[Any, Any]) -> None:
    (schema,), components = msgspec.json.schema_components([operation.result], ref_template="{name}")
    for column in operation.columns:
        at = schema.get("items", schema) if schema.get("type") == "array" else schema
        for part in column.path.split("."):
            at = step(at, part.removesuffix("[]"), components)
            at = resolved(at["items"], components) if part.endswith("[]") else at


def step(schema: dict[str, Any], name: str, components: dict[str, Any]) -> dict[str, Any]:
    return resolved(resolved(schema, components)["properties"][name], components)


def resolved(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    for option in schema.get("anyOf", []):
        if option.get("type") != "null":
            return resolved(option, components)
    return components[schema["$ref"]] if "$ref" in schema else schema


@each_domain
def test_every_operation_is_handled_and_every_handler_declared(domain: str) -> None:
    handled = Counter(handler.operation.name for handler in discovery.handlers(domain))
    declared = Counter(handler.operation.name for handler in folders(domain).values())
    assert handled == declared
    assert set(handled.values()) == {1}


@each_domain
def test_an_implementation_offers_every_method_of_its_port(domain: str) -> None:
    host = FakeHost()
    for family in discovery.families(domain):
        factory = discovery.implementation(domain, (family,))
        assert factory is not None
        provider = factory(host)
        for handler in discovery.handlers(domain):
            assert callable(getattr(provider, handler.method.__name__))
    host.close()


@each_domain
def test_a_domain_has_an_implementation(domain: str) -> None:
    assert discovery.families(domain)


@each_domain
def test_a_domain_explains_itself(domain: str) -> None:
    assert Path(osapi.domains.__path__[0], domain, "README.md").read_text().startswith("# ")


@each_domain
def test_every_operation_is_shown_by_a_case_that_succeeds(domain: str) -> None:
    shown = {case.operation.name for case in SUCCESSES}
    missing = {folder for folder, handler in folders(domain).items() if handler.operation.name not in shown}
    assert missing == set()


@each_domain
def test_every_folder_of_cases_is_that_of_an_operation(domain: str) -> None:
    assert {path.name for path in (FOLDER / domain / "cases").iterdir()} <= set(folders(domain))


@pytest.mark.parametrize("each", proofs.everything(), ids=lambda each: each[2].name)
def test_every_operation_brings_its_proof_on_a_real_host(each: tuple[str, str, Operation[Any, Any]]) -> None:
    domain, constant, operation = each
    if operation.kind is Kind.MODIFY:
        proof = proofs.change(domain, constant)
        assert proof.before != proof.after
        fits_but_for_what_the_host_tells(proof, operation)
    else:
        fits_but_for_what_the_host_tells(proofs.read(domain, constant), operation)


def fits_but_for_what_the_host_tells(proof: proofs.Proof, operation: Operation[Any, Any]) -> None:
    fields = {field.encode_name for field in msgspec.structs.fields(operation.request)}
    assert {*proof.request, *proof.found} <= fields
    if not proof.found:
        msgspec.convert(proof.request, operation.request, dec_hook=masking.read)


@each_domain
def test_every_proof_is_that_of_an_operation(domain: str) -> None:
    known = {proofs.path_of(domain, constant).name for constant in discovery.constants(domain)}
    assert {path.name for path in (FOLDER / domain / "acceptance").glob("*.json")} <= known


def test_a_family_without_a_file_falls_back_to_a_more_general_one() -> None:
    particular = discovery.implementation("node", ("ubuntu", "debian", "linux"))
    general = discovery.implementation("node", ("arch", "linux"))
    assert particular is not None
    assert general is not None
    assert particular.__module__ == "osapi.domains.node.debian"
    assert general.__module__ == "osapi.domains.node.linux"
    assert discovery.implementation("node", ("plan9",)) is None


def test_a_family_whose_name_is_no_module_name_is_no_trouble() -> None:
    assert discovery.implementation("node", ("opensuse-leap", "pop_os", "a.b", "models")) is None


async def state(host: FakeHost) -> tuple[dict[str, FakeFile], dict[str, Any]]:
    return host.snapshot(), await host.notes()


@pytest.mark.anyio
@pytest.mark.parametrize("case", CHANGES, ids=lambda case: case.name)
async def test_check_mode_foretells_the_change_and_touches_nothing(case: Case) -> None:
    host = case.new_host()
    await case.prepare(host)
    before = await state(host)
    foretold = await case.run(host, check_mode=True)
    assert await state(host) == before
    runs, asks = list(host.calls), list(host.asked)
    done = await case.run(host)
    later_runs, later_asks = host.calls[len(runs) :], host.asked[len(asks) :]
    assert later_runs[: len(runs)] == runs, "check mode only looks, and in the same way"
    assert later_asks[: len(asks)] == asks, "check mode only asks, and in the same way"
    has_acted = len(runs) < len(later_runs) or len(asks) < len(later_asks) or await state(host) != before
    assert has_acted or not foretold.changed
    assert foretold.changed == done.changed
    assert done.diff in ("", foretold.diff)
    assert bool(foretold.diff) == foretold.changed
    host.close()


@pytest.mark.anyio
@pytest.mark.parametrize("case", REPEATABLE, ids=lambda case: case.name)
async def test_a_second_identical_call_changes_nothing(case: Case) -> None:
    host = case.new_host()
    await case.prepare(host)
    await case.run(host)
    before = await state(host)
    assert (await case.run(host)).changed is False
    assert await state(host) == before
    host.close()


@pytest.mark.anyio
@pytest.mark.parametrize("case", [case for case in SUCCESSES if case not in CHANGES], ids=lambda case: case.name)
async def test_a_query_touches_nothing(case: Case) -> None:
    host = case.new_host()
    await case.prepare(host)
    before = await state(host)
    await case.run(host)
    assert await state(host) == before
    host.close()


@pytest.mark.anyio
@pytest.mark.parametrize("case", SUCCESSES, ids=lambda case: case.name)
async def test_a_result_fits_its_model_when_it_is_read_back(case: Case) -> None:
    host = case.new_host()
    await case.prepare(host)
    result = await case.run(host)
    assert msgspec.json.decode(msgspec.json.encode(result), type=case.operation.result) == result
    host.close()


def test_handlers_are_handlers() -> None:
    handlers = [handler for domain in discovery.names() for handler in discovery.handlers(domain)]
    assert all(isinstance(handler, Handler) for handler in handlers)
