"""The API as somebody at an address finds it, without a server in between."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from standin_host import Now, StandinHost
from starlette.testclient import TestClient

from abbey_metrics.answer import Message
from abbey_metrics.front import Front
from abbey_metrics.monitor import Monitor
from abbey_metrics.settings import load
from standin_platform import standin_platform

GATEWAY = "172.30.4.7"
READER = "127.0.0.1"
PORTAL = {
    "groups": [
        {"apps": [{"name": "photos", "groups": [], "services": ["photos", "photos-db"]}]},
        {
            "apps": [
                {"name": "forgejo", "groups": ["coders", "homelab-admin"], "services": ["forgejo"]},
                {"name": "books", "groups": ["family"], "services": ["books"]},
            ]
        },
    ]
}


def monitor(now: Now, host: StandinHost, folder: Path | None = None, **env: str) -> Monitor:
    """Return the parts of a service that is asked by the portal in 172.30.4.0/24, with one sample taken."""
    told = {"ABBEY_HOST": "monk", "ABBEY_GATEWAYS": "172.30.4.0/24", "ABBEY_PEERS": "kscloud1=http://100.64.0.2:1"}
    if folder:
        (folder / "portal.json").write_text(json.dumps(PORTAL))
        told["ABBEY_PORTAL"] = str(folder / "portal.json")
    made = Monitor(load({**told, **env}), sources=host.sources(), clock=now.clock())
    made.lab.watch.latest = standin_platform()
    return made


def publish(made: Monitor) -> None:
    """Let the next second come."""
    made.sampler.take()
    asyncio.run(made.publish())


class Asker:
    """Asks from an address, as one who is signed in where a name is given."""

    def __init__(self, made: Monitor, source: str = READER, *, name: str = "", groups: str = "") -> None:
        headers = {}
        if name:
            headers = {"X-Authentik-Username": name, "X-Authentik-Groups": groups}
        self._client = TestClient(
            Front(made), base_url="http://127.0.0.1:9101", headers=headers, client=(source, 40000)
        )

    def __call__(self, path: str, method: str = "GET", **more: Any) -> Any:
        return self._client.request(method, path, **more)

    def json(self, path: str, **more: Any) -> Any:
        answer = self(path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()


class Ear:
    """The far end of a stream: keeps what is sent, takes nothing while `deaf`, and goes when told."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.hears = asyncio.Event()
        self.hears.set()
        self._gone = asyncio.Event()

    async def send(self, message: Message) -> None:
        await self.hears.wait()
        self.heard.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._gone.set()

    async def receive(self) -> Message:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    def go(self) -> None:
        self._gone.set()

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.heard).decode()

    def events(self) -> list[tuple[str, Any]]:
        """Return the kinds and data of the events that came."""
        found = []
        for block in self.text.split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if "event" in lines:
                found.append((lines["event"], json.loads(lines["data"])))
        return found
