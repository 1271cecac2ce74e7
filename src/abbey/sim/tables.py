"""What the sign-in and the notes keep in PostgreSQL: tables, and the rows a fresh demo starts with."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

import psycopg

IDENTITY = """
CREATE TABLE signing_keys (kid text PRIMARY KEY, pem text NOT NULL);
CREATE TABLE users (username text PRIMARY KEY, email text NOT NULL, name text NOT NULL, groups text[] NOT NULL,
    salt bytea NOT NULL, password bytea NOT NULL);
CREATE TABLE clients (client_id text PRIMARY KEY, slug text UNIQUE NOT NULL, secret text NOT NULL,
    redirect_uris text[] NOT NULL, groups text[] NOT NULL);
CREATE TABLE sessions (id text PRIMARY KEY, username text NOT NULL REFERENCES users, expires timestamptz NOT NULL);
CREATE TABLE codes (code text PRIMARY KEY, client_id text NOT NULL REFERENCES clients, redirect_uri text NOT NULL,
    username text NOT NULL REFERENCES users, nonce text NOT NULL, challenge text NOT NULL, issued_by text NOT NULL,
    expires timestamptz NOT NULL);
CREATE TABLE tokens (token text PRIMARY KEY, client_id text NOT NULL REFERENCES clients,
    username text NOT NULL REFERENCES users, expires timestamptz NOT NULL);
CREATE TABLE outpost_sessions (id text PRIMARY KEY, host text NOT NULL, username text NOT NULL REFERENCES users,
    expires timestamptz NOT NULL);
"""

NOTES = """
CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, author text NOT NULL, body text NOT NULL,
    written_by text NOT NULL, written timestamptz NOT NULL DEFAULT now());
"""


@dataclass(frozen=True, slots=True)
class User:
    """A person who may log in."""

    username: str
    email: str
    name: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Client:
    """An app that asks the sign-in who somebody is. Empty `groups` lets everybody in."""

    client_id: str
    slug: str
    secret: str
    redirect_uris: tuple[str, ...]
    groups: tuple[str, ...] = ()


def hashed(password: str, salt: bytes) -> bytes:
    """Return what is kept of a password."""
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


def add_users(conninfo: str, users: list[User], password: str) -> None:
    """Add the users, all with the one password of this demo."""
    with psycopg.connect(conninfo) as connection:
        for user in users:
            salt = secrets.token_bytes(16)
            connection.execute(
                "INSERT INTO users VALUES (%s, %s, %s, %s, %s, %s)",
                (user.username, user.email, user.name, list(user.groups), salt, hashed(password, salt)),
            )


def add_clients(conninfo: str, clients: list[Client]) -> None:
    """Add the apps."""
    with psycopg.connect(conninfo) as connection:
        for client in clients:
            connection.execute(
                "INSERT INTO clients VALUES (%s, %s, %s, %s, %s)",
                (client.client_id, client.slug, client.secret, list(client.redirect_uris), list(client.groups)),
            )


def add_signing_key(conninfo: str, pem: str) -> None:
    """Add the key that signs every identity token."""
    with psycopg.connect(conninfo) as connection:
        connection.execute("INSERT INTO signing_keys VALUES (%s, %s)", (secrets.token_hex(8), pem))
