"""A stand-in for Docker's API behind its proxy: it lists, tells events, and refuses every other question."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ALLOWED = {"/containers/json?all=1", "/images/json", "/version", "/_ping"}


def long_id(letter: str) -> str:
    """Return an id as Docker makes them."""
    return letter * 64


def listed(
    id_: str,
    name: str,
    *,
    state: str = "running",
    status: str = "Up 3 minutes",
    service: str = "",
    project: str = "lab",
    **more: Any,
) -> dict[str, Any]:
    """Return a container as Docker lists it."""
    labels = {"com.docker.compose.project": project, "com.docker.compose.service": service} if service else {}
    return {
        "Id": id_,
        "Names": [f"/{name}"],
        "Image": "docker.io/example/app:1",
        "ImageID": "sha256:" + "e" * 64,
        "Command": "/app --verbose",
        "State": state,
        "Status": status,
        "Labels": labels,
        "Mounts": [],
        **more,
    }


@dataclass
class StandinDocker:
    """What it answers, and `asked`: the targets of all requests. A path in `broken` answers that status, or nothing."""

    containers: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    broken: dict[str, int | None] = field(default_factory=dict)
    happened: list[dict[str, Any]] = field(default_factory=list)
    streams: list[asyncio.StreamWriter] = field(default_factory=list)

    @asynccontextmanager
    async def serving(self, path: Path) -> AsyncIterator[str]:
        """Listen on the socket inside the context, and give its address."""
        writers: set[asyncio.StreamWriter] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.add(writer)
            try:
                while head := await reader.readuntil(b"\r\n\r\n"):
                    await self._answer(head.decode().split(" ")[1], writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                writer.close()

        server = await asyncio.start_unix_server(serve, path)
        try:
            yield f"unix://{path}"
        finally:
            server.close()
            for writer in writers:
                writer.close()
            path.unlink()

    def happens(self, action: str, id_: str, *, at: float, **attributes: str) -> None:
        """Tell an event now, and to whoever asks later for what happened since."""
        event = {
            "Type": "container",
            "Action": action,
            "Actor": {"ID": id_, "Attributes": attributes},
            "scope": "local",
            "time": int(at),
            "timeNano": round(at * 1e9),
        }
        self.happened.append(event)
        for writer in self.streams:
            _chunk(writer, json.dumps(event).encode() + b"\n")

    def hang_up(self) -> None:
        """End all streams of events, as a proxy does after a while."""
        for writer in self.streams:
            writer.write(b"0\r\n\r\n")
        self.streams.clear()

    async def _answer(self, target: str, writer: asyncio.StreamWriter) -> None:
        self.asked.append(target)
        url = urlsplit(target)
        status = self.broken.get(url.path, 200)
        if status is None:
            return
        if status == 200 and url.path != "/events" and target not in ALLOWED:
            status = 403
        if status == 200 and url.path == "/events":
            self._stream(parse_qs(url.query), writer)
            return
        answers = {"/containers/json": self.containers, "/images/json": self.images}
        body = json.dumps(answers.get(url.path)).encode() if status == 200 else b"Forbidden"
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    def _stream(self, query: dict[str, list[str]], writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        wanted = json.loads(query["filters"][0])["event"]
        seconds, _, nanos = query["since"][0].partition(".")
        since = int(seconds) * 10**9 + int(nanos.ljust(9, "0"))
        for event in self.happened:
            if event["timeNano"] >= since and event["Action"].startswith(tuple(wanted)):
                _chunk(writer, json.dumps(event).encode() + b"\n")
        self.streams.append(writer)


def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
