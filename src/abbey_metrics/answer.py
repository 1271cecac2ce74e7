"""Answers of HTTP as the server sends them, headers and all: made once, sent to everybody who asks."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Scope = MutableMapping[str, Any]
Headers = Iterable[tuple[bytes, bytes]]

JSON = b"application/json"
NOT_KEPT = (b"cache-control", b"no-store")


@dataclass(frozen=True, slots=True)
class Answer:
    """The two messages of an answer. One with a tag also has `unchanged`, for who knows this content already."""

    start: Message
    content: Message
    tag: bytes = b""
    unchanged: Message | None = None

    @property
    def body(self) -> bytes:
        """Return the content."""
        return bytes(self.content["body"])

    def reply(self, scope: Scope) -> tuple[Message, Message]:
        """Given a request, return what to send: the content, or that it is what the asker knows."""
        if self.unchanged is not None:
            for key, value in scope["headers"]:
                if key == b"if-none-match" and (value == self.tag or _names(value, self.tag)):
                    return self.unchanged, EMPTY
        return self.start, self.content


EMPTY: Message = {"type": "http.response.body", "body": b""}


def answer(body: bytes, *, status: int = 200, kind: bytes = JSON, headers: Headers = (NOT_KEPT,)) -> Answer:
    """Given a body, return the answer."""
    length = (b"content-length", b"%d" % len(body))
    return Answer(
        start=_start(status, (*headers, (b"content-type", kind), length)),
        content={"type": "http.response.body", "body": body},
    )


def tagged(body: bytes, tag: str, *, proxied: bool = True, varies: bool = False) -> Answer:
    """Given a body and what names this content, return an answer that browsers need not fetch twice.

    A proxy in front may keep it for a second (`proxied`), for each set of groups apart where it varies.
    """
    quoted = b'"%b"' % tag.encode()
    # nginx takes the first of these off; it counts before the second only where it comes before it.
    headers = [(b"x-accel-expires", b"1")] if proxied else []
    headers += [(b"cache-control", b"private, no-cache" if varies else b"no-cache"), (b"etag", quoted)]
    if varies:
        headers.append((b"vary", b"X-Authentik-Groups"))
    made = answer(body, headers=headers)
    return Answer(made.start, made.content, quoted, _start(304, headers))


def fault(status: int, why: str, *, retry: int | None = None) -> Answer:
    """Given why something cannot be answered, return that in words; `retry` is when to ask again, in seconds."""
    headers = [NOT_KEPT] if retry is None else [NOT_KEPT, (b"retry-after", b"%d" % retry)]
    return answer(json.dumps({"detail": why}).encode(), status=status, headers=headers)


def header(scope: Scope, name: bytes) -> bytes:
    """Return a header of a request, or nothing; the first where it comes more often."""
    return next((value for key, value in scope["headers"] if key == name), b"")


def _start(status: int, headers: Headers) -> Message:
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def _names(value: bytes, tag: bytes) -> bool:
    """Return whether the tag is in a list of tags; one that nginx compressed comes back as a weak one."""
    return value == b"*" or tag in (part.strip().removeprefix(b"W/") for part in value.split(b","))
