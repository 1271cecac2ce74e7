"""Names and ports that two apps of one lab would both take. Compose, Docker and PostgreSQL would not say so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from abbey.model.app import App
from abbey.model.database import PORT, SERVER_PART, WATCHER, role_name
from abbey.model.faults import Faults
from abbey.model.metrics import METRICS_PART, METRICS_PORT
from abbey.model.network import PLACES
from abbey.model.secret_file import secret_file
from abbey.secrets import SecretRef

# Ports of parts that use the host's network, which no `publish` of theirs names.
_HOST_PORTS = {METRICS_PART: METRICS_PORT, SERVER_PART: PORT}
GATEWAY_PART = "gateway"
_ADDRESSES = ("loopback", "tailnet", "everywhere")
_SERVER_ROLES = frozenset(("none", "public", "postgres", "template0", "template1", WATCHER))
_RENAME = "give the app's data file in `apps/` another name"


@dataclass(frozen=True, slots=True)
class _Claim:
    """What an app takes for itself. Two different users of the same `key` collide."""

    key: tuple[str, ...]
    user: str
    what: str
    hint: str


def check_collisions(apps: Sequence[App], faults: Faults) -> None:
    """Given all placed apps and parts, add a fault for every app that takes what another has or what is reserved."""
    taken: dict[tuple[str, ...], tuple[App, str]] = {}
    asked = {name: app for app in apps for name in _asked(app)}
    for app in sorted(apps, key=lambda app: app.entry.kind, reverse=True):  # parts first: the app is the one to move
        for message in _reserved(app):
            faults.add(("apps", app.name), message, _RENAME)
        for word in (word for service in app.entry.services.values() for word in service.names):
            if asked.get(word, app) is not app:
                what = f"{app.name} calls a container `{word}`; the gateway would take it for {asked[word].name}'s"
                faults.add(("apps", app.name), what, f"remove `{word}` from `names` in its data file")
        for claim in _claims(app):
            holder, user = taken.setdefault(claim.key, (app, claim.user))
            if user != claim.user:
                rest = " twice" if holder is app else f", which {holder.name} has already"
                faults.add(("apps", app.name), f"{app.name} would take {claim.what}{rest}", claim.hint)


def _asked(app: App) -> Iterable[str]:
    """Yield the names by which the gateway asks for an app's containers, in every network it is in; and its own."""
    if app.name == GATEWAY_PART:
        yield app.name
    if app.entry.route:
        ends = (app.entry.route.service, *(other.service for other in app.entry.route.also.values()))
        yield from (app.service_name(key) for key in ends)


def _reserved(app: App) -> Iterable[str]:
    if app.name in PLACES:
        yield f"the network `{app.name}` belongs to the platform, and each app has a network that is called like it"
    if app.name == "localhost":
        yield "on every host and in every container, `localhost` is the machine itself"
    role = role_name(app.name)
    if app.database and (role in _SERVER_ROLES or role.startswith("pg_")):
        yield f"PostgreSQL keeps the name `{role}` for itself, and each app has a role that is called like it"


def _claims(app: App) -> Iterable[_Claim]:
    for key, service in app.entry.services.items():
        name = app.service_name(key)
        for word in (name, *service.aliases):  # under both kinds of names containers find each other
            yield _Claim(("name", word), f"{app.name}/{key}", f"the service name `{word}`", _RENAME)
        for port in service.publish:
            yield from _ports(app, at=port.at, port=port.port, user=name)
    if app.name in _HOST_PORTS:
        for address in _ADDRESSES:
            yield from _ports(app, at=address, port=_HOST_PORTS[app.name], user=app.name)
    for ref in _secrets(app):
        file = secret_file(ref)
        yield _Claim(("secret", file), f"{ref.name} {ref.kind}", f"the secret file `{file}`", _RENAME)


def _ports(app: App, *, at: str, port: int, user: str) -> Iterable[_Claim]:
    for host in app.hosts:
        what = f"port {port} on the {at} address of {host}"
        yield _Claim(("port", host, at, str(port)), user, what, "publish another port in the app's data file")


def _secrets(app: App) -> Iterable[SecretRef]:
    for name in app.entry.secrets:
        yield app.secret(name)
    if app.database:
        yield app.secret("db_password")
    if app.client:
        yield app.client.secret
