"""Rules about texts: no secret stands in the open, and every template is one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from abbey.catalog.contract.rule import Rule, Seen, texts, used
from abbey.catalog.schema import App
from abbey.catalog.template import OF_DATABASE, OF_LAB, OF_OIDC, TEXT, names
from abbey.report import Severity
from abbey.spec.yaml import Path

_SOUNDS = re.compile(
    r"(?:pass(?:word|wd|phrase)?|secret|token|api_?key|(?:secret|private|encryption|master|signing|app|jwt|_)_?key"
    r"|dsn|credentials?|salt)$",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"(?:true|false|yes|no|on|off|none|null|required|optional|disabled|enabled|default|auto|Bearer|[0-9]+[a-z]{0,2}"
    r"|/[^\s]*|file:/[^\s]*|https?://[^\s@]*)?",
    re.IGNORECASE,
)
# What apps call the password of the account that they come with; a step changes it to a secret.
_SHIPPED = frozenset({"admin", "changeme", "MyPassword", "password"})
_SECRET_NAMES = ("secret.", "text.", "kept.")
_IN_URL = re.compile(r"://[^\s/:@{}$]*:(?P<word>[^\s/@{}$]+)@")
# `password: x`, `TOKEN = "x"`, `--admin-password=x` in files, scripts and arguments.
_SETTING = re.compile(
    r"(?P<name>[A-Za-z][A-Za-z0-9_.-]*?)[\"']?\s*(?:=>|[:=])\s*"
    r"(?P<quote>[\"']?)(?P<value>(?:\{\{[^{}]*\}\}|[^\s\"',;}&|)])*)(?P=quote)"
)
_OPEN = re.compile(r"\{\{\s*[A-Za-z]")
_WHOLE = re.compile(r"\{\{\s*[A-Za-z][A-Za-z0-9_.-]*\s*\}\}")
_LOOSE = re.compile(r"(?<!\{)\{\s*([a-z][a-z0-9_.]*)\s*\}\}")
_KNOWN = OF_LAB | OF_DATABASE | OF_OIDC
_KEEPS = ("env", "with_database", "without_database", "with_oidc", "with_gate")


def _literal(value: str) -> bool:
    """Return whether the value of a setting that sounds secret is the secret itself."""
    wanted = names(value)
    if wanted:
        return not any(name.startswith(_SECRET_NAMES) or name in OF_OIDC for name in wanted)
    return not _HARMLESS.fullmatch(value) and not value.startswith(("$", "<"))


def _open_secrets(name: str, app: App) -> Seen:
    for path, text in texts(app):
        if _IN_URL.search(text):
            yield path, "an address with a password in it"
        elif _is_setting(path):
            if _SOUNDS.search(str(path[-1])) and _literal(text) and not (path[0] == "steps" and text in _SHIPPED):
                yield path, f"{path[-1]} is a literal"
        elif _is_prose(path):
            continue
        else:
            script = path[0] == "steps"
            yield from ((path, f"{word} is a literal") for word in _in_text(text, only_quoted=script))


def _is_setting(path: Path) -> bool:
    """Return whether the path leads to a value under a name of the app's: environment, headers, body of a call."""
    if path[0] == "services":
        return path[2] in _KEEPS
    return len(path) > 4 and path[2] == "calls" and path[4] in ("headers", "json", "form")


def _is_prose(path: Path) -> bool:
    return path[-1] in ("source", "no_health", "title", "why", "says", "path", "notes", "check") or "keep" in path


def _in_text(text: str, *, only_quoted: bool) -> Iterator[str]:
    """Yield the names of settings whose value is a secret; in a script a bare word is an expression."""
    for line in text.splitlines():
        if line.lstrip().startswith(("#", "//", ";")):
            continue
        for found in _SETTING.finditer(line):
            counts = bool(found["value"]) and (bool(found["quote"]) or not only_quoted)
            if counts and _SOUNDS.search(found["name"]) and _literal(found["value"]):
                yield found["name"]


def _templates(name: str, app: App) -> Seen:
    for path, text in texts(app):
        rest = _WHOLE.sub("", text)
        if _OPEN.search(rest):
            yield path, "a template begins and does not end"
        for found in _LOOSE.findall(rest):
            if found in _KNOWN:
                yield path, f"`{found}` has one brace before it and two after it"


def _unused(name: str, app: App) -> Seen:
    if app.kind == "part":
        return
    wanted = {wish.partition(".")[2] for wish in used(app) if wish.startswith(("secret.", TEXT))}
    wanted |= {short for service in app.services.values() for short in service.secret_files}
    wanted |= {figure.token for figure in app.metrics if figure.token}
    for short in app.secrets:
        if short not in wanted:
            yield ("secrets", short), f"the secret {short} is made, and nothing reads it"


RULES: tuple[Rule, ...] = (
    Rule(
        "secret-is-secret",
        Severity.WARNING,
        why="compose.yaml and this file are for everybody to read",
        fix="name it under `secrets` and write `{{secret.NAME}}` where a file is read, `{{text.NAME}}` elsewhere",
        look=_open_secrets,
    ),
    Rule(
        "secrets-used",
        Severity.NOTE,
        why="a secret that nothing reads looks like a protection, and a `given` one is asked for in vain",
        fix="use it as `{{secret.NAME}}` or `{{text.NAME}}`, or remove it",
        look=_unused,
    ),
    Rule(
        "templates",
        Severity.WARNING,
        why="what is no template is given to the app as it stands",
        fix="write `{{name}}` with two braces on both sides",
        look=_templates,
    ),
)
