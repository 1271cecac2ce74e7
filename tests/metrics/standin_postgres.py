"""Servers that are no PostgreSQL: one is silent, one asks for the password itself."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

ASKS_FOR_PASSWORD = b"R" + struct.pack("!ii", 8, 3)


@dataclass
class StandinPostgres:
    """It counts who came and who left, and keeps what it was told. Without a `certificate` it is silent."""

    certificate: ssl.SSLContext | None = None
    came: int = 0
    left: int = 0
    told: bytearray = field(default_factory=bytearray)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """Listen inside the context, and give the port."""
        writers: set[asyncio.StreamWriter] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.came += 1
            writers.add(writer)
            try:
                if self.certificate:
                    await self._ask(reader, writer, self.certificate)
                while data := await reader.read(4096):
                    self.told += data
            except (OSError, asyncio.IncompleteReadError):
                pass
            self.left += 1
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for writer in writers:
                writer.close()

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, certificate: ssl.SSLContext
    ) -> None:
        await reader.readexactly(8)  # may I speak TLS?
        writer.write(b"S")
        await writer.start_tls(certificate)
        (size,) = struct.unpack("!i", await reader.readexactly(4))
        await reader.readexactly(size - 4)
        writer.write(ASKS_FOR_PASSWORD)
        await writer.drain()
