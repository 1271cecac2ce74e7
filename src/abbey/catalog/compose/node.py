"""YAML as Compose reads it: merge keys, anchors, `!reset` and `!override`; every value with its place. Bounded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn, TypeAlias, cast

import yaml

from abbey.errors import Fault, FileErrors, Mark
from abbey.spec.yaml import MAX_BYTES, MAX_DEPTH, MAX_VALUES, shown

Scalar: TypeAlias = bool | int | float | str | None
Value: TypeAlias = "Scalar | list[Node] | dict[str, Node]"
RESET, OVERRIDE = "!reset", "!override"

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE = "tag:yaml.org,2002:"
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INFINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?")
_MAX_DIGITS = 100


@dataclass(frozen=True, slots=True)
class Node:
    """One value, its place, the folder that relative paths in it begin from, and for a mapping its keys' places."""

    value: Value
    mark: Mark
    base: Path
    tag: str = ""
    keys: Mapping[str, Mark] = field(default_factory=dict)

    @property
    def map(self) -> dict[str, Node]:
        """Return its pairs; none when it is no mapping."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def list(self) -> list[Node]:
        """Return its entries; none when it is no list."""
        return self.value if isinstance(self.value, list) else []

    @property
    def scalar(self) -> bool:
        """Return whether it is one value and no list or mapping."""
        return not isinstance(self.value, (list, dict))

    @property
    def text(self) -> str:
        """Return a single value as Compose would write it into an environment; "" for nothing."""
        return text_of(cast(Scalar, self.value)) if self.scalar else ""

    def get(self, key: str) -> Node | None:
        """Return the value of a key, or None when there is none or nothing."""
        found = self.map.get(key)
        return None if found is None or found.value is None else found

    def key_mark(self, key: str) -> Mark:
        """Return the place of a key, or of the value around it."""
        return self.keys.get(key, self.mark)

    def but(self, value: Value) -> Node:
        """Return a node with another value at the same place."""
        return replace(self, value=value)


def text_of(value: Scalar) -> str:
    """Return a single value as text, the way Go prints it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value in (float("inf"), float("-inf")):
            return "+Inf" if value > 0 else "-Inf"
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
    return str(value)


def parse(content: bytes, file: str, base: Path) -> list[Node]:
    """Given a file's content, its name for messages and its folder, return its documents. Raise FileErrors."""
    if len(content) > MAX_BYTES:
        _refuse(Mark(file, 1, 1), f"the file is larger than {MAX_BYTES >> 20} MiB", "is this the right file?")
    builder = _Builder(file, base)
    try:
        text = content.decode("utf-8-sig")
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except UnicodeDecodeError:
        _refuse(Mark(file, 1, 1), "this is not UTF-8 text", "save it as UTF-8")
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        place = (at.line + 1, at.column + 1) if at else (1, 1)
        builder.faults.append(Fault(Mark(file, *place), shown(error.problem or "this is not YAML")))
    except (yaml.YAMLError, ValueError) as error:
        builder.faults.append(Fault(Mark(file, 1, 1), f"this is not YAML: {shown(error)}"))
    if builder.faults:
        raise FileErrors(builder.faults)
    return [node for node in builder.documents if node.value is not None]


def _refuse(mark: Mark, message: str, hint: str = "") -> NoReturn:
    raise FileErrors([Fault(mark, message, hint)])


def resolved(text: str) -> Scalar:
    """Return what a plain scalar means to Compose's parser. Raise ValueError for what it refuses."""
    if text in _NULL:
        return None
    if text in _FLAGS:
        return _FLAGS[text]
    if found := _INFINITE.fullmatch(text):
        return float("-inf") if found[1] == "-" else float("inf")
    if text[0] not in "+-.0123456789":
        return text
    if _DATE.fullmatch(text):
        raise ValueError("Compose takes this for a date and refuses it")
    if len(text) > _MAX_DIGITS:
        return text
    number = _number(text.replace("_", ""))
    return text if number is None else number


