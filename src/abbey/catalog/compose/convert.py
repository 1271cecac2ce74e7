"""One Compose project as one app: its data, its secrets, what its images are built from, and the book of losses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from abbey.catalog.compose.ledger import Ledger, Loss
from abbey.catalog.compose.network import Web, web
from abbey.catalog.compose.node import Node
from abbey.catalog.compose.project import Project
from abbey.catalog.compose.secretive import Secrets
from abbey.catalog.compose.service import DEFAULT_MEMORY
from abbey.catalog.compose.service import convert as convert_service
from abbey.catalog.compose.work import Around, Part, Work, named
from abbey.errors import Fault, FileErrors
from abbey.secrets import Secret
from abbey.spec.yaml import shown


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import makes. `data` is the app file; `secrets` holds None for what a person must still give."""

    name: str
    data: Mapping[str, object]
    secrets: Mapping[str, Secret | None]
    contexts: Mapping[str, Mapping[str, bytes]]
    carried: Mapping[str, int]
    losses: tuple[Loss, ...]
    route: str
    """How the page that visitors open was chosen, in words; empty when there is none."""


def convert(project: Project, *, around: Around, name: str = "", service: str = "") -> Imported:
    """Return a project as an app. `service` is the one that visitors open, if not the first with a web port.

    Raise FileErrors when nothing of it can run.
    """
    app = named(name or project.name, ())
    work = Work(app, project, around, Ledger(), Secrets())
    _keys(work)
    parts: dict[str, Part] = {}
    for old in list(work.keys):
        part = Part(work, old, project.services[old])
        if convert_service(part):
            parts[old] = part
        else:
            _left_out(work, old, "its image can be neither pulled nor built")
            del work.keys[old]
    if not parts:
        raise FileErrors([Fault(project.whole.mark, "no service of this file can be imported",
                                "; ".join(str(loss) for loss in work.ledger.all()[:3]))])  # fmt: skip
    for part in parts.values():
        part.made["needs"] = [key for key in _words(part.made.pop("needs", ())) if key in work.keys.values()]
        work.ledger.sweep(("services", part.name), part.node)
    _top(work)
    chosen = _route(work, service)
    _summed(work, parts)
    services = {work.keys[old]: _ordered(part.made) for old, part in parts.items()}
    return Imported(
        name=app,
        data=_data(work, services, chosen),
        secrets={key: None if text is None else Secret(text) for key, text in work.secrets.given.items()},
        contexts=work.contexts,
        carried=dict(sorted((+work.ledger.counts).items())),
        losses=tuple(work.ledger.all()),
        route=f"visitors open port {chosen.port} of {chosen.service} ({chosen.mark})" if chosen else "",
    )


def _words(value: object) -> list[str]:
    return [str(word) for word in value] if isinstance(value, (list, tuple)) else []


def _keys(work: Work) -> None:
    """Give every service that can run its key, and report the others."""
    listed = work.project.whole.map["services"]
    for old, node in work.project.left.items():
        profiles = ", ".join(shown(part.text) for part in (node.get("profiles") or node.but([])).list)
        what, do = f"the service {shown(old)}", f"call again with `--profile {profiles.partition(',')[0]}`"
        work.ledger.lost(("services", old), listed.key_mark(old), what, f"it belongs to the profiles {profiles}", do)
    for old, node in work.project.services.items():
        mode = (node.get("network_mode") or node.but("")).text
        if mode.startswith(("service:", "container:")) or mode == "none":
            why = f"it uses the network of {shown(mode)}, and must not run outside of it"
            _left_out(work, old, "it runs without a network" if mode == "none" else why)
        elif node.get("provider"):
            _left_out(work, old, "a program outside of Docker provides it")
        else:
            work.keys[old] = named(old, work.keys.values(), "service")


def _left_out(work: Work, old: str, why: str) -> None:
    mark = work.project.whole.map["services"].key_mark(old)
    do = "write it into the app file by hand if the app needs it"
    work.ledger.lost(("services", old), mark, f"the service {shown(old)} with everything in it", why, do)


