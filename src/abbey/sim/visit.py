"""HTTP clients that know the demo's names without DNS: through the edge, or straight to one host's gateway."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx2

from abbey.sim.hosts import DemoHost, Layout

LOGIN_PATH = "/if/flow/default-authentication-flow/"


class Loopback(httpx2.BaseTransport):
    """Connects every request to one address; names, cookies and redirects stay those of the site."""

    def __init__(self, address: str, port: int) -> None:
        self._inner = httpx2.HTTPTransport(trust_env=False)
        self._address = address
        self._port = port

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer the request from the one address."""
        # A copy: the client reads cookies and redirects off the request that it made.
        onward = httpx2.Request(
            request.method,
            request.url.copy_with(host=self._address, port=self._port),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return self._inner.handle_request(onward)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def browser(layout: Layout, *, patience: float = 10) -> httpx2.Client:
    """Return a client that comes through the edge, as visitors do. It keeps cookies; it does not follow redirects."""
    return httpx2.Client(transport=Loopback("127.0.0.1", layout.edge), timeout=patience, trust_env=False)


def straight_to(host: DemoHost, *, patience: float = 10) -> httpx2.Client:
    """Return a client of one host's local-only listener: what it answers comes from that host and no other."""
    return httpx2.Client(transport=Loopback(host.tailnet, host.peer), timeout=patience, trust_env=False)


def log_in(http: httpx2.Client, layout: Layout, *, username: str, password: str) -> int:
    """Log the client in at the sign-in. Return the status of the answer: 303 when it took."""
    form = {"username": username, "password": password, "next": "/"}
    return http.post(f"{layout.url('auth')}{LOGIN_PATH}", data=form).status_code


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What the sign-in of a host said to a code: the status, and the error it named."""

    status: int
    error: str


def authorization_code(http: httpx2.Client, layout: Layout, *, client_id: str, redirect_uri: str) -> str:
    """Return a code that the sign-in gives to the logged-in client, or "" when it gives none."""
    query = {"client_id": client_id, "redirect_uri": redirect_uri, "response_type": "code", "scope": "openid"}
    answer = http.get(f"{layout.url('auth')}/application/o/authorize/", params=query)
    found = re.search(r"[?&]code=([0-9a-f]+)", answer.headers.get("location", ""))
    return found.group(1) if found else ""


def redeem(http: httpx2.Client, layout: Layout, code: str, *, client: tuple[str, str], redirect_uri: str) -> Redeemed:
    """Redeem the code as the app would, at the host that the client leads to."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    answer = http.post(f"{layout.url('auth')}/application/o/token/", data=form, auth=client)
    try:
        error = str(answer.json().get("error", ""))
    except ValueError:
        error = answer.text[:80]
    return Redeemed(answer.status_code, error)
