"""The file that names people and what they chose."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from abbey_metrics.documents import Preferences
from abbey_metrics.preferences import is_user, read

log = logging.getLogger(__name__)

# More than the most people can choose.
LARGEST = 32 * 2**20


def load(file: Path) -> dict[str, Preferences]:
    """Return everybody in the file; nobody when there is none.

    What is no list of people is moved aside, and a person who cannot be understood is left out; both are said. Raise
    OSError when the file cannot be read.
    """
    try:
        text = _text(file)
    except FileNotFoundError:
        return {}
    try:
        people = _people(text)
    except (ValueError, RecursionError):
        aside = file.with_name(f"{file.name}.unusable")
        file.replace(aside)
        log.warning("%s is no list of people; it is %s now, and a new one begins", file, aside.name)
        return {}
    found = {}
    for user, chosen in people.items():
        with suppress(ValueError):
            if is_user(user):
                found[user] = read(chosen)
    if len(found) < len(people):
        log.warning("%s names %d people who cannot be understood", file, len(people) - len(found))
    return found


def save(file: Path, people: Mapping[str, Preferences]) -> None:
    """Put everybody into the file, which is never there in parts. Raise OSError when it cannot be written."""
    text = json.dumps({"people": {user: asdict(chosen) for user, chosen in sorted(people.items())}}, indent=1)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with open(
        os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w", encoding="utf-8"
    ) as handle:
        handle.write(text + "\n")
        handle.flush()
        os.fsync(handle.fileno())
    new.replace(file)


def _text(file: Path) -> bytes:
    with file.open("rb") as handle:
        return handle.read(LARGEST + 1)


def _people(text: bytes) -> dict[str, object]:
    if len(text) > LARGEST:
        raise ValueError("it is too large")
    document = json.loads(text)
    people = document.get("people") if isinstance(document, dict) else None
    if not isinstance(people, dict):
        raise ValueError("it names nobody")
    return people
