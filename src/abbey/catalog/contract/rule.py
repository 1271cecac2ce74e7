"""A rule about one app's data file: what is looked for, why it matters, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from abbey import report
from abbey.catalog.schema import App
from abbey.catalog.template import names
from abbey.spec.yaml import Path

Seen = Iterable[tuple[Path, str]]


# `look` is given the app's name and its data, and yields (path in the file, what is wrong there).
Rule = report.Rule[Callable[[str, App], Seen]]


def texts(app: App) -> Iterator[tuple[Path, str]]:
    """Yield every text of the file that becomes a setting, with its path: those of services and steps."""
    data = app.model_dump(by_alias=True, include={"services", "steps"})
    yield from walk(data, ())


def walk(value: object, at: Path) -> Iterator[tuple[Path, str]]:
    """Yield every text inside the value with its path."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, (*at, key))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from walk(inner, (*at, index))


def used(app: App) -> frozenset[str]:
    """Return the names of all templates in the services and steps of the file."""
    return frozenset(name for _, text in texts(app) for name in names(text))
