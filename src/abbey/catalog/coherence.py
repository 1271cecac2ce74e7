"""What a data file says beyond its form: that what it names exists, and that its patterns are ones."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping

from abbey.catalog.absence import absences
from abbey.catalog.container import Service
from abbey.catalog.schema import App
from abbey.catalog.template import KEPT, OF_ADMIN, OF_DATABASE, OF_LAB, OF_OIDC, TEXT, names
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
        *_references(app),
        *absences(app),
        *_step_templates(app),
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
    ends: list[tuple[Path, str]] = [(("route", "service"), app.route.service)]
    ends += [(("route", "also", path, "service"), other.service) for path, other in app.route.also.items()]
    for at, key in ends:
        service = app.services.get(key)
        if service is None:
            yield at, f"there is no service {key} in this file", _near(key, app.services)
        elif service.host_network or not service.own_network:
            hint = "remove `host_network` and `own_network: false` from it"
            yield at, f"the gateway cannot reach {key} outside the app's own network", hint


def _references(app: App) -> Seen:
    """Yield services, secrets and volumes that other parts of the file name and nobody has."""
    services: list[tuple[Path, str]] = [
        *((("steps", index, "service"), step.service) for index, step in enumerate(app.steps)),
        *((("metrics", index, "service"), figure.service) for index, figure in enumerate(app.metrics)),
        *(
            (("services", key, "needs", index), other)
            for key, service in app.services.items()
            for index, other in enumerate(service.needs)
        ),
    ]
    for at, key in services:
        if key not in app.services:
            yield at, f"there is no service {key} in this file", _near(key, app.services)
    for index, figure in enumerate(app.metrics):
        if figure.token and figure.token not in app.secrets:
            yield (
                ("metrics", index, "token"),
                f"there is no secret {figure.token} in this file",
                _near(figure.token, app.secrets),
            )
    volumes = {volume.name for service in app.services.values() for volume in service.volumes}
    for name in app.backup.volumes.keys() - volumes:
        yield ("backup", "volumes", name), f"there is no volume {name} in this file", _near(name, volumes)
    seen: set[str] = set()
    for index, step in enumerate(app.steps):
        if step.name in seen:
            yield (
                ("steps", index, "name"),
                f"another step is called {step.name}",
                "what an apply still owes is told apart by it",
            )
        seen.add(step.name)


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
    inside = _known(app, service.when)
    database = inside | (OF_DATABASE if app.database else set())
    oidc = inside | (OF_OIDC if app.sso.mode == "oidc" else set())
    texts: list[tuple[Path, str, Collection[str]]] = [
        *_texts((*at, "env"), service.env, _open(inside)),
        *_texts((*at, "with_database"), service.with_database, _open(database)),
        *_texts((*at, "without_database"), service.without_database, _open(inside)),
        *_texts((*at, "with_oidc"), service.with_oidc, _open(oidc)),
        *_texts((*at, "with_gate"), service.with_gate, _open(inside)),
        *_texts((*at, "command"), dict(enumerate(service.command or ())), inside),
        *_texts((*at, "entrypoint"), dict(enumerate(service.entrypoint or ())), inside),
        *_texts((*at, "health", "test"), dict(enumerate(service.health.test if service.health else ())), inside),
        *(
            ((*at, "files", index, "text"), file.text, _open(_known(app, (*service.when, *file.when))))
            for index, file in enumerate(service.files)
        ),
    ]
    for path, text, allowed in texts:
        yield from _unknown(app, path, text, allowed)


def _step_templates(app: App) -> Seen:
    for index, step in enumerate(app.steps):
        known = _known(app, step.when)
        yield from _unknown(app, ("steps", index, "run"), step.run or "", known)
        kept: set[str] = set()
        for place, call in enumerate(step.calls):
            here = _open(known) | {f"{KEPT}{name}" for name in kept}
            for key, inner in call.model_dump(by_alias=True, exclude={"onto", "expect"}).items():
                at, allowed = ("steps", index, "calls", place, key), here if key in _SENT else known
                for text in _strings(inner):
                    yield from _unknown(app, at, text, allowed)
            kept |= call.keep.keys()


_SENT = ("request", "headers", "json", "form")  # what else stands in a call may be shown to people


def _strings(value: object) -> Iterable[str]:
    """Yield every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for pair in value.items():
            yield from _strings(pair)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _strings(inner)


def _known(app: App, when: Collection[str]) -> set[str]:
    """Return the names that have a value where all of `when` is true."""
    known = OF_LAB | {f"secret.{name}" for name in app.secrets} | {f"role.{name}" for name in app.sso.roles}
    if app.database and (app.database.required or "database" in when):
        known |= OF_DATABASE
    if app.sso.mode == "oidc" and "oidc" in when:
        known |= OF_OIDC
    return set(known)


def _open(known: set[str]) -> set[str]:
    """Return the names that may stand where a secret's own text may: every `secret.x` also as `text.x`."""
    return known | {f"{TEXT}{name.removeprefix('secret.')}" for name in known if name.startswith("secret.")}


def _unknown(app: App, path: Path, text: str, known: Collection[str]) -> Seen:
    for name in names(text):
        if name not in known:
            yield path, f"nothing is called `{{{{{shown(name)}}}}}` here", _instead(app, name, known)


def _texts(
    at: Path, texts: Mapping[str, str] | Mapping[int, str], known: Collection[str]
) -> list[tuple[Path, str, Collection[str]]]:
    return [((*at, key), text, known) for key, text in texts.items()]


def _instead(app: App, name: str, known: Collection[str]) -> str:
    if name.startswith(TEXT) and f"secret.{name.removeprefix(TEXT)}" in known:
        return "a secret's own text may stand in the environment, in `files` and in what `calls` send, and nowhere else"
    if name in OF_OIDC:
        return "only `with_oidc` knows it, and what has `when: [oidc]`"
    if name in OF_DATABASE:
        return (
            "only `with_database` and `when: [database]` know it, unless the app has `database: {…, required: true}`"
            if app.database
            else "only an app with `database:` knows it"
        )
    return _near(name, known)


def _near(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, sorted(known), n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known here: {', '.join(sorted(known))}" if known else "there are none"
