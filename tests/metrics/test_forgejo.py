from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import standin_upstream as upstream
from standin_host import Now
from standin_upstream import StandinUpstream, answers

from abbey_metrics.activity import DONE, LONGEST, MOST, entries
from abbey_metrics.documents import Activity, Forge, HeatDay
from abbey_metrics.feed import Feed
from abbey_metrics.fetch import new_client
from abbey_metrics.forgejo import forgejo_feed
from abbey_metrics.heatmap import days, zone_named
from abbey_metrics.settings import ForgejoSettings, SettingsError, load

BERLIN = ZoneInfo("Europe/Berlin")


def _unix(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp())


NOW = _unix(2026, 11, 23, 12)


def _entry(**fields: object) -> dict[str, object]:
    return {
        "id": 7,
        "op_type": "commit_repo",
        "act_user": {"id": 1, "login": "brother"},
        "repo": {
            "full_name": "brother/lab",
            "html_url": "https://forgejo.example.com/brother/lab",
            "owner": {"login": "brother"},
        },
        "ref_name": "refs/heads/main",
        "is_private": False,
        "content": "",
        "created": "2026-11-23T14:00:00+01:00",
        **fields,
    }


def _one(**fields: object) -> Activity:
    (activity,) = entries(json.dumps([_entry(**fields)]).encode())
    return activity


def test_a_push_names_its_first_commit() -> None:
    push = _one(content=json.dumps({"Commits": [{"Sha1": "1", "Message": "Fix the door\n\nbecause"}], "Len": 1}))
    assert push == Activity(
        at="2026-11-23T13:00:00Z",
        who="brother",
        kind="commit_repo",
        what="pushed to",
        repository="brother/lab",
        subject="Fix the door",
        url="https://forgejo.example.com/brother/lab",
    )


def test_issues_and_tags_name_their_subject() -> None:
    issue = _one(op_type="create_issue", content="12|It squeaks")
    assert (issue.kind, issue.what, issue.subject) == ("create_issue", "opened an issue in", "It squeaks")
    assert _one(op_type="push_tag", ref_name="refs/tags/v1.2").subject == "v1.2"
    assert _one(op_type="delete_branch", ref_name="refs/heads/old").subject == "old"


@pytest.mark.parametrize("kind", DONE)
def test_every_kind_is_said_in_words(kind: str) -> None:
    assert _one(op_type=kind).kind == kind
    assert _one(op_type=kind).what not in ("", "worked on")


def test_a_kind_that_is_not_known_is_not_passed_on() -> None:
    assert (_one(op_type="<b>").kind, _one(op_type="action-99").what) == ("", "worked on")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"Commits":null}', '{"Commits":[]}', '{"Commits":[{}]}', "[" * 5000]
)
def test_a_push_without_readable_commits_has_no_subject(content: str) -> None:
    assert _one(content=content).subject == ""


def test_what_users_write_is_one_bounded_line() -> None:
    long = _one(op_type="create_issue", content="1|" + "x" * 9999, repo={"full_name": "a/" + "b" * 999}, act_user=None)
    assert len(long.subject) == len(long.repository) == LONGEST
    assert long.who == ""
    # The first turns the text that follows it, the others are a bell, a byte order mark and an end of text.
    tricky = "1|a\u202eb\a\ufeff\x03c\N{WOMAN}\u200d\N{PERSONAL COMPUTER}\u2028d\r\ne"
    assert _one(op_type="create_issue", content=tricky).subject == "abc\N{WOMAN}\u200d\N{PERSONAL COMPUTER}d"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "\x01https://forgejo.example.com",
        "https://forgejo.example.com@evil.example",
        "https://forgejo.example.com/ onmouseover=x",
        'https://forgejo.example.com/"><script>',
        "https:forgejo.example.com",
        "//forgejo.example.com/x",
        "http://[",
        "https://for\u0433ejo.example.com/",
        "https://forgejo.example.com/" + "x" * 500,
    ],
)
def test_links_lead_to_the_web_or_nowhere(url: str) -> None:
    assert _one(repo={"html_url": url}).url == ""


@pytest.mark.parametrize(
    "created",
    [
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:59",
        "2026-11-23T14:00:00",
        "yesterday",
        "2026-11-23T14:00:00Z" + "0" * 10_000,
        "",
    ],
)
def test_times_that_cannot_be_are_left_out(created: str) -> None:
    assert _one(created=created).at == ""


