"""The door of each host: HAProxy at `db`, which alone knows where the primary is."""

from __future__ import annotations

from pathlib import Path

from abbey.sim.hosts import DemoHost, Layout
from abbey.sim.ready import accepts
from abbey.sim.supervise import Program


def configuration(host: DemoHost, layout: Layout) -> str:
    """Return HAProxy's configuration: one way in on the host's own address, one server, the primary."""
    return f"""\
global
    maxconn 256
defaults
    mode tcp
    timeout connect 2s
    timeout client 1h
    timeout server 1h
listen db
    bind {host.address}:{host.door}
    server primary {layout.kscloud1.tailnet}:{layout.database}
"""


def program(haproxy: Path, folder: Path, *, host: DemoHost, layout: Layout) -> Program:
    """Write the configuration and return the door as a program of the host."""
    config = folder / "door" / "haproxy.cfg"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(configuration(host, layout))
    return Program(
        host=host.name,
        name="door",
        argv=(str(haproxy), "-db", "-f", str(config)),  # -db: one process, in the foreground
        folder=folder,
        ready=accepts(host.address, host.door),
    )
