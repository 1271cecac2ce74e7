"""The gateway of each host, real: Caddy, with the sites of the demo."""

from __future__ import annotations

from pathlib import Path

from abbey.model.ingress import Gate, Site
from abbey.render.gateway import Listen, caddyfile
from abbey.sim.hosts import DemoHost, Layout
from abbey.sim.ready import answers
from abbey.sim.supervise import Program


def sites(host: DemoHost, layout: Layout) -> tuple[Site, ...]:
    """Return the sites of the gateway on a host. Sign-in prefers the host beside the database."""
    other = layout.peer_of(host)
    peer = f"{other.tailnet}:{other.peer}"
    identity = f"{host.address}:{host.identity}"
    near = host.name == layout.kscloud1.name
    outposts = (identity, peer) if near else (peer, identity)
    gate = Gate(outposts=outposts, hostname=layout.site("auth"), bypass=())

    def site(name: str, title: str, port: int, health: str, gate: Gate | None = None) -> Site:
        local = f"{host.address}:{port}"
        return Site(
            app=name or "portal",
            title=title,
            hostname=layout.site(name),
            upstreams=outposts if name == "auth" else (local, peer),
            local=local,
            health=health,
            patience="30s",
            streams=not name,
            body=None,
            gate=gate,
            owner=None,
        )

    return (
        site("", "Portal", host.portal, "/healthz"),
        site("auth", "Sign-in", host.identity, "/-/health/ready/"),
        site("notes", "Notes", host.app, "/healthz"),
        site("whoami", "Who am I", host.app, "/healthz", gate),
    )


def configuration(host: DemoHost, layout: Layout) -> str:
    """Return the Caddyfile that a real host would have, at the demo's addresses."""
    listen = Listen(
        public=host.gateway,
        peer=host.peer,
        address=host.address,
        peer_address=host.tailnet,
        health=host.health,
        health_address=host.address,
        admin="off",
    )
    outpost = f"{host.address}:{host.identity}"
    return caddyfile(sites(host, layout), host=host.name, listen=listen, outpost=outpost)


def program(caddy: Path, folder: Path, *, host: DemoHost, layout: Layout) -> Program:
    """Write the configuration and return the gateway as a program of the host."""
    config = folder / "gateway" / "Caddyfile"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(configuration(host, layout))
    home = str(config.parent)
    return Program(
        host=host.name,
        name="gateway",
        argv=(str(caddy), "run", "--config", str(config), "--adapter", "caddyfile"),
        folder=folder,
        ready=answers(host.address, host.health, "/healthz"),
        env={"XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home},
    )