def _top(work: Work) -> None:
    """Report what stands outside of the services."""
    ledger, whole = work.ledger, work.project.whole
    for key in whole.map:
        if key in ("name", "include"):
            ledger.seen((key,))
        elif key == "version" or key.startswith("x-"):
            ledger.unneeded((key,), whole.key_mark(key))
    for name, node in work.project.part("volumes").items():
        _volume(work, name, node)
    for name, node in work.project.part("networks").items():
        _network(work, name, node)
    for word in ("secrets", "configs"):
        for name, node in work.project.part(word).items():
            if not node.map:
                ledger.seen((word, name))
            if node.get("external"):
                ledger.seen((word, name))
            for key in node.map.keys() & {"name", "labels", "template_driver"}:
                ledger.unneeded((word, name, key), node.key_mark(key))
    for key, node in whole.map.items():
        for name, part in node.map.items() if key != "services" and (key,) not in ledger.done else ():
            ledger.sweep((key, name), part)
    for name, mark in work.project.empty.items():
        what, why = f"the variable ${{{name}}}", "it has no value and no default, so nothing stands in its place"
        do = "write it into .env beside the Compose file and import again"
        ledger.losses.append(Loss(mark, "changed", what, why, do))


def _volume(work: Work, name: str, node: Node) -> None:
    ledger, mark = work.ledger, work.project.whole.map["volumes"].key_mark(name)
    new = work.volumes.get(name)
    old = (node.get("name") or node.but("")).text
    external = (node.get("external") or node.but("")).text.lower() == "true"
    old = old or (name if external else f"{work.project.name}_{name}")
    what = f"volume {shown(name)}"
    ledger.seen(("volumes", name, "name"), ("volumes", name, "external"))
    if not node.map:
        ledger.seen(("volumes", name))
    if node.get("labels"):
        ledger.unneeded(("volumes", name, "labels"), node.key_mark("labels"))
    if (driver := node.get("driver")) and driver.text == "local":
        ledger.unneeded(("volumes", name, "driver"), driver.mark)
    if node.get("driver_opts"):
        ledger.lost(("volumes", name, "driver_opts"), node.key_mark("driver_opts"), what,
                    "its driver options are not carried over: it is an ordinary volume of the host now",
                    "mount the share on the host and write it as `host_paths`")  # fmt: skip
    if new is None:
        return
    why = "it exists outside of the file; the app gets a volume of its own, which is empty" if external else (
        "the app's volume is a new one and empty; data of the old stack stays where it is")  # fmt: skip
    do = f"to take data along: copy Docker's volume {shown(old)} into LAB_{work.app}_{new} while both stacks are down"
    ledger.losses.append(Loss(mark, "changed", what, why, do))


def _network(work: Work, name: str, node: Node) -> None:
    ledger, mark = work.ledger, work.project.whole.map["networks"].key_mark(name)
    way = ("networks", name)
    if not node.map:
        ledger.seen(way)
    for key, part in node.map.items():
        flag = part.text.lower() == "true"
        if key in ("external", "internal") and flag:
            why = (
                "containers of other projects are not reached over it any more; web pages go through the gateway"
                if key == "external"
                else "the app's own network lets its containers reach the internet"
            )
            ledger.lost((*way, key), mark, f"network {shown(name)}: {key}", why)
        elif key in ("name", "labels", "attachable", "external", "internal", "ipam", "enable_ipv4") or (
            key == "driver" and part.text in ("bridge", "default", "overlay")
        ):
            ledger.unneeded((*way, key), node.key_mark(key))
        else:
            ledger.lost((*way, key), part.mark, f"network {shown(name)}: {shown(key)}", "an app has one plain network")
    if len(work.project.part("networks")) > 1 and name == next(iter(work.project.part("networks"))):
        why = "all containers of the app share one network now, and reach each other"
        count = len(work.project.part("networks"))
        ledger.losses.append(Loss(mark, "changed", f"{count} networks", why, ""))


