"""The OpenID half of the stand-in for Authentik: discovery, authorize, token, userinfo, at Authentik's addresses."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from urllib.parse import unquote, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from abbey.sim import jwt
from abbey.sim.standin_pages import page
from abbey.sim.standin_store import Store
from abbey.sim.standin_web import answer, origin, with_form
from abbey.sim.tables import Client, User

LOGIN = "/if/flow/default-authentication-flow/"
COOKIE = "authentik_session"


def oidc_routes() -> list[Route]:
    """Return the routes; they find the store, the host and the foot of pages in the application's state."""
    return [
        Route("/application/o/authorize/", authorize),
        Route("/application/o/token/", with_form(token), methods=["POST"]),
        Route("/application/o/userinfo/", userinfo, methods=["GET", "POST"]),
        Route("/application/o/{slug}/.well-known/openid-configuration", configuration),
        Route("/application/o/{slug}/jwks/", jwks),
    ]


def configuration(request: Request) -> Response:
    """Answer with the discovery document of an app. Its issuer follows the host name that was asked."""
    client = request.app.state.store.client(slug=request.path_params["slug"])
    if client is None:
        return JSONResponse({"detail": "Not found."}, status_code=404)
    base = f"{origin(request)}/application/o"
    return JSONResponse(
        {
            "issuer": f"{base}/{client.slug}/",
            "authorization_endpoint": f"{base}/authorize/",
            "token_endpoint": f"{base}/token/",
            "userinfo_endpoint": f"{base}/userinfo/",
            "end_session_endpoint": f"{base}/{client.slug}/end-session/",
            "jwks_uri": f"{base}/{client.slug}/jwks/",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "grant_types_supported": ["authorization_code"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "profile", "email"],
        }
    )


def jwks(request: Request) -> Response:
    """Answer with the public key that checks every identity token."""
    kid, pem = request.app.state.store.signing_key()
    return JSONResponse({"keys": [jwt.jwk(pem, kid)]})


def authorize(request: Request) -> Response:
    """Answer with a code for somebody who is logged in and may use the app; send others to log in."""
    store: Store = request.app.state.store
    asked = request.query_params
    client = store.client(client_id=asked.get("client_id", ""))
    redirect_uri, state = asked.get("redirect_uri", ""), asked.get("state", "")
    foot = request.app.state.foot
    if client is None or redirect_uri not in client.redirect_uris:
        words = "<p>The app is unknown, or asks to be answered at an address that is not its own."
        return page("Redirect URI error", words, foot=foot, status=400)
    if not _sound(asked.get("response_type"), asked.get("scope", ""), asked.get("code_challenge_method", "S256")):
        return answer(redirect_uri, error="invalid_request", state=state)
    user = store.session_user(request.cookies.get(COOKIE, ""))
    if user is None:
        return RedirectResponse(f"{LOGIN}?{urlencode({'next': f'{request.url.path}?{request.url.query}'})}", 302)
    if client.groups and not set(client.groups) & set(user.groups):
        return page("Permission denied", f"<p>{client.slug} is for {', '.join(client.groups)}.", foot=foot, status=403)
    code = store.issue_code(
        client,
        user.username,
        redirect_uri=redirect_uri,
        nonce=asked.get("nonce", ""),
        challenge=asked.get("code_challenge", ""),
        issued_by=request.app.state.host,
    )
    return answer(redirect_uri, code=code, state=state)


def token(request: Request, form: dict[str, str]) -> Response:
    """Redeem a code, once. Without its row in this host's database it is `invalid_grant`."""
    store: Store = request.app.state.store
    client = _authenticated(store, request, form)
    if client is None:
        return _refused("invalid_client", "Client authentication failed", status=401)
    if form.get("grant_type") != "authorization_code":
        return _refused("unsupported_grant_type", "Only authorization codes are redeemed here")
    grant = store.redeem_code(form.get("code", ""))
    if grant is None or not grant.live or grant.client_id != client.client_id:
        return _refused("invalid_grant", "The code does not exist, has expired, or was already redeemed")
    if grant.redirect_uri != form.get("redirect_uri") or not _pkce(grant.challenge, form.get("code_verifier", "")):
        return _refused("invalid_grant", "The code was issued under other conditions")
    user = store.user(grant.username)
    if user is None:
        return _refused("invalid_grant", "The user does not exist")
    issuer = f"{origin(request)}/application/o/{client.slug}/"
    document = {
        "access_token": store.issue_token(client.client_id, user.username),
        "token_type": "Bearer",
        "expires_in": 3600,
        "scope": "openid profile email",
        "id_token": _identity_token(store, user, issuer=issuer, client=client, nonce=grant.nonce),
    }
    return JSONResponse(document, headers={"Cache-Control": "no-store"})


def userinfo(request: Request) -> Response:
    """Answer who the bearer of an access token is."""
    kind, _, bearer = request.headers.get("authorization", "").partition(" ")
    user = request.app.state.store.token_user(bearer) if kind.lower() == "bearer" else None
    if user is None:
        return JSONResponse({"error": "invalid_token"}, 401, headers={"WWW-Authenticate": "Bearer"})
    return JSONResponse(_about(user))


def _identity_token(store: Store, user: User, *, issuer: str, client: Client, nonce: str) -> str:
    now = int(time.time())
    kid, pem = store.signing_key()
    claims = {"iss": issuer, "aud": client.client_id, "iat": now, "exp": now + 300, "nonce": nonce, **_about(user)}
    return jwt.sign(claims, pem=pem, kid=kid)


def _sound(response_type: str | None, scope: str, challenge_method: str) -> bool:
    return response_type == "code" and "openid" in scope.split() and challenge_method == "S256"


def _authenticated(store: Store, request: Request, form: dict[str, str]) -> Client | None:
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    kind, _, packed = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(packed).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        client_id, secret = unquote(client_id), unquote(secret)
    client = store.client(client_id=client_id)
    return client if client and hmac.compare_digest(client.secret.encode(), secret.encode()) else None


def _pkce(challenge: str, verifier: str) -> bool:
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return not challenge or hmac.compare_digest(challenge, digest)


def _about(user: User) -> dict[str, object]:
    return {
        "sub": user.username,
        "preferred_username": user.username,
        "name": user.name,
        "email": user.email,
        "groups": list(user.groups),
    }


def _refused(error: str, description: str, *, status: int = 400) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status_code=status)
