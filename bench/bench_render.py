"""Rendering a lab of 50 hosts and 40 apps: time, memory, and whether it grows with the size and not faster."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace

import yaml
from figures import REPOSITORY, tell

sys.path.insert(0, str(REPOSITORY / "tests"))
from abbey.catalog.load import Catalog, load_catalog
from abbey.render import render
from abbey.spec.schema import Contract
from labs import lab_of

MIB = 1024
WIDE = {
    Contract.STATELESS: {"state": "stateless"},
    Contract.SHARED: {"state": "shared"},
    Contract.SPLIT: {"state": "split", "accept": "divergence"},
}


def filled_up(catalog: Catalog) -> Catalog:
    """Return the catalog with copies of apps that have one container, so that there are enough of them."""
    copies = {f"{name}-2": app for name, app in catalog.apps.items() if app.kind == "app" and len(app.services) == 1}
    return replace(catalog, apps={**catalog.apps, **copies})


def everywhere(catalog: Catalog, count: int) -> dict[str, dict[str, str]]:
    """Return so many apps of the catalog, each with the contract that runs it on every host."""
    apps = {}
    for name, app in catalog.apps.items():
        if app.kind == "app" and app.contracts.keys() & WIDE.keys():
            apps[name] = next(WIDE[contract] for contract in app.contracts if contract in WIDE)
    return dict(list(apps.items())[:count])


def lab_text(hosts: int, apps: dict[str, dict[str, str]]) -> str:
    """Return a lab file of that size with these apps."""
    return yaml.safe_dump(
        {
            "lab": "large",
            "domain": "example.com",
            "admin": {"user": "admin", "email": "admin@example.com"},
            "hosts": {f"h{n:02}": {"ssh": f"root@h{n}", "tailnet": f"100.64.1.{n + 1}"} for n in range(hosts)},
            "identity": {"authentik": {}},
            "database": {"primary": "h00"},
            "apps": apps,
        }
    )


def measure(hosts: int, apps: dict[str, dict[str, str]], catalog: Catalog) -> tuple[float, int]:
    """Return the seconds from text to rendered trees, and how many services they hold."""
    begun = time.perf_counter()
    lab = lab_of(lab_text(hosts, apps), catalog)
    trees = render(lab)
    taken = time.perf_counter() - begun
    return taken, sum(tree["compose.yaml"].shown().count(b"<<: *careful") for tree in trees.values())


def main() -> int:
    catalog = filled_up(load_catalog())
    apps = everywhere(catalog, 40)
    half, _ = measure(25, apps, catalog)
    whole, services = measure(50, apps, catalog)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    print(f"{len(apps)} apps, {services} services on 50 hosts; 25 hosts took {half:.2f} s, 50 took {whole:.2f} s")
    good = tell("render 50 hosts x 40 apps", whole, limit=10, unit="s")
    good &= tell("peak memory", memory, limit=300, unit="MiB")
    good &= tell("growth from 25 to 50 hosts (2 is linear)", whole / half, limit=2.6, unit="x")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
