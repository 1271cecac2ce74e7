"""Where a secret lies as a file: under one name on the host and inside the containers that see it."""

from __future__ import annotations

from abbey.secrets import SecretRef

SECRETS = "/run/secrets"


def secret_file(ref: SecretRef) -> str:
    """Return the name of the file that holds a secret, e.g. grafana_admin_password; the same on host and inside."""
    name = ref.name.replace("/", "_").replace("-", "_")
    return f"{name}_{ref.kind.removeprefix('tls-')}" if ref.kind.startswith("tls-") else name


def secret_path(ref: SecretRef) -> str:
    """Return the path of the file inside a container."""
    return f"{SECRETS}/{secret_file(ref)}"
