"""Env files as Compose reads them: quotes, comments, `export`, variables of earlier lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from abbey.catalog.compose.interpolate import Lookup, RequiredError, substitute

_KEY = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z0-9_.\[\]-]+)[ \t]*([=:]|(?=\r?\n|$|[ \t]*#))")
_ESCAPE = re.compile(r"\\([abfnrtv$\"\\]|0[0-7]{0,3})")
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"', "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Line:
    """One variable of an env file; no value means: whatever the environment says."""

    name: str
    value: str | None
    line: int


class EnvFileError(ValueError):
    """An env file that cannot be read, with the line."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


def parse_env(
    text: str, known: Mapping[str, str], *, before: Mapping[str, str] | None = None, raw: bool = False
) -> list[Line]:
    """Return the variables of an env file. Raise EnvFileError for what is not one.

    A variable in it means what is `known`, else what an earlier line says, else what an earlier file said `before`.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    found = list(_raw(text) if raw else _lines(text, known, before or {}))
    return list({line.name: line for line in found}.values())


def _raw(text: str) -> Iterator[Line]:
    for number, row in enumerate(text.split("\n"), start=1):
        if row.strip() and not row.startswith("#"):
            name, equals, value = row.partition("=")
            yield Line(name, value if equals else None, number)


def _lines(text: str, known: Mapping[str, str], before: Mapping[str, str]) -> Iterator[Line]:
    seen = dict(before)

    def lookup(name: str) -> str | None:
        return known.get(name, seen.get(name))

    at = 0
    while at < len(text):
        number = text.count("\n", 0, at) + 1
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        if not text[at:end].strip() or text[at:end].lstrip().startswith("#"):
            at = end + 1
            continue
        key = _KEY.match(text, at)
        if key is None:
            raise EnvFileError(number, "this is neither NAME=value nor a comment")
        if not key[2]:
            yield Line(key[1], None, number)
            at = end + 1
            continue
        try:
            value, at = _value(text, key.end(), end, lookup)
        except RequiredError as error:
            raise EnvFileError(number, f"{error} must have a value") from None
        except ValueError as error:
            raise EnvFileError(number, str(error)) from None
        seen[key[1]] = value
        yield Line(key[1], value, number)


def _value(text: str, start: int, end: int, lookup: Lookup) -> tuple[str, int]:
    """Return the value that begins after the sign, and where the next line begins."""
    first = start
    while first < end and text[first] in " \t":
        first += 1
    quote = text[first : first + 1]
    if quote and quote in "'\"":
        close = first + 1
        while close < len(text) and text[close] != quote:
            close += 2 if text[close] == "\\" and close + 1 < len(text) else 1
        if close >= len(text):
            raise ValueError("a quote that is never closed")
        inside = text[first + 1 : close]
        after = text.find("\n", close)
        then = len(text) if after < 0 else after + 1
        return (inside if quote == "'" else _expanded(_ESCAPE.sub(_escape, inside), lookup)), then
    plain = text[first:end]
    plain = "" if plain.startswith("#") else plain.partition(" #")[0]
    return _expanded(plain.rstrip(), lookup), end + 1


def _escape(match: re.Match[str]) -> str:
    word = match[1]
    if word == "$":
        return "$$"
    return _ESCAPES.get(word) or chr(int(word[1:] or "0", 8) & 0xFF)


def _expanded(text: str, lookup: Lookup) -> str:
    return substitute(text, lookup, lambda name: None)
