"""A program as it arrives: JSON to frozen values, with every expression compiled before the first call is made."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult

EXPECTED = (200, 201, 202, 204)

_REQUEST = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/\S*)", re.DOTALL)
_DURATION = re.compile(r"([1-9][0-9]*)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}

T = TypeVar("T")


class ProgramError(ValueError):
    """The program is not one. Its text names the part that is wrong, never what stands in it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request and what its answer must be. `json` is None where there is no such body."""

    method: str
    path: str
    expect: tuple[int, ...]
    headers: Mapping[str, str]
    json: Any
    form: Mapping[str, str] | None
    onto: str | None
    when: ParsedResult | None
    keep: Mapping[str, ParsedResult]
    check: ParsedResult | None
    says: str

    @property
    def name(self) -> str:
        """Return how the call is named to people: without its query, which may hold what nobody should read."""
        return f"{self.method} {self.path.partition('?')[0]}"


@dataclass(frozen=True, slots=True)
class Program:
    """Where the app is, how long it may take to come up (seconds), and what is asked of it."""

    base: str
    patience: float
    calls: tuple[Call, ...]


def read(source: bytes) -> Program:
    """Return the program that the bytes hold. Raise ProgramError when they hold none."""
    try:
        data = json.loads(source)
    except (ValueError, RecursionError):
        raise ProgramError("the program is not JSON") from None
    top = _known(data, {"base", "patience", "calls"}, "the program")
    base = _of(top, "base", str, "the program")
    if not base.startswith("http://"):
        raise ProgramError("`base` does not begin with http://")
    calls = [_call(item, f"call {number}") for number, item in enumerate(_of(top, "calls", list, "the program"), 1)]
    if not calls:
        raise ProgramError("`calls` is empty")
    return Program(base.rstrip("/"), _duration(top.get("patience", "2m")), tuple(calls))


def _call(item: object, at: str) -> Call:
    names = {"request", "when", "headers", "json", "form", "onto", "expect", "keep", "check", "says"}
    data = _known(item, names, at)
    request = _REQUEST.fullmatch(_of(data, "request", str, at))
    if not request:
        raise ProgramError(f"`request` of {at} is no method and path")
    expect = data.get("expect", list(EXPECTED))
    if not isinstance(expect, list) or not expect or not all(type(status) is int for status in expect):
        raise ProgramError(f"`expect` of {at} is no list of status codes")
    keep = _texts(data.get("keep", {}), f"`keep` of {at}")
    return Call(
        method=request[1],
        path=request[2],
        expect=tuple(expect),
        headers=_texts(data.get("headers", {}), f"`headers` of {at}"),
        json=data.get("json"),
        form=_texts(data["form"], f"`form` of {at}") if "form" in data else None,
        onto=_of(data, "onto", str, at) if "onto" in data else None,
        when=_expression(data, "when", at),
        keep={name: _compiled(text, f"`keep` of {at}") for name, text in keep.items()},
        check=_expression(data, "check", at),
        says=_of(data, "says", str, at) if "says" in data else "",
    )


def _known(data: object, names: set[str], at: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ProgramError(f"{at} is no JSON object")
    if unknown := sorted(data.keys() - names):
        raise ProgramError(f"{at} has an unknown part `{unknown[0]}`")
    return data


def _of(data: dict[str, Any], key: str, kind: type[T], at: str) -> T:
    if not isinstance(found := data.get(key), kind):
        raise ProgramError(f"`{key}` of {at} is missing or of the wrong type")
    return found


def _texts(data: object, at: str) -> dict[str, str]:
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise ProgramError(f"{at} is not names with texts")
    return data


def _expression(data: dict[str, Any], key: str, at: str) -> ParsedResult | None:
    return _compiled(_of(data, key, str, at), f"`{key}` of {at}") if key in data else None


def _compiled(text: str, at: str) -> ParsedResult:
    try:
        found = jmespath.compile(text)
    except JMESPathError:
        raise ProgramError(f"{at} is no JMESPath expression") from None
    if _misleads(found.parsed):
        raise ProgramError(f"{at} has `!a.b`, which JMESPath takes for `(!a).b` and is never true: write `!(a.b)`")
    return found


def _misleads(node: Any) -> bool:
    if not isinstance(node, dict):
        return False
    inner = node.get("children", [])
    if node.get("type") == "subexpression" and inner[0]["type"] == "not_expression":
        return True
    return any(_misleads(child) for child in inner)


def _duration(text: object) -> float:
    found = _DURATION.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise ProgramError("`patience` is no duration such as 90s or 2m")
    return int(found[1]) * _SECONDS[found[2]]
