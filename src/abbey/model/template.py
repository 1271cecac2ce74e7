"""`{{name}}` in data files: a closed set of names, filled in once, unknown names refused."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PLACE = re.compile(r"\{\{\s*([a-z_]+(?:\.[a-z_0-9]+)?)\s*\}\}")


class UnknownNameError(ValueError):
    """A template names something that the lab does not have."""


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with every `{{name}}` replaced. Raise UnknownNameError for a name that has no value."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            raise UnknownNameError(name)
        return values[name]

    return _PLACE.sub(value, text)


def names(text: str) -> tuple[str, ...]:
    """Return the names that the text wants, in order."""
    return tuple(match.group(1) for match in _PLACE.finditer(text))
