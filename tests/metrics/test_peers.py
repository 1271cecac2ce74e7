"""What is asked of the other hosts, what comes back, and what becomes of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest
from awaited import awaited
from real_metrics import PATIENCE, eventually, serving
from served import monitor
from standin_host import Now, StandinHost

from abbey_metrics.documents import HostState, People, Preferences, Range
from abbey_metrics.figures import HostFigures
from abbey_metrics.peers import host_view, neighbour, peer_client, platform_view
from abbey_metrics.settings import load
from abbey_metrics.words import Peer
from loopback import free_ports

FIGURES = (
    '{"host":"%s","seq":1,"at":1,"uptime":1,"cpu":null,"memory":null,"swap":null,"disks":[],'
    '"network":null,"disk_io":null,"temperatures":[],"missing":[],"newer":1}'
)
PLATFORM = (
    '{"host":"%s","at":1,"processes":null,"containers":null,"tailnet":null,"tunnel":null,"databases":[],"backups":null}'
)
PEER = Peer("kscloud1", "http://peer")


def _client(handler: object) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.MockTransport(handler))  # type: ignore[arg-type]


def test_a_peer_is_away_after_two_lost_answers_and_under_its_own_name_only() -> None:
    answers = iter(["kscloud1", "", "monk", "kscloud1"])

    def handler(_: httpx2.Request) -> httpx2.Response:
        name = next(answers)
        return httpx2.Response(200, text=FIGURES % name) if name else httpx2.Response(502)

    async def run() -> list[tuple[HostState, str, bool, bool]]:
        async with _client(handler) as client:
            peer = neighbour(client, PEER)
            seen = []
            for _ in range(4):
                await peer.figures.step()
                view = host_view(peer)
                seen.append((view.state, view.error, view.away_since is not None, view.figures is not None))
            return seen

    assert asyncio.run(run()) == [
        (HostState.UP, "", False, True),
        (HostState.UP, "answered 502", False, True),
        (HostState.AWAY, "answered as monk", True, True),
        (HostState.UP, "", False, True),
    ]


def test_what_runs_there_is_kept_with_its_age() -> None:
    answers = iter([PLATFORM % "monk", PLATFORM % "kscloud1", "{}"])

    async def run() -> list[tuple[bool, str]]:
        async with _client(lambda _: httpx2.Response(200, text=next(answers))) as client:
            peer = neighbour(client, PEER)
            assert platform_view(peer).age is None
            seen = []
            for _ in range(3):
                await peer.platform.step()
                seen.append((platform_view(peer).platform is not None, peer.platform.error))
            return seen

    assert asyncio.run(run()) == [
        (False, "answered as monk"),
        (True, ""),
        (True, "answered something else than expected"),
    ]


def test_everybodys_choices_are_fetched_again_only_when_they_changed() -> None:
    asked: list[str | None] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.headers.get("if-none-match"))
        if asked[-1] == '"2"':
            return httpx2.Response(304)
        body = {"host": "kscloud1", "people": {"vera": {"at": len(asked)}}}
        return httpx2.Response(200, json=body, headers={"ETag": f'"{len(asked)}"'})

    async def run() -> list[People | None]:
        async with _client(handler) as client:
            people = neighbour(client, PEER).people
            found = []
            for _ in range(4):
                await people.step()
                found.append(people.value)
            return found

    first, second, third, fourth = asyncio.run(run())
    assert asked == [None, '"1"', '"2"', '"2"']
    assert first
    assert second
    assert second.people == {"vera": Preferences(2.0)}
    assert second is third is fourth


def test_the_other_hosts_are_asked_from_the_address_in_the_private_network() -> None:
    async def run() -> list[str]:
        sources: list[str] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            sources.append(writer.get_extra_info("peername")[0])
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        for tailnet in ("127.0.0.7", ""):
            peers = f"kscloud1=http://127.0.0.1:{port}"
            settings = load({"ABBEY_HOST": "monk", "ABBEY_TAILNET": tailnet, "ABBEY_PEERS": peers})
            async with peer_client(settings) as client:
                await neighbour(client, settings.peers[0]).figures.step()
        assert await awaited(lambda: len(sources) == 2)
        server.close()
        return sources

    assert asyncio.run(run()) == ["127.0.0.7", "127.0.0.1"]


def test_figures_of_others_go_into_the_history_once(now: Now, standin_host: StandinHost) -> None:
    made = monitor(now, standin_host)
    (peer,) = made.lab.neighbours
    sample = HostFigures("kscloud1", 1, now.wall, 1.0, None, None, None, (), None, None, (), ())
    peer.figures._fetch = lambda: asyncio.sleep(0, sample)
    added: list[HostFigures] = []
    remember = made.history.add

    def add(figures: HostFigures) -> None:
        added.append(figures)
        remember(figures)

    made.history.add = add  # type: ignore[method-assign]

    async def run() -> None:
        await peer.figures.step()
        made.sampler.take()
        for _ in range(3):
            await made.publish()

    asyncio.run(run())
    assert [figures.host for figures in added] == ["monk", "kscloud1"]
    assert made.history.past("kscloud1", Range.MINUTES).host == "kscloud1"


@pytest.mark.process
def test_two_hosts_know_each_others_figures_and_choices(tmp_path: Path) -> None:
    here, there = free_ports(2)
    portal = {"ABBEY_GATEWAYS": "127.0.0.9/32", "ABBEY_TAILNET": "127.0.0.3"}
    peers = {"ABBEY_PEERS": f"monk=http://127.0.0.1:{here}", "ABBEY_STATE": str(tmp_path)}
    vera = {"X-Authentik-Username": "vera"}
    visitor = httpx2.HTTPTransport(local_address="127.0.0.9")
    with (
        httpx2.Client(transport=visitor, headers=vera, timeout=PATIENCE) as ask,
        serving(there, ABBEY_HOST="kscloud1", **portal, **peers),
    ):
        chosen = {"at": 1.0, "favourites": ["photos"]}
        assert ask.put(f"http://127.0.0.1:{there}/api/v1/me/preferences", json=chosen).status_code == 200
        with serving(here, ABBEY_PEERS=f"kscloud1=http://127.0.0.1:{there}", **portal):
            url = f"http://127.0.0.1:{here}/api/v1"
            eventually(lambda: ask.get(f"{url}/me").json()["preferences"])
            assert ask.get(f"{url}/me").json()["preferences"]["favourites"] == ["photos"]
            eventually(lambda: all(host["figures"] for host in ask.get(f"{url}/lab").json()["hosts"]))
            eventually(lambda: all(host["platform"] for host in ask.get(f"{url}/lab").json()["platforms"]))
            eventually(lambda: any(ask.get(f"{url}/history?host=kscloud1").json()["columns"]["memory"]))
