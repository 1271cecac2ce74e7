"""Services: every container of a host with all its settings, ready to be written down."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from abbey.catalog.container import Health, Image, Volume, Written
from abbey.catalog.container import Service as Entry
from abbey.catalog.template import fill, names, parts
from abbey.model.app import App
from abbey.model.condition import conditions
from abbey.model.database import SERVER_PART
from abbey.model.host import Host
from abbey.model.lab import Lab
from abbey.model.metrics import METRICS_PART, shown
from abbey.model.monitoring import figures, seen
from abbey.model.network import DATABASE
from abbey.model.values import secrets, values
from abbey.secrets import SecretRef


@dataclass(frozen=True, slots=True)
class Placed:
    """A file that the data file gives: where it lies in the lab's folder, where the container sees it, its content."""

    file: str
    path: str
    content: tuple[str | SecretRef, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """One container. `networks` is empty when it uses the host's network; pairs are (network, aliases)."""

    name: str
    app: App
    entry: Entry
    image: str
    command: tuple[str, ...] | None
    entrypoint: tuple[str, ...] | None
    env: tuple[tuple[str, str], ...]
    secret_env: tuple[tuple[str, tuple[str | SecretRef, ...]], ...]  # variables that hold a secret's text
    secrets: tuple[SecretRef, ...]  # each is the file /run/secrets/<secret_file> inside
    files: tuple[Placed, ...]
    networks: tuple[tuple[str, tuple[str, ...]], ...]
    health: Health | None
    memory: str
    needs: tuple[tuple[str, str], ...]  # (host, service) that must be up first

    @property
    def title(self) -> str:
        """Return its name for people: the app's, and its own part where the app has several containers."""
        part = self.name.removeprefix(self.app.name).removeprefix("-")
        return f"{self.app.entry.title} {part}".rstrip() if len(self.app.entry.services) > 1 else self.app.entry.title

    def sees(self, path: str) -> bool:
        """Return whether a change of a file concerns it: it is mounted, alone or with its folder, and not watched."""
        if any(path == file.file for file in self.files):
            return True
        mounts = (mount.file for mount in self.entry.mounts if not mount.watched)
        return any(path == file or path.startswith(f"{file}/") for file in mounts)

    @property
    def keeps(self) -> tuple[Volume, ...]:
        """Return those of its volumes that hold what must not be lost, in this lab."""
        kinds = ("data",) if self.app.database else ("data", "own-database")
        return tuple(volume for volume in self.volumes if volume.holds in kinds)

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """Return its folders that outlive it."""
        return self.entry.volumes


@lru_cache(maxsize=2)  # a host is rendered at one time, and every renderer asks
def services(lab: Lab, host: Host) -> tuple[Service, ...]:
    """Return the containers of a host, in order of starting and then by name."""
    found = [
        _service(lab, host, app, key=key, entry=entry)
        for app in lab.apps_on(host)
        for key, entry in app.entry.services.items()
        if conditions(lab, app).issuperset(entry.when)
    ]
    return tuple(sorted(found, key=lambda service: (service.entry.stage, service.name)))


def environment(app: App, entry: Entry) -> dict[str, str]:
    """Return the environment of a service as its data file gives it for this app, before anything is filled in."""
    env = dict(entry.env)
    env |= entry.with_database if app.database else entry.without_database
    if app.client:
        env |= entry.with_oidc
    if app.login == "forward-auth":
        env |= entry.with_gate
    return env


def _service(lab: Lab, host: Host, app: App, *, key: str, entry: Entry) -> Service:
    known, texts, true = values(lab, host, app), secrets(lab, app), conditions(lab, app)
    env = environment(app, entry)
    scripts = [step.run or "" for step in app.steps(true) if step.service == key]
    files = [file for file in entry.files if true.issuperset(file.when)]
    words = [*(entry.command or ()), *(entry.entrypoint or ()), *(entry.health.test if entry.health else ())]
    paths = [*_paths([*env.values(), *scripts]), *entry.secret_files]
    paths += _paths([*words, *(file.text for file in files)])
    filled = {variable: parts(text, known, texts) for variable, text in env.items()}
    open_env = {variable: "".join(map(str, pieces)) for variable, pieces in filled.items() if not _hides(pieces)}
    open_env |= dict(app.env) if key == app.main else {}  # as it stands in the lab's file
    name = app.service_name(key)
    return Service(
        name=name,
        app=app,
        entry=entry,
        image=_image(lab, app, entry),
        command=_filled(entry.command, known),
        entrypoint=_filled(entry.entrypoint, known),
        env=tuple(open_env.items()),
        secret_env=tuple((variable, pieces) for variable, pieces in filled.items() if _hides(pieces)),
        secrets=_secrets(lab, host, app, key=key, named=tuple(paths)),
        files=tuple(_placed(file, name, known=known, texts=texts) for file in files),
        networks=_networks(lab, host, app, entry=entry),
        health=entry.health and entry.health.model_copy(update={"test": _filled(entry.health.test, known)}),
        memory=(app.memory if key == app.main else None) or entry.memory,
        needs=((lab.database.primary.name, SERVER_PART),) if app.database and lab.database else (),
    )


def _paths(texts: Iterable[str]) -> list[str]:
    """Return the secrets that are read from files, because their paths stand in these texts."""
    return [name.removeprefix("secret.") for text in texts for name in names(text) if name.startswith("secret.")]


def _hides(pieces: tuple[str | SecretRef, ...]) -> bool:
    return any(isinstance(piece, SecretRef) for piece in pieces)


def _placed(file: Written, service: str, *, known: dict[str, str], texts: dict[str, SecretRef]) -> Placed:
    pieces = parts(file.text, known, texts)
    folder = "secrets/files" if _hides(pieces) else "apps"
    return Placed(f"{folder}/{service}{file.path}", file.path, pieces)


def _image(lab: Lab, app: App, entry: Entry) -> str:
    image = entry.image
    if image.build:
        return f"{image.ref}:{lab.catalog.image_tag(image.build)}"
    return lab.catalog.pins.held(image, own_tag(app, image)).reference(image.ref)


def own_tag(app: App, image: Image) -> str | None:
    """Return the tag that the lab's file gives an image: that of the app's main image, and only of that."""
    return app.tag if image.ref == app.entry.services[app.main].image.ref else None


def _filled(words: tuple[str, ...] | None, known: dict[str, str]) -> tuple[str, ...] | None:
    return None if words is None else tuple(fill(word, known) for word in words)


def _secrets(lab: Lab, host: Host, app: App, *, key: str, named: tuple[str, ...]) -> tuple[SecretRef, ...]:
    """Return what it sees as files: what its data file names, the clients' secrets, what the portal's figures and
    monitoring need."""
    found = [app.secret(short) for short in named]
    if app.entry.services[key].client_secrets:
        found += [other.client.secret for other in lab.apps if other.client]
    if app.name == METRICS_PART and key == app.main:
        found += shown(lab)
    return tuple(dict.fromkeys((*found, *seen(lab, host, app, key))))


def _networks(lab: Lab, host: Host, app: App, *, entry: Entry) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if entry.host_network:
        return ()
    joined: dict[str, tuple[str, ...]] = {app.name: entry.names} if entry.own_network else {}
    if entry.reaches_apps:
        joined |= {other.name: () for other in lab.apps_on(host) if other.entry.route}
        joined |= {one.network: () for one in figures(lab, host) if one.network}
    for network in entry.joins:
        if network != DATABASE or app.database or app.entry.database is None:
            joined[network] = entry.aliases
    return tuple(sorted(joined.items()))
