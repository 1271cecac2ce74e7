"""The gateway of each host, real: Caddy, with the Caddyfile that a real host would have."""

from __future__ import annotations

from pathlib import Path

from abbey.model.lab import Lab
from abbey.render.gateway import Listen, caddyfile
from abbey.sim.example import demo_sites
from abbey.sim.hosts import DemoHost, Layout
from abbey.sim.ready import answers
from abbey.sim.supervise import Program


def configuration(lab: Lab, *, host: DemoHost, layout: Layout) -> str:
    """Return the Caddyfile of the host, at the demo's addresses."""
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
    return caddyfile(demo_sites(lab, host, layout), host=host.name, listen=listen, outpost=outpost)


def program(caddy: Path, folder: Path, *, lab: Lab, host: DemoHost, layout: Layout) -> Program:
    """Write the configuration and return the gateway as a program of the host."""
    config = folder / "gateway" / "Caddyfile"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(configuration(lab, host=host, layout=layout))
    home = str(config.parent)
    return Program(
        host=host.name,
        name="gateway",
        argv=(str(caddy), "run", "--config", str(config), "--adapter", "caddyfile"),
        folder=folder,
        ready=answers(host.address, host.health, "/healthz"),
        env={"XDG_DATA_HOME": home, "XDG_CONFIG_HOME": home},
    )
