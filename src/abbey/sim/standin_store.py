"""What the stand-in sign-in keeps and finds: every code, session and token is a row, as in Authentik."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from abbey.sim.tables import Client, User, hashed


@dataclass(frozen=True, slots=True)
class Grant:
    """A redeemed authorization code: for whom, for which app, under which conditions."""

    client_id: str
    redirect_uri: str
    username: str
    nonce: str
    challenge: str
    live: bool


@dataclass(frozen=True, slots=True)
class Store:
    """The identity database, reached as `conninfo` says. Every method raises psycopg.OperationalError without it."""

    conninfo: str

    def _one(self, query: str, *values: object) -> dict[str, Any] | None:
        with (
            psycopg.connect(self.conninfo) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            return cursor.execute(query, values).fetchone()

    def _do(self, statement: str, *values: object) -> None:
        with psycopg.connect(self.conninfo) as connection:
            connection.execute(statement, values)

    def ready(self) -> bool:
        """Return True. Raise when the database does not answer."""
        return self._one("SELECT 1 AS one") is not None

    def signing_key(self) -> tuple[str, str]:
        """Return the id and the PEM of the signing key."""
        row = self._one("SELECT kid, pem FROM signing_keys")
        if row is None:
            raise LookupError("no signing key")
        return row["kid"], row["pem"]

    def client(self, *, client_id: str = "", slug: str = "") -> Client | None:
        """Return the app of that id or of that slug."""
        row = self._one("SELECT * FROM clients WHERE client_id = %s OR slug = %s", client_id, slug)
        if row is None:
            return None
        return Client(row["client_id"], row["slug"], row["secret"], tuple(row["redirect_uris"]), tuple(row["groups"]))

    def user(self, username: str) -> User | None:
        """Return the person."""
        row = self._one("SELECT username, email, name, groups FROM users WHERE username = %s", username)
        return User(row["username"], row["email"], row["name"], tuple(row["groups"])) if row else None

    def check_password(self, username: str, password: str) -> bool:
        """Return whether the password is the person's."""
        row = self._one("SELECT salt, password FROM users WHERE username = %s", username)
        return row is not None and hmac.compare_digest(hashed(password, row["salt"]), row["password"])

    def open_session(self, username: str) -> str:
        """Return the id of a new session."""
        session = secrets.token_urlsafe(32)
        self._do("INSERT INTO sessions VALUES (%s, %s, now() + interval '8 hours')", session, username)
        return session

    def session_user(self, session: str) -> User | None:
        """Return whose session it is, None when there is no such row."""
        row = self._one("SELECT username FROM sessions WHERE id = %s AND expires > now()", session)
        return self.user(row["username"]) if row else None

    def close_session(self, session: str) -> None:
        """Forget the session, and with it everything that the person's apps asked through the proxy."""
        self._do(
            "WITH closed AS (DELETE FROM sessions WHERE id = %s RETURNING username)"
            " DELETE FROM outpost_sessions WHERE username IN (SELECT username FROM closed)",
            session,
        )

    def issue_code(
        self, client: Client, username: str, *, redirect_uri: str, nonce: str, challenge: str, issued_by: str
    ) -> str:
        """Return a new authorization code, good for one minute and one use."""
        code = secrets.token_hex(16)
        self._do(
            "INSERT INTO codes VALUES (%s, %s, %s, %s, %s, %s, %s, now() + interval '1 minute')",
            *(code, client.client_id, redirect_uri, username, nonce, challenge, issued_by),
        )
        return code

    def redeem_code(self, code: str) -> Grant | None:
        """Return what the code grants and delete its row in the same step, None when there is no such row."""
        with (
            psycopg.connect(self.conninfo) as connection,
            connection.cursor(row_factory=class_row(Grant)) as cursor,
        ):
            return cursor.execute(
                "DELETE FROM codes WHERE code = %s RETURNING client_id, redirect_uri, username, nonce, challenge,"
                " expires > now() AS live",
                (code,),
            ).fetchone()

    def issue_token(self, client_id: str, username: str) -> str:
        """Return a new access token, good for an hour."""
        token = secrets.token_urlsafe(32)
        self._do("INSERT INTO tokens VALUES (%s, %s, %s, now() + interval '1 hour')", token, client_id, username)
        return token

    def token_user(self, token: str) -> User | None:
        """Return whose access token it is."""
        row = self._one("SELECT username FROM tokens WHERE token = %s AND expires > now()", token)
        return self.user(row["username"]) if row else None

    def open_outpost_session(self, host: str, username: str) -> str:
        """Return the id of a new session of the proxy, for one host name."""
        session = secrets.token_urlsafe(32)
        self._do(
            "INSERT INTO outpost_sessions VALUES (%s, %s, %s, now() + interval '8 hours')", session, host, username
        )
        return session

    def outpost_user(self, session: str, host: str) -> User | None:
        """Return whose session of the proxy it is, None when it is another host name's."""
        row = self._one(
            "SELECT username FROM outpost_sessions WHERE id = %s AND host = %s AND expires > now()", session, host
        )
        return self.user(row["username"]) if row else None

    def close_outpost_session(self, session: str) -> None:
        """Forget the session of the proxy."""
        self._do("DELETE FROM outpost_sessions WHERE id = %s", session)
