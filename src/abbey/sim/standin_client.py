"""How the stand-in app logs people in: a real OpenID client with PKCE that checks what it is given.

Its own requests to the sign-in go to the sign-in's public name, as a container's would, so that the code which one
host issued may be redeemed on another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2

from abbey.sim import jwt

SESSION_SECONDS = 8 * 3600
PENDING_SECONDS = 600


class LoginError(Exception):
    """Somebody could not be logged in."""


@dataclass(frozen=True, slots=True)
class Login:
    """Who came back, and the session to give them."""

    username: str
    session: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """The app's side of its agreement with the sign-in; `edge` is where the public names are served."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str
    edge: str
    cookie_key: str

    @property
    def end_session(self) -> str:
        """Return the address that logs somebody out of the sign-in."""
        return f"{self.issuer}end-session/"

    def begin(self) -> tuple[str, str]:
        """Return where to send the browser and what it must keep until it comes back."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": "openid profile email",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        parts = urlsplit(self.issuer)
        address = f"{parts.scheme}://{parts.netloc}/application/o/authorize/?{urlencode(query)}"
        pending = {"state": state, "nonce": nonce, "verifier": verifier, "until": time.time() + PENDING_SECONDS}
        return address, self._signed(pending)

    def finish(self, *, pending: str, state: str, code: str) -> Login:
        """Redeem the code and return who it is for. Raise LoginError with the cause."""
        begun = self._read(pending)
        if begun is None or not hmac.compare_digest(begun["state"], state):
            raise LoginError("this login was not begun in this browser")
        try:
            with httpx2.Client(trust_env=False, timeout=10) as http:
                document = self._get(http, f"{self.issuer}.well-known/openid-configuration")
                if document["issuer"] != self.issuer:
                    raise LoginError(f"the sign-in calls itself {document['issuer']}")
                answer = self._redeem(http, document["token_endpoint"], code, begun["verifier"])
                claims = jwt.verify(
                    answer["id_token"],
                    keys=self._get(http, document["jwks_uri"])["keys"],
                    issuer=self.issuer,
                    audience=self.client_id,
                    now=time.time(),
                )
        except (httpx2.HTTPError, jwt.TokenError, KeyError, ValueError) as error:
            raise LoginError(f"the sign-in gave no answer that can be used: {error}") from error
        if claims.get("nonce") != begun["nonce"]:
            raise LoginError("the token belongs to another login")
        username = str(claims["sub"])
        session = self._signed({"username": username, "until": time.time() + SESSION_SECONDS})
        return Login(username=username, session=session)

    def opened(self, session: str) -> str | None:
        """Return whose session the cookie is, None when it is nobody's any more."""
        read = self._read(session)
        return read.get("username") if read else None

    def _redeem(self, http: httpx2.Client, endpoint: str, code: str, verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
        }
        url, host = self._through_edge(endpoint)
        response = http.post(url, data=form, headers=host, auth=(self.client_id, self.client_secret))
        if response.status_code != httpx2.codes.OK:
            raise LoginError(f"the code was refused: {response.status_code} {response.text[:200]}")
        answer: dict[str, Any] = response.json()
        return answer

    def _get(self, http: httpx2.Client, address: str) -> dict[str, Any]:
        url, host = self._through_edge(address)
        answer: dict[str, Any] = http.get(url, headers=host).raise_for_status().json()
        return answer

    def _through_edge(self, address: str) -> tuple[str, dict[str, str]]:
        """Return the address at the edge and the Host header: not every resolver knows `*.localhost`."""
        parts = urlsplit(address)
        return f"{self.edge}{parts.path}", {"Host": parts.netloc}

    def _signed(self, value: dict[str, Any]) -> str:
        body = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
        return f"{body}.{self._mark(body)}"

    def _read(self, cookie: str) -> dict[str, Any] | None:
        body, _, mark = cookie.rpartition(".")
        if not body or not hmac.compare_digest(mark.encode(), self._mark(body).encode()):
            return None
        value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body))
        return value if value["until"] > time.time() else None

    def _mark(self, body: str) -> str:
        return hmac.new(self.cookie_key.encode(), body.encode(), hashlib.sha256).hexdigest()
