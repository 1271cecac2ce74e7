"""Stands in for Authentik on one host: an OpenID provider whose codes, sessions and tokens are rows in PostgreSQL.

Same addresses and same answers as Authentik for what the demo shows: a code whose row is not in *this* host's
database is `invalid_grant`, which is why the hosts share one.
"""

from __future__ import annotations

import os

import psycopg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from abbey.sim.standin_oidc import COOKIE, LOGIN, oidc_routes
from abbey.sim.standin_outpost import outpost_routes
from abbey.sim.standin_pages import login_form, page
from abbey.sim.standin_store import Store
from abbey.sim.standin_web import local_path, with_form


def application(store: Store, *, host: str, sign_in: str) -> Starlette:
    """Return the sign-in of one host, over the store. `sign_in` is the address that browsers know it by."""
    app = Starlette(
        routes=[
            Route("/", home),
            Route("/if/user/", home),
            Route(LOGIN, with_form(login), methods=["GET", "POST"]),
            Route("/application/o/{slug}/end-session/", end_session),
            Route("/-/health/live/", alive),
            Route("/-/health/ready/", ready),
            *oidc_routes(),
            *outpost_routes(),
        ],
        exception_handlers={psycopg.OperationalError: without_database},
    )
    app.state.store = store
    app.state.host = host
    app.state.sign_in = sign_in
    app.state.foot = f"This page is a stand-in for Authentik, on {host}: it does what the demo needs, nothing else."
    return app


def home(request: Request) -> Response:
    """Say who is logged in."""
    user = request.app.state.store.session_user(request.cookies.get(COOKIE, ""))
    if user is None:
        return RedirectResponse(f"{LOGIN}?next=/", 302)
    return page(f"Logged in as {user.name}", f"<p>Groups: {', '.join(user.groups)}", foot=request.app.state.foot)


def login(request: Request, form: dict[str, str]) -> Response:
    """Ask for user and password, and open a session when they fit together."""
    foot = request.app.state.foot
    if request.method != "POST":
        return page("Log in", login_form(local_path(request.query_params.get("next", "/")), wrong=False), foot=foot)
    store: Store = request.app.state.store
    target, username = local_path(form.get("next", "/")), form.get("username", "")
    if not store.check_password(username, form.get("password", "")):
        return page("Log in", login_form(target, wrong=True), foot=foot, status=401)
    response = RedirectResponse(target, 303)
    response.set_cookie(COOKIE, store.open_session(username), httponly=True, samesite="lax")
    return response


def end_session(request: Request) -> Response:
    """Close the session of the person, everywhere."""
    request.app.state.store.close_session(request.cookies.get(COOKIE, ""))
    response = page("Logged out", "<p>You are logged out.", foot=request.app.state.foot)
    response.delete_cookie(COOKIE)
    return response


def alive(request: Request) -> Response:
    """Say that the process runs."""
    return Response(status_code=200)


def ready(request: Request) -> Response:
    """Say that the database answers; without it the handler of its absence does."""
    request.app.state.store.ready()
    return Response(status_code=200)


def without_database(request: Request, error: Exception) -> Response:
    """Say that nobody can log in now, and why."""
    return PlainTextResponse("Sign-in is down: its database does not answer.\n", status_code=503)


if __name__ == "__main__":
    uvicorn.run(
        application(
            Store(os.environ["STANDIN_DATABASE"]),
            host=os.environ["STANDIN_HOST"],
            sign_in=os.environ["STANDIN_SIGN_IN"],
        ),
        host=os.environ["STANDIN_ADDRESS"],
        port=int(os.environ["STANDIN_PORT"]),
        access_log=False,
        log_level="warning",
    )
