"""Sites: which host name leads where on each gateway, and who is asked when the first does not answer."""

from __future__ import annotations

from dataclasses import dataclass

from abbey.model.app import App
from abbey.model.host import Host
from abbey.model.identity import PROVIDER
from abbey.model.lab import Lab
from abbey.model.monitoring import closed

PUBLIC_PORT = 8080  # the tunnel's connector comes in here
PEER_PORT = 8081  # the other hosts' gateways come in here, and never go further than this host
MAX_PEERS = 2  # with many hosts, two others are asked; more would only prolong a failure


@dataclass(frozen=True, slots=True)
class Gate:
    """Forward-auth: addresses of the outpost (best first), the sign-in host name, and paths that pass without."""

    outposts: tuple[str, ...]
    hostname: str
    bypass: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Site:
    """One host name on one gateway.

    `upstreams`: addresses to try, best first. `local`: the one on this host, or empty; only that is served to
    the other hosts' gateways, so that a request cannot go round in circles.
    """

    app: str
    title: str
    hostname: str
    upstreams: tuple[str, ...]
    local: str
    health: str | None
    patience: str
    streams: bool
    body: str | None
    gate: Gate | None
    owner: str | None  # for the page shown when it is away
    also: tuple[tuple[str, str], ...] = ()  # (path, address on this host) that another service of the app answers
    closed: tuple[str, ...] = ()  # paths where the app would show its figures to everybody


def upstreams(app: App, host: Host, hosts: tuple[Host, ...], *, first: str | None) -> tuple[tuple[str, ...], str]:
    """Return (addresses to try, local address or "") for an app on a host's gateway.

    This host comes first, then the others in the order of the file; `first` names a host that comes before all
    (sign-in prefers the host beside the database primary: one login costs about 350 statements).
    """
    route = app.entry.route
    if route is None:
        return (), ""
    local = f"{app.service_name(route.service)}:{route.port}" if host.name in app.hosts else ""
    index = next(place for place, other in enumerate(hosts) if other.name == host.name)
    around = hosts[index + 1 :] + hosts[:index]
    peers = {other.name: f"{other.tailnet}:{PEER_PORT}" for other in around if other.name in app.hosts}
    order = ([local] if local else []) + list(peers.values())[:MAX_PEERS]
    if first in peers:
        order = [peers[first], *(address for address in order if address != peers[first])][: MAX_PEERS + 1]
    return tuple(order), local


def sites(lab: Lab, host: Host) -> tuple[Site, ...]:
    """Return the sites of the gateway on a host, sorted by host name."""
    near_database = lab.database.primary.name if lab.database else None
    found = []
    for app in lab.apps:
        if app.entry.route is None or not app.hostname:
            continue
        first = near_database if lab.identity and app.name == PROVIDER else None
        order, local = upstreams(app, host, lab.hosts, first=first)
        found.append(
            Site(
                app=app.name,
                title=app.entry.title,
                hostname=app.hostname,
                upstreams=order,
                local=local,
                health=app.entry.route.health,
                patience=app.entry.route.patience,
                streams=app.entry.route.streams,
                body=app.entry.route.body,
                gate=_gate(lab, host, app),
                owner=app.owner,
                also=tuple((path, address if local else "") for path, address in _also(app)),
                closed=closed(app),
            )
        )
    return tuple(sorted(found, key=lambda site: site.hostname))


def _also(app: App) -> tuple[tuple[str, str], ...]:
    """Return the paths that other services answer, longest first: a path counts before the one that it lies below."""
    others = sorted((app.entry.route.also if app.entry.route else {}).items(), key=lambda one: (-len(one[0]), one[0]))
    return tuple((path, f"{app.service_name(other.service)}:{other.port}") for path, other in others)


def _gate(lab: Lab, host: Host, app: App) -> Gate | None:
    if app.login != "forward-auth" or lab.identity is None:
        return None
    near_database = lab.database.primary.name if lab.database else None
    outposts, _ = upstreams(lab.app(PROVIDER), host, lab.hosts, first=near_database)
    return Gate(outposts=outposts, hostname=lab.identity.hostname, bypass=app.entry.sso.bypass)
