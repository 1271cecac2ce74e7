"""What a person chooses in the portal, as it comes in: bounded, from the portal's own page, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_json

from abbey_metrics.access import RefusedError, Visitor
from abbey_metrics.answer import Answer, Receive, Scope, answer, header
from abbey_metrics.documents import Preferences
from abbey_metrics.people import Choices
from abbey_metrics.preferences import MOST_NAMES

LARGEST = 16_384

Name = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9-]{0,62}$")]
Word = Annotated[str, Field(pattern="^[a-z-]{0,20}$")]
Names = Annotated[tuple[Name, ...], Field(max_length=MOST_NAMES)]


class Chosen(BaseModel):
    """Preferences as they may come in. `at` is when they were chosen, in Unix seconds."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    at: Annotated[float, Field(ge=0, lt=1e11)]
    favourites: Names = ()
    order: Names = ()
    theme: Word = ""
    language: Word = ""


async def choose(choices: Choices, visitor: Visitor, scope: Scope, receive: Receive) -> Answer:
    """Given what somebody chose, keep it and return what holds. Raise RefusedError when it cannot be kept."""
    if not visitor.name:
        raise RefusedError(403, "choices are kept for people who are signed in")
    # Browsers say where a request comes from; other programs say nothing, and carry nobody's login by accident.
    if header(scope, b"sec-fetch-site") not in (b"", b"same-origin"):
        raise RefusedError(403, "choices are taken from the portal's own page only")
    if header(scope, b"content-type").partition(b";")[0].strip().lower() != b"application/json":
        raise RefusedError(415, "choices are written as application/json")
    body = await _body(receive)
    try:
        chosen = Chosen.model_validate_json(body)
        holds = choices.choose(visitor.name, Preferences(**dict(chosen)))
    except ValidationError as error:
        raise RefusedError(422, in_words(error.errors(include_url=False, include_input=False))) from None
    except ValueError as error:
        raise RefusedError(422, str(error)) from None
    return answer(to_json(holds))


async def _body(receive: Receive) -> bytes:
    found = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedError(400, "the request broke off")
        found += message.get("body", b"")
        more = message.get("more_body", False)
        if len(found) > LARGEST:
            raise RefusedError(413, f"choices are at most {LARGEST // 1024} KiB")
    return bytes(found)


def in_words(errors: Sequence[Any]) -> str:
    """Given what pydantic finds wrong with an input, return it in one line."""
    told = (f"{'.'.join(map(str, error['loc'])) or 'the whole'}: {error['msg']}" for error in errors[:5])
    return "; ".join(told)