def test_an_entry_that_cannot_be_read_does_not_take_the_others_with_it() -> None:
    bad: list[object] = [
        5,
        None,
        [],
        {},
        _entry(op_type=5),
        _entry(content=["x"]),
        _entry(repo=[]),
        _entry(act_user="brother"),
    ]
    assert len(entries(json.dumps([*bad, _entry()]).encode())) == 1
    with pytest.raises(ValueError, match="answered no entry that can be read"):
        entries(json.dumps(bad).encode())


def test_the_newest_are_enough() -> None:
    assert len(entries(json.dumps([_entry()] * 50).encode())) == MOST == 20
    assert entries(b"[]") == ()


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b'"x"', b"[" * 100_000, b"[\xff]", b"<html>"])
def test_answers_that_are_not_lists_are_refused(body: bytes) -> None:
    for read in (entries, lambda found: days(found, UTC, now=NOW)):
        with pytest.raises(ValueError, match="validation error"):
            read(body)


def _heat(*buckets: object) -> bytes:
    return json.dumps(buckets).encode()


def test_quarters_of_an_hour_become_days_of_the_lab() -> None:
    body = _heat(
        {"timestamp": _unix(2026, 11, 22, 22, 45), "contributions": 1},
        {"timestamp": _unix(2026, 11, 22, 23, 0), "contributions": 2},
        {"timestamp": _unix(2026, 11, 23, 9, 15), "contributions": 4},
        {"timestamp": _unix(2026, 7, 1, 21, 45), "contributions": 8},
        {"timestamp": _unix(2026, 7, 1, 22, 0), "contributions": 16},
    )
    assert days(body, BERLIN, now=NOW) == (
        HeatDay("2026-07-01", 8),
        HeatDay("2026-07-02", 16),  # in summer midnight comes an hour earlier
        HeatDay("2026-11-22", 1),
        HeatDay("2026-11-23", 6),
    )
    assert [day.count for day in days(body, UTC, now=NOW)] == [24, 3, 4]


@pytest.mark.parametrize(
    "bucket",
    [
        {"timestamp": -62_135_596_800, "contributions": 1},
        {"timestamp": 10**30, "contributions": 1},
        {"timestamp": _unix(2025, 11, 16), "contributions": 1},
        {"timestamp": _unix(2026, 11, 25), "contributions": 1},
        {"timestamp": NOW, "contributions": 0},
        {"timestamp": NOW, "contributions": -3},
        {"timestamp": NOW, "contributions": 10**9},
        {"timestamp": str(NOW), "contributions": 1},
        {"timestamp": NOW + 0.5, "contributions": 1},
        {"timestamp": NOW},
        [NOW, 1],
        None,
    ],
)
def test_quarters_that_cannot_be_are_left_out(bucket: object) -> None:
    assert days(_heat(bucket, {"timestamp": NOW, "contributions": 5}), UTC, now=NOW) == (HeatDay("2026-11-23", 5),)


def test_a_year_has_a_year_of_days() -> None:
    quarters = [{"timestamp": NOW - 6 * 3600 * n, "contributions": 1} for n in range(6000)]
    assert len(days(_heat(*quarters), UTC, now=NOW)) == 371


@pytest.mark.parametrize("name", ["", "Nowhere/Never", "../../etc/passwd", "Europe", "Europe/Berlin\0", "/etc/passwd"])
def test_where_a_time_zone_is_not_known_it_is_utc(name: str) -> None:
    assert zone_named(name) == UTC
    assert zone_named("Europe/Berlin") == BERLIN


FEED = answers([_entry()])
HEAT = answers([{"timestamp": NOW, "contributions": 3}])
ASKED_FEED = "/api/v1/users/brother/activities/feeds?only-performed-by=true&limit=20"
ASKED_HEAT = "/api/v1/users/brother/heatmap"


def _serving(feed: upstream.Behaviour = FEED, heat: upstream.Behaviour = HEAT) -> upstream.Behaviour:
    return upstream.by_path(("/heatmap", heat), ("/activities", feed))


