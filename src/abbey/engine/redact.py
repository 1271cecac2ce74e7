"""Takes secrets out of text that programs on a host have said, before anybody or any log sees it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from urllib.parse import quote

from abbey.files import quoted
from abbey.secrets import Secret, SecretRef

SHORTEST = 4  # shorter texts would turn ordinary words into noise, and are no secrets


class Redactor:
    """Knows the texts of some secrets; replaces each by its name, also its lines, and as URLs and JSON have it."""

    __slots__ = ("_names",)

    def __init__(self, refs: Iterable[SecretRef], reveal: Callable[[SecretRef], Secret | None]) -> None:
        found: dict[str, str] = {}
        for ref in refs:
            if secret := reveal(ref):
                text = secret.reveal()
                for form in _forms(text):
                    if len(form) >= SHORTEST and not form.startswith("-----"):
                        found.setdefault(form, str(ref))
        self._names = dict(sorted(found.items(), key=lambda pair: len(pair[0]), reverse=True))

    def __call__(self, text: str) -> str:
        """Return the text with every known secret replaced by `<secret NAME>`."""
        for secret, name in self._names.items():
            text = text.replace(secret, name)
        return text

    def __repr__(self) -> str:
        return "<redactor>"


def _forms(text: str) -> tuple[str, ...]:
    return (text, text.strip(), quote(text, safe=""), quoted(text, "json"), json.dumps(text)[1:-1], *text.splitlines())
