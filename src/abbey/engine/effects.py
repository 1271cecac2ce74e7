"""Effects as lines of the file `.abbey/pending` on a host: `recreate grafana`, one per line."""

from __future__ import annotations

from abbey.files import Effect, OnChange


def to_line(effect: OnChange) -> str:
    """Return the line of an effect."""
    return f"{effect.effect.value} {effect.service}"


def from_line(line: str) -> OnChange | None:
    """Return the effect of a line, or None when it says something that this version does not know."""
    word, _, service = line.partition(" ")
    if word not in {effect.value for effect in Effect} or not service:
        return None
    return OnChange(service, Effect(word))
