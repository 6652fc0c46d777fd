#!/usr/bin/env python3
"""Hold an OpenAPI document against the REST contract and print the distance.

usage: contract-check OPENAPI [--contract FILE] [--all] [--only PREFIX]

OPENAPI is a JSON file or an http(s) URL on this machine (the document the
controller serves). A *fact* is one statement of the contract: an operation
exists, its operationId, its permission, a parameter (name, place, required,
type), a request or response field (path, type), a required field, a success
status. Prints every fact that does not hold (the first 60 without --all),
then one closing line:

    contract: OPERATIONS/OPERATIONS operations whole, FACTS/FACTS facts hold

Exit status 0 when every fact holds, 1 otherwise, 2 when a document cannot be
read. Extra operations, fields and statuses are no faults.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.request
from pathlib import Path

METHODS = ("get", "post", "put", "delete", "patch")
HERE = Path(__file__).resolve().parent


def load(source: str) -> dict:
    if source.startswith(("http://", "https://")):
        with urllib.request.urlopen(source, timeout=10) as reply:
            return json.load(reply)
    return json.loads(Path(source).read_text())


class Document:
    """An OpenAPI document with its references resolved on demand."""

    def __init__(self, raw: dict) -> None:
        self.raw = raw

    def resolve(self, node):
        seen = 0
        while isinstance(node, dict) and "$ref" in node:
            target = self.raw
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node, seen = target, seen + 1
            if seen > 50:
                return {}
        return node or {}

    def operations(self):
        for path, item in self.raw.get("paths", {}).items():
            shared = item.get("parameters", [])
            for method in METHODS:
                if method in item:
                    yield f"{method.upper()} {path}", item[method], shared

    def variants(self, schema) -> list[dict]:
        """The non-null alternatives of a schema, allOf merged."""
        schema = self.resolve(schema)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                found = []
                for option in schema[key]:
                    found += self.variants(option)
                return found
        if "allOf" in schema:
            merged: dict = {"type": "object", "properties": {}, "required": []}
            for part in schema["allOf"]:
                for option in self.variants(part):
                    merged["properties"].update(option.get("properties", {}))
                    merged["required"] += option.get("required", [])
                    for key, value in option.items():
                        merged.setdefault(key, value)
            merged["properties"].update(schema.get("properties", {}))
            merged["required"] += schema.get("required", [])
            return [merged]
        kind = schema.get("type")
        if isinstance(kind, list):
            kinds = [k for k in kind if k != "null"]
            return [{**schema, "type": k} for k in kinds]
        return [] if kind == "null" else [schema]

    def kind(self, schema) -> set[str]:
        kinds = set()
        for option in self.variants(schema):
            if "properties" in option:
                kinds.add("object")
            elif "type" in option:
                kinds.add(option["type"])
            elif "enum" in option or "const" in option:
                values = option.get("enum", [option.get("const")])
                kinds |= {"string" if isinstance(v, str) else "integer" for v in values}
            else:
                kinds.add("any")
        return kinds or {"any"}

    def fields(self, schema, where="", depth=0) -> dict[str, tuple[set[str], bool]]:
        """Every field below a schema: path -> (types, required)."""
        found: dict[str, tuple[set[str], bool]] = {}
        if depth > 8:
            return found
        for option in self.variants(schema):
            if option.get("type") == "array" or "items" in option:
                found.update(self.fields(option.get("items", {}), f"{where}[]", depth + 1))
            for name, sub in option.get("properties", {}).items():
                path = f"{where}.{name}" if where else name
                found[path] = (self.kind(sub), name in option.get("required", []))
                found.update(self.fields(sub, path, depth + 1))
        return found


def same(want: set[str], have: set[str]) -> bool:
    if "any" in want or "any" in have:
        return True
    numbers = {"integer", "number"}
    return bool(want & have) or bool(want & numbers and have & numbers)


def permissions(operation: dict) -> list[str]:
    return sorted(s for entry in operation.get("security") or [] for v in entry.values() for s in v)


def content(doc: Document, node) -> dict:
    bodies = doc.resolve(node).get("content", {})
    for media in ("application/json", "multipart/form-data"):
        if media in bodies:
            return bodies[media].get("schema", {})
    return next(iter(bodies.values()), {}).get("schema", {}) if bodies else {}


def facts(doc: Document, operation: dict, shared: list, want: Document | None = None):
    """The facts of one operation as {statement: value}."""
    found: dict[str, object] = {"operationId": operation.get("operationId")}
    found["permission"] = permissions(operation)
    for raw in [*shared, *operation.get("parameters", [])]:
        parameter = doc.resolve(raw)
        key = f"{parameter['in']} parameter {parameter['name']}"
        found[key] = doc.kind(parameter.get("schema", {}))
        if parameter.get("required"):
            found[f"{key} required"] = True
    for path, (kind, required) in doc.fields(content(doc, operation.get("requestBody", {}))).items():
        found[f"request {path}"] = kind
        if required:
            found[f"request {path} required"] = True
    for status, response in operation.get("responses", {}).items():
        if not str(status).startswith("2"):
            continue
        found[f"status {status}"] = True
        for path, (kind, _) in doc.fields(content(doc, response)).items():
            found[f"response {status} {path}"] = kind
    return found


def compare(want: Document, have: Document, only: str = "") -> tuple[list[str], int, int, int, int]:
    """What does not hold; operations whole and in all; facts that hold and in all."""
    served = {name: (operation, shared) for name, operation, shared in have.operations()}
    broken: list[str] = []
    whole = operations = held = total = 0
    for name, operation, shared in want.operations():
        if not name.split(" ", 1)[1].startswith(only) or not operation.get("operationId"):
            continue
        operations += 1
        expected = facts(want, operation, shared)
        total += len(expected) + 1
        if name not in served:
            broken.append(f"{name}: missing")
            continue
        held += 1
        actual = facts(have, *served[name])
        misses = []
        for key, value in expected.items():
            got = actual.get(key)
            if isinstance(value, set):
                ok = got is not None and same(value, got)
            elif key == "permission":
                ok = got == value
            elif key == "operationId":
                ok = str(got or "").lower() == str(value or "").lower()
            else:
                ok = got == value
            held += ok
            if not ok:
                misses.append(f"{name}: {key}: wants {value}, has {got}")
        broken += misses
        whole += not misses
    return broken, whole, operations, held, total


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("openapi")
    parser.add_argument("--contract", default=str(HERE / "openapi.json"))
    parser.add_argument("--all", action="store_true", help="print every fact that does not hold")
    parser.add_argument("--only", default="", help="only paths that begin so")
    args = parser.parse_args()
    try:
        want, have = Document(load(args.contract)), Document(load(args.openapi))
    except (OSError, ValueError) as problem:
        print(f"contract-check: {problem}", file=sys.stderr)
        return 2
    broken, whole, operations, held, total = compare(want, have, args.only)
    shown = broken if args.all else broken[:60]
    print("\n".join(shown))
    if len(broken) > len(shown):
        print(f"... and {len(broken) - len(shown)} more (--all)")
    print(f"contract: {whole}/{operations} operations whole, {held}/{total} facts hold")
    return 0 if not broken else 1


if __name__ == "__main__":
    sys.exit(main())
