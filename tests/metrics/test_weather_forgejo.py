from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx2
import pytest

from abbey_metrics import forgejo, weather
from abbey_metrics.settings import ForgejoSettings, WeatherSettings


def test_the_weather_is_read_with_its_attribution() -> None:
    body = json.dumps({"current": {"temperature_2m": 11.5, "weather_code": 61, "is_day": 0, "wind_speed_10m": 9}})
    now = weather.parse(body.encode(), place="Berlin")
    assert (now.celsius, now.text, now.day, now.place) == (11.5, "light rain", False, "Berlin")
    assert "Open-Meteo" in now.attribution
    assert now.humidity is None


def test_an_unknown_code_has_no_text() -> None:
    assert weather.parse(b'{"current":{"temperature_2m":1,"weather_code":42}}', place="").text == ""


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error":true,"reason":"x"}', b"[" * 100_000])
def test_answers_that_are_not_weather_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        weather.parse(body, place="")


def test_the_place_is_asked_for_in_the_query() -> None:
    asked: list[httpx2.URL] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url)
        return httpx2.Response(200, text='{"current":{"temperature_2m":1}}')

    async def run() -> None:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(handler)) as client:
            await weather.weather_feed(client, WeatherSettings(52.52, 13.41, "Berlin", "http://mock/v1")).step()

    asyncio.run(run())
    assert dict(asked[0].params)["latitude"] == "52.52"


def _entry(**fields: object) -> dict[str, object]:
    return {
        "op_type": "commit_repo",
        "created": "2026-11-23T13:00:00Z",
        "act_user": {"login": "brother"},
        "repo": {"full_name": "brother/lab", "html_url": "https://forgejo.example.com/brother/lab"},
        **fields,
    }


def test_pushes_and_issues_name_their_subject() -> None:
    push = _entry(content=json.dumps({"Commits": [{"Message": "Fix the door\n\nbecause"}], "Len": 1}))
    issue = _entry(op_type="create_issue", content="12|It squeaks")
    first, second = forgejo.parse(json.dumps([push, issue]).encode())
    assert (first.what, first.subject, first.repository) == ("pushed to", "Fix the door", "brother/lab")
    assert (second.what, second.subject) == ("opened an issue in", "It squeaks")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"Commits":null}', '{"Commits":[]}'])
def test_a_push_without_readable_commits_has_no_subject(content: str) -> None:
    assert forgejo.parse(json.dumps([_entry(content=content)]).encode())[0].subject == ""


def test_what_users_write_is_bounded_and_links_are_web_links() -> None:
    bad = _entry(
        op_type="something new",
        content="1|" + "x" * 9999,
        repo={"full_name": "a/" + "b" * 999, "html_url": "javascript:alert(1)"},
        act_user=None,
    )
    entries = forgejo.parse(json.dumps([bad] * 50).encode())
    assert len(entries) == forgejo.MOST
    assert (entries[0].url, entries[0].what, entries[0].who) == ("", "worked on", "")
    assert len(entries[0].subject) == len(entries[0].repository) == forgejo.LONGEST


def test_the_token_goes_into_a_header_and_is_read_anew(tmp_path: Path) -> None:
    token = tmp_path / "token"
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, text="[]")

    async def run() -> str:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(handler)) as client:
            feed = forgejo.forgejo_feed(client, ForgejoSettings("http://forgejo", "bro ther/..", token))
            await feed.step()
            missing = feed.error
            for text in ("canary-1\n", "canary-2\n"):
                token.write_text(text)
                await feed.step()
            return missing

    assert asyncio.run(run()).startswith("a file could not be read")
    assert [request.headers["authorization"] for request in seen] == ["token canary-1", "token canary-2"]
    assert "canary" not in str(seen[0].url)
    assert seen[0].url.raw_path.startswith(b"/api/v1/users/bro%20ther%2F../activities/feeds?")
