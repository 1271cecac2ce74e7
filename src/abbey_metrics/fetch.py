"""One bounded GET: it ends in time, it ends in size, and its errors are short words for a person."""

from __future__ import annotations

from collections.abc import Mapping

import httpx2

LARGEST = 262_144


def new_client() -> httpx2.AsyncClient:
    """Return the client for everything fetched in the background; redirects and proxies are not followed."""
    return httpx2.AsyncClient(
        timeout=5.0,
        trust_env=False,
        headers={"User-Agent": "abbey-metrics"},
        limits=httpx2.Limits(max_connections=16, max_keepalive_connections=8),
    )


async def get(client: httpx2.AsyncClient, url: str, *, headers: Mapping[str, str] | None = None) -> bytes:
    """Given an address, return the body of its 200 answer. Raise ValueError on another one or a huge body."""
    async with client.stream("GET", url, headers=headers) as answer:
        if answer.status_code != 200:
            raise ValueError(f"answered {answer.status_code}")
        body = bytearray()
        async for chunk in answer.aiter_bytes():
            body += chunk
            if len(body) > LARGEST:
                raise ValueError("answered more than 256 KiB")
        return bytes(body)


def explain(error: Exception) -> str:
    """Given why a fetch failed, return it in words, without addresses and without what was sent."""
    match error:
        case TimeoutError() | httpx2.TimeoutException():
            return "did not answer in time"
        case httpx2.HTTPError():
            return "was not reached"
        case OSError():
            return f"a file could not be read: {error.strerror}"
        case ValueError() if str(error).startswith("answered "):
            return str(error)
        case _:
            return "answered something else than expected"
