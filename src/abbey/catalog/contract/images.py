"""Rules about what runs: images, how they show that they work, what of the host they see."""

from __future__ import annotations

import re
from collections.abc import Iterator

from abbey.catalog.container import Health, Image, Service
from abbey.catalog.contract.rule import Rule, Seen, texts
from abbey.catalog.schema import App
from abbey.report import Severity
from abbey.spec.yaml import Path

# Programs that an image may lack: one that is used must have been seen in it.
_BORROWED = frozenset({"sh", "ash", "bash", "curl", "wget", "python", "python3", "node", "nc", "php", "perl", "ruby"})
_SHELL = frozenset({"sh", "ash", "bash", "curl", "wget"})
# Images that hold their own program and nothing else. A variant such as -alpine has more.
WITHOUT_SHELL = frozenset(
    {
        "docker.io/amir20/dozzle",
        "docker.io/cloudflare/cloudflared",
        "docker.io/henrygd/beszel",
        "docker.io/henrygd/beszel-agent",
        "docker.io/portainer/portainer-ce",
        "docker.io/twinproduction/gatus",
        "docker.io/vikunja/vikunja",
        "ghcr.io/amir20/dozzle",
        "ghcr.io/henrygd/beszel/beszel",
        "ghcr.io/henrygd/beszel/beszel-agent",
        "ghcr.io/twin/gatus",
    }
)
SOCKET_PROXIES = frozenset(
    {
        "docker.io/tecnativa/docker-socket-proxy",
        "docker.io/wollomatic/socket-proxy",
        "ghcr.io/tecnativa/docker-socket-proxy",
        "lscr.io/linuxserver/socket-proxy",
    }
)
_FILTER = "docker.io/library/haproxy"  # one, where its configuration refuses what is not named
_FLOWS = "latest|stable|release|main|master|edge|nightly|rolling|develop|dev|next|beta|lts|alpine|slim"
_ROLLING = re.compile(rf"(?:{_FLOWS})(?:[._-].*)?", re.IGNORECASE)
_BARE_MAJOR = re.compile(r"v?[0-9]{1,5}(?:-(?:[a-z_-]+|alpine[0-9.]*))?")
_DATABASE = re.compile(r"(?:^|/)(?:postgres|postgresql|pgvector|mariadb|mysql|mongo|timescaledb|pgvecto-rs)$")
_SOCKET = re.compile(r"^/(?:var/)?run(?:/docker\.sock)?/?$|docker\.sock$")
_SETTINGS = ("env", "with_database", "without_database", "with_oidc", "with_gate", "command", "files")
_HOST_NAME = re.compile(r"(?:HOST|SERVER|ADDR|ADDRESS|URL)$")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
_FASTEST = 5  # seconds between two questions


def _services(app: App) -> Iterator[tuple[Path, Service]]:
    for key, service in app.services.items():
        yield ("services", key), service


def _health(name: str, app: App) -> Seen:
    for at, service in _services(app):
        if service.health is None and service.no_health is None:
            yield at, f"nothing says whether {at[1]} works, nor why not"
        elif service.health is not None and service.no_health is not None:
            yield (*at, "no_health"), f"{at[1]} has a health check and a reason for having none"
        if service.health is not None:
            yield from _test((*at, "health"), service.image, service.health)


def _test(at: Path, image: Image, health: Health) -> Seen:
    kind, *words = health.test
    if kind not in ("CMD", "CMD-SHELL") or not words:
        yield (*at, "test"), "the test begins with neither CMD nor CMD-SHELL"
        return
    program = "sh" if kind == "CMD-SHELL" else words[0].rpartition("/")[2]
    if program in _BORROWED and not health.source and not image.build:
        yield (*at, "test"), f"it is said nowhere that the image has {program}"
    if _bare(image) and program in _SHELL:
        yield (*at, "test"), f"{image.ref} has no {program}"
    if _seconds(health.interval) < _FASTEST:
        yield (*at, "interval"), f"asking every {health.interval} costs more than it tells"


def _bare(image: Image) -> bool:
    return image.ref in WITHOUT_SHELL and "-alpine" not in image.tag


def _seconds(text: str) -> float:
    number, unit = re.fullmatch(r"([0-9]+)([a-z]+)", text, re.ASCII).groups()  # type: ignore[union-attr]  # the schema's form
    return int(number) * _SECONDS[unit]


