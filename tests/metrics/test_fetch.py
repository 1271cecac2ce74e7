from __future__ import annotations

import asyncio
import time
from email.utils import formatdate

import httpx2
import pytest
from pydantic import TypeAdapter
from standin_upstream import Connection, StandinUpstream, answers, head

from abbey_metrics import fetch
from abbey_metrics.fetch import LARGEST, StatusError, explain, get, new_client, renew


def _unreadable() -> Exception:
    with pytest.raises(ValueError, match="canary") as caught:
        TypeAdapter(int).validate_json('"answered canary"')
    return caught.value


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (httpx2.ConnectError("http://canary@host"), "was not reached"),
        (httpx2.UnsupportedProtocol("canary"), "was not reached"),
        (httpx2.InvalidURL("canary"), "was not reached"),
        (httpx2.RemoteProtocolError("canary"), "broke off its answer"),
        (httpx2.ReadTimeout("canary"), "did not answer in time"),
        (TimeoutError("canary"), "did not answer in time"),
        (FileNotFoundError(2, "No such file or directory", "/canary"), "a file could not be read: No such file"),
        (StatusError(429, 5.0), "answered 429"),
        (ValueError("answered as kscloud1"), "answered as kscloud1"),
        (ValueError("canary"), "answered something else than expected"),
        (KeyError("canary"), "answered something else than expected"),
        (_unreadable(), "answered something else than expected"),
    ],
)
def test_errors_are_words_and_tell_no_address_and_nothing_that_was_answered(error: Exception, words: str) -> None:
    assert explain(error).startswith(words)
    assert "canary" not in explain(error)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("120", 120.0, 120.0),
        (formatdate(time.time() + 7200, usegmt=True), 3600.0, 7200.0),
        (formatdate(0, usegmt=True), 0.0, 0.0),
        ("9" * 400, 999_999_999.0, 999_999_999.0),
        ("-5", 0.0, 0.0),
        ("\N{SUPERSCRIPT TWO}", 0.0, 0.0),
        ("soon", 0.0, 0.0),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 0.0, 0.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 0.0, 1e12),
        ("", 0.0, 0.0),
    ],
    ids=[str(number) for number in range(10)],  # the workers must agree on the names, and one of these is a date
)
def test_a_pause_is_asked_for_in_seconds_or_by_a_date(header: str, least: float, most: float) -> None:
    headers = {"Retry-After": header.encode()} if header else {}

    async def run() -> float:
        answer = httpx2.Response(429, headers=headers)  # type: ignore[arg-type]
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: answer)) as client:
            with pytest.raises(StatusError) as caught:
                await get(client, "http://mock")
            return caught.value.pause

    assert least <= asyncio.run(run()) <= most


def test_the_whole_answer_has_a_limit_although_it_comes_byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "LONGEST", 0.2)

    def comes_slowly(line: Connection) -> None:
        going = line.send(head("200 OK", "Content-Length: 150"))
        for _ in range(150):
            going = going and line.drip(b" ")

    async def run(server: StandinUpstream) -> None:
        async with new_client() as client:
            with pytest.raises(TimeoutError):
                await get(client, server.url)

    with StandinUpstream(comes_slowly) as server:
        asyncio.run(run(server))


def test_the_client_asks_from_the_address_that_it_is_given() -> None:
    async def run(server: StandinUpstream) -> None:
        async with new_client("127.0.0.9") as client:
            await get(client, server.url)

    with StandinUpstream(answers("{}")) as server:
        asyncio.run(run(server))
    assert server.requests[0].source == "127.0.0.9"


def test_nothing_packed_is_asked_for() -> None:
    async def run(server: StandinUpstream) -> bytes:
        async with new_client() as client:
            return await get(client, server.url)

    with StandinUpstream(answers("{}")) as server:
        assert asyncio.run(run(server)) == b"{}"
    assert server.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("size", [LARGEST, LARGEST + 1])
def test_the_largest_answer_is_taken_and_one_byte_more_is_not(size: int) -> None:
    async def run(server: StandinUpstream) -> int:
        async with new_client() as client:
            return len(await get(client, server.url))

    with StandinUpstream(answers(b"x" * size)) as server:
        if size <= LARGEST:
            assert asyncio.run(run(server)) == size
        else:
            with pytest.raises(ValueError, match="answered more than 256 KiB"):
                asyncio.run(run(server))


def test_what_did_not_change_is_not_sent_again() -> None:
    def behaviour(line: Connection) -> None:
        known = line.request.headers.get("if-none-match") == '"canary"'
        (answers("", "304 Not Modified") if known else answers("{}", "200 OK", 'ETag: "canary"'))(line)

    async def run(server: StandinUpstream) -> None:
        async with new_client() as client:
            first = await renew(client, server.url, "")
            assert first
            assert (first.body, first.tag) == (b"{}", '"canary"')
            assert await renew(client, server.url, first.tag) is None
            server.behaviour = answers("", "304 Not Modified")
            with pytest.raises(ValueError, match="answered 304"):  # to a question that named no tag
                await renew(client, server.url, "")

    with StandinUpstream(behaviour) as server:
        asyncio.run(run(server))
