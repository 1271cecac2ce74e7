from __future__ import annotations

from typing import Any

import pytest

from abbey.sim.jwt import TokenError, jwk, new_key, sign, verify

CLAIMS = {"iss": "http://auth/", "aud": "notes", "exp": 1000, "sub": "brother"}


@pytest.fixture(scope="module")
def pem() -> str:
    return new_key()


def verified(token: str, pem: str, **instead: Any) -> dict[str, Any]:
    expected = {"keys": [jwk(pem, "k")], "issuer": "http://auth/", "audience": "notes", "now": 999.0, **instead}
    return verify(token, **expected)


def test_a_sound_token_gives_its_claims(pem: str) -> None:
    assert verified(sign(CLAIMS, pem=pem, kid="k"), pem) == CLAIMS


@pytest.mark.parametrize(
    ("instead", "cause"),
    [
        ({"issuer": "http://other/"}, "issued by"),
        ({"audience": "whoami"}, "meant for"),
        ({"now": 1001.0}, "expired"),
        ({"keys": []}, "not signed by the sign-in"),
    ],
)
def test_a_token_for_something_else_is_refused(pem: str, instead: dict[str, Any], cause: str) -> None:
    with pytest.raises(TokenError, match=cause):
        verified(sign(CLAIMS, pem=pem, kid="k"), pem, **instead)


def test_a_token_of_another_key_is_refused(pem: str) -> None:
    with pytest.raises(TokenError, match="not signed by the sign-in"):
        verified(sign(CLAIMS, pem=new_key(), kid="k"), pem)


@pytest.mark.parametrize("broken", ["", "a.b", "a.b.c", "e30.e30.e30"])
def test_what_is_no_token_is_refused(pem: str, broken: str) -> None:
    with pytest.raises(TokenError):
        verified(broken, pem)
