from __future__ import annotations

import asyncio

import pytest
from standin_host import Now

from abbey_metrics.feed import Feed, Pace
from abbey_metrics.fetch import StatusError

PACE = Pace(every=60.0, retry=10.0, slowest=35.0, timeout=0.05, keep=100.0)


class Answers:
    """Gives its list one by one; an exception is raised, None comes far too late."""

    def __init__(self, *answers: str | Exception | None) -> None:
        self.answers = list(answers)

    async def __call__(self) -> str:
        answer = self.answers.pop(0)
        if answer is None:
            await asyncio.sleep(10.0)
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
    ("pause", "waits"),
    [(0.0, 10.0), (5.0, 10.0), (90.0, 90.0), (1e12, 140.0)],
)
def test_a_pause_that_is_asked_for_is_kept_unless_it_is_very_long(now: Now, pause: float, waits: float) -> None:
    feed = Feed(Answers("rain", StatusError(429, pause), ValueError("x"), "sun"), PACE, clock=now.clock())
    assert _steps(feed, 4) == [60.0, waits, 20.0, 60.0]


def test_a_fault_of_our_own_is_told_by_its_name_alone_and_the_feed_goes_on(
    now: Now, caplog: pytest.LogCaptureFixture
) -> None:
    feed = Feed(Answers(KeyError("canary"), "sun"), PACE, clock=now.clock())
    assert _steps(feed, 1) == [10.0]
    assert feed.error == "answered something else than expected"
    assert "KeyError" in caplog.text
    assert "canary" not in caplog.text
    assert _steps(feed, 1) == [60.0]
    assert feed.value == "sun"


def test_hosts_that_start_together_do_not_keep_asking_together_and_none_asks_too_soon(
    now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 50:
            raise asyncio.CancelledError

    monkeypatch.setattr("abbey_metrics.feed.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(Feed(Answers(*["rain"] * 50), PACE, clock=now.clock()).run())
    assert all(60.0 <= seconds <= 66.0 for seconds in slept)
    assert len(set(slept)) > 1
