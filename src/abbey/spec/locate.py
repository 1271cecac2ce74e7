"""Where in the file a validation error belongs, and which of a union's branches the person meant.

The places come from the model's JSON Schema, walked beside the error's own location: it alone tells a key of the
file from the name of a union's branch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import ErrorDetails

from abbey.spec.yaml import Path, Plain

Schema = dict[str, Any]

SHAPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "model_type": "a mapping (lines of `key: value`)",
    "dict_type": "a mapping (lines of `key: value`)",
    "list_type": "a list",
    "tuple_type": "a list",
}
_CHOICES = ("literal_error", "enum")


class Branch(NamedTuple):
    """One way to read a union: where the union is, and which member of it this is."""

    path: Path
    tag: str


@dataclass(frozen=True, slots=True)
class Located:
    """One validation error: its path in the file, the value there, what the schema says about it."""

    kind: str
    path: Path
    in_key: bool
    value: Plain
    limits: dict[str, Any]
    fallback: str
    branches: tuple[Branch, ...]
    nodes: tuple[Schema, ...]
    around: tuple[Schema, ...]
    description: str
    shapes: tuple[str, ...] = ()

    @property
    def wrong_shape(self) -> bool:
        """Return whether the value is of another shape (text, list, mapping) than this branch wants."""
        return self.kind in SHAPES or (self.kind in _CHOICES and isinstance(self.value, (list, dict)))


def locate(error: ErrorDetails, *, schema: Schema, data: Plain) -> Located:
    """Return the error with its path in the data and the parts of the JSON Schema that speak of it."""
    path: list[str | int] = []
    branches: list[Branch] = []
    nodes: tuple[Schema, ...] = (schema,)
    around: tuple[Schema, ...] = ()
    description = ""
    in_key = False
    in_branch = False
    for part in error["loc"]:
        members = _members(nodes, schema)
        if part == "[key]":
            in_key = True
            nodes = tuple(node["propertyNames"] for node in around if "propertyNames" in node)
        elif _is_union(nodes, schema) and not in_branch:
            branches.append(Branch(tuple(path), str(part)))
            nodes = tuple(node for node in members if _is_called(node, str(part))) or members
            in_branch = True
        else:
            around = members
            nodes = tuple(child for node in members for child in _children(node, part))
            description = next((text for node in nodes if (text := node.get("description"))), "")
            path.append(part)
            in_branch = False
    return Located(
        kind=error["type"],
        path=tuple(path),
        in_key=in_key,
        value=_value(data, path),
        limits=error.get("ctx", {}),
        fallback=error["msg"],
        branches=tuple(branches),
        nodes=_members(nodes, schema),
        around=around or _members(nodes, schema),
        description=description,
    )


def meant(found: Sequence[Located], depth: int = 0) -> list[Located]:
    """Return the errors without those of union branches that the person did not mean.

    Meant is the branch whose shape the value has; among several, the one with the fewest errors. When no branch
    has the value's shape, one error names all the shapes.
    """
    unions: dict[Path, dict[str, list[Located]]] = {}
    result: list[Located] = []
    for item in found:
        if len(item.branches) <= depth:
            result.append(item)
        else:
            branch = item.branches[depth]
            unions.setdefault(branch.path, {}).setdefault(branch.tag, []).append(item)
    for path, branches in unions.items():
        fitting = [items for items in branches.values() if not _misses(items, path)]
        if fitting:
            result.extend(meant(min(fitting, key=len), depth + 1))
        else:
            result.append(_all_shapes([item for items in branches.values() for item in items]))
    return result


def _misses(items: Iterable[Located], path: Path) -> bool:
    return any(item.path == path and item.wrong_shape for item in items)


def _all_shapes(items: list[Located]) -> Located:
    first = items[0]
    shapes = dict.fromkeys(SHAPES.get(item.kind, "one of its choices") for item in items)
    return Located(
        kind=first.kind, path=first.path, in_key=first.in_key, value=first.value, limits={},
        fallback=first.fallback, branches=(), nodes=first.nodes, around=first.around,
        description=first.description, shapes=tuple(shapes),
    )  # fmt: skip


def _alternatives(node: Schema, root: Schema) -> list[Schema]:
    """Return what the node stands for: itself, what it refers to, or the members of its union, without null."""
    if "$ref" in node:
        target: Schema = root
        for name in str(node["$ref"]).removeprefix("#/").split("/"):
            target = target[name]
        return [{**target, "called": node["$ref"].rpartition("/")[2]}]
    members: list[Schema] = node.get("anyOf") or node.get("oneOf") or []
    if not members:
        return [] if node.get("type") == "null" else [node]
    return [found for member in members for found in _alternatives(member, root)]


def _members(nodes: tuple[Schema, ...], root: Schema) -> tuple[Schema, ...]:
    return tuple(found for node in nodes for found in _alternatives(node, root))


def _is_union(nodes: tuple[Schema, ...], root: Schema) -> bool:
    return any(("anyOf" in node or "oneOf" in node) and len(_alternatives(node, root)) > 1 for node in nodes)


def _is_called(node: Schema, tag: str) -> bool:
    types = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "object": "dict"}
    called = node.get("called", types.get(node.get("type", ""), ""))
    return bool(called) and (tag == called or tag.startswith(f"{called}[") or tag.endswith(f" {called}]"))


def _children(node: Schema, part: str | int) -> list[Schema]:
    if isinstance(part, int):
        return [node["items"]] if "items" in node else []
    if part in node.get("properties", {}):
        return [node["properties"][part]]
    children = list(node.get("patternProperties", {}).values())
    if isinstance(more := node.get("additionalProperties"), dict):
        children.append(more)
    return children


def _value(data: Plain, path: Sequence[str | int]) -> Plain:
    for part in path:
        if isinstance(data, dict) and isinstance(part, str):
            data = data.get(part)
        elif isinstance(data, list) and isinstance(part, int):
            data = data[part]
    return data
