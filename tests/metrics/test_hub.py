from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from abbey_metrics.hub import HEARTBEAT, RETRY, Hub, HubFullError


async def _next(events: AsyncIterator[bytes]) -> bytes:
    return await asyncio.wait_for(anext(events), 10)


def test_a_listener_gets_the_newest_event_and_skips_what_it_missed() -> None:
    async def run() -> list[bytes]:
        hub = Hub()
        hub.publish("lab", "monk-1", b"{}")
        events = hub.join()
        got = [await _next(events), await _next(events)]
        for number in range(2, 100):
            hub.publish("lab", f"monk-{number}", b"{}")
        got.append(await _next(events))
        hub.close()
        return got + [event async for event in events]

    assert asyncio.run(run()) == [
        RETRY,
        b"id: monk-1\nevent: lab\ndata: {}\n\n",
        b"id: monk-99\nevent: lab\ndata: {}\n\n",
    ]


def test_silence_is_broken_by_a_heartbeat() -> None:
    async def run() -> bytes:
        events = Hub(silence=0.01).join()
        await _next(events)
        return await _next(events)

    assert asyncio.run(run()) == HEARTBEAT


def test_closing_ends_those_who_wait() -> None:
    async def run() -> tuple[int, int]:
        hub = Hub()
        streams = [hub.join() for _ in range(3)]
        for stream in streams:
            await _next(stream)
        waiting = [asyncio.create_task(_all(stream)) for stream in streams]
        listening = hub.listeners
        hub.close()
        await asyncio.wait_for(asyncio.gather(*waiting), 10)
        return listening, hub.listeners

    assert asyncio.run(run()) == (3, 0)


async def _all(stream: AsyncIterator[bytes]) -> list[bytes]:
    return [event async for event in stream]


def test_too_many_listeners_are_refused() -> None:
    async def run() -> None:
        hub = Hub(most=1)
        first = hub.join()
        await _next(first)
        with pytest.raises(HubFullError):
            hub.join()

    asyncio.run(run())
