"""Docker's own API, as far as a proxy lets it through that can only be asked.

Three questions are asked: `GET /containers/json?all=1`, `GET /images/json`, `GET /events`; never the one for a single
container, whose answer holds the passwords in its environment. They carry no version of the API: each Docker answers
unversioned ones with its newest, and refuses versions that it finds too old.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import httpx2
from pydantic import BaseModel, Field, TypeAdapter

from abbey_metrics.fetch import StatusError, get

# 300 containers with long labels; an answer is never kept whole for longer than it takes to read it.
LARGEST = 8_388_608
LONGEST_EVENT = 262_144
# Docker says nothing while nothing happens. A connection that died silently is found by asking anew at times.
QUIET = 300.0
# Checks of health run a program in the container every few seconds, and each is three events that name its command.
ACTIONS = (
    "create",
    "start",
    "die",
    "stop",
    "kill",
    "restart",
    "pause",
    "unpause",
    "rename",
    "destroy",
    "health_status",
)


class Listed(BaseModel):
    """One container of the list."""

    id: str = Field(alias="Id", max_length=128)
    names: list[str] | None = Field(default=None, alias="Names")
    image: str = Field(default="", alias="Image")
    image_id: str = Field(default="", alias="ImageID")
    state: str = Field(default="", alias="State")
    status: str = Field(default="", alias="Status")
    labels: dict[str, str] | None = Field(default=None, alias="Labels")


class _Image(BaseModel):
    id: str = Field(alias="Id")
    tags: list[str] | None = Field(default=None, alias="RepoTags")
    created: int = Field(default=0, alias="Created")


class _Actor(BaseModel):
    id: str = Field(default="", alias="ID", max_length=128)
    attributes: dict[str, str] | None = Field(default=None, alias="Attributes")


class _Message(BaseModel):
    action: str = Field(alias="Action")
    actor: _Actor = Field(alias="Actor")
    nano: int = Field(alias="timeNano")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the container `id`, `nano` nanoseconds after 1970."""

    action: str
    id: str
    nano: int
    attributes: dict[str, str] = field(default_factory=dict)


_LISTED = TypeAdapter(list[Listed])
_IMAGES = TypeAdapter(list[_Image])
_FILTERS = json.dumps({"type": ["container"], "event": ACTIONS}, separators=(",", ":"))


class Docker:
    """Asks Docker at `unix:///path` or `http://address`. A client for a socket is its own, and closed by `close`."""

    def __init__(self, address: str, client: httpx2.AsyncClient) -> None:
        path = address.removeprefix("unix://")
        self._own = path != address
        self._base = "http://docker" if self._own else address
        self._client = _socket_client(path) if self._own else client

    async def close(self) -> None:
        """Close what belongs to it alone."""
        if self._own:
            await self._client.aclose()

    async def containers(self) -> tuple[Listed, ...]:
        """Return all containers, also those that do not run. Raise httpx2.HTTPError or ValueError."""
        return tuple(_LISTED.validate_json(await self._get("/containers/json?all=1")))

    async def images(self) -> dict[str, int]:
        """Return when images were made (Unix seconds), by id and by tag. Raise httpx2.HTTPError or ValueError."""
        made: dict[str, int] = {}
        for image in _IMAGES.validate_json(await self._get("/images/json")):
            made.update(dict.fromkeys((image.id, *(image.tags or ())), image.created))
        return made

    async def events(self, since: str) -> AsyncGenerator[Event]:
        """Given a time (Unix seconds, with up to nine decimals), give what happened to containers from then on.

        It ends when Docker ends it, or has said nothing for minutes. Raise httpx2.HTTPError or ValueError.
        """
        rest = b""
        patience = httpx2.Timeout(5.0, read=QUIET)
        parameters = {"since": since, "filters": _FILTERS}
        async with self._client.stream("GET", f"{self._base}/events", params=parameters, timeout=patience) as answer:
            if answer.status_code != 200:
                raise StatusError(answer.status_code)
            async for chunk in answer.aiter_bytes():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in filter(bytes.strip, lines):
                    yield _event(line)
                if len(rest) > LONGEST_EVENT:
                    raise ValueError("answered an event without end")

    async def _get(self, path: str) -> bytes:
        return await get(self._client, f"{self._base}{path}", largest=LARGEST)


def _socket_client(path: str) -> httpx2.AsyncClient:
    # Nothing is encrypted on a socket, so the empty context spares loading the certificates of all authorities.
    bare = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx2.AsyncClient(
        transport=httpx2.AsyncHTTPTransport(uds=path, verify=bare),
        timeout=5.0,
        trust_env=False,
        headers={"User-Agent": "abbey-metrics", "Accept-Encoding": "identity"},
    )


def _event(line: bytes) -> Event:
    message = _Message.model_validate_json(line)
    return Event(message.action, message.actor.id, message.nano, message.actor.attributes or {})
