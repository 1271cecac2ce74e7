"""resolve(Spec, Catalog) → Lab: every default filled, every name looked up, all faults at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Network
from types import MappingProxyType

from abbey.catalog.load import Catalog
from abbey.errors import FileErrors, Mark
from abbey.model.app import App
from abbey.model.clock import check_timezone
from abbey.model.collisions import check_collisions
from abbey.model.database import DOOR_PART, SERVER_PART, Database, database_of
from abbey.model.faults import Faults, Path, did_you_mean
from abbey.model.host import Host, host_of
from abbey.model.identity import ADMIN_GROUP, OWN_ACCOUNT, OWN_GROUP, PROVIDER, Identity, identity_of
from abbey.model.lab import Lab
from abbey.model.metrics import METRICS_PART
from abbey.model.network import MAX_NETWORKS, subnets
from abbey.model.place import place_app, place_part
from abbey.model.portal import portal_of
from abbey.model.tunnel import Tunnel
from abbey.spec.schema import Spec


def resolve(
    spec: Spec, catalog: Catalog, mark: Callable[[Path], Mark], own: Mapping[str, str] = MappingProxyType({})
) -> Lab:
    """Given a valid file, the catalog, the place of every path in the file and the texts of the files that it names,
    return the lab.

    Raise FileErrors with everything that does not fit together.
    """
    faults = Faults(mark)
    check_timezone(spec.timezone, faults)
    _check_hosts(spec, faults)
    _check_references(spec, faults)
    _check_people(spec, faults)
    identity = _identity(spec)
    apps = [place_part(spec, catalog, name) for name in _parts(spec)]
    apps += [app for name in spec.apps if (app := place_app(spec, catalog, name, faults=faults)) is not None]
    _check_host_names(spec, apps, faults)
    check_collisions(apps, faults)
    portal = portal_of(spec, own, faults)
    if len(apps) > MAX_NETWORKS:
        faults.add(("apps",), f"there is room for {MAX_NETWORKS} networks, and each app needs one")
    if faults.found:
        raise FileErrors(faults.found)
    placed = tuple(sorted(apps, key=lambda app: app.name))
    hosts = tuple(host_of(spec.lab, name, host) for name, host in spec.hosts.items())
    cloudflare = spec.ingress.cloudflare if spec.ingress else None
    return Lab(
        name=spec.lab,
        domain=spec.domain,
        admin=spec.admin.user,
        email=spec.admin.email,
        timezone=spec.timezone,
        hosts=hosts,
        apps=placed,
        tunnel=Tunnel(cloudflare.tunnel, cloudflare.account, cloudflare.id) if cloudflare else None,
        identity=identity,
        database=_database(spec, hosts_by_name={host.name: host for host in hosts}, apps=placed),
        portal=portal,
        subnets=_subnets(spec, apps),
        catalog=catalog,
    )


def _parts(spec: Spec) -> list[str]:
    """Return the parts of the platform that this file calls for."""
    names = ["gateway", "portal", METRICS_PART]
    if spec.network.tailscale.container:
        names.append("tailscale")
    if spec.database:
        names += [SERVER_PART, DOOR_PART]
    if spec.identity:
        names.append(PROVIDER)
    if spec.ingress and spec.ingress.cloudflare.id and spec.ingress.cloudflare.account:
        names.append("cloudflared")
    return names


def _check_hosts(spec: Spec, faults: Faults) -> None:
    for key in ("tailnet", "ssh"):
        seen: dict[str, str] = {}
        for name, host in spec.hosts.items():
            value = getattr(host, key)
            if value in seen:
                faults.add(
                    ("hosts", name, key),
                    f"{name} and {seen[value]} have the same {key}: {value}",
                    "each host is another machine",
                )
            seen.setdefault(value, name)
    pool = IPv4Network(spec.network.containers)
    here = spec.domain.endswith(".localhost")  # a name that means this machine, wherever it is looked up
    for name, host in spec.hosts.items():
        if IPv4Address(host.tailnet).is_loopback and not here:
            faults.add(
                ("hosts", name, "tailnet"),
                f"{host.tailnet} is the machine itself, and the other hosts would not reach {name} there",
                "its address in the private network, e.g. from `tailscale ip -4`",
            )
        if IPv4Address(host.tailnet) in pool:
            faults.add(
                ("hosts", name, "tailnet"),
                f"{host.tailnet} lies in the range of the container networks, {pool}",
                "set network.containers to a /16 that nothing else uses, e.g. 172.29.0.0/16",
            )


def _check_people(spec: Spec, faults: Faults) -> None:
    """Leave Authentik's own group and account to itself: a blueprint that names them would change who may do what."""
    groups = spec.identity.authentik.groups if spec.identity else {}
    for group, users in groups.items():
        path: Path = ("identity", "authentik", "groups", group)
        if group.lower() == OWN_GROUP.lower():
            faults.add(path, f"{group} is a group of Authentik's own", f"put people into `{ADMIN_GROUP}`")
        for index, user in enumerate(users):
            if user == OWN_ACCOUNT:
                faults.add((*path, index), f"{user} is an account of Authentik's own", "name a person")
    for user, address in (spec.identity.authentik.people if spec.identity else {}).items():
        at: Path = ("identity", "authentik", "people", user)
        if user == OWN_ACCOUNT:
            faults.add(at, f"{user} is an account of Authentik's own", "name a person")
        if user == spec.admin.user and address != spec.admin.email:
            faults.add(at, f"{user} has another address under `admin`, {spec.admin.email}", "remove one of the two")
    if spec.identity and spec.admin.user == OWN_ACCOUNT:
        faults.add(("admin", "user"), f"{OWN_ACCOUNT} is an account of Authentik's own", "name a person")


