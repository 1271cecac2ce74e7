"""Secrets as values that cannot print themselves, and references that never hold one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Kind(StrEnum):
    """How a secret is made when it is first needed."""

    PASSWORD = "password"  # noqa: S105  32 letters and digits: safe in URLs, YAML, SQL and environment files
    HEX = "hex"  # 64 hexadecimal digits
    KEY = "key"  # 50 letters and digits
    BASE64 = "base64"  # 32 random bytes, standard base64
    TLS_KEY = "tls-key"  # PEM private key; its certificate is the TLS_CERT of the same name
    TLS_CERT = "tls-cert"  # PEM self-signed certificate for the key of the same name
    GIVEN = "given"  # only a person can supply it


@dataclass(frozen=True, slots=True, order=True)
class SecretRef:
    """The name of a secret, e.g. `grafana/admin_password`, and how to make it. Holds no secret text."""

    name: str
    kind: Kind = Kind.PASSWORD

    def __str__(self) -> str:
        return f"<secret {self.name}>"


class Secret:
    """Secret text that shows itself only through `reveal()`; `str`, `repr` and format give `<secret>`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself. Call it at the moment of writing it to its place, nowhere else."""
        return self._text

    def __repr__(self) -> str:
        return "<secret>"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "<secret>"

    def __reduce__(self) -> str:
        raise TypeError("a Secret is never serialised")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class Vault(Protocol):
    """Where secrets live. One age file in production, a dict in tests."""

    def get(self, ref: SecretRef) -> Secret | None:
        """Return the secret, or None when it does not exist yet."""

    def ensure(self, refs: list[SecretRef]) -> None:
        """Make every missing secret that is not GIVEN and store them at once. Raise SecretError on failure."""

    def put(self, name: str, secret: Secret) -> None:
        """Store a secret that a person supplied."""

    def names(self) -> list[str]:
        """Return the stored names, sorted."""
