"""A blueprint made ready for Authentik's JSON Schema, which knows nothing of tags."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from abbey.check.blueprint import Entry, Schema, Tag, read


def parts(text: str, schema: Schema) -> Iterator[tuple[str, dict[str, Any], Schema]]:
    """Yield each entry's name, its data with a stand-in for every tag, and the schema that judges it alone.

    A stand-in has the type that the schema wants at its place. Given a text that is no blueprint, raise ValueError.
    """
    branches = {branch["properties"]["model"]["const"]: branch for branch in _branches(schema)}
    for entry in read(text):
        branch = branches.get(entry.model)
        if branch is None:
            yield entry.called, entry.data, {"properties": {"model": {"enum": sorted(branches)}}}
            continue
        data = _with_standins(entry.data, branch, schema)
        yield entry.called, data, {"$defs": schema["$defs"], "allOf": [branch, *_required(branch, entry)]}


def _branches(schema: Schema) -> list[Schema]:
    items = schema["properties"]["entries"].get("items")
    if items is None:  # newer schemas allow a list, or a mapping of lists
        items = next(way["items"] for way in schema["properties"]["entries"]["anyOf"] if "items" in way)
    branches: list[Schema] = items["oneOf"]
    return branches


def _required(branch: Schema, entry: Entry) -> Iterator[Schema]:
    """What must be in `attrs` or `identifiers` together, which plain JSON Schema cannot say of two parts."""
    for name in branch.get("x-required-union", []):
        if entry.data.get("state", "present") == "present" and entry.value(name) is None:
            yield {"properties": {"attrs": {"required": [name]}}, "required": ["attrs"]}


def _with_standins(value: Any, schema: Schema, root: Schema) -> Any:
    schema = _resolved(schema, root)
    if isinstance(value, Tag):
        return _standin(schema)
    if isinstance(value, dict):
        fields = schema.get("properties", {})
        more = schema.get("additionalProperties")
        rest = more if isinstance(more, dict) else {}
        return {name: _with_standins(part, fields.get(name, rest), root) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_standins(part, schema.get("items", {}), root) for part in value]
    return value


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema or len(schema.get("allOf", [])) == 1:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")] if "$ref" in schema else schema["allOf"][0]
    return schema


def _standin(schema: Schema) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    kinds = schema.get("type", "string")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    return {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}.get(kind, "stand-in")