def _check_references(spec: Spec, faults: Faults) -> None:
    if spec.database and spec.database.primary not in spec.hosts:
        faults.add(
            ("database", "primary"),
            f"there is no host {spec.database.primary}",
            did_you_mean(spec.database.primary, spec.hosts),
        )
    if spec.identity and not spec.database:
        faults.add(
            ("identity",),
            "Authentik needs one shared database: a code issued on one host is redeemed on another",
            f"add `database: {{primary: {next(iter(spec.hosts))}}}`",
        )
    cloudflare = spec.ingress.cloudflare if spec.ingress else None
    if cloudflare and (cloudflare.id is None) != (cloudflare.account is None):
        faults.add(
            ("ingress", "cloudflare"),
            "`id` and `account` belong together",
            "both stand in the address of the tunnel's page at Cloudflare",
        )


def _check_host_names(spec: Spec, apps: list[App], faults: Faults) -> None:
    seen: dict[str, str] = {}
    for app in sorted(apps, key=lambda app: app.entry.kind, reverse=True):  # parts first: the app is the one to move
        if not app.hostname:
            continue
        if app.hostname in seen:
            path: Path = ("apps", app.name, "host") if app.name in spec.apps else ("identity", "authentik")
            faults.add(
                path,
                f"{app.hostname} already belongs to {seen[app.hostname]}",
                f"give it another name: `{app.name}: {{host: {app.name}-2}}`",
            )
        seen.setdefault(app.hostname, app.name)


def _subnets(spec: Spec, apps: list[App]) -> Mapping[str, str]:
    """Return the container networks' addresses: parts first, then the apps in the order of the file."""
    return subnets(spec.network.containers, (app.name for app in apps))


def _identity(spec: Spec) -> Identity | None:
    if spec.identity is None:
        return None
    return identity_of(
        f"{spec.identity.authentik.host}.{spec.domain}",
        spec.identity.authentik.groups,
        admin=spec.admin.user,
        addresses={**spec.identity.authentik.people, spec.admin.user: spec.admin.email},
    )


def _database(spec: Spec, *, hosts_by_name: dict[str, Host], apps: tuple[App, ...]) -> Database | None:
    return database_of(hosts_by_name[spec.database.primary], apps) if spec.database else None
