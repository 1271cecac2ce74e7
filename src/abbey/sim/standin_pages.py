"""The few pages that the stand-ins show. Each says that it is one."""

from __future__ import annotations

from html import escape

from starlette.responses import HTMLResponse

STYLE = (
    "body{background:#07080f;color:#e8f6ff;font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;"
    "padding:0 1rem}h1{color:#fcee0a;font-size:1.4rem}a,button{color:#00f0ff}small{color:#9fb3c8}"
    "input,button{font:inherit;padding:.4rem .6rem;margin:.2rem 0;background:#0d1122;color:inherit;"
    "border:1px solid #9fb3c8;border-radius:.3rem}button{color:#00f0ff}"
)
# Nothing but this page itself and its own style: no script runs on a stand-in's page.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


def page(title: str, body: str, *, foot: str, status: int = 200) -> HTMLResponse:
    """Return a page. `title` and `foot` are text; `body` is HTML that is already escaped."""
    html = (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style><main><h1>{escape(title)}</h1>{body}<p><small>{escape(foot)}</small></main></html>"
    )
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(html, status_code=status, headers=headers)


def login_form(next_path: str, *, wrong: bool) -> str:
    """Return the form that asks who somebody is."""
    told = "<p role='alert'>That user and password do not fit together.</p>" if wrong else ""
    return (
        f"{told}<form method='post'><input type='hidden' name='next' value='{escape(next_path)}'>"
        "<p><label>User<br><input name='username' autocomplete='username' required autofocus></label></p>"
        "<p><label>Password<br><input name='password' type='password' autocomplete='current-password' required>"
        "</label></p><button>Log in</button></form>"
    )
