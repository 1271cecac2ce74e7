"""Which values of an environment are secrets, and where they go: into the vault, never into a file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_END = re.compile(r"(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|APIKEY|CREDENTIALS?|SALT)[0-9]*$")
_PAIRS = frozenset(
    ("API_KEY", "PRIVATE_KEY", "ACCESS_KEY", "SECRET_KEY", "ENCRYPTION_KEY", "MASTER_KEY", "APP_KEY", "JWT_KEY",
     "AUTH_KEY", "SIGNING_KEY", "ENC_KEY", "AUTHKEY", "LICENSE_KEY", "KEY_BASE")
)  # fmt: skip
_INSIDE = re.compile(r"PASSW|SECRET|TOKEN|PRIVATE|APIKEY|API_KEY")
_RANDOM = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9+/=_.-]{16,}")
_IN_URL = re.compile(r"(?<=://)([^/\s:@]*):([^/\s@]+)(?=@)")
_FLAGS = frozenset(("true", "false", "yes", "no", "on", "off", "none", "null", "0", "1", ""))
_FILE = re.compile(r"(_FILE|_PATH|_DIR|__FILE)$")
_IN_WORDS = re.compile(r"(?i)(pass(word|wd)?|secret|token|api-?key)[= ]|--requirepass")


def is_secret(name: str, value: str) -> bool:
    """Return whether a variable of this name holds a secret, with this value."""
    upper = re.sub(r"[-.]", "_", name.upper())
    if value.strip().lower() in _FLAGS or _FILE.search(upper) or value.startswith("/"):
        return False
    words = [word for word in upper.split("_") if word]
    last = words[-1] if words else ""
    if _END.search(upper) or last == "PASS" or "_".join(words[-2:]) in _PAIRS or last in _PAIRS:
        return "://" not in value
    return bool(_INSIDE.search(upper) and _RANDOM.fullmatch(value))


def in_url(value: str) -> tuple[str, str, str] | None:
    """Return what stands before, in and after the password of an address such as scheme://user:password@host."""
    found = _IN_URL.search(value)
    return (value[: found.start(2)], found[2], value[found.end(2) :]) if found else None


def in_words(words: tuple[str, ...]) -> bool:
    """Return whether a command looks as if a secret stands in it."""
    text = " ".join(words)
    return bool(_IN_WORDS.search(text) or in_url(text))


@dataclass(slots=True)
class Secrets:
    """The secrets of one app: short name → text, or None for one that is still to be given. Equal texts are one."""

    given: dict[str, str | None] = field(default_factory=dict)

    def take(self, wish: str, text: str | None) -> str:
        """Return the name under which a text is kept."""
        for name, known in self.given.items():
            if text is not None and known == text:
                return name
        base = re.sub(r"[^a-z0-9]+", "_", wish.lower()).strip("_")[:36]
        base = base if base[:1].isalpha() else f"s_{base}"[:36]
        base = base if base not in ("oidc", "db_password") else f"given_{base}"
        name, number = base, 2
        while name in self.given:
            name, number = f"{base}_{number}", number + 1
        self.given[name] = text
        return name

    def holds(self, text: str) -> bool:
        """Return whether a text contains one of the secrets."""
        return any(known and len(known) > 3 and known in text for known in self.given.values())
