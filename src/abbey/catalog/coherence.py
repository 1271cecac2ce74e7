"""What a data file says beyond its form: that what it names exists, and that its patterns are ones."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping

from abbey.catalog.schema import App, Service
from abbey.catalog.template import OF_ADMIN, OF_DATABASE, OF_LAB, OF_OIDC, names
from abbey.errors import Fault
from abbey.spec.yaml import Document, Path, shown

# What Go's regular expressions lack and Python's have: look-around, conditions, atomic groups, references back.
_ONLY_PYTHON = re.compile(r"\(\?(<?[=!]|>|\(|P=)|\\[1-9]")
Seen = Iterable[tuple[Path, str, str]]
_MADE = {"oidc": "secret of the app as a client", "db_password": "password of the app's database"}


def incoherences(app: App, document: Document, *, folders: Collection[str]) -> list[Fault]:
    """Given a valid data file and the folders that images are built from, return what it names and nobody has."""
    seen = [
        *_secrets(app),
        *_route(app),
        *_bypass(app),
        *_unknown(app, ("first_account",), app.first_account or "", OF_ADMIN),
    ]
    for key, service in app.services.items():
        seen += [*_named(app, service, ("services", key), folders), *_templates(app, service, ("services", key))]
    return [Fault(document.mark(path), message, hint) for path, message, hint in seen]


def _secrets(app: App) -> Seen:
    for name in app.secrets.keys() & _MADE.keys():
        yield ("secrets", name), f"`{name}` is the {_MADE[name]}, which Abbey makes", "remove it, or name it otherwise"


def _route(app: App) -> Seen:
    if app.route is None:
        return
    service = app.services.get(app.route.service)
    if service is None:
        yield (
            ("route", "service"),
            f"there is no service {app.route.service} in this file",
            _near(app.route.service, app.services),
        )
    elif service.host_network or not service.own_network:
        hint = "remove `host_network` and `own_network: false` from it"
        yield ("route", "service"), f"the gateway cannot reach {app.route.service} outside the app's own network", hint


def _bypass(app: App) -> Seen:
    """Yield the patterns that the gateway could not take. Python's own compiler stands in for Go's."""
    for index, text in enumerate(app.sso.bypass):
        at: Path = ("sso", "bypass", index)
        if "`" in text or not text.isprintable():
            yield at, "a backquote or a control character cannot stand in a bypass", "write it as \\x60, \\t and so on"
        elif not text.startswith("^/"):
            yield at, f"the bypass {shown(text)} would open every path that merely contains it", "begin it with ^/"
        elif _ONLY_PYTHON.search(text):
            yield at, f"the gateway cannot take {shown(text)}", "it knows neither look-around nor references back"
        else:
            try:
                re.compile(text)
            except re.error as error:
                yield at, f"{shown(text)} is no regular expression: {error}", ""


def _named(app: App, service: Service, at: Path, folders: Collection[str]) -> Seen:
    known = {*app.secrets, *(("db_password",) if app.database and app.database.required else ())}
    for index, name in enumerate(service.secret_files):
        if name not in known:
            yield (*at, "secret_files", index), f"there is no secret {name} in this file", _near(name, known)
    build = service.image.build
    if build and build not in folders:
        yield (*at, "image", "build"), f"there is no folder {build} that an image is built from", _near(build, folders)


def _templates(app: App, service: Service, at: Path) -> Seen:
    always = OF_LAB | {f"secret.{name}" for name in app.secrets}
    if app.database and app.database.required:
        always |= OF_DATABASE
    with_database = always | (OF_DATABASE if app.database else set())
    with_oidc = with_database if app.database and app.database.required else always
    texts: list[tuple[Path, str, Collection[str]]] = [
        *_texts((*at, "env"), service.env, always),
        *_texts((*at, "with_database"), service.with_database, with_database),
        *_texts((*at, "without_database"), service.without_database, always),
        *_texts((*at, "with_oidc"), service.with_oidc, with_oidc | OF_OIDC),
        *_texts((*at, "command"), dict(enumerate(service.command or ())), always),
        *_texts((*at, "entrypoint"), dict(enumerate(service.entrypoint or ())), always),
        *_texts((*at, "health", "test"), dict(enumerate(service.health.test if service.health else ())), always),
    ]
    for path, text, allowed in texts:
        yield from _unknown(app, path, text, allowed)


def _unknown(app: App, path: Path, text: str, known: Collection[str]) -> Seen:
    for name in names(text):
        if name not in known:
            yield path, f"nothing is called `{{{{{shown(name)}}}}}` here", _instead(app, name, known)


def _texts(
    at: Path, texts: Mapping[str, str] | Mapping[int, str], known: Collection[str]
) -> list[tuple[Path, str, Collection[str]]]:
    return [((*at, key), text, known) for key, text in texts.items()]


def _instead(app: App, name: str, known: Collection[str]) -> str:
    if name in OF_OIDC:
        return "only `with_oidc` knows it"
    if name in OF_DATABASE:
        return (
            "only `with_database` knows it, unless the app cannot do without: `database: {…, required: true}`"
            if app.database
            else "only an app with `database:` knows it"
        )
    return _near(name, known)


def _near(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, sorted(known), n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known here: {', '.join(sorted(known))}" if known else "there are none"
