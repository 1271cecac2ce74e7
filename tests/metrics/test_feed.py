from __future__ import annotations

import asyncio

import httpx2
import pytest
from standin_host import Now

from abbey_metrics.documents import HostState
from abbey_metrics.feed import Feed, Pace
from abbey_metrics.fetch import LARGEST, explain, get
from abbey_metrics.peers import peer_feed, peer_view
from abbey_metrics.settings import Peer

PACE = Pace(every=60.0, retry=10.0, slowest=35.0, timeout=0.05, keep=100.0)


class Answers:
    """Gives its list one by one; an exception is raised, None hangs."""

    def __init__(self, *answers: str | Exception | None) -> None:
        self.answers = list(answers)

    async def __call__(self) -> str:
        answer = self.answers.pop(0)
        if answer is None:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return str(answer)


def _steps(feed: Feed[str], count: int) -> list[float]:
    waits = []
    for _ in range(count):
        asyncio.run(feed.step())
        waits.append(feed.wait())
    return waits


def test_failures_wait_longer_and_longer_up_to_the_slowest(now: Now) -> None:
    feed = Feed(Answers("rain", *[ValueError("answered 500")] * 4, "sun"), PACE, clock=now.clock())
    assert _steps(feed, 6) == [60.0, 10.0, 20.0, 35.0, 35.0, 60.0]


def test_a_value_stays_while_newer_ones_fail_until_it_is_too_old(now: Now) -> None:
    feed = Feed(Answers("rain", None), PACE, clock=now.clock())
    _steps(feed, 1)
    now.pass_(90.0)
    _steps(feed, 1)
    assert (feed.value, feed.age, feed.error) == ("rain", 90.0, "did not answer in time")
    now.pass_(11.0)
    assert feed.value is None
    assert feed.age == 101.0


def test_many_failures_do_not_overflow(now: Now) -> None:
    feed = Feed(Answers(), PACE, clock=now.clock())
    feed.failures = 10**6
    assert feed.wait() == 35.0


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx2.ConnectError("http://canary@host"), "was not reached"),
        (httpx2.ReadTimeout("canary"), "did not answer in time"),
        (FileNotFoundError(2, "No such file or directory", "/canary"), "a file could not be read"),
        (ValueError("answered 429"), "answered 429"),
        (ValueError("canary"), "answered something else than expected"),
    ],
)
def test_errors_are_words_and_tell_no_address(error: Exception, words: str) -> None:
    assert explain(error).startswith(words)
    assert "canary" not in explain(error)


def _client(handler: object) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.MockTransport(handler))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "answer",
    [httpx2.Response(302, headers={"Location": "http://x"}), httpx2.Response(200, content=b"x" * (LARGEST + 1))],
)
def test_redirects_and_huge_answers_are_refused(answer: httpx2.Response) -> None:
    async def run() -> bytes:
        async with _client(lambda request: answer) as client:
            return await get(client, "http://peer")

    with pytest.raises(ValueError, match="answered"):
        asyncio.run(run())


def test_a_peer_is_away_after_two_lost_answers_and_under_its_own_name_only() -> None:
    body = (
        '{"host":"%s","seq":1,"at":1,"uptime":1,"cpu":null,"memory":null,"swap":null,"disks":[],'
        '"network":null,"disk_io":null,"temperatures":[],"missing":[],"newer":1}'
    )
    answers = iter(["kscloud1", "", "monk", "kscloud1"])

    def handler(_: httpx2.Request) -> httpx2.Response:
        name = next(answers)
        return httpx2.Response(200, text=body % name) if name else httpx2.Response(502)

    async def run() -> list[tuple[HostState, str, bool, bool]]:
        async with _client(handler) as client:
            feed = peer_feed(client, Peer("kscloud1", "http://peer"))
            seen = []
            for _ in range(4):
                await feed.step()
                view = peer_view("kscloud1", feed)
                seen.append((view.state, view.error, view.away_since is not None, view.figures is not None))
            return seen

    assert asyncio.run(run()) == [
        (HostState.UP, "", False, True),
        (HostState.UP, "answered 502", False, True),
        (HostState.AWAY, "answered as monk", True, True),
        (HostState.UP, "", False, True),
    ]
