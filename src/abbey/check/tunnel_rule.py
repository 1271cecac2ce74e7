"""One ingress rule of cloudflared, and which host names it means."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Rule:
    """One ingress rule: host name pattern (empty matches all), path expression, service."""

    hostname: str
    path: str
    service: str

    @property
    def catches_all(self) -> bool:
        """Return whether the rule matches every request."""
        return self.hostname in ("", "*") and not self.path


def host_matches(pattern: str, host: str) -> bool:
    """Return whether cloudflared takes the host for one that the pattern means."""
    if pattern in ("", "*"):
        return True
    return any(
        host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in (pattern, ascii_name(pattern))
    )


def ascii_name(hostname: str) -> str:
    """Return the host name in lower-case ASCII, or as it is where it has no such form."""
    try:
        name = hostname.lower().encode("idna").decode()
    except UnicodeError:
        return hostname
    return name if all(_LABEL.fullmatch(label) for label in name.split(".")) else hostname
