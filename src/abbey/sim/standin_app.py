"""Two small apps on one host: notes, which logs people in by OpenID, and whoami, which the gateway guards.

They stand in for the apps of a lab. Notes keeps nothing on its host: the session is a signed cookie and the notes
are rows, so that every request may reach another host.
"""

from __future__ import annotations

import os
from html import escape

import psycopg
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Host, Route, Router

from abbey.sim.standin_client import Login, LoginError, SignIn
from abbey.sim.standin_pages import page
from abbey.sim.standin_web import with_form

SESSION = "notes_session"
PENDING = "notes_login"


def application(sign_in: SignIn, *, host: str, conninfo: str, whoami: str) -> Starlette:
    """Return both apps of one host; `whoami` is the host name of the second."""
    app = Starlette(
        routes=[
            Host(whoami, app=Router([Route("/", show_headers), Route("/healthz", alive)])),
            Route("/", notes),
            Route("/notes", with_form(write), methods=["POST"]),
            Route("/login", begin),
            Route("/callback", finish),
            Route("/logout", leave),
            Route("/healthz", alive),
        ],
        exception_handlers={psycopg.OperationalError: without_database, LoginError: login_failed},
    )
    app.state.sign_in = sign_in
    app.state.host = host
    app.state.conninfo = conninfo
    app.state.foot = f"This app is a stand-in; {host} answered."
    return app


def alive(request: Request) -> Response:
    """Say that the process runs."""
    return PlainTextResponse("ok\n")


def notes(request: Request) -> Response:
    """Show the notes to somebody who is logged in; send others to log in."""
    username = request.app.state.sign_in.opened(request.cookies.get(SESSION, ""))
    if username is None:
        return RedirectResponse("/login", 302)
    with psycopg.connect(request.app.state.conninfo) as connection:
        rows = connection.execute("SELECT author, body, written_by FROM notes ORDER BY id DESC LIMIT 20").fetchall()
    told = "".join(f"<li>{escape(body)} <small>{escape(who)}, on {escape(where)}</small>" for who, body, where in rows)
    form = (
        "<form method='post' action='/notes'><input name='body' required maxlength='200'> <button>Note</button></form>"
    )
    body = f"<p>Hello {escape(username)}. <a href='/logout'>Log out</a>{form}<ul>{told}</ul>"
    return page("Notes", body, foot=request.app.state.foot)


def write(request: Request, form: dict[str, str]) -> Response:
    """Keep a note."""
    username = request.app.state.sign_in.opened(request.cookies.get(SESSION, ""))
    if username is None:
        return Response("Log in first.\n", status_code=401)
    with psycopg.connect(request.app.state.conninfo) as connection:
        connection.execute(
            "INSERT INTO notes (author, body, written_by) VALUES (%s, %s, %s)",
            (username, form.get("body", "")[:200], request.app.state.host),
        )
    return RedirectResponse("/", 303)


def begin(request: Request) -> Response:
    """Send the browser to the sign-in."""
    address, pending = request.app.state.sign_in.begin()
    response = RedirectResponse(address, 302)
    response.set_cookie(PENDING, pending, httponly=True, samesite="lax", path="/callback")
    return response


def finish(request: Request) -> Response:
    """Redeem the code that the browser brings back, and open a session."""
    login: Login = request.app.state.sign_in.finish(
        pending=request.cookies.get(PENDING, ""),
        state=request.query_params.get("state", ""),
        code=request.query_params.get("code", ""),
    )
    response = RedirectResponse("/", 302)
    response.set_cookie(SESSION, login.session, httponly=True, samesite="lax")
    response.delete_cookie(PENDING, path="/callback")
    return response


def leave(request: Request) -> Response:
    """Forget the session and let the sign-in forget its own."""
    response = RedirectResponse(request.app.state.sign_in.end_session, 302)
    response.delete_cookie(SESSION)
    return response


def show_headers(request: Request) -> Response:
    """Show what the gateway says about the visitor."""
    said = {name: value for name, value in request.headers.items() if name.startswith("x-authentik-")}
    rows = "".join(f"<li>{escape(name)}: {escape(value)}" for name, value in sorted(said.items()))
    return page("Who am I", f"<ul>{rows}</ul>", foot=request.app.state.foot)


def without_database(request: Request, error: Exception) -> Response:
    """Say that the notes are away, and why."""
    words = "<p>The notes are in the shared database, and it does not answer."
    return page("Notes are away", words, foot=request.app.state.foot, status=503)


def login_failed(request: Request, error: Exception) -> Response:
    """Say why somebody could not be logged in."""
    words = f"<p>{escape(str(error))}<p><a href='/login'>Try again</a>"
    return page("Login failed", words, foot=request.app.state.foot, status=502)


if __name__ == "__main__":
    uvicorn.run(
        application(
            SignIn(
                issuer=os.environ["STANDIN_ISSUER"],
                client_id=os.environ["STANDIN_CLIENT_ID"],
                client_secret=os.environ["STANDIN_CLIENT_SECRET"],
                redirect_uri=os.environ["STANDIN_REDIRECT_URI"],
                edge=os.environ["STANDIN_EDGE"],
                cookie_key=os.environ["STANDIN_COOKIE_KEY"],
            ),
            host=os.environ["STANDIN_HOST"],
            conninfo=os.environ["STANDIN_DATABASE"],
            whoami=os.environ["STANDIN_WHOAMI"],
        ),
        host=os.environ["STANDIN_ADDRESS"],
        port=int(os.environ["STANDIN_PORT"]),
        access_log=False,
        log_level="warning",
    )
