"""What may be shown of an answer: its beginning on one line, without what was sent and without what looks secret."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

LENGTH = 300
SHORTEST = 8  # shorter texts are ordinary words; the secrets of a lab are longer, and taken out once more by Abbey
HIDDEN = "…"

_TELLS = re.compile(
    r"pass|secret|token|jwt|cookie|session|credential|private|(api|access|secret)[_-]?key", re.IGNORECASE
)


class Sent:
    """The texts that requests held or answers gave for later requests: what an excerpt leaves out."""

    def __init__(self) -> None:
        self._texts: set[str] = set()

    def add(self, value: Any) -> None:
        """Remember every text in the value and its words. Addresses are no secrets, and often what is wrong."""
        for text in _strings(value):
            for part in (text, *text.split()):
                if len(part) >= SHORTEST and "://" not in part:
                    self._texts.add(part)

    def hide(self, text: str) -> str:
        """Return the text without any of these."""
        for known in sorted(self._texts, key=len, reverse=True):
            text = text.replace(known, HIDDEN)
        return text


def excerpt(body: Any, sent: Sent) -> str:
    """Return the first characters of an answer's body as one line; a word that does not fit is left out whole."""
    if body is None:
        return "nothing"
    shown = sent.hide(body) if isinstance(body, str) else json.dumps(_masked(body, sent), ensure_ascii=False)
    line = " ".join("".join(char if char.isprintable() else " " for char in shown).split())
    return line if len(line) <= LENGTH else f"{re.sub('[^ ]*$', '', line[:LENGTH]).rstrip()} [...]"


def _masked(value: Any, sent: Sent) -> Any:
    if isinstance(value, dict):
        return {
            name: HIDDEN if _TELLS.search(name) and _tells(inner) else _masked(inner, sent)
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_masked(inner, sent) for inner in value]
    return sent.hide(value) if isinstance(value, str) else value


def _tells(value: Any) -> bool:
    """Return whether a value can be a secret: a text, or several."""
    return bool(value) and isinstance(value, (str, dict, list))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
