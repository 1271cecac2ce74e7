"""Who may see what, by where the question comes from and by what a gateway says of the visitor."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from served import GATEWAY, Asker, monitor, publish
from standin_host import Now, StandinHost

from abbey_metrics.access import REMEMBERED, Gate, RefusedError, Visitor
from abbey_metrics.apps import Apps, Audience, PortalFile
from abbey_metrics.documents import Forge
from abbey_metrics.monitor import Monitor
from abbey_metrics.platform import Containers, ContainerState, Platform
from abbey_metrics.settings import load
from standin_platform import container


def gate(**env: str) -> Gate:
    told = {
        "ABBEY_HOST": "monk",
        "ABBEY_LISTEN": "127.0.0.1:9101,192.168.7.1:9101",
        "ABBEY_TAILNET": "100.64.0.1",
        "ABBEY_PEERS": "kscloud1=http://10.9.8.7:9101,monk2=http://name.example:9101",
        "ABBEY_GATEWAYS": "172.30.4.0/24",
        "ABBEY_READERS": "10.1.0.0/16",
    }
    return Gate(load({**told, **env}))


def admit(gate: Gate, source: str, *headers: tuple[str, str]) -> Visitor | int:
    found = [(key.encode(), value.encode("latin-1")) for key, value in headers]
    try:
        return gate.admit({"client": (source, 1) if source else None, "headers": found})
    except RefusedError as refused:
        return refused.status


READS = ["127.0.0.1", "127.9.9.9", "::1", "192.168.7.1", "100.127.255.255", "10.9.8.7", "10.1.2.3", "::ffff:10.1.2.3"]
REFUSED = ["192.168.7.2", "100.128.0.1", "10.9.8.8", "203.0.113.1", "testclient", ""]
SIGNED_IN = (("x-authentik-username", "vera"), ("x-authentik-groups", "coders|homelab-admin"))


@pytest.mark.parametrize("source", READS)
def test_programs_of_the_lab_read_everything_and_what_they_say_of_visitors_is_not_heard(source: str) -> None:
    assert admit(gate(), source, *SIGNED_IN) == Visitor(reader=True, admin=True)


@pytest.mark.parametrize("source", REFUSED)
def test_anybody_else_is_refused(source: str) -> None:
    assert admit(gate(), source, *SIGNED_IN) == 403


def test_a_gateway_says_who_the_visitor_is() -> None:
    groups = ("coders", "homelab-admin")
    assert admit(gate(), GATEWAY, *SIGNED_IN) == Visitor(reader=False, admin=True, name="vera", groups=groups)
    assert admit(gate(), GATEWAY) == Visitor(reader=False, admin=False)


def test_a_gateway_that_shares_its_address_with_readers_is_a_gateway() -> None:
    shared = gate(ABBEY_GATEWAYS="127.0.0.1/32")
    assert admit(shared, "127.0.0.1") == Visitor(reader=False, admin=False)
    assert admit(shared, "127.0.0.2") == Visitor(reader=True, admin=True)


@pytest.mark.parametrize(
    "headers",
    [
        (("x-authentik-groups", ""), ("x-authentik-groups", "homelab-admin")),
        (("x-authentik-groups", "homelab-admin"), ("x-authentik-groups", "homelab-admin")),
        (("x-authentik-groups", "\xff|homelab-admin"),),
        (("x-authentik-groups", "a\x1b|homelab-admin"),),
        (("x-authentik-groups", "homelab-admin|" + "x" * 8192),),
        (("x_authentik_groups", "homelab-admin"),),
        (("x-authentik-groups", "homelab-adminx|homelab|-admin"),),
    ],
)
def test_what_a_gateway_cannot_have_meant_makes_nobody_an_administrator(headers: tuple[tuple[str, str], ...]) -> None:
    visitor = admit(gate(), GATEWAY, *headers)
    assert isinstance(visitor, Visitor)
    assert not visitor.admin


def test_a_name_that_is_said_twice_is_nobodys() -> None:
    twice = (("x-authentik-username", "vera"), ("x-authentik-username", "ada"))
    assert admit(gate(), GATEWAY, *twice) == Visitor(reader=False, admin=False)


def test_an_empty_admin_group_has_no_members() -> None:
    visitor = admit(Gate(load({"ABBEY_HOST": "monk", "ABBEY_GATEWAYS": "172.30.4.0/24"})), GATEWAY, *SIGNED_IN)
    assert isinstance(visitor, Visitor)
    assert visitor.admin
    nobody = admit(gate(ABBEY_ADMIN_GROUP="none"), GATEWAY, ("x-authentik-groups", "||"))
    assert nobody == Visitor(reader=False, admin=False)


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("", True),
        ("127.0.0.1", True),
        ("100.64.0.1:9101", True),
        ("[fd7a:115c:a1e0::1]:9101", True),
        ("localhost:9101", True),
        ("LOCALHOST", True),
        ("rebound.example", False),
        ("127.0.0.1.rebound.example:9101", False),
        ("localhost.rebound.example", False),
        ("rebound.example@127.0.0.1", False),
        ("127.0.0.1/rebound.example", False),
        ("[::1", False),
        ("\xff", False),
    ],
)
def test_questions_to_a_name_are_refused(host: str, known: bool) -> None:
    for source in ("127.0.0.1", GATEWAY):
        found = admit(gate(), source, ("host", host))
        assert isinstance(found, Visitor) if known else found == 421


def test_what_is_remembered_of_strangers_is_bounded() -> None:
    asked = gate()
    for number in range(REMEMBERED * 2 + 10):
        admit(asked, f"203.0.{number // 256}.{number % 256}")
        admit(asked, GATEWAY, ("host", f"{number}.example"))
        admit(asked, GATEWAY, ("x-authentik-username", f"visitor{number}"))
    for known in (asked._standings, asked._hosts, asked._visitors):
        assert len(known) <= REMEMBERED
    assert admit(asked, "127.0.0.1", ("host", "")) == Visitor(reader=True, admin=True)


@pytest.fixture
def made(now: Now, standin_host: StandinHost, tmp_path: Path) -> Monitor:
    found = monitor(now, standin_host, tmp_path)
    names = ("photos", "photos-db", "forgejo", "books", "stray")
    running = tuple(container(name, app="" if name == "stray" else name) for name in names)
    found.lab.watch.latest = Platform("monk", now.wall, None, Containers(now.wall, "", running), None, None, (), None)
    found.lab.apps = PortalFile(tmp_path / "portal.json").read()
    publish(found)
    return found


def apps(ask: Asker) -> list[str]:
    return [app["name"] for app in ask.json("/api/v1/lab")["apps"]]


def test_visitors_are_told_of_the_apps_that_they_may_open(made: Monitor) -> None:
    assert apps(Asker(made, GATEWAY)) == ["photos"]
    assert apps(Asker(made, GATEWAY, name="vera", groups="coders|choir")) == ["forgejo", "photos"]
    assert apps(Asker(made, GATEWAY, name="ida", groups="family")) == ["books", "photos"]
    assert apps(Asker(made)) == ["books", "forgejo", "photos"]


def test_containers_and_processes_are_for_administrators(made: Monitor) -> None:
    def seen(ask: Asker) -> list[Any]:
        platforms = ask.json("/api/v1/lab")["platforms"]
        own = [one["platform"] for one in platforms if one["name"] == "monk"] + [ask.json("/api/v1/platform")]
        return [bool(platform["containers"]) for platform in own]

    visitor, admin = Asker(made, GATEWAY, name="vera"), Asker(made, GATEWAY, name="ada", groups="homelab-admin")
    assert seen(visitor) == [False, False]
    assert seen(admin) == seen(Asker(made)) == [True, True]
    for path in ("/api/v1/containers", "/api/v1/processes"):
        assert visitor(path).status_code == 403
        assert admin(path).status_code == 200
    assert "stray" not in visitor("/metrics").text
    assert "stray" in Asker(made)("/metrics").text


def test_who_may_not_ask_is_told_in_words(made: Monitor) -> None:
    for path in ("/api/v1/lab", "/api/v1/stream", "/api/v1/containers", "/healthz", "/nothing"):
        refused = Asker(made, "203.0.113.9")(path)
        assert refused.status_code == 403
        assert "ABBEY_GATEWAYS" in refused.json()["detail"]
        assert Asker(made)(path, headers={"Host": "rebound.example"}).status_code == 421


@pytest.mark.parametrize(("token", "told"), [("", {"coders": True, "homelab-admin": True}), ("/t", {"coders": False})])
def test_activity_is_for_who_may_open_forgejo_and_of_private_repositories_for_administrators(
    now: Now, standin_host: StandinHost, tmp_path: Path, token: str, told: dict[str, bool]
) -> None:
    forgejo = {"ABBEY_FORGEJO_URL": "http://127.0.0.1:1", "ABBEY_FORGEJO_USER": "vera"}
    made = monitor(now, standin_host, tmp_path, **forgejo, ABBEY_FORGEJO_TOKEN_FILE=token)
    made.lab.apps = PortalFile(tmp_path / "portal.json").read()
    feed = made.lab.forgejo_feed
    assert feed
    feed._fetch = lambda: asyncio.sleep(0, Forge((), None))
    asyncio.run(feed.step())
    publish(made)
    for groups, may in {"": False, "family": False, "homelab-admin": True, **told}.items():
        shown = Asker(made, GATEWAY, name="vera", groups=groups).json("/api/v1/lab")["forgejo"]
        assert bool(shown) is may, groups


def test_me_is_what_the_gateway_says(made: Monitor) -> None:
    assert Asker(made, GATEWAY).json("/api/v1/me") == {
        "known": False,
        "name": "",
        "groups": [],
        "admin": False,
        "preferences": None,
    }
    me = Asker(made, GATEWAY, name="vera", groups="family|coders").json("/api/v1/me")
    assert (me["known"], me["name"], me["groups"]) == (True, "vera", ["coders", "family"])


GOOD = {"at": 1_700_000_000.0, "favourites": ["photos"], "order": ["books", "photos"], "theme": "calm"}


def test_people_choose_and_only_the_other_hosts_see_everybodys_choices(made: Monitor) -> None:
    vera = Asker(made, GATEWAY, name="vera")
    kept = vera("/api/v1/me/preferences", "PUT", json=GOOD, headers={"Sec-Fetch-Site": "same-origin"})
    assert (kept.status_code, kept.json()) == (200, {**GOOD, "language": ""})
    older = vera("/api/v1/me/preferences", "PUT", json={**GOOD, "at": 1.0, "theme": "light"})
    assert older.json()["theme"] == "calm"
    assert vera.json("/api/v1/me")["preferences"]["order"] == ["books", "photos"]
    assert vera("/api/v1/people").status_code == 403
    people = Asker(made)("/api/v1/people")
    assert set(people.json()["people"]) == {"vera"}
    unchanged = {"If-None-Match": people.headers["etag"]}
    assert Asker(made)("/api/v1/people", headers=unchanged).status_code == 304
    vera("/api/v1/me/preferences", "PUT", json={**GOOD, "at": GOOD["at"] + 1})  # type: ignore[operator]
    assert Asker(made)("/api/v1/people", headers=unchanged).status_code == 200


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"headers": {"Sec-Fetch-Site": "cross-site"}}, 403, "the portal's own page"),
        ({"headers": {"Content-Type": "text/plain"}}, 415, "application/json"),
        ({"content": b" " * 16_385}, 413, "16 KiB"),
        ({"content": b"{"}, 422, "Invalid JSON"),
        ({"content": b"[]"}, 422, "the whole"),
        ({"content": b'{"at": "1"}'}, 422, "at: "),
        ({"content": b'{"at": 1e400}'}, 422, "at: "),
        ({"content": b'{"at": 1, "theme": "<script>"}'}, 422, "theme: "),
        ({"content": b'{"at": 1, "order": ["../x"]}'}, 422, "order.0: "),
        ({"content": b'{"at": 1, "else": 1}'}, 422, "else: "),
        ({"content": json.dumps({"at": 1, "order": ["a"] * 201}).encode()}, 422, "order: "),
    ],
)
def test_what_cannot_be_kept_is_refused_in_words(made: Monitor, more: dict[str, Any], status: int, words: str) -> None:
    asked = {"content": b'{"at": 1}', **more}
    asked["headers"] = {"Content-Type": "application/json; charset=utf-8", **more.get("headers", {})}
    refused = Asker(made, GATEWAY, name="vera")("/api/v1/me/preferences", "PUT", **asked)
    assert refused.status_code == status
    assert words in refused.json()["detail"]
    assert made.choices.all() == {}


@pytest.mark.parametrize("source", ["127.0.0.1", GATEWAY])
def test_nothing_is_kept_for_who_is_not_known(made: Monitor, source: str) -> None:
    refused = Asker(made, source)("/api/v1/me/preferences", "PUT", json=GOOD)
    assert (refused.status_code, refused.json()["detail"]) == (403, "choices are kept for people who are signed in")


def test_the_worst_container_says_how_an_app_does_on_each_host() -> None:
    owners = Apps(doors={"photos": frozenset()}, owners={"photos": "photos", "photos-db": "photos"})
    here = (container("a", app="photos"), container("b", ContainerState.STARTING, app="photos-db"))
    there = (container("c", ContainerState.DOWN, app="photos"), container("d", ContainerState.UNHEALTHY, app="photos"))
    platforms = [
        Platform(host, 1.0, None, Containers(1.0, "", found), None, None, (), None)
        for host, found in (("monk", here), ("kscloud1", there), ("bare", ()))
    ]
    (view,) = owners.views(platforms)
    assert view.hosts == {"kscloud1": ContainerState.DOWN, "monk": ContainerState.STARTING}


def test_groups_that_open_nothing_make_no_audience_of_their_own(tmp_path: Path, made: Monitor) -> None:
    apps = made.lab.apps
    first = apps.audience(Visitor(False, False, "vera", ("choir", "family")))
    assert first == apps.audience(Visitor(False, False, "ida", ("family",))) == Audience(False, frozenset({"family"}))
    assert not apps.open_to("unheard-of", first)


def test_audiences_beyond_sixty_four_displace_the_oldest(made: Monitor) -> None:
    for number in range(200):
        made.board.lab(Audience(False, frozenset({f"group{number}"})))
    assert len(made.board._answers) <= 72
    assert len(made.board._slots) <= 72


def test_portal_json_is_reread_and_a_broken_one_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "portal.json"
    file = PortalFile(path)
    assert file.read() == Apps()
    file.read()
    assert caplog.text.count("No such file") == 1, "told once"
    path.write_text('{"groups": [{"apps": [{"name": "photos", "groups": ["a"], "more": 1}], "name": "x"}], "lab": "x"}')
    found = file.read()
    assert found.doors == {"photos": frozenset({"a"})}
    assert file.read() is found
    path.write_text('{"groups": [{"apps": [{"nam')
    os.utime(path, ns=(1, 1))
    assert file.read() is found
    assert file.read() is found
    assert caplog.text.count("not what portals write") == 1
