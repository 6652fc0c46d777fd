"""The reference page of the REST API, from the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tools.markdown import code, table

Schema = dict[str, Any]

_HEAD = """# REST operations

Written by `./dev gen` from the declarations; do not edit. The same as a machine reads it: `GET /api/openapi.json`.

`{hostname}` is a target: a host name or machine id, `key:value` for a label and everything below it, `_any`, or `_all`. Operations on hosts also take
`wait` (seconds; 0 answers 202 at once) and the header `Prefer`; those that change something `dry_run` and the header `Idempotency-Key`. Every
entry of their results has `hostname`, `machine_id`, `status` (`ok`, `failed`, `skipped`) and, where they apply, `changed`, `error` and `code`
beside the fields listed here.
"""
_ENTRY = frozenset({"hostname", "machine_id", "status", "changed", "error", "code"})


def page(document: Schema) -> str:
    """The whole page: a table of all operations, then each with its fields."""
    found = list(_operations(document))
    rows = [
        [f"{method} {code(path)}", f"[{facts['operationId']}](#{facts['operationId'].lower()})", _permission(facts)]
        for path, method, facts in found
    ]
    overview = table(["Route", "Operation", "Permission"], rows)
    return _HEAD + "\n" + overview + "".join(_operation(document, *each) for each in found)


def _operations(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, item in document["paths"].items():
        for method, facts in item.items():
            yield path, method.upper(), facts


def permission(facts: Schema) -> str | None:
    """The permission that an operation asks for; None when it is open to everybody."""
    needed = [scope for entry in facts["security"] for scopes in entry.values() for scope in scopes]
    return needed[0] if needed else None


def _permission(facts: Schema) -> str:
    needed = permission(facts)
    return code(needed) if needed else "none"


def _operation(document: Schema, path: str, method: str, facts: Schema) -> str:
    parts = [f"\n## {facts['operationId']}\n\n{method} `{path}` — {facts['summary']}\n"]
    for title, rows in (("Request", _request(document, facts)), ("Answer", _answer(document, facts))):
        if rows:
            parts.append(f"\n{title}:\n\n" + table(["Field", "Type", "Meaning"], rows))
    return "".join(parts)


def _request(document: Schema, facts: Schema) -> list[list[str]]:
    own = [parameter for parameter in facts["parameters"] if "$ref" not in parameter]
    rows = [
        _row(document, one["name"], {"description": one.get("description", ""), **one["schema"]}, one["required"])
        for one in own
    ]
    body = facts.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return rows if body is None else rows + _fields(document, body)


def _answer(document: Schema, facts: Schema) -> list[list[str]]:
    success = next(status for status in sorted(facts["responses"]) if status.startswith("2"))
    for content in facts["responses"][success].get("content", {}).values():
        schema = _resolve(document, _first(content["schema"]))
        entry = schema.get("properties", {}).get("results")
        if entry is None:
            return _fields(document, schema)
        return _fields(document, {**_resolve(document, entry["items"]), "required": None}, leave_out=_ENTRY)
    return []


def _fields(document: Schema, schema: Schema, leave_out: Iterable[str] = ()) -> list[list[str]]:
    found = _resolve(document, _first(schema))
    required = found.get("required", [])
    return [
        _row(document, name, field, required is None or name in required)
        for name, field in found.get("properties", {}).items()
        if name not in leave_out
    ]


def _row(document: Schema, name: str, schema: Schema, required: bool) -> list[str]:
    return [code(name) + ("" if required else " (optional)"), _type(document, schema), schema.get("description", "")]


def _type(document: Schema, schema: Schema) -> str:
    if "$ref" in schema:
        target = _resolve(document, schema)
        return _type(document, target) if "enum" in target else schema["$ref"].rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type(document, one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return ", ".join(code(str(value)) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(document, schema.get('items', {}))}"
    return str(schema.get("type", "any")) + _limits(schema)


def _limits(schema: Schema) -> str:
    words = {"minimum": "at least", "maximum": "at most", "minLength": "at least", "maxLength": "at most"}
    said = [f"{text} {schema[name]}" for name, text in words.items() if name in schema]
    unit = " characters" if schema.get("type") == "string" else ""
    return f", {' and '.join(said)}{unit}" if said else ""


def _first(schema: Schema) -> Schema:
    """The schema itself, or the first of several: the answer of who waits."""
    first: Schema = schema["anyOf"][0] if "anyOf" in schema else schema
    return first


def _resolve(document: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema
