"""`{{kept.x}}` in what is sent, and the merging of documents."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

_PLACE = re.compile(r"\{\{\s*kept\.([A-Za-z0-9_.-]+)\s*\}\}")

Kept = Mapping[str, Any]


class NotKeptError(LookupError):
    """Something is named that no earlier call kept."""


def value(template: Any, kept: Kept) -> Any:
    """Return the JSON value with every `{{kept.x}}` in its texts filled in; names of members stay as they are.

    A text that is nothing but `{{kept.x}}` becomes the kept value itself. Raise NotKeptError for an unknown name.
    """
    if isinstance(template, str):
        whole = _PLACE.fullmatch(template)
        return _look_up(whole[1], kept) if whole else text(template, kept)
    if isinstance(template, dict):
        return {name: value(inner, kept) for name, inner in template.items()}
    if isinstance(template, list):
        return [value(inner, kept) for inner in template]
    return template


def text(template: str, kept: Kept) -> str:
    """Return the text filled in: a kept text as it is, anything else as JSON. Raise NotKeptError for nothing kept."""
    return _PLACE.sub(lambda match: _as_text(match[1], kept), template)


def path(template: str, kept: Kept) -> str:
    """Return the path filled in, with what was kept written so that it stays one part of the path or query."""
    return _PLACE.sub(lambda match: quote(_as_text(match[1], kept), safe=""), template)


def _look_up(name: str, kept: Kept) -> Any:
    if name not in kept:
        raise NotKeptError(f"no earlier call kept {name}")
    return kept[name]


def _as_text(name: str, kept: Kept) -> str:
    found = _look_up(name, kept)
    if found is None:
        raise NotKeptError(f"what an earlier call kept as {name} is empty")
    return found if isinstance(found, str) else json.dumps(found, separators=(",", ":"), ensure_ascii=False)


def merged(below: Any, over: Any) -> Any:
    """Return `over` laid onto `below`: objects member by member, and anything else takes the place of what was."""
    if not isinstance(below, dict) or not isinstance(over, dict):
        return over
    return below | {name: merged(below[name], new) if name in below else new for name, new in over.items()}
