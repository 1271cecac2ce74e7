"""The demo's own abbey.yaml, resolved like any other, and where its parts are found in this machine's processes."""

from __future__ import annotations

from dataclasses import replace

from abbey.catalog.assets import asset
from abbey.catalog.load import load_catalog
from abbey.model.identity import PROVIDER
from abbey.model.ingress import Gate, Site, sites
from abbey.model.lab import Lab
from abbey.model.resolve import resolve
from abbey.sim.hosts import DemoHost, Layout
from abbey.spec.load import load_spec


def demo_lab() -> Lab:
    """Return the lab of examples/demo. Raise AbbeyError when its files are not there."""
    path = asset("examples/demo/abbey.yaml")
    spec, document = load_spec(path)
    return resolve(spec, load_catalog(path.parent / "apps"), document.mark)


def demo_sites(lab: Lab, host: DemoHost, layout: Layout) -> tuple[Site, ...]:
    """Return the sites of the gateway on the host, at the addresses of the demo's processes."""
    ports = {"portal": host.portal, PROVIDER: host.identity, "notes": host.app, "whoami": host.app}
    peers = {other.tailnet: f"{other.tailnet}:{other.peer}" for other in layout.hosts}

    def at(address: str, app: str) -> str:
        return peers.get(address.partition(":")[0]) or f"{host.address}:{ports[app]}"

    def moved(site: Site) -> Site:
        gate = site.gate
        if gate is not None:
            gate = Gate(tuple(at(one, PROVIDER) for one in gate.outposts), gate.hostname, gate.bypass)
        upstreams = tuple(at(one, site.app) for one in site.upstreams)
        return replace(site, upstreams=upstreams, local=at(site.local, site.app) if site.local else "", gate=gate)

    return tuple(moved(site) for site in sites(lab, lab.host(host.name)))