def _route(work: Work, service: str) -> Web | None:
    found = [page for page in web(work) if page.service in work.keys]
    if service:
        found = [page for page in found if page.service == service]
        if not found:
            at = work.project.whole.map["services"].mark
            raise FileErrors([Fault(at, f"the service {shown(service)} has no port that could be a web page",
                                    "name one that has `ports` or `expose`, and no `network_mode`")])  # fmt: skip
    best = min(found, key=lambda page: page.rank, default=None)
    if best is None or (best.rank > 5 and not service):
        work.ledger.losses.append(Loss(work.project.whole.mark, "changed", "no web page", "no service opens a web port",
                                       "write `route: {service: …, port: …}` if there is one"))  # fmt: skip
        return None
    others = {page.service: page for page in reversed(found) if page.rank < 2 and page.service != best.service}
    for page in sorted(others.values(), key=lambda page: page.mark):
        why = f"an app has one page for visitors, and it is that of {best.service}"
        do = f"move {page.service} into an app file of its own, or import again with `--service {page.service}`"
        work.ledger.losses.append(Loss(page.mark, "changed", f"{page.service}: web port {page.port}", why, do))
    if best.rank == 5:
        why, do = "it leads to other services, as the gateway does here", "leave it out, and give each app its own file"
        work.ledger.losses.append(Loss(best.mark, "changed", f"{best.service}: a proxy", why, do))
    if best.rank == 4:
        work.ledger.losses.append(Loss(best.mark, "changed", f"{best.service}: port {best.port}",
                                       "the gateway speaks HTTP to apps, and this port looks like HTTPS",
                                       "let the app serve HTTP, and write that port into `route`"))  # fmt: skip
    return best


def _summed(work: Work, parts: Mapping[str, Part]) -> None:
    """Report what holds for several services in one line each."""
    mark = work.project.whole.map["services"].mark
    if limitless := [old for old, part in parts.items() if "memory" in part.doubts]:
        what = f"memory of {', '.join(shown(old) for old in limitless)}"
        why = f"there was no limit; now it is {DEFAULT_MEMORY} for each"
        work.ledger.losses.append(Loss(mark, "changed", what, why, "write what each needs into `memory`"))
    if any(part.made.get("user", "0") == "0" for part in parts.values()):
        why = "each container keeps those that images usually need; Docker gave it a few more"
        work.ledger.losses.append(Loss(mark, "changed", "capabilities", why, "add to `cap_add` what an app misses"))


_ORDER = [
    "image",
    "entrypoint",
    "command",
    "user",
    "init",
    "working_dir",
    "hostname",
    "names",
    "env",
    "files",
    "secret_files",
    "volumes",
    "host_paths",
    "devices",
    "tmpfs",
    "publish",
    "host_network",
    "host_pid",
    "extra_hosts",
    "cap_add",
    "read_only",
    "memory",
    "shm",
    "stop_grace",
    "health",
    "no_health",
    "needs",
]


def _ordered(made: Mapping[str, object]) -> dict[str, object]:
    return {key: made[key] for key in _ORDER if key in made and (made[key] or key in ("command", "entrypoint"))}


def _data(work: Work, services: dict[str, dict[str, object]], route: Web | None) -> dict[str, object]:
    stateful = any(service.get("volumes") or service.get("host_paths") for service in services.values())
    why = "its data lies on one host" if stateful else "nothing is known about several at once"
    volumes = dict.fromkeys(work.volumes.values())
    reason = "nothing is known about its files, so it is stopped for the copy"
    data: dict[str, object] = {
        "title": work.app.replace("-", " ").title(),
        "summary": "Imported from a Compose file",
        "home": _home(services, work.keys[route.service] if route else next(iter(services))),
        "contracts": {"owner": why, "split": "separate data on each host"},
        "secrets": dict.fromkeys(work.secrets.given, "given"),
        "services": services,
        "route": {"service": work.keys[route.service], "port": route.port, "streams": True} if route else None,
        "sso": {"mode": "forward-auth", "why": "imported, and nothing is known about a login of its own"}
        if route
        else {"mode": "none"},
        "backup": {"volumes": {name: {"how": "stop", "why": reason} for name in volumes}} if volumes else None,
        "tile": {"group": "Apps"} if route else None,
        "sources": ["the imported Compose file"],
    }
    return {key: value for key, value in data.items() if value}


def _home(services: Mapping[str, Mapping[str, object]], key: str) -> str:
    """Return where the image comes from; a Compose file does not say where the project is at home."""
    image = services[key]["image"]
    ref = str(image["ref"]) if isinstance(image, dict) else ""
    if ref.startswith("docker.io/library/"):
        return f"https://hub.docker.com/_/{ref.removeprefix('docker.io/library/')}"
    if ref.startswith("docker.io/"):
        return f"https://hub.docker.com/r/{ref.removeprefix('docker.io/')}"
    if ref.startswith("ghcr.io/"):
        return f"https://github.com/{'/'.join(ref.split('/')[1:3])}"
    return f"https://{ref}" if "." in ref.partition("/")[0] else "https://docs.docker.com/reference/compose-file/"
