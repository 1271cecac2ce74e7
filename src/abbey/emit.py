"""Plain data as YAML and JSON that a person enjoys reading. Pure text; no file is touched.

A string is written plain only where YAML 1.1 and YAML 1.2 both read it back as the same string.
"""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass

WIDTH = 100
MERGE = "<<"  # as the key of an Alias: the pairs of the anchor, for readers of YAML 1.1 such as Compose
_LONGEST_PLAIN_KEY = 1000  # readers give up on `key: value` after 1024 characters; `? key` has no limit

# What a plain scalar must not begin with, contain or end with.
_INDICATORS = re.compile(r"^[ ?:,\[\]{}#&*!|>'\"%@`]|^-(?!-?[A-Za-z])|^\.\.\.|: | #|[: ]$")
_FLOW_INDICATORS = re.compile(r"[,?\[\]{}]")  # a `?` inside a word ends it for some readers
# Wider than any number, date or base-60 figure of either version, so that no reader takes one for it.
_NUMBERISH = re.compile(r"[-+]?\.?[0-9][0-9a-fA-F_.,:xobXOB+\-tTzZ ]*")
_WORDS = frozenset({"null", "~", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<", ".inf", ".nan"})
_ESCAPES = {
    "\0": r"\0", "\a": r"\a", "\b": r"\b", "\t": r"\t", "\n": r"\n", "\v": r"\v",
    "\f": r"\f", "\r": r"\r", "\x1b": r"\e", '"': r"\"", "\\": r"\\",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Note:
    """A value with a comment above its key or dash, and a blank line before it when `gap` is set.

    The blank line is left out where the value is the first of its block. An empty text writes no comment.
    """

    text: str
    value: object
    gap: bool = False


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value behind a tag such as `!Find`, always written on one line."""

    tag: str
    value: object


@dataclass(frozen=True, slots=True)
class Flow:
    """A value that is written on one line, however long."""

    value: object


@dataclass(frozen=True, slots=True)
class Anchor:
    """A value that an Alias may refer to by `name`."""

    name: str
    value: object


@dataclass(frozen=True, slots=True)
class Alias:
    """A reference to an Anchor that stands before it."""

    name: str


def yaml_text(value: object) -> str:
    """Return the value as block-style YAML that ends with a newline.

    Given dicts with text keys, lists, tuples, str, int, float, bool, None, Note, Tagged, Flow, Anchor and Alias.
    Short lists of scalars stand on one line. Raise TypeError for any other type.
    """
    out: list[str] = []
    value = _without_notes(out, "", value, first=True)
    inline = _inline(value, indent="  ", column=0)
    if inline is not None:
        out.append(inline)
    else:
        _block(out, "", value)
    return "\n".join(out) + "\n"


def json_text(value: object) -> str:
    """Return the value as JSON, two spaces per level, keys in the given order, with a final newline."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _block(out: list[str], indent: str, value: object) -> None:
    if isinstance(value, dict):
        _mapping(out, indent, value)
    elif isinstance(value, (list, tuple)):
        _sequence(out, indent, value)


def _mapping(out: list[str], indent: str, mapping: dict[object, object]) -> None:
    first = True
    deeper = indent + "  "
    for key, noted in mapping.items():
        value = _without_notes(out, indent, noted, first=first)
        first = False
        if key == MERGE and isinstance(value, Alias):
            out.append(f"{indent}{MERGE}: {_flow(value)}")
            continue
        head = _key(key, indent)
        if isinstance(value, Anchor):
            out.append(f"{head}: &{value.name}")
            _block(out, deeper, value.value)
            continue
        inline = _inline(value, indent=deeper, column=len(head) + 2)
        if inline is not None:
            out.append(f"{head}: {inline}")
            continue
        out.append(head + ":")
        _block(out, deeper, value)


def _sequence(out: list[str], indent: str, values: list[object] | tuple[object, ...]) -> None:
    first = True
    deeper = indent + "  "
    for noted in values:
        value = _without_notes(out, indent, noted, first=first)
        first = False
        inline = _inline(value, indent=deeper, column=len(deeper))
        if inline is not None:
            out.append(f"{indent}- {inline}")
            continue
        start = len(out)
        _block(out, deeper, value)
        # The comments of the item's first key go above the dash; the dash goes to the key's own line.
        while out[start].startswith(f"{deeper}#"):
            out[start] = indent + out[start].removeprefix(deeper)
            start += 1
        out[start] = f"{indent}- {out[start].removeprefix(deeper)}"


def _without_notes(out: list[str], indent: str, value: object, *, first: bool) -> object:
    """Write the comments around the value and return the value inside."""
    while isinstance(value, Note):
        if value.gap and not first:
            out.append("")
        first = True  # two notes around one value make one gap
        out.extend(_comment(value.text, indent))
        value = value.value
    return value


def _comment(text: str, indent: str) -> list[str]:
    lines: list[str] = []
    for paragraph in text.splitlines():
        safe = "".join(char if char.isprintable() else " " for char in paragraph)
        wrapped = textwrap.wrap(safe, max(WIDTH - len(indent) - 2, 40), break_long_words=False, break_on_hyphens=False)
        lines.extend(f"{indent}# {line}" for line in wrapped or [""])
    return [line.rstrip() for line in lines]


def _inline(value: object, *, indent: str, column: int) -> str | None:
    """Return the text that follows the key or dash, or None when the value needs a block of its own."""
    if isinstance(value, str):
        if "\n" in value and _is_literal(value):
            return _literal(value, indent)
        return _scalar_text(value)
    if isinstance(value, dict):
        return None if value else "{}"
    if isinstance(value, (list, tuple)):
        return _short_list(value, WIDTH - column)
    return _flow(value)


def _short_list(values: list[object] | tuple[object, ...], width: int) -> str | None:
    if not values:
        return "[]"
    if len(values) * 3 > width or any(isinstance(item, (dict, list, tuple, Note)) for item in values):
        return None
    if any(isinstance(item, str) and (len(item) > width or "\n" in item) for item in values):
        return None
    text = _flow(values)
    return text if len(text) <= width else None


def _flow(value: object) -> str:
    """Return the value on one line."""
    if isinstance(value, str):
        return _quoted(value) if _FLOW_INDICATORS.search(value) else _scalar_text(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_flow(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_flow(key)}: {_flow(item)}' for key, item in value.items())}}}"
    if isinstance(value, Tagged):
        return f"{value.tag} {_flow(value.value)}"
    if isinstance(value, Alias):
        return f"*{value.name}"
    if isinstance(value, Flow):
        return _flow(value.value)
    raise TypeError(f"{type(value).__name__} is not plain data")


def _float(value: float) -> str:
    if value != value:
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    text = repr(float(value))
    # YAML 1.1 takes `1e+16` for a string: the point is required.
    return text if "." in text else text.replace("e", ".0e")


def _key(key: object, indent: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key must be text, not {type(key).__name__}")
    text = _scalar_text(key)
    return f"{indent}{text}" if len(text) <= _LONGEST_PLAIN_KEY else f"{indent}? {text}\n{indent}"


def _scalar_text(text: str) -> str:
    if (
        text
        and text.isprintable()
        and not _INDICATORS.search(text)
        and not _NUMBERISH.fullmatch(text)
        and text.lower() not in _WORDS
    ):
        return text
    return _quoted(text)


def _quoted(text: str) -> str:
    if text.isprintable():
        body = text.replace("\\", r"\\").replace('"', r"\"")
    else:
        body = "".join(_escaped(char) for char in text)
    return f'"{body}"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _is_literal(text: str) -> bool:
    """Return whether a `|` block gives the text back exactly, with nothing invisible in it."""
    lines = text.removesuffix("\n").split("\n")
    if lines[0][:1].isspace() or not (lines[0] and lines[-1]):
        return False
    return all((not line or not line.isspace()) and line.replace("\t", "").isprintable() for line in lines)


def _literal(text: str, indent: str) -> str:
    head = "|" if text.endswith("\n") else "|-"
    lines = text.removesuffix("\n").split("\n")
    return "\n".join([head, *(indent + line if line else "" for line in lines)])
