"""JSON Schemas of the models, and what OpenAPI makes of them: parameters, bodies, and entries of hosts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, get_args, get_origin

import msgspec

from osapi.contract.operation import Operation
from osapi.contract.result import Outcome

Schema = dict[str, Any]

REF = "#/components/schemas/"
FILE: Schema = {"type": "string", "format": "binary"}

_HEAD: Schema = {
    "hostname": {"type": "string", "description": "Name of the host."},
    "machine_id": {"type": "string", "description": "Permanent id of the host."},
    "status": {"type": "string", "enum": [outcome.value for outcome in Outcome], "description": "How the host fared."},
    "changed": {"type": "boolean", "description": "Whether the host now differs from before."},
    "error": {"type": "string", "description": "Why it failed or was skipped; absent when it did not."},
    "code": {"type": "string", "description": "The same for machines, such as `not_found` or `timeout`."},
}
_JOB_ID: Schema = {"type": "string", "format": "uuid", "description": "Id of the job that did the work."}


class Schemas:
    """The schemas of a set of types, by name."""

    def __init__(self, types: Iterable[Any]) -> None:
        self._types = list(dict.fromkeys(types))
        schemas, components = msgspec.json.schema_components(self._types, ref_template=REF + "{name}")
        self.components: dict[str, Schema] = components
        self._of: dict[Any, Schema] = dict(zip(self._types, schemas, strict=True))

    def of(self, kind: Any) -> Schema:
        """The schema of a type, mostly a reference."""
        return self._of[kind]

    def parameters(self, model: type[msgspec.Struct], path: Collection[str], *, query: bool) -> list[Schema]:
        """The fields of a request that stand in the path, and in the query unless there is a body."""
        schema = self._resolved(model)
        required = schema.get("required", [])
        return [
            _parameter(name, "path" if name in path else "query", field, required=name in path or name in required)
            for name, field in schema["properties"].items()
            if query or name in path
        ]

    def body(self, model: type[msgspec.Struct], path: Collection[str]) -> Schema | None:
        """The schema of the body: the request without what stands in the path. None when nothing is left."""
        schema = self._resolved(model)
        left = {name: field for name, field in schema["properties"].items() if name not in path}
        if not left:
            return None
        if len(left) == len(schema["properties"]):
            return self.of(model)
        name = f"{schema['title']}Body"
        self.components[name] = {**schema, "title": name, "properties": left}
        self.components[name]["required"] = [field for field in schema.get("required", []) if field in left]
        return {"$ref": REF + name}

    def form(self, model: type[msgspec.Struct]) -> Schema:
        """The schema of a form with these fields and a file."""
        schema = self._resolved(model)
        properties = {**schema["properties"], "file": {**FILE, "description": "The content, of any length."}}
        return {"type": "object", "properties": properties, "required": [*schema.get("required", []), "file"]}

    def results(self, operation: Operation[Any, Any]) -> Schema:
        """The envelope with one entry per host, the fields of the result beside name and status."""
        result = element_of(operation.result)
        payload = self._resolved(result)
        entry, envelope = f"{payload['title']}Entry", f"{payload['title']}Results"
        self.components[entry] = {
            "title": entry,
            "type": "object",
            "description": payload.get("description", ""),
            "properties": {**_HEAD, **payload["properties"], **_statuses(payload)},
            "required": ["hostname", "status"],
        }
        self.components[envelope] = {
            "title": envelope,
            "type": "object",
            "description": "What each host answered, by host name.",
            "properties": {"job_id": _JOB_ID, "results": {"type": "array", "items": {"$ref": REF + entry}}},
            "required": ["job_id", "results"],
        }
        return {"$ref": REF + envelope}

    def _resolved(self, model: Any) -> Schema:
        schema = self.of(model)
        name = schema.get("$ref", "").removeprefix(REF)
        found: Schema = self.components.get(name, schema)
        return {"properties": {}, **found, "title": name or found.get("title", "")}


def _statuses(payload: Schema) -> Schema:
    """A status of the result's own stands in the place of `ok`."""
    own = payload["properties"].get("status")
    if own is None:
        return {}
    head = {name: value for name, value in _HEAD["status"].items() if name != "description"}
    return {"status": {"anyOf": [own, head], "description": own.get("description", "")}}


def element_of(result: Any) -> Any:
    """The model of one entry: of `list[X]` it is X."""
    return get_args(result)[0] if get_origin(result) is list else result


def accepted() -> Schema:
    """The answer to a caller who does not wait."""
    return {
        "title": "JobAccepted",
        "type": "object",
        "description": "The job is stored and on its way; nobody waited for its hosts.",
        "properties": {"job_id": _JOB_ID, "status": {"type": "string", "const": "submitted"}},
        "required": ["job_id", "status"],
    }


def _parameter(name: str, place: str, field: Schema, *, required: bool) -> Schema:
    schema = {key: value for key, value in field.items() if key != "description"}
    parameter: Schema = {"name": name, "in": place, "required": required, "schema": schema}
    if "description" in field:
        parameter["description"] = field["description"]
    return parameter
