"""YAML text to plain data, with the place of every value. YAML 1.2 core meaning; bounded time and memory.

Refused, because a lab's file needs none of it and each has surprised someone: tags, merge keys, keys that are
not text, the same key twice, several documents. Anchors and aliases work, within the bounds below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn, cast

import yaml

from abbey.errors import Fault, FileErrors, Mark

MAX_BYTES = 1 << 20
MAX_VALUES = 100_000  # aliases count as often as they are used
MAX_DEPTH = 50
MAX_DIGITS = 100
MAX_FAULTS = 20

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]
Path = tuple[str | int, ...]
Place = tuple[int, int]

# The parser in C gives the same events twenty times faster; PyYAML may have been built without it.
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WORDS: dict[str, Plain] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((f"{sign}{word}" for sign in ("", "+") for word in (".inf", ".Inf", ".INF")), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Document:
    """One file as plain data; `mark` and `key_mark` give the place of any part of it."""

    file: str
    data: Plain
    _values: dict[Path, Place] = field(repr=False)
    _keys: dict[Path, Place] = field(repr=False)

    def mark(self, path: Path) -> Mark:
        """Return the place of the value at the path, or of the nearest part around it that exists."""
        while path and path not in self._values:
            path = path[:-1]
        return Mark(self.file, *self._values.get(path, (1, 1)))

    def key_mark(self, path: Path) -> Mark:
        """Return the place of the key that the path ends with, or of the value where there is no such key."""
        place = self._keys.get(path)
        return Mark(self.file, *place) if place else self.mark(path)


def parse(content: str | bytes, file: str) -> Document:
    """Given the content of a file and its name for messages, return the data. Raise FileErrors otherwise."""
    text = _decoded(content, file)
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        builder.faults.append(_syntax_fault(error, text, file))
    except yaml.YAMLError as error:
        builder.faults.append(Fault(Mark(file, 1, 1), f"this is not YAML: {error}"))
    if builder.faults:
        raise FileErrors(builder.faults)
    if not builder.documents:
        raise FileErrors([Fault(Mark(file, 1, 1), "the file is empty")])
    return Document(file, builder.root, builder.values, builder.keys)


def _decoded(content: str | bytes, file: str) -> str:
    if len(content) > MAX_BYTES:
        _refuse(file, (1, 1), f"the file is larger than {MAX_BYTES >> 20} MiB", "is this the right file?")
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            _refuse(file, _place(error.object[: error.start].decode()), "this is not UTF-8 text", "save it as UTF-8")
    text = content.removeprefix("\ufeff")
    if bad := _UNPRINTABLE.search(text):
        what = f"a control character (U+{ord(bad[0]):04X})"
        _refuse(file, _place(text[: bad.start()]), f"{what} cannot stand in the file", "is this a text file?")
    return text


def shown(text: object) -> str:
    """Return the text as it may stand in a message: on one line, printable, not long."""
    safe = "".join(char if char.isprintable() else "\ufffd" for char in str(text)[:61])
    return f"{safe[:60]}…" if len(safe) > 60 else safe


def _place(before: str) -> Place:
    """Return line and column of what follows the text."""
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _refuse(file: str, place: Place, message: str, hint: str = "") -> NoReturn:
    raise FileErrors([Fault(Mark(file, *place), message, hint)])


def _syntax_fault(error: yaml.MarkedYAMLError, text: str, file: str) -> Fault:
    at = error.problem_mark or error.context_mark
    line, column = (at.line, at.column) if at else (0, 0)
    lines = text.splitlines() or [""]
    char = lines[line][column : column + 1] if line < len(lines) else ""
    problem = error.problem or "this is not YAML"
    hint = ""
    if char == "\t" or "tab character" in problem:
        problem, hint = "a tab cannot indent", "use spaces"
    elif "alphabetic or numeric" in problem or char in ("@", "`", "%"):
        problem, hint = "a value cannot begin with this character", 'put it in quotes: "*.example.com"'
    elif "mapping values are not allowed" in problem:
        problem, hint = "a second ': ' on one line, or a wrong indentation", 'quote a value that holds ": "'
    elif "found unexpected ':'" in problem:
        problem, hint = "a ':' without a space after it, inside brackets", "write a space after the colon"
    elif error.context and error.context_mark and "expected" in problem:
        # What began there was never ended; the end of the file is no help to anybody.
        problem = f"{error.context}, {problem}"
        if line >= len(lines):
            line, column = error.context_mark.line, error.context_mark.column
    return Fault(Mark(file, line + 1, column + 1), problem, hint)


def _resolved(text: str) -> Plain:
    """Return what a plain scalar means in YAML 1.2. Raise ValueError for a number of absurd length."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    whole, based = _INT.fullmatch(text), _BASED.fullmatch(text)
    if (whole or based) and len(text) > MAX_DIGITS:
        raise ValueError(f"a number of more than {MAX_DIGITS} digits")
    if based:
        return int(text, 0)
    if whole:
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is being read."""

    into: list[Plain] | dict[str, Plain]
    path: Path
    anchor: str | None
    count_before: int
    key: str | None = None


class _Builder:
    """Takes parser events one by one. Keeps its own stack, so that depth costs no recursion."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: Plain = None
        self.documents = 0
        self.faults: list[Fault] = []
        self.values: dict[Path, Place] = {}
        self.keys: dict[Path, Place] = {}
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Plain, int] | None] = {}  # None while the anchored part is being read
        self._count = 0

    def take(self, event: yaml.Event) -> None:
        """Take the next event. Raise FileErrors when nothing after it can be trusted."""
        start = cast(yaml.Mark, event.start_mark)
        place = (start.line + 1, start.column + 1)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, place)
        elif isinstance(event, yaml.MappingStartEvent):
            self._open(event, {}, place)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._open(event, [], place)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event, place)
        elif isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                self._stop(place, "a second document begins here", "one file holds one document; remove `---`")

    def _fault(self, place: Place, message: str, hint: str = "") -> None:
        self.faults.append(Fault(Mark(self.file, *place), message, hint))
        if len(self.faults) >= MAX_FAULTS:
            raise FileErrors(self.faults)

    def _stop(self, place: Place, message: str, hint: str = "") -> NoReturn:
        raise FileErrors([*self.faults, Fault(Mark(self.file, *place), message, hint)])

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        self._refuse_tag(event.tag, place)
        value: Plain = event.value
        if event.implicit[0]:
            try:
                value = _resolved(event.value)
            except ValueError as error:
                self._fault(place, str(error))
        if self._wants_key():
            self._begin_key(value, event, place)
            return
        self._count_values(1, place)
        self.values[self._add(value)] = place
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)

    def _wants_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1].into, dict) and self._stack[-1].key is None

    def _begin_key(self, value: Plain, event: yaml.ScalarEvent, place: Place) -> None:
        frame = self._stack[-1]
        if event.value == "<<" and event.implicit[0]:
            self._fault(place, "merge keys (`<<`) are not YAML 1.2", "write the keys out")
        elif not isinstance(value, str):
            self._fault(place, f"the key `{shown(event.value)}` is not text", f'write "{shown(event.value)}" in quotes')
        elif value in frame.into:
            first = self.keys[*frame.path, value][0]
            self._fault(place, f"the key `{shown(value)}` stands here twice", f"the first one is in line {first}")
        frame.key = event.value
        self.keys.setdefault((*frame.path, event.value), place)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, 1)

    def _add(self, value: Plain) -> Path:
        """Put the value where it belongs and return its path."""
        if not self._stack:
            self.root = value
            return ()
        frame = self._stack[-1]
        if isinstance(frame.into, list):
            frame.into.append(value)
            return (*frame.path, len(frame.into) - 1)
        key, frame.key = cast(str, frame.key), None
        frame.into[key] = value
        return (*frame.path, key)

    def _open(self, event: yaml.CollectionStartEvent, into: list[Plain] | dict[str, Plain], place: Place) -> None:
        self._refuse_tag(event.tag, place)
        if self._wants_key():
            self._stop(place, "a key must be text, not a list or mapping", "quote a value that begins with [ or {")
        if len(self._stack) >= MAX_DEPTH:
            self._stop(place, f"more than {MAX_DEPTH} levels inside each other")
        before = self._count
        self._count_values(1, place)
        path = self._add(into)
        self.values[path] = place
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        self._stack.append(_Frame(into, path, event.anchor, before))

    def _close(self) -> None:
        frame = self._stack.pop()
        if frame.anchor is not None:
            self._anchors[frame.anchor] = (frame.into, self._count - frame.count_before)

    def _alias(self, event: yaml.AliasEvent, place: Place) -> None:
        name = cast(str, event.anchor)
        if name not in self._anchors:
            self._stop(place, f"nothing above is called `&{shown(name)}`", "quote a value that begins with *")
        known = self._anchors[name]
        if known is None:
            self._stop(place, f"`*{shown(name)}` would contain itself")
        if self._wants_key():
            self._stop(place, "an alias cannot be a key", "write the key out")
        value, count = known
        self._count_values(count, place)
        self.values[self._add(value)] = place

    def _refuse_tag(self, tag: str | None, place: Place) -> None:
        if tag is not None:
            self._fault(
                place, f"the tag `{shown(tag)}` means nothing here", "remove it; quote a value that begins with !"
            )

    def _count_values(self, count: int, place: Place) -> None:
        self._count += count
        if self._count > MAX_VALUES:
            self._stop(place, f"more than {MAX_VALUES} values in one file (an alias counts each time it is used)")
