"""What listeners get, one by one and many at once, with ears instead of connections."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from awaited import awaited
from served import Ear, monitor
from standin_host import Now, StandinHost

from abbey_metrics import hub as hubs
from abbey_metrics.apps import EVERYTHING, Audience, PortalFile
from abbey_metrics.documents import Weather
from abbey_metrics.feed import Feed
from abbey_metrics.forecast import parse
from abbey_metrics.hub import HEARTBEAT, Hub
from abbey_metrics.monitor import Monitor
from abbey_metrics.weather import PACE

KINDS = ["figures", "platform", "apps", "weather", "forgejo"]
PAST = b"event: past\ndata: {}\n\n"
VISITOR = Audience(admin=False, groups=frozenset())


@pytest.fixture
def made(now: Now, standin_host: StandinHost, tmp_path: Path) -> Monitor:
    found = monitor(now, standin_host, tmp_path)
    found.lab.apps = PortalFile(tmp_path / "portal.json").read()
    return found


@asynccontextmanager
async def listening(hub: Hub, ear: Ear, audience: Audience = EVERYTHING) -> AsyncIterator[None]:
    before = hub.listeners
    task = asyncio.create_task(hub.follow(audience, PAST, ear.receive, ear.send))
    assert await awaited(lambda: hub.listeners > before)
    try:
        yield
    finally:
        ear.go()
        await asyncio.wait_for(task, 10)
    assert hub.listeners == before


async def second(made: Monitor) -> None:
    """Let a second pass, and whatever is sent in it arrive."""
    made.sampler.take()
    await made.publish()
    for _ in range(3):
        await asyncio.sleep(0)


def test_a_listener_gets_the_past_then_everything_then_what_changed(made: Monitor) -> None:
    async def run() -> Ear:
        await second(made)
        ear = Ear()
        async with listening(made.hub, ear):
            await second(made)
            await second(made)
            made.lab.watch.latest = replace(made.lab.watch.latest, at=1.0)
            await second(made)
        return ear

    ear = asyncio.run(run())
    assert ear.text.startswith("retry: 2000\n\nevent: past\n")
    kinds = [kind for kind, _ in ear.events()]
    assert kinds == ["past", *KINDS, "figures", "figures", "figures", "platform"], "apps did not change with the time"
    numbers = [data["seq"] for kind, data in ear.events() if kind == "figures"]
    assert numbers == [1, 2, 3, 4]


def test_events_put_together_are_the_document(made: Monitor) -> None:
    async def run() -> tuple[Ear, bytes]:
        await second(made)
        ear = Ear()
        async with listening(made.hub, ear, VISITOR):
            assert await awaited(ear.events)
        return ear, made.board.lab(VISITOR).body

    ear, body = asyncio.run(run())
    merged: dict[str, object] = {}
    for kind, data in ear.events():
        if kind != "past":
            merged |= data
    assert merged == json.loads(body)


def test_a_slow_listener_skips_what_it_missed_and_holds_nobody_up(made: Monitor) -> None:
    async def run() -> tuple[Ear, Ear]:
        slow, quick = Ear(), Ear()
        slow.hears.clear()
        await second(made)
        async with listening(made.hub, slow), listening(made.hub, quick):
            for _ in range(50):
                await second(made)
            assert slow.heard == []
            slow.hears.set()
            assert await awaited(lambda: len(slow.heard) == 2)
        return slow, quick

    slow, quick = asyncio.run(run())
    assert [data["seq"] for kind, data in slow.events() if kind == "figures"] == [1, 51]
    assert [data["seq"] for kind, data in quick.events() if kind == "figures"] == list(range(1, 52))


def test_visitors_hear_what_they_may_see(made: Monitor) -> None:
    async def run() -> tuple[Ear, Ear]:
        visitor, reader = Ear(), Ear()
        await second(made)
        async with listening(made.hub, visitor, VISITOR), listening(made.hub, reader):
            await second(made)
        return visitor, reader

    visitor, reader = asyncio.run(run())
    assert "stray" not in visitor.text
    assert "stray" in reader.text


def test_silence_is_broken_by_a_heartbeat(made: Monitor, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(beats: int) -> str:
        ear = Ear()
        async with listening(made.hub, ear):
            for _ in range(beats):
                await second(made)
        return ear.text

    heartbeat = HEARTBEAT.decode()
    made.hub._beat = float("inf")
    assert asyncio.run(run(3)).count(heartbeat) == 0
    made.hub._beat = 0.0
    monkeypatch.setattr(hubs, "SILENCE", 0.0)
    assert asyncio.run(run(3)).count(heartbeat) == 3


def test_closing_ends_all_also_those_who_come_later(made: Monitor) -> None:
    async def run() -> list[bool]:
        hub, ears = made.hub, [Ear() for _ in range(4)]
        tasks = [asyncio.create_task(hub.follow(EVERYTHING, PAST, ear.receive, ear.send)) for ear in ears[:3]]
        assert await awaited(lambda: hub.listeners == 3)
        hub.close()
        tasks.append(asyncio.create_task(hub.follow(EVERYTHING, PAST, ears[3].receive, ears[3].send)))
        await asyncio.wait_for(asyncio.gather(*tasks), 10)
        assert hub.listeners == 0
        return [bool(ear.heard[-1].get("more_body")) for ear in ears]

    assert asyncio.run(run()) == [False] * 4


def test_who_goes_while_something_is_sent_leaves_nothing_behind(made: Monitor) -> None:
    async def run() -> int:
        ear = Ear()
        ear.hears.clear()
        async with listening(made.hub, ear):
            await second(made)
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1


def test_a_connection_that_breaks_while_it_is_written_to_is_no_fault(made: Monitor) -> None:
    class Broken(Ear):
        async def send(self, message: object) -> None:
            raise ConnectionResetError

    async def run() -> list[object]:
        faults: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        async with listening(made.hub, Broken()):
            await second(made)
            await second(made)
        gc.collect()
        return faults

    assert asyncio.run(run()) == []


def test_when_it_is_full_it_says_so(made: Monitor) -> None:
    async def run() -> list[bool]:
        hub = Hub(made.board, most=1)
        states = [hub.full]
        async with listening(hub, Ear()):
            states.append(hub.full)
        return [*states, hub.full]

    assert asyncio.run(run()) == [False, True, False]


def test_the_weather_ages_for_everybody_while_nothing_new_comes(made: Monitor, now: Now) -> None:
    async def rains() -> Weather:
        return parse(b'{"current": {"temperature_2m": 4.0}}', place="Berlin")

    async def run() -> tuple[list[float], float]:
        feed = made.lab.weather_feed = Feed(rains, PACE, clock=now.clock())
        await feed.step()
        ear = Ear()
        await second(made)
        async with listening(made.hub, ear):
            for _ in range(4):
                now.pass_(30)
                await second(made)
        ages = [data["weather"]["age"] for kind, data in ear.events() if kind == "weather"]
        return ages, json.loads(made.board.lab(EVERYTHING).body)["weather"]["age"]

    assert asyncio.run(run()) == ([0.0, 60.0, 120.0], 120.0)
