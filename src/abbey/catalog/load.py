"""Folder of data files to Catalog; the same loader, and the same kind of errors, as for abbey.yaml."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from abbey.catalog.assets import asset
from abbey.catalog.coherence import incoherences
from abbey.catalog.pins import Pin, Pins, key_of
from abbey.catalog.schema import App
from abbey.errors import Fault, FileErrors, Mark, UsageError
from abbey.files import digest
from abbey.spec.load import load
from abbey.spec.value import NAME, NAME_IN_WORDS
from abbey.spec.yaml import Document, parse

_SOURCE_PACKAGES = {"metrics": ("abbey_metrics", "abbey_steps")}
_SOURCE_FOLDERS = {"portal": "portal"}


@dataclass(frozen=True, slots=True)
class Catalog:
    """Apps by name, what their images are built from (image's name → relative path → bytes), and the lab's pins."""

    apps: Mapping[str, App]
    contexts: Mapping[str, Mapping[str, bytes]]
    pins: Pins = field(default_factory=Pins)

    def image_tag(self, context: str) -> str:
        """Return twelve hexadecimal digits that change whenever a file of the build context changes."""
        files = self.contexts[context]
        return digest(b"".join(f"{path}:{digest(body)};".encode() for path, body in sorted(files.items())))[:12]


def load_catalog(own: Path | None = None, pins: Mapping[str, Pin] | None = None) -> Catalog:
    """Return the catalog of Abbey, with the data files of the folder `own` over it when that exists, and with pins.

    Raise FileErrors with every fault of every file: of its form, of what it names and nobody has, and of a file in
    `own` that would replace a part of the platform. Raise UsageError where something cannot be read.
    """
    contexts = _contexts()
    contexts |= _own_contexts(own, contexts.keys())
    apps: dict[str, App] = {}
    faults: list[Fault] = []
    for name, source, label in _shipped():
        _take(apps, faults, name, source=source, label=label, contexts=contexts)
    parts = {name for name, app in apps.items() if app.kind == "part"}
    for name, source, label in _of_person(own):
        if name in parts:
            what = f"{name} is a part of the platform, and this file would replace it"
            faults.append(Fault(Mark(label, 1, 1), what, "give the file another name: the app is called like its file"))
        elif not re.fullmatch(NAME, name):
            faults.append(
                Fault(Mark(label, 1, 1), f"the app is called like its file, and cannot be called {name}", NAME_IN_WORDS)
            )
        else:
            _take(apps, faults, name, source=source, label=label, contexts=contexts)
    if faults:
        raise FileErrors(faults)
    return Catalog(dict(sorted(apps.items())), contexts, Pins(pins or {}, _given(apps)))


def _given(apps: Mapping[str, App]) -> frozenset[str]:
    """Return the keys that the images of the catalog have among the pins."""
    return frozenset(
        key_of(service.image.ref, service.image.tag) for app in apps.values() for service in app.services.values()
    )


def files(own: Path | None = None) -> Iterator[tuple[str, App, Document]]:
    """Yield every data file of the folder `own`, or of Abbey when there is none: its name, its app, its document.

    Raise FileErrors at the first one that is not right, UsageError when one cannot be read.
    """
    for name, source, label in _of_person(own) if own else _shipped():
        document = parse(source, label)
        yield name, load(App, document), document


def _take(
    apps: dict[str, App],
    faults: list[Fault],
    name: str,
    *,
    source: bytes,
    label: str,
    contexts: Mapping[str, Mapping[str, bytes]],
) -> None:
    """Read one data file into `apps`, or what is wrong with it into `faults`."""
    try:
        document = parse(source, label)
        apps[name] = load(App, document)
    except FileErrors as error:
        faults += error.faults
    else:
        faults += incoherences(apps[name], document, folders=contexts.keys())


def _shipped() -> Iterable[tuple[str, bytes, str]]:
    folder = resources.files("abbey.catalog").joinpath("apps")
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".yaml"):
            yield entry.name.removesuffix(".yaml"), entry.read_bytes(), f"catalog/{entry.name}"


def _of_person(own: Path | None) -> Iterable[tuple[str, bytes, str]]:
    for path in _own_paths(own, "*.yaml"):
        yield path.stem, _content(path), str(path)


def _own_paths(own: Path | None, pattern: str) -> list[Path]:
    """Return what is called so in the folder, sorted; nothing where there is no folder. Raise UsageError for a file."""
    if own is None or not own.exists():
        return []
    if not own.is_dir():
        raise UsageError(f"{own} is no folder", hint="it holds data files for apps of your own; move what is there")
    return sorted(own.glob(pattern))


def _content(entry: Traversable) -> bytes:
    try:
        return entry.read_bytes()
    except OSError as error:
        raise UsageError(f"{entry} cannot be read: {error.strerror}") from None


def _contexts() -> dict[str, dict[str, bytes]]:
    contexts: dict[str, dict[str, bytes]] = {}
    for folder in asset("images").iterdir():
        if folder.is_dir():
            contexts[folder.name] = dict(_walk(folder, ""))
    for name, packages in _SOURCE_PACKAGES.items():
        for package in packages:
            contexts[name].update(_walk(resources.files(package), f"{package}/", suffixes=(".py", ".typed")))
    for name, source in _SOURCE_FOLDERS.items():
        contexts[name].update(_walk(asset(source), f"{source}/"))
    return contexts


def _own_contexts(own: Path | None, shipped: Collection[str]) -> dict[str, dict[str, bytes]]:
    """Return the folders with a Dockerfile beside a person's data files. Raise FileErrors for one called like ours."""
    folders = [path.parent for path in _own_paths(own, "*/Dockerfile")]
    what = "Abbey builds an image of its own from a folder of this name"
    if faults := [Fault(Mark(str(folder), 1, 1), what, "rename it") for folder in folders if folder.name in shipped]:
        raise FileErrors(faults)
    return {folder.name: dict(_walk(folder, "")) for folder in folders}


def _walk(folder: Traversable, prefix: str, *, suffixes: tuple[str, ...] = ()) -> Iterable[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _walk(entry, f"{prefix}{entry.name}/", suffixes=suffixes)
        elif entry.is_file() and (not suffixes or entry.name.endswith(suffixes)):
            yield f"{prefix}{entry.name}", _content(entry)
