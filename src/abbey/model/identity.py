"""The identity provider of the lab, and the addresses that its clients use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PROVIDER = "authentik"
ADMIN_GROUP = "homelab-admin"
OWN_GROUP = "authentik Admins"  # made by Authentik itself, like the account
OWN_ACCOUNT = "akadmin"


@dataclass(frozen=True, slots=True)
class Identity:
    """One Authentik on every host on one database. `groups`: (name, users), sorted. `addresses`: user → e-mail."""

    hostname: str
    url: str
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    users: tuple[str, ...]
    addresses: Mapping[str, str]

    def endpoints(self, slug: str) -> dict[str, str]:
        """Return the addresses of the client `slug`, by the names that data files use."""
        base = f"{self.url}/application/o"
        return {
            "oidc.client_id": slug,
            "oidc.host": self.hostname,
            "oidc.issuer": f"{base}/{slug}/",
            "oidc.discovery": f"{base}/{slug}/.well-known/openid-configuration",
            "oidc.authorize": f"{base}/authorize/",
            "oidc.token": f"{base}/token/",
            "oidc.userinfo": f"{base}/userinfo/",
            "oidc.end_session": f"{base}/{slug}/end-session/",
        }


def identity_of(
    hostname: str, groups: Mapping[str, tuple[str, ...]], *, admin: str, addresses: Mapping[str, str]
) -> Identity:
    """Return the identity provider with every group that the file names; the owner is always an administrator."""
    members: dict[str, set[str]] = {name: set(users) for name, users in groups.items()}
    members.setdefault(ADMIN_GROUP, set()).add(admin)
    return Identity(
        hostname=hostname,
        url=f"https://{hostname}",
        groups=tuple((name, tuple(sorted(users))) for name, users in sorted(members.items())),
        users=tuple(sorted({admin, *addresses}.union(*members.values()))),
        addresses=dict(addresses),
    )