def _number(text: str) -> int | float | None:
    sign, digits = (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
    if digits.isascii() and digits.isalnum():
        octal = len(digits) > 1 and digits[0] == "0" and digits.isdigit()
        try:
            number = int(digits, 8) if octal else int(digits, 0)
        except ValueError:
            pass
        else:
            return -number if sign == "-" else number
    return float(text) if _FLOAT.fullmatch(text) else None


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is being read."""

    into: list[Node] | dict[str, Node]
    keys: dict[str, Mark]
    event: yaml.CollectionStartEvent
    mark: Mark
    before: int
    key: tuple[str, Mark] | None = None
    merged: list[Node] = field(default_factory=list)


class _Builder:
    """Takes parser events one by one. Keeps its own stack, so that depth costs no recursion."""

    def __init__(self, file: str, base: Path) -> None:
        self.file, self.base = file, base
        self.documents: list[Node] = []
        self.faults: list[Fault] = []
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Node, int] | None] = {}
        self._count = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event. Raise FileErrors when nothing after it can be trusted."""
        start = cast(yaml.Mark, event.start_mark)
        mark = Mark(self.file, start.line + 1, start.column + 1)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, mark)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._open(event, mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(cast(str, event.anchor), mark)

    def _counted(self, count: int, mark: Mark) -> None:
        self._count += count
        if self._count > MAX_VALUES:
            _refuse(mark, f"more than {MAX_VALUES} values in one file (an alias counts each time it is used)")

    def _wants_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].into, dict) and self._stack[-1].key is None

    def _tag(self, tag: str | None, mark: Mark) -> str:
        if tag in (None, "!", RESET, OVERRIDE) or (tag or "").startswith(_CORE):
            return tag if tag in (RESET, OVERRIDE) else ""
        self.faults.append(Fault(mark, f"the tag `{shown(tag)}` means nothing to Compose", "remove it"))
        return ""

    def _scalar(self, event: yaml.ScalarEvent, mark: Mark) -> None:
        tag = self._tag(event.tag, mark)
        if self._wants_key():
            self._stack[-1].key = (event.value, mark)
            return
        value: Scalar = event.value
        if (event.implicit[0] or tag or event.tag) and not event.style and event.tag != f"{_CORE}str":
            try:
                value = resolved(event.value)
            except ValueError as error:
                self.faults.append(Fault(mark, str(error), "write it in quotes"))
        self._counted(1, mark)
        self._add(Node(value, mark, self.base, tag), event.anchor, 1)

    def _open(self, event: yaml.CollectionStartEvent, mark: Mark) -> None:
        if self._wants_key():
            _refuse(mark, "a key must be text, not a list or mapping")
        if len(self._stack) >= MAX_DEPTH:
            _refuse(mark, f"more than {MAX_DEPTH} levels inside each other")
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        into: list[Node] | dict[str, Node] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._stack.append(_Frame(into, {}, event, mark, self._count))
        self._counted(1, mark)

    def _close(self) -> None:
        frame = self._stack.pop()
        if isinstance(frame.into, dict):
            for source in frame.merged:  # what stands here, and what was merged first, wins
                for key, node in source.map.items():
                    frame.into.setdefault(key, node)
                    frame.keys.setdefault(key, source.key_mark(key))
        node = Node(frame.into, frame.mark, self.base, self._tag(frame.event.tag, frame.mark), frame.keys)
        self._add(node, frame.event.anchor, self._count - frame.before)

    def _alias(self, name: str, mark: Mark) -> None:
        if name not in self._anchors:
            _refuse(mark, f"nothing above is called `&{shown(name)}`")
        known = self._anchors[name]
        if known is None:
            _refuse(mark, f"`*{shown(name)}` would contain itself")
        if self._wants_key():
            _refuse(mark, "an alias cannot be a key", "write the key out")
        node, count = known
        self._counted(count, mark)
        self._add(node, None, count)

    def _add(self, node: Node, anchor: str | None, count: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, count)
        if not self._stack:
            self.documents.append(node)
            self._anchors.clear()
            return
        frame = self._stack[-1]
        if isinstance(frame.into, list):
            frame.into.append(node)
            return
        (key, mark), frame.key = cast("tuple[str, Mark]", frame.key), None
        if key == "<<":
            frame.merged += list(self._merged(node))
            self._counted(sum(len(part.map) for part in frame.merged), mark)
        elif key in frame.into:
            hint = f"the first one is in line {frame.keys[key].line}"
            self.faults.append(Fault(mark, f"the key `{shown(key)}` stands here twice", hint))
        else:
            frame.into[key] = node
            frame.keys[key] = mark

    def _merged(self, node: Node) -> Iterator[Node]:
        for part in node.list or [node]:
            if isinstance(part.value, dict):
                yield part
            else:
                self.faults.append(Fault(part.mark, "`<<` can only merge a mapping", "e.g. `<<: *common`"))
