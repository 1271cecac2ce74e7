"""The Cloudflare Tunnel of the lab."""

from __future__ import annotations

from dataclasses import dataclass

from abbey.secrets import Kind, SecretRef


@dataclass(frozen=True, slots=True)
class Tunnel:
    """One tunnel whose connectors run on every host. Without account and id, connectors cannot be written yet."""

    name: str
    account: str | None
    id: str | None

    @property
    def connected(self) -> bool:
        """Return whether enough is known to run connectors."""
        return self.account is not None and self.id is not None

    @property
    def secret(self) -> SecretRef:
        """Return the tunnel's secret, 32 bytes in base64, which whoever made the tunnel knows."""
        return SecretRef("cloudflared/tunnel_secret", Kind.GIVEN)
