"""What is fetched comes from others, who hang, lie, flood and break off: nobody waits for them, or is shown it."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
import standin_upstream as upstream
from standin_host import Now
from standin_upstream import Behaviour, StandinUpstream, answers

from abbey_metrics import forgejo, weather
from abbey_metrics.feed import Feed
from abbey_metrics.fetch import new_client
from abbey_metrics.settings import ForgejoSettings, WeatherSettings
from loopback import free_port

# Far less than what a test may take: only behaviours that never end are waited for so long.
SOON = 0.3
PATIENCE = 60.0

WEATHER = {"current": {"temperature_2m": 11.5, "weather_code": 61}}
ENTRY = {"op_type": "create_issue", "created": "2026-11-23T13:00:00Z", "content": "12|It squeaks"}
FORGEJO = upstream.by_path(("/heatmap", answers([])), ("/activities", answers([ENTRY])))

UNREADABLE = "answered something else than expected"
IN_TIME = "did not answer in time"
BROKEN = "broke off its answer"
UNREACHED = "was not reached"


@dataclass(frozen=True)
class Subject:
    """What is fetched from a stand-in: how to make its feed, and what makes the feed happy."""

    feed: Callable[[httpx2.AsyncClient, str, Now], Feed[Any]]
    good: Behaviour


@pytest.fixture(params=["weather", "forgejo"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    token = tmp_path / "token"
    token.write_text("canary-token\n")

    def of_weather(client: httpx2.AsyncClient, url: str, now: Now) -> Feed[Any]:
        return weather.weather_feed(client, WeatherSettings(52.52, 13.41, "Berlin", url), clock=now.clock())

    def of_forgejo(client: httpx2.AsyncClient, url: str, now: Now) -> Feed[Any]:
        return forgejo.forgejo_feed(client, ForgejoSettings(url, "brother", token, ""), "UTC", clock=now.clock())

    return Subject(of_weather, answers(WEATHER)) if request.param == "weather" else Subject(of_forgejo, FORGEJO)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weather, "PACE", replace(weather.PACE, timeout=SOON))
    monkeypatch.setattr(forgejo, "PACE", replace(forgejo.PACE, timeout=SOON))


def _error_after(subject: Subject, now: Now, bad: Behaviour) -> str:
    """Return what a feed says of a bad answer that came two minutes after a good one; hold it to the good one."""

    async def run(server: StandinUpstream) -> str:
        async with new_client() as client:
            feed = subject.feed(client, f"{server.url}/canary", now)
            await feed.step()
            value = feed.value
            assert value is not None, feed.error
            now.pass_(120.0)
            server.behaviour = bad
            await feed.step()
            assert (feed.value, feed.age, feed.failures) == (value, 120.0, 1)
            error = feed.error
            server.behaviour = subject.good
            await feed.step()
            assert (feed.value, feed.age, feed.error) == (value, 0.0, "")
            return error

    with StandinUpstream(subject.good) as server:
        return asyncio.run(run(server))


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (answers("canary", "500 canary"), "answered 500"),
        (answers("{}", "204 canary"), "answered 204"),
        (answers("canary", "302 Found", "Location: /elsewhere"), "answered 302"),
        (answers("canary", "429 canary", "Retry-After: 1e999"), "answered 429"),
        (answers("<html>canary</html>", "200 OK", "Content-Type: text/html"), UNREADABLE),
        (answers(""), UNREADABLE),
        (answers('"canary"'), UNREADABLE),
        (answers("null"), UNREADABLE),
        (answers({"error": True, "reason": "canary"}), UNREADABLE),
        (answers('{"current":' * 20_000), UNREADABLE),
        (answers("[" * 200_000), UNREADABLE),
        (answers(b'{"current": {"temperature_2m": 1, "canary": "\xff\xfe"}}'), UNREADABLE),
        (answers('[{"canary": "\\ud800"}'), UNREADABLE),
        (answers("9" * 200_000), UNREADABLE),
        (answers("[" + "null," * 40_000 + '"canary"'), UNREADABLE),
        (upstream.is_cut, BROKEN),
        (upstream.is_reset, BROKEN),
        (upstream.leaves, BROKEN),
        (upstream.speaks_something_else, BROKEN),
        (upstream.floods_headers, BROKEN),
        (upstream.sends_a_bomb, "answered in a compressed form"),
    ],
)
def test_a_bad_answer_is_told_in_a_word_and_the_last_good_one_stays_with_its_age(
    subject: Subject, now: Now, bad: Behaviour, error: str
) -> None:
    assert _error_after(subject, now, bad) == error


@pytest.mark.parametrize("bad", [upstream.floods, upstream.floods_chunks])
def test_an_answer_without_end_is_given_up_by_its_size(subject: Subject, now: Now, bad: Behaviour) -> None:
    assert _error_after(subject, now, bad).startswith("answered more than ")


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    "bad",
    [
        upstream.hangs,
        upstream.hangs_after_headers,
        upstream.drips,
        upstream.drips_headers,
        upstream.never_says_more_than_continue,
    ],
)
def test_an_answer_that_takes_too_long_is_given_up_as_a_whole(subject: Subject, now: Now, bad: Behaviour) -> None:
    assert _error_after(subject, now, bad) == IN_TIME


@pytest.mark.usefixtures("hurried")
def test_a_name_that_is_looked_up_for_ever_is_given_up(
    subject: Subject, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = threading.Event()

    def look_up(*_: object, **__: object) -> object:
        over.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "canary")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    async def run() -> str:
        try:
            async with new_client() as client:
                feed = subject.feed(client, "http://canary.example.com", now)
                await feed.step()
                return feed.error
        finally:
            over.set()

    assert asyncio.run(run()) == IN_TIME


def test_a_name_that_does_not_exist_and_a_port_that_is_closed_are_not_reached(
    subject: Subject, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StandinUpstream(answers("")) as server:
        closed = server.url

    def look_up(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "canary")

    async def run() -> list[str]:
        async with new_client() as client:
            feeds = [subject.feed(client, url, now) for url in (closed, "http://canary.example.com", "http://a:99999")]
            await feeds[0].step()
            monkeypatch.setattr(socket, "getaddrinfo", look_up)
            await feeds[1].step()
            await feeds[2].step()
            return [feed.error for feed in feeds]

    assert asyncio.run(run()) == [UNREACHED] * 3


def test_a_redirect_is_not_followed_and_a_cookie_is_not_sent_back(subject: Subject, now: Now) -> None:
    async def run(server: StandinUpstream) -> None:
        async with new_client() as client:
            feed = subject.feed(client, server.url, now)
            for _ in range(2):
                await feed.step()

    with StandinUpstream(answers("", "302 Found", "Location: /elsewhere")) as server:
        asyncio.run(run(server))
    assert len(server.requests) == 2
    assert not any("elsewhere" in request.path or "cookie" in request.headers for request in server.requests)


def test_the_token_is_in_a_header_and_nowhere_else(
    tmp_path: Path, now: Now, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever goes wrong, and however much is logged."""
    token = tmp_path / "token"
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []

    async def run(server: StandinUpstream) -> None:
        async with new_client() as client:
            settings = ForgejoSettings(server.url, "brother", token, "")
            feed = forgejo.forgejo_feed(client, settings, "UTC", clock=now.clock())
            for text in ("sesame-1", "sesame-2\n", "sesame 3", "sesame\N{SNOWMAN}", "sesame\r\nX-4: 5", "", "sesame\0"):
                token.write_text(text)
                for server.behaviour in (FORGEJO, answers("x", "500 No"), upstream.is_reset):
                    await feed.step()
                    seen.append(f"{feed.error} {feed.value}")

    with StandinUpstream(FORGEJO) as server:
        asyncio.run(run(server))
    sent = {request.headers["authorization"] for request in server.requests}
    assert sent == {"token sesame-1", "token sesame-2"}
    assert not any("sesame" in request.path for request in server.requests)
    assert "a file could not be read: it holds no token" in seen[6]
    assert "/heatmap" in caplog.text, "what is looked through is not empty"
    assert "sesame" not in "".join((*seen, caplog.text, *capfd.readouterr()))