def _version(name: str, app: App) -> Seen:
    tags: dict[str, str] = {}
    for (_, key), service in _services(app):
        image, at = service.image, ("services", key, "image")
        if image.build:
            continue
        if not image.digest and (_ROLLING.fullmatch(image.tag) or not re.search(r"[0-9]", image.tag)):
            yield (*at, "tag"), f"{image.tag} is another version tomorrow"
        elif not image.digest and _BARE_MAJOR.fullmatch(image.tag):
            yield (*at, "tag"), f"{image.tag} is whatever is newest in that line"
        if not image.source:
            yield at, "it is said nowhere where that version was seen"
        if not image.notes:
            yield at, "there is no address of release notes"
        if _DATABASE.search(image.ref) and not (image.updates == "by-hand" and image.path):
            yield at, f"{image.ref} is a database: its files must be moved by hand to a new major version"
        if tags.setdefault(image.ref, image.tag) != image.tag:
            yield (*at, "tag"), f"{image.ref} is used here with {image.tag} and {tags[image.ref]}"


def _publish(name: str, app: App) -> Seen:
    if app.kind == "part":
        return
    route = app.route
    for at, service in _services(app):
        for index, port in enumerate(service.publish):
            place = (*at, "publish", index)
            if route and (at[1], port.to) == (route.service, route.port):
                yield place, f"port {port.to} is the one that the gateway asks; published, it has no login before it"
            if port.at == "loopback":
                yield place, "nobody but the host itself reaches a port on loopback"
            if not port.why:
                yield place, f"it is said nowhere why port {port.port} cannot go through the gateway"


def guards_socket(service: Service) -> bool:
    """Return whether the service is there to let a part of Docker's interface through."""
    if service.image.ref == _FILTER:
        return any("http-request deny" in file.text for file in service.files)
    return service.image.ref in SOCKET_PROXIES


def _socket(name: str, app: App) -> Seen:
    for at, service in _services(app):
        for index, path in enumerate(service.host_paths):
            if not _SOCKET.search(path.host):
                continue
            place = (*at, "host_paths", index)
            if not guards_socket(service):
                yield place, f"whoever takes over {at[1]} has the whole host, by Docker's socket"
            elif path.write:
                yield place, "a socket that is mounted to be written can be replaced"
            if app.route and app.route.service == at[1]:
                yield ("route", "service"), f"visitors would reach Docker's own interface in {at[1]}"
            if service.publish:
                yield (*at, "publish"), "Docker's own interface would be open on the host"


def _addressed(name: str, app: App) -> Seen:
    """Yield the containers that a setting addresses as the app's own and that it does not have."""
    known = {key if key == name else f"{name}-{key}" for key in app.services}
    known |= {other for service in app.services.values() for other in (*service.names, *service.aliases)}
    other = rf"(?P<other>{re.escape(name)}-[a-z0-9-]+)"
    address, alone = re.compile(rf"(?:://(?:[^\s/@]*@)?|^(?=\S+:[0-9])){other}"), re.compile(rf"{other}$")
    for path, text in texts(app):
        if path[0] != "services" or path[2] not in _SETTINGS:
            continue
        found = [*address.finditer(text)]
        if _HOST_NAME.search(str(path[-1])) and (whole := alone.match(text)):
            found.append(whole)
        for one in found:
            if one["other"] not in known:
                yield path, f"there is no container {one['other']}; its containers: {', '.join(sorted(known))}"


def _reload(name: str, app: App) -> Seen:
    for at, service in _services(app):
        if service.reload and service.files:
            yield (*at, "files"), f"{at[1]} would reread the file as it was at its start"


RULES: tuple[Rule, ...] = (
    Rule(
        "health-plausible",
        Severity.WARNING,
        why="a test with a program that the image lacks fails for ever, and the app never counts as up",
        fix="use a program that is in the image and say in `health.source` where that was seen; else say in"
        " `no_health` why there is none",
        look=_health,
    ),
    Rule(
        "image-version",
        Severity.WARNING,
        why="two hosts must run the same version, and an update is a decision",
        fix="write the exact version in `tag`, where it was seen in `source`, its release notes in `notes`; for a"
        " database `updates: by-hand` and the `path` to the next major version",
        look=_version,
    ),
    Rule(
        "no-published-port",
        Severity.WARNING,
        why="what is published goes past the gateway, its login and Cloudflare",
        fix="remove it, or publish another protocol's port `at: tailnet` or `everywhere` and say `why`",
        look=_publish,
    ),
    Rule(
        "socket",
        Severity.WARNING,
        why="Docker's socket is root on the host",
        fix="add a service with docker.io/tecnativa/docker-socket-proxy that mounts it read-only, and let the app ask"
        " that one with the fewest sections it needs",
        look=_socket,
    ),
    Rule(
        "containers-exist",
        Severity.WARNING,
        why="a name that nobody has is looked up in vain when the app starts",
        fix="a service KEY of the app is reached as APP-KEY, and as APP where the key is the app's name",
        look=_addressed,
    ),
    Rule(
        "reload-files",
        Severity.WARNING,
        why="a file is put in place by renaming, and a mount of a single file keeps the old one",
        fix="remove `reload`, so that it is recreated when the file changes",
        look=_reload,
    ),
)
