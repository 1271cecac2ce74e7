"""What a person wants to know about an app before adding it, in plain sentences made from its data file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from abbey.catalog.container import Condition, Image
from abbey.catalog.schema import App, VolumeBackup
from abbey.secrets import Kind
from abbey.spec.schema import Contract

PROMISES = {
    Contract.STATELESS: "any host answers, with the same result",
    Contract.SHARED: "any host answers; everything it knows is in the shared database",
    Contract.OWNER: "lives on one host, and is away while that host is away",
    Contract.SPLIT: "each host keeps its own data, so what you see depends on who answers",
}
LOGINS = {
    "oidc": "With the lab's account, through OpenID Connect; both sides are set up.",
    "forward-auth": "The gateway asks for the lab's account before it lets anybody in.",
    "own": "The app keeps its own accounts.",
    "none": "There is nothing to log in to.",
}
CONDITIONS: dict[Condition, str] = {
    "oidc": "the lab has a login",
    "gate": "the gateway asks for the login",
    "database": "it uses the shared database",
    "own-database": "it keeps its own database",
    "monitoring": "the lab has a Prometheus",
    "ingress": "visitors reach the lab",
}
UPDATES = {
    "patch": "within the minor version",
    "minor": "within the major version",
    "major": "to any newer version",
    "next-major": "to any newer version, but over no major one",
    "by-hand": "past the major version by hand only",
}
BACKUPS = {
    "files": "the files as they lie",
    "sqlite": "SQLite's own online backup, and the other files as they lie",
    "stop": "the files, while the app is stopped",
    "dump": "a dump made by its own program",
}
_CLOUDFLARE = 100  # megabytes in one request, on the free plan


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the sentences below it."""

    title: str
    rows: tuple[str, ...]


def card(name: str, app: App) -> tuple[Section, ...]:
    """Return everything worth knowing about an app, in the order in which one decides; empty sections are left out."""
    sections = (
        ("What it needs", _needs(name, app)),
        ("What it promises", _promises(app)),
        ("Login", _login(app)),
        ("What it costs", _costs(app)),
        ("Address", _address(app)),
        ("Backup", _backup(app)),
        ("After it has started", _steps(app)),
        ("Figures", _figures(app)),
        ("Doubts", app.doubts),
        ("Sources", app.sources),
    )
    made = (Section(title, tuple(rows)) for title, rows in sections)
    return tuple(section for section in made if section.rows)


def entry_lines(name: str, app: App) -> str:
    """Return the lines of abbey.yaml that add the app, with its other ways as comments."""
    ways = {
        Contract.OWNER: "{owner: HOST}",
        Contract.SPLIT: "{state: split, accept: divergence}",
        Contract.SHARED: "{state: shared}",
        Contract.STATELESS: "{state: stateless}",
    }
    chosen = default_contract(app)
    first = ways[chosen] if chosen is Contract.SPLIT else "{}"
    # The owner of the default contract can be another host; any other default is the same as saying it.
    wanted = [contract for contract in app.contracts if contract is not chosen or contract is Contract.OWNER]
    others = [ways[contract] for contract in wanted]
    if app.sso.roles:
        others.append(f"{{roles: {{{next(iter(app.sso.roles))}: GROUP}}}}")
    comments = [f"  # {name}: {way}\n" for way in others]
    return f"apps:\n  {name}: {first}\n{''.join(comments)}"


def default_contract(app: App) -> Contract:
    """Return the contract that the app has in a lab with a database when the lab's file says nothing."""
    return next((contract for contract in app.contracts if contract is not Contract.SPLIT), next(iter(app.contracts)))


def given(app: App) -> tuple[str, ...]:
    """Return the secrets that only a person can supply."""
    return tuple(name for name, kind in app.secrets.items() if kind is Kind.GIVEN)


def _needs(name: str, app: App) -> Iterator[str]:
    if app.database:
        words = " or ".join(f"`{contract}`" for contract in app.database.contracts)
        must = "Needs the lab's shared PostgreSQL" if app.database.required else "Uses the lab's shared PostgreSQL"
        yield f"{must} as {words}."
    if app.sso.mode == "oidc":
        yield "Uses the lab's login (`identity:`) where the lab has one."
    elif app.sso.mode == "forward-auth":
        without = "it asks for an account of its own" if app.sso.own_login else "nobody is asked who they are"
        yield f"Needs the lab's login (`identity:`); in a lab without one {without}."
    for secret in given(app):
        yield f"A secret that only you have: `abbey secret set {name}/{secret}`."
    for key, service in app.services.items():
        where = _where(name, key)
        for path in service.host_paths:
            yield f"Sees {path.host} of the host{where}{', and may change it' if path.write else ''}."
        for device in service.devices:
            yield f"Uses the host's device {device}{where}."
        if service.host_network:
            yield f"Uses the host's network{where}."
        if service.host_pid:
            yield f"Sees the host's processes{where}."
        for port in service.publish:
            why = f": {port.why}" if port.why else ""
            yield f"Opens port {port.port}/{port.protocol} of the host ({port.at}){where}{why}."