class Forgejo:
    """A feed and the stand-in that it asks, on a clock of a test."""

    def __init__(self, server: StandinUpstream, now: Now, feed: Feed[Forge]) -> None:
        self.server, self.now, self.feed = server, now, feed

    async def heat_after(self, seconds: float, behaviour: upstream.Behaviour) -> tuple[HeatDay, ...] | None:
        self.now.pass_(seconds)
        self.server.behaviour = behaviour
        await self.feed.step()
        assert self.feed.value, self.feed.error
        return self.feed.value.heat


def test_the_year_is_asked_for_less_often_and_stays_while_it_is_not_told() -> None:
    now = Now(wall=float(NOW))
    known = (HeatDay("2026-11-23", 3),)
    failing = _serving(heat=answers("", "500 No"))

    async def run(server: StandinUpstream) -> None:
        async with new_client() as client:
            settings = ForgejoSettings(server.url, "brother", None, "")
            asked = Forgejo(server, now, forgejo_feed(client, settings, "Europe/Berlin", clock=now.clock()))
            assert await asked.heat_after(0.0, _serving()) == known
            assert await asked.heat_after(899.0, failing) == known
            assert _paths(server) == [ASKED_FEED, ASKED_HEAT, ASKED_FEED]
            assert await asked.heat_after(1.0, failing) == known
            assert await asked.heat_after(59.0, failing) == known
            assert _paths(server)[3:] == [ASKED_FEED, ASKED_HEAT, ASKED_FEED]
            assert await asked.heat_after(86_400.0, failing) is None  # too old to be shown
            assert await asked.heat_after(900.0, _serving()) == known
            assert await asked.heat_after(900.0, _serving(heat=answers("", "404 Not Found"))) is None
            assert asked.feed.error == ""

    with StandinUpstream(_serving()) as server:
        asyncio.run(run(server))


def _paths(server: StandinUpstream) -> list[str]:
    return [request.path for request in server.requests]


def test_a_gateway_is_asked_by_the_name_of_forgejo_and_with_the_newest_token(tmp_path: Path, now: Now) -> None:
    token = tmp_path / "token"

    async def run(server: StandinUpstream) -> str:
        async with new_client() as client:
            settings = ForgejoSettings(server.url, "bro ther/..", token, "forgejo.example.com")
            feed = forgejo_feed(client, settings, "UTC", clock=now.clock())
            await feed.step()
            missing = feed.error
            for text in ("sesame-1\n", "sesame-2\n"):
                token.write_text(text)
                await feed.step()
                assert feed.value
            return missing

    with StandinUpstream(_serving()) as server:
        assert asyncio.run(run(server)) == "a file could not be read: No such file or directory"
    assert [request.headers["authorization"] for request in server.requests] == [
        "token sesame-1",
        "token sesame-1",
        "token sesame-2",
    ]
    assert {request.headers["host"] for request in server.requests} == {"forgejo.example.com"}
    assert all(path.startswith("/api/v1/users/bro%20ther%2F../") for path in _paths(server))
    assert "sesame" not in "".join(_paths(server))


def test_without_a_token_and_a_name_neither_is_sent(now: Now) -> None:
    async def run(server: StandinUpstream) -> None:
        async with new_client() as client:
            await forgejo_feed(
                client, ForgejoSettings(server.url, "brother", None, ""), "UTC", clock=now.clock()
            ).step()

    with StandinUpstream(_serving()) as server:
        asyncio.run(run(server))
    assert server.requests[0].headers["host"] == server.url.removeprefix("http://")
    assert "authorization" not in server.requests[0].headers


FORGEJO = {"ABBEY_HOST": "monk", "ABBEY_FORGEJO_URL": "http://127.0.0.1:8080", "ABBEY_FORGEJO_USER": "brother"}


def test_the_name_of_forgejo_is_read() -> None:
    settings = load({**FORGEJO, "ABBEY_FORGEJO_HOST": "git.example.com"}).forgejo
    assert settings
    assert settings.host == "git.example.com"
    bare = load(FORGEJO).forgejo
    assert bare
    assert bare.host == ""


@pytest.mark.parametrize(
    "host",
    [
        "a b",
        "a\r\nX: 1",
        "-a.example",
        "a..b",
        "http://a",
        "a/b",
        "a:80",
        "x" * 64,
        ".".join(["abc"] * 80),
        "gít.example",
    ],
)
def test_what_is_no_host_name_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match="ABBEY_FORGEJO_HOST"):
        load({**FORGEJO, "ABBEY_FORGEJO_HOST": host})
