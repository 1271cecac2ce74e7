"""What a person and a client see of the stand-ins, without a database behind them."""

from __future__ import annotations

import psycopg
import pytest
from starlette.requests import Request
from starlette.testclient import TestClient

from abbey.sim.standin_client import LoginError, SignIn
from abbey.sim.standin_identity import application
from abbey.sim.standin_store import Store
from abbey.sim.standin_web import local_path, origin

NOWHERE = psycopg.conninfo.make_conninfo(host="127.0.0.1", port=1, dbname="none", connect_timeout=1)


def sign_in() -> SignIn:
    return SignIn(
        issuer="http://auth.abbey.localhost:8080/application/o/notes/",
        client_id="notes",
        client_secret="secret",
        redirect_uri="http://notes.abbey.localhost:8080/callback",
        edge="http://127.0.0.1:1",
        cookie_key="key",
    )


def identity() -> TestClient:
    return TestClient(application(Store(NOWHERE), host="monk", sign_in="http://auth.abbey.localhost:8080"))


def test_the_login_page_says_that_it_is_a_stand_in() -> None:
    answer = identity().get("/if/flow/default-authentication-flow/")
    assert "stand-in for Authentik, on monk" in answer.text
    assert "script" not in answer.headers["content-security-policy"]


def test_what_a_page_is_asked_to_repeat_cannot_become_html() -> None:
    answer = identity().get("/if/flow/default-authentication-flow/", params={"next": "/'><script>alert(1)</script>"})
    assert "<script>" not in answer.text


def test_without_its_database_the_sign_in_says_so() -> None:
    answer = identity().get("/-/health/ready/")
    assert (answer.status_code, answer.text) == (503, "Sign-in is down: its database does not answer.\n")


@pytest.mark.parametrize("target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "evil", "", "\\\\e"])
def test_a_login_never_leads_to_another_site(target: str) -> None:
    assert local_path(target) == "/"


def test_a_login_leads_back_to_where_it_was_asked_for() -> None:
    assert local_path("/application/o/authorize/?client_id=notes&state=a%2Fb") == (
        "/application/o/authorize/?client_id=notes&state=a%2Fb"
    )


def test_the_origin_is_the_one_that_the_browser_asked() -> None:
    headers = [(b"host", b"127.0.1.1:9000"), (b"x-forwarded-host", b"auth.abbey.localhost:8080")]
    request = Request({"type": "http", "method": "GET", "path": "/", "scheme": "http", "headers": headers})
    assert origin(request) == "http://auth.abbey.localhost:8080"


def test_a_session_is_read_back_and_a_changed_one_is_not() -> None:
    client = sign_in()
    _, pending = client.begin()
    assert client.opened("") is None
    assert client.opened(pending[:-1] + ("0" if pending[-1] != "0" else "1")) is None


def test_a_login_that_was_not_begun_here_is_refused() -> None:
    client = sign_in()
    _, pending = client.begin()
    with pytest.raises(LoginError, match="not begun in this browser"):
        client.finish(pending=pending, state="another", code="code")
    with pytest.raises(LoginError, match="not begun in this browser"):
        client.finish(pending="", state="", code="code")
