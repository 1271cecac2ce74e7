"""One bounded GET: it ends in time, it ends in size, and its errors are short words for a person."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2
from pydantic_core import ValidationError

LARGEST = 262_144
# Of the whole question and its answer. The client's own limits are per byte, so one byte a second would go on for ever.
LONGEST = 10.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """A body, and the tag by which can be asked whether it changed (empty when there is none)."""

    body: bytes
    tag: str


class StatusError(ValueError):
    """The answer was not 200. `pause` is for how many seconds the other side asks to be left alone, or 0."""

    def __init__(self, status: int, pause: float = 0.0) -> None:
        super().__init__(f"answered {status}")
        self.status = status
        self.pause = pause


def new_client(source: str = "", *, https: bool = True) -> httpx2.AsyncClient:
    """Return a client for what is fetched in the background, which asks from the address `source`, if any.

    One that never asks by `https` reads no certificates, which take more memory than all else of it. Redirects and
    proxies are not followed, and cookies are not kept: they would be sent back, and could be many.
    """
    limits = httpx2.Limits(max_connections=16, max_keepalive_connections=8)
    return httpx2.AsyncClient(
        transport=httpx2.AsyncHTTPTransport(verify=https, local_address=source or None, limits=limits, trust_env=False),
        timeout=5.0,
        trust_env=False,
        # Uncompressed, so that a body is as large as it looks.
        headers={"User-Agent": "abbey-metrics", "Accept-Encoding": "identity"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )


async def get(
    client: httpx2.AsyncClient, url: str, *, headers: Mapping[str, str] | None = None, largest: int = LARGEST
) -> bytes:
    """Given an address, return the body of its 200 answer.

    Raise StatusError on another one, ValueError on a body that is larger than `largest` bytes or compressed,
    TimeoutError or httpx2.HTTPError when the answer does not come whole.
    """
    async with _answer(client, url, headers) as answer:
        return await _body(answer, largest)


async def renew(client: httpx2.AsyncClient, url: str, tag: str, *, largest: int = LARGEST) -> Fetched | None:
    """Given an address and the tag of what is known of it, return what is there now, or None when that is the same.

    Raise as `get` does.
    """
    async with _answer(client, url, {"If-None-Match": tag} if tag else None) as answer:
        if tag and answer.status_code == 304:
            return None
        return Fetched(await _body(answer, largest), answer.headers.get("etag", ""))


@asynccontextmanager
async def _answer(
    client: httpx2.AsyncClient, url: str, headers: Mapping[str, str] | None
) -> AsyncIterator[httpx2.Response]:
    async with asyncio.timeout(LONGEST), client.stream("GET", url, headers=headers) as answer:
        yield answer


async def _body(answer: httpx2.Response, largest: int) -> bytes:
    if answer.status_code != 200:
        raise StatusError(answer.status_code, _pause(answer.headers.get("retry-after", "")))
    if answer.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise ValueError("answered in a compressed form")
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > largest:
            raise ValueError(f"answered more than {largest // 1024} KiB")
    return bytes(body)


def _pause(text: str) -> float:
    # Retry-After: seconds, or a date.
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError, OSError):
        return 0.0


def explain(error: Exception) -> str:
    """Given why a fetch failed, return it in words, without addresses and without what was sent or answered."""
    match error:
        case TimeoutError() | httpx2.TimeoutException():
            return "did not answer in time"
        case httpx2.ReadError() | httpx2.RemoteProtocolError():
            return "broke off its answer"
        case httpx2.HTTPError() | httpx2.InvalidURL():
            return "was not reached"
        case OSError():
            return f"a file could not be read: {error.strerror}"
        case ValidationError():
            # Its text quotes the answer, and takes long to make for a large one.
            return "answered something else than expected"
        case ValueError() if str(error).startswith("answered "):
            return str(error)
        case _:
            return "answered something else than expected"
