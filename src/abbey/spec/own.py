"""Files of a person's own beside abbey.yaml that the portal shows: read once, when the lab's file is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from abbey.errors import Fault, FileErrors
from abbey.spec.schema import Spec
from abbey.spec.yaml import Document
from abbey.spec.yaml import Path as Place

MAX_BYTES = 256 << 10


class _UnfitError(Exception):
    """Why a file cannot be shown, and what would be right."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def own_files(spec: Spec, document: Document, folder: Path) -> dict[str, str]:
    """Given the lab's file and the folder that it lies in, return the text of every file that it names for the portal.

    Raise FileErrors with every one that is not there, lies elsewhere, is too large, is no text or is named twice.
    """
    found: dict[str, str] = {}
    faults: list[Fault] = []
    named = Counter(name for _, name in _named(spec))
    for place, name in _named(spec):
        try:
            if named[name] > 1:
                raise _UnfitError(f"{name} is named {named[name]} times", "each file does its work once")
            found[name] = _text(folder, name)
        except _UnfitError as error:
            faults.append(Fault(document.mark(place), error.message, error.hint))
    if faults:
        raise FileErrors(faults)
    return found


def _named(spec: Spec) -> Iterator[tuple[Place, str]]:
    if spec.portal.css:
        yield ("portal", "css"), spec.portal.css
    for index, name in enumerate(spec.portal.widgets):
        yield ("portal", "widgets", index), name


def _text(folder: Path, name: str) -> str:
    try:
        path = (folder / name).resolve(strict=True)
        if not path.is_relative_to(folder.resolve()):
            raise _UnfitError(f"{name} is a link that leads out of this folder", "copy the file to here")
        if not path.is_file():
            raise _UnfitError(f"{name} is no file", "name a file beside this one")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _UnfitError(f"there is no file {name} here", "its path begins at the folder of this file") from None
    except (OSError, RuntimeError) as error:  # before Python 3.13 a link that leads to itself is a RuntimeError
        reason = error.strerror if isinstance(error, OSError) else "it is a link that leads to itself"
        raise _UnfitError(f"{name} cannot be read: {reason}") from None
    if len(content) > MAX_BYTES:
        raise _UnfitError(f"{name} is larger than {MAX_BYTES >> 10} KiB", "every visitor would load it")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise _UnfitError(f"{name} is not UTF-8 text", "save it as UTF-8") from None
