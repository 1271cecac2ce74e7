"""Forward-auth of the stand-in: the embedded outpost's addresses, answering the gateway before an app is asked."""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import quote, unquote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from abbey.sim.standin_store import Store
from abbey.sim.standin_web import answer, origin, visited_host
from abbey.sim.tables import User

PREFIX = "/outpost.goauthentik.io"
COOKIE = "authentik_proxy"
STATE = "authentik_proxy_state"


def outpost_routes() -> list[Route]:
    """Return the routes; they find the store and the sign-in's address in the application's state."""
    return [
        Route(f"{PREFIX}/auth/caddy", check),
        Route(f"{PREFIX}/start", start),
        Route(f"{PREFIX}/callback", callback),
        Route(f"{PREFIX}/sign_out", sign_out),
    ]


def check(request: Request) -> Response:
    """Answer 200 with who somebody is, or send them to log in."""
    store: Store = request.app.state.store
    user = store.outpost_user(request.cookies.get(COOKIE, ""), visited_host(request))
    if user is not None:
        return Response(status_code=200, headers=identity_headers(user))
    back = f"{origin(request)}{request.headers.get('x-forwarded-uri', '/')}"
    return RedirectResponse(f"{origin(request)}{PREFIX}/start?{urlencode({'rd': back})}", 302)


def start(request: Request) -> Response:
    """Send somebody to the sign-in, and remember where they wanted to go."""
    store: Store = request.app.state.store
    client = store.client(client_id=_client_of(request))
    if client is None:
        return Response("No app of this host name asks the sign-in.", status_code=404)
    wanted = request.query_params.get("rd", "/")
    parts = urlsplit(wanted)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    state = secrets.token_urlsafe(16)
    # Where to go afterwards stays in the browser: any host may answer the callback.
    response = answer(
        f"{request.app.state.sign_in}/application/o/authorize/",
        client_id=client.client_id,
        redirect_uri=f"{origin(request)}{PREFIX}/callback",
        response_type="code",
        scope="openid profile email",
        state=state,
    )
    response.set_cookie(STATE, f"{state}.{quote(path, safe='')}", httponly=True, samesite="lax", path=PREFIX)
    return response


def callback(request: Request) -> Response:
    """Redeem the code and open the session of the proxy for this host name."""
    store: Store = request.app.state.store
    state, _, packed = request.cookies.get(STATE, "").partition(".")
    if not state or not hmac.compare_digest(state, request.query_params.get("state", "")):
        return Response("The login was not begun in this browser.", status_code=400)
    grant = store.redeem_code(request.query_params.get("code", ""))
    if grant is None or not grant.live or grant.client_id != _client_of(request):
        return Response("invalid_grant: the code does not exist, has expired, or was already redeemed", status_code=400)
    path = unquote(packed)
    response = RedirectResponse(f"{origin(request)}{path if path.startswith('/') else '/'}", 302)
    session = store.open_outpost_session(visited_host(request), grant.username)
    response.set_cookie(COOKIE, session, httponly=True, samesite="lax")
    response.delete_cookie(STATE, path=PREFIX)
    return response


def sign_out(request: Request) -> Response:
    """Close the session of the proxy."""
    request.app.state.store.close_outpost_session(request.cookies.get(COOKIE, ""))
    response = RedirectResponse(f"{request.app.state.sign_in}/", 302)
    response.delete_cookie(COOKIE)
    return response


def identity_headers(user: User) -> dict[str, str]:
    """Return what the app behind the gateway is told about somebody."""
    return {
        "X-Authentik-Username": user.username,
        "X-Authentik-Groups": "|".join(user.groups),
        "X-Authentik-Email": user.email,
        "X-Authentik-Name": user.name,
        "X-Authentik-Uid": user.username,
    }


def _client_of(request: Request) -> str:
    """Return the client id of the proxied app: the first label of the host name."""
    return visited_host(request).partition(".")[0]