def _where(name: str, key: str) -> str:
    return "" if key == name else f", in {key}"


def _promises(app: App) -> Iterator[str]:
    for contract, reason in app.contracts.items():
        yield f"`{contract}`: {PROMISES[contract]}. {_sentence(reason)}"
    for contract, reason in app.refuses.items():
        yield f"Not `{contract}`: {reason}."


def _login(app: App) -> Iterator[str]:
    sso = app.sso
    yield LOGINS[sso.mode]
    if sso.own_login:
        yield "Behind that, it asks for an account of its own."
    if sso.why:
        yield f"Why: {sso.why}."
    if sso.licence:
        yield f"Costs money: {sso.licence}."
    if sso.oidc:
        paths = ", ".join(f"`{path}`" for path in sso.oidc.redirects)
        yield f"Comes back from the sign-in to {paths}."
        if sso.oidc.verified_email:
            yield "Insists on a verified e-mail address; the lab marks it so."
    for role, meaning in sso.roles.items():
        who = "homelab-admin" if role == "admin" else "nobody"
        yield f"Role `{role}` ({who} until the file names a group): {meaning}."
    if sso.bypass:
        yield f"Without the login, for programs: {', '.join(f'`{path}`' for path in sso.bypass)}."
    if app.first_visitor:
        yield f"The first person who opens it becomes {app.first_visitor}."
    if app.first_account:
        yield f"Nobody has an account after the start; this makes one inside its container: `{app.first_account}`."


def _costs(app: App) -> Iterator[str]:
    limits = sum(_megabytes(service.memory) for service in app.services.values())
    if app.uses:
        yield f"Memory in ordinary use: {app.uses.memory} ({app.uses.known}). Limit of all containers: {limits}m."
    else:
        yield f"Memory limit of all containers: {limits}m."
    for key, service in app.services.items():
        always = _when(service.when)
        yield f"Container `{key}`: {_image(service.image)}, at most {service.memory}{always}."


def _image(image: Image) -> str:
    if image.build:
        return "built on the host from Abbey's own sources"
    return f"{image.ref}:{image.tag}, updates {UPDATES[image.updates]}"


def _when(words: Iterable[Condition]) -> str:
    told = " and ".join(CONDITIONS[word] for word in words)
    return f" (where {told})" if told else ""


def _address(app: App) -> Iterator[str]:
    route = app.route
    if route is None:
        yield "It has no web page."
        return
    yield f"The gateway asks port {route.port} of `{route.service}`{_checked(route.health)}."
    for path, other in route.also.items():
        yield f"`{path}` is answered by port {other.port} of `{other.service}`."
    if route.body:
        cut = f"; Cloudflare's free plan cuts at {_CLOUDFLARE}m" if _megabytes(route.body) > _CLOUDFLARE else ""
        yield f"Takes uploads of up to {route.body}{cut}."
    if route.streams:
        yield "Answers may go on for long."


def _checked(path: str | None) -> str:
    return f", and looks at `{path}` to see whether it works" if path else ""


def _backup(app: App) -> Iterator[str]:
    for volume, how in app.backup.volumes.items():
        yield f"`{volume}`: {BACKUPS[how.how]}{_parts(how)}. {_sentence(how.why)}"
    if app.backup.before:
        yield f"Before it: `{' '.join(app.backup.before)}`."
    if app.backup.restore:
        yield f"Putting it back: {app.backup.restore}."
    kept = any(volume.holds != "cache" for service in app.services.values() for volume in service.volumes)
    if not kept and app.database is None:
        yield "There is nothing to keep."


def _parts(how: VolumeBackup) -> str:
    told = [f"databases {', '.join(how.databases)}"] if how.databases else []
    told += [f"without {', '.join(how.leave)}"] if how.leave else []
    return f" ({'; '.join(told)})" if told else ""


def _steps(app: App) -> Iterator[str]:
    for step in app.steps:
        yield _sentence(f"{step.title}{_when(step.when)}")
        if step.guards:
            yield "Until that is done a stranger could make the app their own, so it is stopped where that fails."


def _figures(app: App) -> Iterator[str]:
    for figure in app.metrics:
        token = ", with a token" if figure.token else ""
        yield f"Prometheus' format at port {figure.port}, `{figure.path}` of `{figure.service}`{token}."


def _sentence(text: str) -> str:
    first = text.partition(" ")[0].rstrip(",;:'s")
    capital = text[:1].upper() if first.isalpha() else text[:1]  # the name of a file stays as it is
    return f"{capital}{text[1:]}{'' if text.endswith('.') else '.'}"


def _megabytes(size: str) -> int:
    return int(size[:-1]) * (1024 if size.endswith("g") else 1)
