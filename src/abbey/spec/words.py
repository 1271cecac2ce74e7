"""Validation errors in plain words: what is wrong, and what would be right."""

from __future__ import annotations

import difflib
import re

from abbey.spec.locate import SHAPES, Located
from abbey.spec.yaml import Plain, shown

_SECRET = re.compile(r"pass|secret|token|key|credential", re.IGNORECASE)
_AT_LEAST = {"greater_than_equal": ("at least", "ge"), "greater_than": ("more than", "gt"),
             "less_than_equal": ("at most", "le"), "less_than": ("less than", "lt")}  # fmt: skip


def message(item: Located) -> str:
    """Return what is wrong, in one sentence. A value under a name that sounds secret is never repeated."""
    if item.kind == "missing":
        return f"`{item.path[-1]}` is missing" if item.path else "something is missing"
    if item.kind == "extra_forbidden":
        return f"unknown key `{shown(item.path[-1])}`"
    where = f"`{shown('.'.join(str(part) for part in item.path))}`" if item.path else "the file"
    if item.in_key:
        where = f"the name `{shown(item.path[-1])}`"
    elif item.value is None and item.kind in SHAPES:
        return f"{where} has no value"
    return f"{where} {_what(item)}{_instead(item)}"


def hint(item: Located) -> str:
    """Return what would be right, as far as the schema says; empty when it says nothing."""
    if item.kind == "extra_forbidden":
        return _did_you_mean(_closest(str(item.path[-1]), _known(item))) or f"known here: {', '.join(_known(item))}"
    if item.kind in ("literal_error", "enum"):
        wrong = item.path[-1] if item.in_key else item.value
        return _did_you_mean(_closest(str(wrong), _choices(item)))
    if item.kind == "string_type" and not item.shapes and isinstance(item.value, (bool, int, float)):
        return "write it in quotes"
    return item.description.partition("\n")[0]


def nearest(item: Located) -> str:
    """Return the known key that an unknown key stands in place of: a near one or the only one; else empty."""
    known = _known(item)
    return _closest(str(item.path[-1]), known) or (known[0] if len(known) == 1 else "")


def _known(item: Located) -> list[str]:
    return [name for node in item.around for name in node.get("properties", {})]


def _what(item: Located) -> str:
    if item.shapes:
        return f"must be {_either(list(item.shapes))}"
    if item.kind in SHAPES:
        return f"must be {SHAPES[item.kind]}"
    if item.kind in ("literal_error", "enum"):
        return f"must be {_either(_choices(item))}"
    if item.kind == "string_pattern_mismatch":
        # Editors show the same words: they read `patternErrorMessage` from the JSON Schema.
        says = next((node["patternErrorMessage"] for node in item.nodes if "patternErrorMessage" in node), "")
        return f"must be {says}" if says else f"does not have the form {item.limits['pattern']}"
    if item.kind in _AT_LEAST:
        words, limit = _AT_LEAST[item.kind]
        return f"must be {words} {item.limits[limit]}"
    if item.kind in ("too_short", "string_too_short"):
        return f"must have at least {item.limits['min_length']} {_unit(item)}"
    if item.kind in ("too_long", "string_too_long"):
        return f"must have at most {item.limits['max_length']} {_unit(item)}"
    if item.kind in ("value_error", "assertion_error"):
        return f"is not right: {item.limits['error']}" if not _is_secret(item) else "is not right"
    return item.fallback.replace("Input should", "must", 1).replace("must be a valid", "must be a", 1)


def _unit(item: Located) -> str:
    limit = item.limits.get("min_length", item.limits.get("max_length"))
    unit = "character" if item.kind.startswith("string") else "entry"
    return unit if limit == 1 else {"character": "characters", "entry": "entries"}[unit]


def _instead(item: Located) -> str:
    """Return `, not X` where repeating the value helps."""
    if item.in_key or _is_secret(item) or item.kind.endswith(("value_error", "assertion_error", "_short", "_long")):
        return ""
    if isinstance(item.value, (list, dict)):
        return ", not a list" if isinstance(item.value, list) else ", not a mapping"
    return f", not `{_yaml(item.value)}`" if item.value is not None else ""


def _yaml(value: Plain) -> str:
    return str(value).lower() if isinstance(value, bool) else shown(value)


def _is_secret(item: Located) -> bool:
    return any(_SECRET.search(str(part)) for part in item.path)


def _choices(item: Located) -> list[str]:
    return [
        str(choice) for node in item.nodes for choice in node.get("enum", [node["const"]] if "const" in node else [])
    ]


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def _closest(wrong: str, known: list[str]) -> str:
    return next(iter(difflib.get_close_matches(wrong[:60].lower(), known, n=1, cutoff=0.6)), "")


def _did_you_mean(word: str) -> str:
    return f"did you mean `{word}`?" if word else ""
