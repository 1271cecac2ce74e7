"""The watch as a whole: every part at its own pace, beside parts that are broken, frozen or away."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import httpx2
import pytest
from awaited import awaited, running
from standin_cgroups import V2, CgroupTree
from standin_docker_api import StandinDocker, listed, long_id
from standin_postgres import StandinPostgres

from abbey_metrics import engine, repeat
from abbey_metrics.aside import Aside
from abbey_metrics.fetch import new_client
from abbey_metrics.platform import ContainerState, Link, Platform
from abbey_metrics.settings import load
from abbey_metrics.watch import Watch

T = TypeVar("T")
A, B = long_id("a"), long_id("b")
HEALTHY = "Up 3 minutes (healthy)"


def _watched(question: Callable[[Watch], Awaitable[T]], **env: str) -> T:
    async def run() -> T:
        client = new_client()
        watch = Watch(load({"ABBEY_HOST": "monk", "ABBEY_PROJECT": "lab"} | env), client)
        try:
            async with running(watch.run()):
                return await question(watch)
        finally:
            await client.aclose()

    return asyncio.run(run())


def _with_docker(standin: StandinDocker, folder: Path, question: Callable[[Watch], Awaitable[T]], **env: str) -> T:
    async def run(watch: Watch) -> T:
        async with standin.serving(folder / "docker.sock"):
            return await question(watch)

    return _watched(run, ABBEY_DOCKER=f"unix://{folder / 'docker.sock'}", **env)


def _states(platform: Platform) -> dict[str, ContainerState]:
    return {one.name: one.state for one in platform.containers.list} if platform.containers else {}


def _error(platform: Platform) -> str:
    return platform.containers.error if platform.containers else "none"


def test_a_host_without_anything_has_its_processes() -> None:
    async def first(watch: Watch) -> tuple[Platform, Platform]:
        before = watch.latest
        assert await awaited(lambda: watch.latest.processes)
        return before, watch.latest

    before, after = _watched(first)
    assert before == Platform("monk", before.at, None, None, None, None, (), None)
    assert before is not after
    assert after.processes
    assert os.getpid() in {process.pid for process in after.processes.top} or after.processes.count > 20
    assert (after.containers, after.tailnet, after.tunnel, after.databases, after.backups) == (
        None,
        None,
        None,
        (),
        None,
    )


def test_what_is_configured_is_told_to_be_unknown_before_it_was_read(tmp_path: Path) -> None:
    async def nothing() -> Platform:
        client = new_client()
        env = {
            "ABBEY_HOST": "monk",
            "ABBEY_DOCKER": "unix:///nowhere",
            "ABBEY_TUNNEL": "cloudflared",
            "ABBEY_TAILNET": "100.64.0.1",
            "ABBEY_DATABASE": "monk=127.0.0.1:1",
            "ABBEY_BACKUPS": str(tmp_path),
        }
        latest = Watch(load(env), client).latest
        await client.aclose()
        return latest

    found = asyncio.run(nothing())
    assert found.tunnel
    assert found.tailnet
    assert found.containers
    assert found.backups
    assert {found.tunnel.state, found.tailnet.state, found.databases[0].state} == {Link.UNKNOWN}
    assert (found.containers.at, found.backups.at, found.tunnel.at) == (None, None, None)


def test_containers_of_the_lab_with_their_use_app_and_image(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path, V2)
    tree.container(f"system.slice/docker-{A}.scope", cpu=3.0, memory=900, inactive=100, limit=5000)
    portal = tmp_path / "portal.json"
    portal.write_text(json.dumps({"groups": [{"apps": [{"name": "code", "services": ["forgejo"]}]}]}))
    standin = StandinDocker(
        [
            listed(A, "lab-forgejo-1", service="forgejo", status=HEALTHY, ImageID="sha256:1"),
            listed(B, "lab-cloudflared-1", service="cloudflared", status=HEALTHY),
        ],
        [{"Id": "sha256:1", "Created": 1_700_000_000}],
    )

    async def whole(watch: Watch) -> Platform:
        assert await awaited(
            lambda: (
                watch.latest.containers
                and any(one.app and one.image_age and one.cpu is not None for one in watch.latest.containers.list)
            )
        )
        return watch.latest

    found = _with_docker(
        standin, tmp_path, whole, ABBEY_ROOTFS=str(tmp_path), ABBEY_PORTAL=str(portal), ABBEY_TUNNEL="cloudflared"
    )
    assert found.containers
    assert found.containers.error == ""
    code = found.containers.list[1]
    assert (code.name, code.app, code.memory, code.memory_limit, code.cpu) == ("lab-forgejo-1", "code", 800, 5000, 0.0)
    assert found.tunnel
    assert (found.tunnel.state, found.tunnel.error) == (Link.UP, "")
    assert set(standin.asked) - {target for target in standin.asked if target.startswith("/events?")} == {
        "/containers/json?all=1",
        "/images/json",
    }


def test_a_portal_that_changed_is_read_again_and_a_broken_one_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "OWNERS", replace(engine.OWNERS, every=0.05, retry=0.05))
    portal = tmp_path / "portal.json"
    portal.write_text("{broken")
    standin = StandinDocker([listed(A, "lab-forgejo-1", service="forgejo")])

    async def changed(watch: Watch) -> tuple[str, str]:
        assert await awaited(lambda: "portal.json" in _error(watch.latest) and _states(watch.latest))
        broken = _error(watch.latest)
        portal.write_text(json.dumps({"groups": [{"apps": [{"name": "code", "services": ["forgejo"]}]}]}))
        assert await awaited(lambda: watch.latest.containers and watch.latest.containers.list[0].app)
        return broken, watch.latest.containers.list[0].app if watch.latest.containers else ""

    broken, app = _with_docker(
        standin, tmp_path, changed, ABBEY_PORTAL=str(portal), ABBEY_ROOTFS=str(CgroupTree(tmp_path, V2).rootfs)
    )
    assert (broken, app) == ("portal.json: answered something else than expected", "code")


def test_an_event_makes_the_list_new_at_once_and_counts_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LIST", replace(engine.LIST, every=3600.0))
    standin = StandinDocker([listed(A, "one", status=HEALTHY)])

    async def restarted(watch: Watch) -> int:
        assert await awaited(lambda: _states(watch.latest) and standin.streams)
        standin.containers[0]["Status"] = "Up 1 second (unhealthy)"
        now = watch.latest.at
        standin.happens("die", A, at=now - 2, exitCode="1")
        standin.happens("start", A, at=now - 1)
        assert await awaited(lambda: _states(watch.latest) == {"one": ContainerState.UNHEALTHY})
        assert watch.latest.containers
        return watch.latest.containers.list[0].restarts

    assert _with_docker(standin, tmp_path, restarted) == 1


def test_events_during_a_lost_connection_are_asked_for_afterwards(tmp_path: Path) -> None:
    standin = StandinDocker([listed(A, "one")])

    async def again(watch: Watch) -> int:
        assert await awaited(lambda: standin.streams)
        now = watch.latest.at
        standin.happens("die", A, at=now - 4)
        standin.happens("start", A, at=now - 3)
        assert await awaited(lambda: watch.latest.containers and watch.latest.containers.list[0].restarts == 1)
        standin.hang_up()
        standin.happens("die", A, at=now - 2)
        standin.happens("start", A, at=now - 1)
        assert await awaited(lambda: watch.latest.containers and watch.latest.containers.list[0].restarts != 1)
        return watch.latest.containers.list[0].restarts if watch.latest.containers else 0

    assert _with_docker(standin, tmp_path, again) == 2


def test_a_docker_that_goes_away_leaves_the_last_list_and_makes_the_tunnel_unknown(tmp_path: Path) -> None:
    standin = StandinDocker([listed(A, "lab-cloudflared-1", service="cloudflared", status=HEALTHY)])

    async def away(watch: Watch) -> tuple[Platform, Platform]:
        async with standin.serving(tmp_path / "docker.sock"):
            assert await awaited(lambda: watch.latest.tunnel and watch.latest.tunnel.state is Link.UP)
            there = watch.latest
            # A change makes the list new at once, and then it fails.
            standin.broken["/containers/json"] = 500
            standin.happens("die", B, at=watch.latest.at)
            assert await awaited(lambda: watch.latest.tunnel and watch.latest.tunnel.state is Link.UNKNOWN)
        return there, watch.latest

    there, gone = _watched(away, ABBEY_DOCKER=f"unix://{tmp_path / 'docker.sock'}", ABBEY_TUNNEL="cloudflared")
    assert _states(there) == _states(gone) == {"lab-cloudflared-1": ContainerState.UP}
    assert gone.containers
    assert there.containers
    assert (gone.containers.error, gone.containers.at) == ("Docker answered 500", there.containers.at)
    assert gone.tunnel
    assert gone.tunnel.error == "Docker answered 500"


@pytest.mark.parametrize("status", [403, None])
def test_without_events_containers_are_listed_nevertheless(tmp_path: Path, status: int | None) -> None:
    standin = StandinDocker([listed(A, "one")], broken={"/events": status})

    async def shown(watch: Watch) -> str:
        assert await awaited(lambda: _states(watch.latest))
        assert await awaited(lambda: any(target.startswith("/events") for target in standin.asked))
        if status:
            assert await awaited(lambda: "events" in _error(watch.latest))
        return _error(watch.latest)

    error = _with_docker(standin, tmp_path, shown, ABBEY_ROOTFS=str(CgroupTree(tmp_path, V2).rootfs))
    assert error == ("Docker's report of events answered 403" if status else "")


def test_a_docker_reached_by_http_is_asked_with_the_common_client() -> None:
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(200, json=[listed(A, "one")] if "containers" in str(request.url) else [])

    async def run() -> Platform:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as client:
            watch = Watch(load({"ABBEY_HOST": "monk", "ABBEY_DOCKER": "http://127.0.0.1:2375"}), client)
            async with running(watch.run()):
                assert await awaited(lambda: _states(watch.latest))
            assert not client.is_closed
        return watch.latest

    assert _states(asyncio.run(run())) == {"one": ContainerState.UP}
    assert "http://127.0.0.1:2375/containers/json?all=1" in asked


def test_parts_that_hang_hold_nobody_and_the_end_comes_nevertheless(tmp_path: Path) -> None:
    receipts = tmp_path / "receipts"
    receipts.mkdir()
    (receipts / "backup-a.json").write_text('{"name": "a", "at": 5, "ok": true}')

    async def all_(watch: Watch) -> Platform:
        assert await awaited(
            lambda: (
                watch.latest.processes
                and watch.latest.tailnet
                and watch.latest.tailnet.state is Link.UP
                and watch.latest.backups
                and watch.latest.backups.list
            )
        )
        return watch.latest

    async def run() -> Platform:
        silent = StandinPostgres()
        standin = StandinDocker(broken=dict.fromkeys(("/containers/json", "/images/json", "/events")))
        portal = tmp_path / "portal.json"
        os.mkfifo(portal)  # whoever opens it waits until somebody writes
        env = {
            "ABBEY_HOST": "monk",
            "ABBEY_TAILNET": "127.0.0.1",
            "ABBEY_BACKUPS": str(receipts),
            "ABBEY_DOCKER": f"unix://{tmp_path / 'docker.sock'}",
            "ABBEY_PORTAL": str(portal),
        }
        async with silent.serving() as port, standin.serving(tmp_path / "docker.sock"), new_client() as client:
            watch = Watch(load(env | {"ABBEY_DATABASE": f"monk=127.0.0.1:{port}"}), client)
            async with running(watch.run()):
                found = await all_(watch)
                assert await awaited(lambda: silent.came and len(standin.asked) >= 3)
            assert await awaited(lambda: silent.left == silent.came)
        portal.write_text("{}")  # frees the thread that waits
        return found

    found = asyncio.run(run())
    assert found.containers
    assert found.containers.list == ()
    assert found.backups
    assert [one.name for one in found.backups.list] == ["a"]


def test_a_part_that_fails_otherwise_is_logged_and_others_go_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(repeat, "AFTER_A_FAULT", 0.0)
    ran = []

    async def broken() -> float:
        ran.append("broken")
        raise KeyError("a fault")

    async def run() -> None:
        async with running(repeat.repeat(broken)):
            await awaited(lambda: len(ran) >= 2)

    asyncio.run(run())
    assert len(ran) >= 2
    assert "a part of the figures failed" in caplog.text


def test_one_read_at_a_time_and_an_abandoned_one_keeps_the_place() -> None:
    free = threading.Event()

    faults: list[object] = []

    async def run() -> tuple[str, str]:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))
        aside = Aside()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await aside(free.wait)
        with pytest.raises(TimeoutError, match="has not come back"):
            await aside(lambda: "second")
        free.set()
        results: list[str] = []
        while not results:
            await asyncio.sleep(0.01)
            try:
                results.append(await aside(lambda: "third"))
            except TimeoutError:
                continue
        with pytest.raises(ValueError, match="its own"):
            await aside(_raise)
        return results[0], await aside(lambda: "fourth")

    assert asyncio.run(run()) == ("third", "fourth")
    assert faults == []


def _raise() -> None:
    raise ValueError("its own")


def test_a_thread_that_comes_back_after_the_end_is_no_fault() -> None:
    free = threading.Event()

    async def run() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await Aside()(free.wait)

    asyncio.run(run())
    before = [thread for thread in threading.enumerate() if thread.name == "aside"]
    free.set()
    for thread in before:
        thread.join(30)
    assert before


def test_a_program_ends_although_a_read_hangs() -> None:
    script = """
import asyncio, threading
from abbey_metrics.aside import Aside

async def main():
    try:
        async with asyncio.timeout(0.05):
            await Aside()(threading.Event().wait)
    except TimeoutError:
        print("gave up")

asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("gave up\n", 0), done.stderr