@dataclass(frozen=True)
class Besieged:
    """The real program, and the three that it asks."""

    process: subprocess.Popen[str]
    client: httpx2.Client
    weather: StandinUpstream
    forgejo: StandinUpstream
    peer: StandinUpstream

    def get(self, document: str) -> dict[str, Any]:
        """Return a document. It must be there, and it must not be anything that JSON has no word for."""
        answer = self.client.get(f"/api/v1/{document}")
        assert answer.status_code == 200
        return dict(json.loads(answer.text, parse_constant=pytest.fail))

    def eventually(self, ready: Callable[[], object]) -> None:
        """Wait until something is so."""
        deadline = time.monotonic() + PATIENCE
        while not ready():
            assert self.process.poll() is None, "it ended"
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.05)

    def end(self) -> str:
        """Ask it to end, hold it to doing so properly, and return everything that it said."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0
        return said


@contextmanager
def besieged(weather: Behaviour, forgejo: Behaviour, peer: Behaviour, token: Path) -> Iterator[Besieged]:
    """Run the program against three that behave so; each has been asked something when the context begins."""
    token.write_text("sesame\n")
    port = free_port()
    with ExitStack() as stack:
        servers = [stack.enter_context(StandinUpstream(behaviour)) for behaviour in (weather, forgejo, peer)]
        process = subprocess.Popen(
            [sys.executable, "-m", "abbey_metrics"],
            env={
                "PATH": os.environ["PATH"],
                "ABBEY_HOST": "monk",
                "ABBEY_LISTEN": f"127.0.0.1:{port}",
                "ABBEY_WEATHER": "52.52,13.41",
                "ABBEY_WEATHER_URL": f"{servers[0].url}/canary",
                "ABBEY_FORGEJO_URL": f"{servers[1].url}/canary",
                "ABBEY_FORGEJO_USER": "brother",
                "ABBEY_FORGEJO_TOKEN_FILE": str(token),
                "ABBEY_PEERS": f"kscloud1={servers[2].url}/canary",
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        stack.callback(process.communicate)
        stack.callback(process.kill)
        url = f"http://127.0.0.1:{port}"
        client = stack.enter_context(httpx2.Client(base_url=url, timeout=PATIENCE, trust_env=False))
        for server in servers:
            assert server.asked.acquire(timeout=PATIENCE)
        found = Besieged(process, client, *servers)
        found.eventually(lambda: client.get("/healthz").status_code == 200)
        yield found


@pytest.mark.process
@pytest.mark.parametrize(
    ("weather", "forgejo", "peer", "errors"),
    [
        (upstream.hangs, upstream.drips, upstream.floods_chunks, (IN_TIME, IN_TIME, "answered more than 256 KiB")),
        (upstream.floods, upstream.hangs, upstream.drips, ("answered more than 256 KiB", IN_TIME, IN_TIME)),
        (upstream.never_says_more_than_continue, upstream.is_reset, upstream.hangs, (IN_TIME, BROKEN, IN_TIME)),
        (
            upstream.sends_a_bomb,
            answers("[" * 500_000),
            answers("<html>canary</html>", "502 canary"),
            ("answered in a compressed form", UNREADABLE, "answered 502"),
        ),
    ],
)
def test_the_api_answers_while_everybody_whom_it_asks_misbehaves(
    weather: Behaviour, forgejo: Behaviour, peer: Behaviour, errors: tuple[str, str, str], tmp_path: Path
) -> None:
    with besieged(weather, forgejo, peer, tmp_path / "token") as program:
        # None of them has answered, or ever will: that anything comes is the proof.
        first = program.get("host")
        assert first["host"] == "monk"
        lab = program.get("lab")
        assert (lab["weather"]["data"], lab["weather"]["age"]) == (None, None)
        assert (lab["forgejo"]["data"], lab["forgejo"]["age"]) == (None, None)
        assert [host["name"] for host in lab["hosts"]] == ["kscloud1", "monk"]

        def told() -> tuple[str, str, str]:
            lab = program.get("lab")
            return lab["weather"]["error"], lab["forgejo"]["error"], lab["hosts"][0]["error"]

        program.eventually(lambda: told() == errors)
        program.eventually(lambda: program.get("host")["seq"] > first["seq"])
        status = Path(f"/proc/{program.process.pid}/status").read_text()
        most = int(status.partition("VmHWM:")[2].split()[0])
        assert most < 100_000, "kilobytes: nobody fills its memory from outside"
        said = program.get("lab"), program.client.get("/metrics").text, program.end()
    assert not any(word in str(said) for word in ("canary", "sesame", "52.52", "Traceback"))


@pytest.mark.process
def test_what_was_known_is_shown_with_its_age_while_nothing_new_comes(tmp_path: Path) -> None:
    def figures(line: upstream.Connection) -> None:
        answers({**program.get("host"), "host": "kscloud1"})(line)

    with besieged(answers(WEATHER), FORGEJO, answers("", "503 Not Yet"), tmp_path / "token") as program:
        program.peer.behaviour = figures
        program.eventually(lambda: program.get("lab")["hosts"][0]["state"] == "up")
        program.peer.behaviour = upstream.hangs
        program.eventually(lambda: program.get("lab")["hosts"][0]["state"] == "away")
        before = program.get("lab")
        program.eventually(lambda: program.get("lab")["hosts"][0]["age"] > before["hosts"][0]["age"])
        lab = program.get("lab")
        assert lab["hosts"][0]["figures"]["host"] == "kscloud1"
        assert lab["hosts"][0]["error"] == IN_TIME
        assert (lab["weather"]["data"]["celsius"], lab["weather"]["error"]) == (11.5, "")
        assert lab["forgejo"]["data"]["entries"][0]["subject"] == "It squeaks"
        assert None not in (lab["weather"]["age"], lab["forgejo"]["age"])
        assert "sesame" not in str((lab, program.end()))
