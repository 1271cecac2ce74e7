"""What a person may choose, how it is written down, and which of two choices holds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict

from pydantic import TypeAdapter

from abbey_metrics.documents import Preferences

MOST_PEOPLE = 1000
MOST_NAMES = 200
LONGEST_USER = 150
AHEAD = 60.0
"""Seconds that a clock may be ahead before its time is not believed."""
_LATEST = 1e11
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_WORD = re.compile(r"[a-z-]{0,20}")
_FORM = TypeAdapter(Preferences)


def read(given: object) -> Preferences:
    """Given plain data, return the preferences in it. Raise ValueError when it is something else."""
    return checked(_FORM.validate_python(given))


def checked(chosen: Preferences) -> Preferences:
    """Return what was chosen. Raise ValueError in words when it is not what the portal lets people choose."""
    if not 0 <= chosen.at < _LATEST:
        raise ValueError("at is not a time in Unix seconds")
    for what, names in (("favourites", chosen.favourites), ("order", chosen.order)):
        if len(names) > MOST_NAMES:
            raise ValueError(f"{what} has more than {MOST_NAMES} names")
        if not all(_NAME.fullmatch(name) for name in names):
            raise ValueError(f"{what} has a name that no app can have")
    for what, word in (("theme", chosen.theme), ("language", chosen.language)):
        if not _WORD.fullmatch(word):
            raise ValueError(f"{what} is no word of at most 20 small letters")
    return chosen


def is_user(name: str) -> bool:
    """Return whether a person can have this name."""
    return 0 < len(name) <= LONGEST_USER and name.isprintable()


def usable(user: str, chosen: Preferences) -> bool:
    """Return whether a person of this name can have chosen that."""
    try:
        checked(chosen)
    except ValueError:
        return False
    return is_user(user)


def rank(chosen: Preferences) -> tuple[float, str]:
    """Return what decides which of two choices holds: the later one; of one moment, the one written bigger."""
    return chosen.at, json.dumps(asdict(chosen), sort_keys=True)


def newest(people: Mapping[str, Preferences], most: int) -> dict[str, Preferences]:
    """Return the `most` people who chose last."""
    if len(people) <= most:
        return dict(people)
    last = sorted(people, key=lambda user: (people[user].at, user), reverse=True)[:most]
    return {user: people[user] for user in last}
