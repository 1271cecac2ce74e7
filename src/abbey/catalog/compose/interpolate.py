"""`${NAME}` in Compose files and env files: `:-` `-` `:?` `?` `:+` `+`, `$$`, one inside another."""

from __future__ import annotations

import re
from collections.abc import Callable

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_NESTED = 20
Lookup = Callable[[str], str | None]


class RequiredError(ValueError):
    """A variable that the file insists on has no value."""


def substitute(text: str, lookup: Lookup, missing: Callable[[str], None], depth: int = 0) -> str:
    """Return the text with every variable replaced. `missing` is told of each that has neither value nor default.

    Raise RequiredError for `${NAME:?…}` without a value, ValueError for what Compose does not understand.
    """
    if "$" not in text:
        return text
    if depth > _MAX_NESTED:
        raise ValueError("more than 20 variables inside each other")
    out: list[str] = []
    at = 0
    while (found := text.find("$", at)) >= 0:
        out.append(text[at:found])
        after = text[found + 1 : found + 2]
        if after == "$":
            out.append("$")
            at = found + 2
        elif after == "{":
            end = _closing(text, found + 2)
            out.append(_braced(text[found + 2 : end], lookup, missing, depth))
            at = end + 1
        elif name := _NAME.match(text, found + 1):
            out.append(_plain(name[0], lookup, missing))
            at = name.end()
        else:
            out.append("$")
            at = found + 1
    return "".join([*out, text[at:]])


def _closing(text: str, start: int) -> int:
    depth, at = 1, start
    while at < len(text):
        if text.startswith("${", at):
            depth += 1
            at += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    raise ValueError("a `${` that is never closed")


def _plain(name: str, lookup: Lookup, missing: Callable[[str], None]) -> str:
    value = lookup(name)
    if value is None:
        missing(name)
        return ""
    return value


def _braced(inside: str, lookup: Lookup, missing: Callable[[str], None], depth: int) -> str:
    found = _NAME.match(inside)
    if found is None:
        raise ValueError("`${…}` without the name of a variable; a `$` itself is written `$$`")
    name, rest = found[0], inside[found.end() :]
    if not rest:
        return _plain(name, lookup, missing)
    nothing_too = rest.startswith(":")
    sign, word = rest[nothing_too : nothing_too + 1], rest[nothing_too + 1 :]
    value = lookup(name)
    there = value is not None and not (nothing_too and value == "")
    if sign == "-":
        return value or "" if there else substitute(word, lookup, missing, depth + 1)
    if sign == "+":
        return substitute(word, lookup, missing, depth + 1) if there else ""
    if sign == "?":
        if not there:
            raise RequiredError(name)
        return value or ""
    raise ValueError("`${…}` with something after the name that Compose does not know")
