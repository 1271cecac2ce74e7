"""Plain data to frozen models. Every error at once, each with its place, in plain words, with what would be right."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar, cast

from pydantic import BaseModel, ValidationError

from abbey.errors import Fault, FileErrors, UsageError
from abbey.spec.locate import Located, locate, meant
from abbey.spec.schema import Spec
from abbey.spec.words import hint, message, nearest
from abbey.spec.yaml import MAX_BYTES, Document, Plain, parse

MAX_ERRORS = 500  # nobody reads more, and a hostile file could have one for every value

M = TypeVar("M", bound=BaseModel)


def load_spec(path: Path) -> tuple[Spec, Document]:
    """Return the lab's file as a Spec, and its document for the places of later findings.

    Raise UsageError when the file cannot be read, FileErrors with all its faults when it is not right.
    """
    document = read(path)
    return load(Spec, document), document


def read(path: Path, *, hint: str = "-f FILE names another file") -> Document:
    """Return the file as plain data. Raise UsageError when it cannot be read, FileErrors when it is not YAML."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}", hint="`abbey init` writes one; -f FILE names another") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"{path} cannot be read: {reason}", hint=hint) from None
    return parse(content, str(path))


def load(model: type[M], document: Document) -> M:
    """Return the document's data as the model. Raise FileErrors with every fault, each at its place.

    A number is never taken for text. Models mark their numbers and flags strict, so that text is not taken for them.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        schema = model.model_json_schema()
        errors = error.errors(include_url=False, include_input=False)
        found = [locate(detail, schema=schema, data=document.data) for detail in errors[:MAX_ERRORS]]
        faults = [_fault(item, document) for item in _once(meant(found))]
        if more := len(errors) - len(found):
            faults.append(Fault(max(fault.mark for fault in faults), f"… and {more} more errors"))
        raise FileErrors(faults) from None


def _once(found: list[Located]) -> list[Located]:
    """Leave out what only follows from another error: a missing key that was misspelt, a list cut short by a fault."""
    misspelt = {(*item.path[:-1], near) for item in found if item.kind == "extra_forbidden" and (near := nearest(item))}
    return [
        item
        for item in found
        if not (item.kind == "missing" and item.path in misspelt)
        and not (item.kind == "too_short" and len(cast(list[Plain], item.value)) >= item.limits["min_length"])
    ]


def _fault(item: Located, document: Document) -> Fault:
    if item.kind == "missing":
        mark = document.key_mark(item.path[:-1])
    elif item.kind == "extra_forbidden" or item.in_key:
        mark = document.key_mark(item.path)
    else:
        mark = document.mark(item.path)
    return Fault(mark, message(item), hint(item))
