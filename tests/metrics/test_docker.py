"""What is asked of Docker, and what is made of its answers and events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import httpx2
import pytest
from standin_docker_api import StandinDocker, listed, long_id

from abbey_metrics.docker import LONGEST_EVENT, Docker, Event
from abbey_metrics.restarts import DAY, MOST_CONTAINERS, Restarts

T = TypeVar("T")
A, B = long_id("a"), long_id("b")
NOW = 1_700_000_000.0


def _ask(standin: StandinDocker, socket: Path, question: Callable[[Docker], Awaitable[T]]) -> T:
    async def run() -> T:
        async with standin.serving(socket) as address, httpx2.AsyncClient() as client:
            docker = Docker(address, client)
            try:
                return await question(docker)
            finally:
                await docker.close()

    return asyncio.run(run())


def test_only_lists_are_asked_for(tmp_path: Path) -> None:
    standin = StandinDocker([listed(A, "one")], [{"Id": "sha256:1", "RepoTags": ["x:1"], "Created": 5}])

    async def both(docker: Docker) -> tuple[str, dict[str, int]]:
        return (await docker.containers())[0].id, await docker.images()

    assert _ask(standin, tmp_path / "d", both) == (A, {"sha256:1": 5, "x:1": 5})
    assert standin.asked == ["/containers/json?all=1", "/images/json"]


def test_what_docker_leaves_out_is_no_fault(tmp_path: Path) -> None:
    bare = {"Id": A, "Names": None, "Labels": None}
    standin = StandinDocker([bare], [{"Id": "sha256:1", "RepoTags": None}])

    async def both(docker: Docker) -> tuple[str, dict[str, int]]:
        return (await docker.containers())[0].status, await docker.images()

    assert _ask(standin, tmp_path / "d", both) == ("", {"sha256:1": 0})


def test_a_refusal_and_an_answer_of_another_kind_are_errors(tmp_path: Path) -> None:
    refusing = StandinDocker(broken={"/containers/json": 403})
    with pytest.raises(ValueError, match="answered 403"):
        _ask(refusing, tmp_path / "d", lambda docker: docker.containers())
    with pytest.raises(ValueError, match="answered 403"):
        _ask(StandinDocker(broken={"/events": 403}), tmp_path / "d", _first)
    with pytest.raises(ValueError, match="validation error"):
        _ask(StandinDocker([{"Id": 5}]), tmp_path / "d", lambda docker: docker.containers())


async def _first(docker: Docker) -> Event:
    async with contextlib.aclosing(docker.events("0.0")) as events:
        async for event in events:
            return event
    raise AssertionError("no event")


def test_events_come_with_what_they_are_about(tmp_path: Path) -> None:
    standin = StandinDocker()
    standin.happens("kill", A, at=NOW, signal="9", image="x")
    event = _ask(standin, tmp_path / "d", _first)
    assert event == Event("kill", A, int(NOW) * 10**9, {"signal": "9", "image": "x"})


def test_commands_of_health_checks_are_not_asked_for(tmp_path: Path) -> None:
    standin = StandinDocker()
    standin.happens("exec_create: psql --password=secret", A, at=NOW)
    standin.happens("health_status: unhealthy", A, at=NOW)
    assert _ask(standin, tmp_path / "d", _first).action == "health_status: unhealthy"


def test_an_event_without_end_is_not_kept(tmp_path: Path) -> None:
    standin = StandinDocker()
    standin.happens("die", A, at=NOW, label="x" * (2 * LONGEST_EVENT))

    async def endless(docker: Docker) -> Event:
        standin.happened[0]["Actor"]["Attributes"]["label"] *= 2
        return await _first(docker)

    with pytest.raises(ValueError, match="answered an event without end"):
        _ask(standin, tmp_path / "d", endless)


def _after(*actions: str, signal: str = "", span: float = 1.0) -> int:
    restarts = Restarts()
    for number, action in enumerate(actions):
        restarts.take(Event(action, A, int((NOW + number * span) * 1e9), {"signal": signal}))
    return restarts.count(A, NOW + 100)


def test_a_container_that_dies_and_starts_has_restarted() -> None:
    assert _after("create", "start", "die", "start", "die", "start") == 2


def test_what_somebody_asked_for_is_no_restart() -> None:
    assert _after("start", "kill", "die", "stop", "start", signal="15") == 0  # docker stop, docker start
    assert _after("start", "kill", "die", "stop", "start", "restart", signal="15") == 0  # docker restart
    assert _after("start", "kill", "die", "start", signal="9") == 0  # docker kill, docker start
    assert _after("start", "die", "stop", "start") == 0  # it ended in the moment in which it was stopped
    assert _after("die", "start", "restart") == 0  # an engine that tells of no stop in between


def test_a_signal_to_read_files_anew_explains_no_death() -> None:
    assert _after("start", "kill", "die", "start", signal="1") == 1


def test_a_start_long_after_a_death_was_somebodys() -> None:
    assert _after("start", "die", "start", span=200.0) == 0


def test_restarts_are_of_the_last_day_and_of_containers_that_are_there() -> None:
    restarts = Restarts()
    for at in (NOW, NOW + 3600):
        restarts.take(Event("die", A, int(at * 1e9)))
        restarts.take(Event("start", A, int((at + 1) * 1e9)))
    assert [restarts.count(A, NOW + later) for later in (3602, DAY + 60, DAY + 3700)] == [2, 1, 0]
    restarts.take(Event("die", A, int((NOW + 7200) * 1e9)))
    restarts.take(Event("start", A, int((NOW + 7201) * 1e9)))
    restarts.take(Event("destroy", A, int((NOW + 7202) * 1e9)))
    assert restarts.count(A, NOW + 7203) == 0


def test_an_event_that_is_told_again_counts_once() -> None:
    restarts = Restarts()
    assert restarts.since(NOW) == f"{int(NOW - DAY)}.000000000"
    events = [Event("die", A, 10**18 + 1), Event("start", A, 10**18 + 2)]
    for event in events + events:
        restarts.take(event)
    assert restarts.count(A, 1e9) == 1
    assert restarts.since(1e9 + 60) == "1000000000.000000002"


def test_what_is_remembered_of_restarts_is_bounded() -> None:
    restarts = Restarts()
    ids = [f"{number:064x}" for number in range(MOST_CONTAINERS + 1)]
    for number, id_ in enumerate(ids):
        restarts.take(Event("die", id_, number + 1))
    for number, id_ in enumerate((ids[1], ids[0])):
        restarts.take(Event("start", id_, 10**6 + number))
    assert [restarts.count(id_, 60.0) for id_ in ids[:2]] == [0, 1]
