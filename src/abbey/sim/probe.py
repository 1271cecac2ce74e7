"""What must be true of the running demo, asked from outside. Each probe says what it saw, in figures."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import permutations

import httpx2

from abbey.sim.hosts import DemoHost
from abbey.sim.lab import DemoLab
from abbey.sim.services import NOTES_CLIENT, notes_redirect
from abbey.sim.visit import authorization_code, browser, log_in, redeem, straight_to

ROUNDS = 40
SETTLE_SECONDS = 20
POLL = 0.1


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that must be true: its name, whether it is, what was seen."""

    name: str
    passed: bool
    seen: str


def portal_from(lab: DemoLab, hosts: tuple[DemoHost, ...]) -> Probe:
    """Page and manifest answer every time, and exactly these hosts answer them."""
    statuses: Counter[int] = Counter()
    answered: Counter[str] = Counter()
    with browser(lab.layout) as http:
        for turn in range(ROUNDS):
            answer = http.get(f"{lab.layout.url()}{('/', '/manifest.webmanifest')[turn % 2]}")
            statuses[answer.status_code] += 1
            answered[answer.headers.get("x-standin-edge", "nobody")] += 1
    expected = {host.name for host in hosts}
    seen = f"{statuses[200]} of {ROUNDS} answered 200: {_counts(answered)}"
    return Probe("portal through the edge", statuses[200] == ROUNDS and set(answered) == expected, seen)


def metrics_of(lab: DemoLab, host: DemoHost) -> Probe:
    """The host's portal hands out the figures of that host."""
    with straight_to(host) as http:
        answer = http.get(f"{lab.layout.url()}/api/v1/host")
    said = answer.json().get("host") if answer.status_code == httpx2.codes.OK else None
    return Probe(f"metrics of {host.name}", said == host.name, f"{answer.status_code}, figures of {said}")


def login_through_edge(lab: DemoLab, hosts: tuple[DemoHost, ...]) -> Probe:
    """Somebody logs in at the notes, and stays logged in whichever host is asked."""
    layout = lab.layout
    greeted = f"Hello {lab.lab.admin}"
    with browser(layout) as http:
        status = log_in(http, layout, username=lab.lab.admin, password=lab.secrets.login.reveal())
        first = http.get(f"{layout.url('notes')}/login", follow_redirects=True)
        welcome = 0
        answered: Counter[str] = Counter()
        for _ in range(ROUNDS):
            answer = http.get(layout.url("notes"))
            welcome += greeted in answer.text
            found = re.search(r"(\w+) answered\.", answer.text)
            answered[found.group(1) if found else "nobody"] += 1
    passed = status == httpx2.codes.SEE_OTHER and greeted in first.text and welcome == ROUNDS
    passed = passed and set(answered) == {host.name for host in hosts}
    return Probe("login by OpenID, notes on every host", passed, f"{welcome} of {ROUNDS} greeted: {_counts(answered)}")


def codes_across(lab: DemoLab) -> Iterator[Probe]:
    """A code that one host issued is redeemed on the other, once, for both directions."""
    for issued, redeemed in permutations(lab.layout.hosts, 2):
        yield code_across(lab, issued, redeemed)


def code_across(lab: DemoLab, issued: DemoHost, redeemed: DemoHost) -> Probe:
    """A code that the first host issued is redeemed on the second, and is worth nothing the second time."""
    layout = lab.layout
    uri = notes_redirect(layout)
    client = (NOTES_CLIENT, lab.secrets.notes_client.reveal())
    with straight_to(issued) as here, straight_to(redeemed) as there:
        log_in(here, layout, username=lab.lab.admin, password=lab.secrets.login.reveal())
        code = authorization_code(here, layout, client_id=NOTES_CLIENT, redirect_uri=uri)
        once = redeem(there, layout, code, client=client, redirect_uri=uri)
        twice = redeem(there, layout, code, client=client, redirect_uri=uri)
    passed = bool(code) and once.status == httpx2.codes.OK and (twice.status, twice.error) == (400, "invalid_grant")
    seen = f"{once.status} {once.error}".strip() + f", again {twice.status} {twice.error}"
    return Probe(f"code from {issued.name} redeemed on {redeemed.name}", passed, seen)


def guarded(lab: DemoLab) -> Probe:
    """The guarded app sees who somebody is, nobody else gets there, and visitors cannot say who they are."""
    layout = lab.layout
    page = layout.url("whoami")
    with browser(layout) as stranger, browser(layout) as brother, browser(layout) as sister:
        forged = stranger.get(page, headers={"X-Authentik-Username": "brother"})
        log_in(brother, layout, username="brother", password=lab.secrets.login.reveal())
        log_in(sister, layout, username="sister", password=lab.secrets.login.reveal())
        seen_by_app = brother.get(page, follow_redirects=True)
        denied = sister.get(page, follow_redirects=True)
    named = "x-authentik-username: brother" in seen_by_app.text
    passed = forged.status_code == httpx2.codes.FOUND and named and denied.status_code == httpx2.codes.FORBIDDEN
    seen = f"stranger {forged.status_code}, brother {seen_by_app.status_code}, sister {denied.status_code}"
    return Probe("forward-auth and groups", passed, seen)


def unknown_names(lab: DemoLab) -> Probe:
    """A host name that no site has is refused, on both hosts."""
    with browser(lab.layout) as http:
        url = f"http://unknown.localhost:{lab.layout.edge}/"
        statuses = Counter(http.get(url).status_code for _ in range(8))
    return Probe("unknown host name", set(statuses) == {421}, _counts(statuses))


def without_database(lab: DemoLab) -> Probe:
    """While the host of the database is down, sign-in and notes say so with 503, and the portal answers."""
    layout = lab.layout
    with browser(layout) as http:
        portal = http.get(layout.url()).status_code
        notes = http.get(f"{layout.url('notes')}/healthz").status_code
        sign_in = http.get(f"{layout.url('auth')}/-/health/ready/").status_code
        guarded = http.get(layout.url("whoami")).status_code
    seen = f"portal {portal}, notes app {notes}, sign-in {sign_in}, guarded app {guarded}"
    return Probe("without the database, said plainly", (portal, notes, sign_in, guarded) == (200, 200, 503, 503), seen)


def sign_in_answers(lab: DemoLab) -> bool:
    """Return whether the sign-in's own readiness is seen through the edge."""
    try:
        with browser(lab.layout, patience=5) as http:
            answer = http.get(f"{lab.layout.url('auth')}/-/health/ready/")
    except httpx2.HTTPError:
        return False
    return answer.status_code == httpx2.codes.OK


def eventually(probe: Callable[[], Probe]) -> Probe:
    """Return the probe as soon as it passes, and its last failure when it does not within the time to settle."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        result = probe()
        if result.passed or time.monotonic() > deadline:
            return result
        time.sleep(POLL)


def _counts(counted: Counter[str] | Counter[int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counted.items(), key=str))
