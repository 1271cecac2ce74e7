"""Services: every container of a host with all its settings, ready to be written down."""

from __future__ import annotations

from dataclasses import dataclass

from abbey.catalog.schema import Health, Volume
from abbey.catalog.schema import Service as Entry
from abbey.catalog.template import fill, names
from abbey.model.app import App
from abbey.model.database import DOOR, PORT, SERVER_PART, role_name
from abbey.model.host import Host
from abbey.model.identity import ADMIN_GROUP
from abbey.model.lab import Lab
from abbey.model.network import DATABASE
from abbey.secrets import SecretRef

METRICS_PART = "metrics"
METRICS_PORT = 9101
SECRETS = "/run/secrets"


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
    secrets: tuple[SecretRef, ...]  # each is the file /run/secrets/<secret_file> inside
    networks: tuple[tuple[str, tuple[str, ...]], ...]
    health: Health | None
    memory: str
    needs: tuple[tuple[str, str], ...]  # (host, service) that must be up first

    @property
    def title(self) -> str:
        """Return its name for people: the app's, and its own part where the app has several containers."""
        part = self.name.removeprefix(f"{self.app.name}-")
        return f"{self.app.entry.title} {part}" if len(self.app.entry.services) > 1 else self.app.entry.title

    def sees(self, path: str) -> bool:
        """Return whether a file of the lab's folder is mounted into it, by itself or with its folder."""
        return any(path == mount.file or path.startswith(f"{mount.file}/") for mount in self.entry.mounts)

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """Return its folders that outlive it."""
        return self.entry.volumes


def secret_file(ref: SecretRef) -> str:
    """Return the name of the file that holds a secret, e.g. grafana_admin_password; the same on host and inside."""
    name = ref.name.replace("/", "_").replace("-", "_")
    return f"{name}_{ref.kind.removeprefix('tls-')}" if ref.kind.startswith("tls-") else name


def services(lab: Lab, host: Host) -> tuple[Service, ...]:
    """Return the containers of a host, in order of starting and then by name."""
    found = [
        _service(lab, host, app, key=key, entry=entry)
        for app in lab.apps_on(host)
        for key, entry in app.entry.services.items()
    ]
    return tuple(sorted(found, key=lambda service: (service.entry.stage, service.name)))


def values(lab: Lab, host: Host, app: App) -> dict[str, str]:
    """Return what `{{name}}` may stand for in the data file of an app, on a host."""
    known = {
        "lab": lab.name,
        "domain": lab.domain,
        "timezone": lab.timezone,
        "admin.user": lab.admin,
        "admin.email": lab.email,
        "admin.group": ADMIN_GROUP,
        "host.name": host.name,
        "host.tailnet": host.tailnet,
        "url": app.url,
        "hostname": app.hostname,
        "peers.metrics": ",".join(f"{peer.name}=http://{peer.tailnet}:{METRICS_PORT}" for peer in lab.others(host)),
        "weather.at": f"{lab.portal.weather.latitude},{lab.portal.weather.longitude}" if lab.portal.weather else "",
        "weather.place": lab.portal.weather.place if lab.portal.weather else "",
    }
    known |= {f"secret.{name}": f"{SECRETS}/{secret_file(app.secret(name))}" for name in app.entry.secrets}
    if app.database:
        role = role_name(app.name)
        known |= {"db.host": DOOR, "db.port": str(PORT), "db.name": role, "db.user": role}
        known["secret.db_password"] = f"{SECRETS}/{secret_file(app.secret('db_password'))}"
    if app.client and lab.identity:
        known |= lab.identity.endpoints(app.client.client_id)
        known["secret.oidc"] = f"{SECRETS}/{secret_file(app.client.secret)}"
    return known


def _service(lab: Lab, host: Host, app: App, *, key: str, entry: Entry) -> Service:
    known = values(lab, host, app)
    env = dict(entry.env)
    env |= entry.with_database if app.database else entry.without_database
    if app.client:
        env |= entry.with_oidc
    wanted = [name for text in env.values() for name in names(text)]
    secrets = {name.removeprefix("secret."): None for name in wanted if name.startswith("secret.")}
    secrets |= dict.fromkeys(entry.secret_files)
    filled = {variable: fill(text, known) for variable, text in env.items()}
    filled |= dict(app.env) if key == app.main else {}  # as it stands in the lab's file
    return Service(
        name=app.service_name(key),
        app=app,
        entry=entry,
        image=_image(lab, app, entry),
        command=_filled(entry.command, known),
        entrypoint=_filled(entry.entrypoint, known),
        env=tuple(filled.items()),
        secrets=(*(app.secret(name) for name in secrets), *_client_secrets(lab, entry)),
        networks=_networks(lab, host, app, entry=entry),
        health=entry.health and entry.health.model_copy(update={"test": _filled(entry.health.test, known)}),
        memory=(app.memory if key == app.main else None) or entry.memory,
        needs=((lab.database.primary.name, SERVER_PART),) if app.database and lab.database else (),
    )


def _image(lab: Lab, app: App, entry: Entry) -> str:
    image = entry.image
    if image.build:
        return f"{image.ref}:{lab.catalog.image_tag(image.build)}"
    if app.tag and image.ref == app.entry.services[app.main].image.ref:
        return f"{image.ref}:{app.tag}"
    return f"{image.ref}:{image.tag}{f'@{image.digest}' if image.digest else ''}"


def _filled(words: tuple[str, ...] | None, known: dict[str, str]) -> tuple[str, ...] | None:
    return None if words is None else tuple(fill(word, known) for word in words)


def _client_secrets(lab: Lab, entry: Entry) -> tuple[SecretRef, ...]:
    return tuple(app.client.secret for app in lab.apps if app.client) if entry.client_secrets else ()


def _networks(lab: Lab, host: Host, app: App, *, entry: Entry) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if entry.host_network:
        return ()
    joined: dict[str, tuple[str, ...]] = {app.name: ()} if entry.own_network else {}
    if entry.reaches_apps:
        joined |= {other.name: () for other in lab.apps_on(host) if other.entry.route}
    for network in entry.joins:
        if network != DATABASE or app.database or app.entry.database is None:
            joined[network] = entry.aliases
    return tuple(sorted(joined.items()))
