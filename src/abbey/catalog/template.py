"""`{{name}}` in data files: a closed set of names, filled in once, unknown names refused."""

from __future__ import annotations

import re
from collections.abc import Mapping

from abbey.secrets import SecretRef

# What every lab knows; `values` in model/service.py gives each its value.
OF_LAB = frozenset(
    {
        "lab",
        "domain",
        "url",
        "hostname",
        "timezone",
        "admin.user",
        "admin.email",
        "admin.group",
        "host.name",
        "host.tailnet",
        "network.app",
        "network.portal",
        "network.monitor",
        "peers.metrics",
        "tunnel.service",
        "database.servers",
        "database.password",
        "weather.at",
        "weather.place",
        "forgejo.url",
        "forgejo.host",
        "forgejo.user",
        "forgejo.token",
        "braces",
    }
)
OF_ADMIN = frozenset(("admin.user", "admin.email"))
OF_DATABASE = frozenset(("db.host", "db.port", "db.name", "db.user", "secret.db_password"))
OF_OIDC = frozenset(
    {
        "oidc.client_id",
        "oidc.host",
        "oidc.issuer",
        "oidc.discovery",
        "oidc.authorize",
        "oidc.token",
        "oidc.userinfo",
        "oidc.end_session",
        "secret.oidc",
    }
)

TEXT = "text."  # the secret itself
KEPT = "kept."  # what a call of a step kept of an answer

# Wider than the names that exist, so that a misspelt one is found instead of left in the text.
_PLACE = re.compile(r"\{\{\s*([A-Za-z][A-Za-z0-9_.-]*)\s*\}\}")


class UnknownNameError(ValueError):
    """A template names something that the lab does not have."""


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return the text with every `{{name}}` replaced. Raise UnknownNameError for a name that has no value."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            raise UnknownNameError(name)
        return values[name]

    return _PLACE.sub(value, text)


def parts(text: str, values: Mapping[str, str], secrets: Mapping[str, SecretRef]) -> tuple[str | SecretRef, ...]:
    """Return the text in pieces, with `{{text.x}}` as a reference to the secret and every other `{{name}}` replaced.

    `secrets` has them by the names after `text.`. `{{kept.x}}` stays as it is: only the app's answers have values for
    it. Raise UnknownNameError as `fill` does.
    """
    found: list[str | SecretRef] = []
    end = 0
    for match in _PLACE.finditer(text):
        name = match.group(1)
        found.append(text[end : match.start()])
        end = match.end()
        if name.startswith(TEXT):
            short = name.removeprefix(TEXT)
            if short not in secrets:
                raise UnknownNameError(name)
            found.append(secrets[short])
        else:
            found.append(match.group(0) if name.startswith(KEPT) else fill(match.group(0), values))
    found.append(text[end:])
    return tuple(piece for piece in found if piece != "")


def names(text: str) -> tuple[str, ...]:
    """Return the names that the text wants, in order."""
    return tuple(match.group(1) for match in _PLACE.finditer(text))
