"""Many visitors who watch the stream, in a program of their own: `python bench/viewers.py ADDRESS COUNT SECONDS`.

Prints one line of JSON: how many listened, how many events of figures came, the longest silence of any of them in
seconds, and how many of the host's samples the first of them did not see.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Viewer:
    """What one visitor saw. Only the first reads the numbers of the samples: the load is not to be its own."""

    reads: bool
    events: int = 0
    silence: float = 0.0
    numbers: list[int] = field(default_factory=list)

    async def watch(self, url: str, until: float) -> None:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
        writer.write(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.hostname}\r\nAccept: text/event-stream\r\n\r\n".encode()
        )
        figures, heard = False, time.monotonic()
        try:
            while (left := until - time.monotonic()) > 0:
                line = await asyncio.wait_for(reader.readline(), left)
                if not line:
                    raise RuntimeError("the stream ended")
                if line.startswith(b"event:"):
                    figures = line.startswith(b"event: figures")
                elif figures and line.startswith(b"data:"):
                    now = time.monotonic()
                    self.silence, heard = max(self.silence, now - heard), now
                    self.events += 1
                    if self.reads:
                        self._number(json.loads(line[5:]))
        except TimeoutError:
            pass
        finally:
            writer.close()

    def _number(self, figures: dict[str, object]) -> None:
        hosts = figures["hosts"]
        if isinstance(hosts, list) and hosts[0]["figures"]:
            self.numbers.append(hosts[0]["figures"]["seq"])


async def watch(url: str, count: int, seconds: float) -> dict[str, object]:
    """Let so many watch for so long, and return what they saw."""
    viewers = [Viewer(reads=number == 0) for number in range(count)]
    until = time.monotonic() + seconds
    ended = await asyncio.gather(*(one.watch(url, until) for one in viewers), return_exceptions=True)
    first = sorted(set(viewers[0].numbers))
    return {
        "listened": sum(one.events > 0 for one in viewers),
        "broken": sum(isinstance(one, Exception) for one in ended),
        "events": sum(one.events for one in viewers),
        "silence": round(max(one.silence for one in viewers), 2),
        "missed": first[-1] - first[0] + 1 - len(first) if first else None,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(watch(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))))
