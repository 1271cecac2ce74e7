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
from labs import lab_of

MIB = 1024


def catalog_of(apps: int) -> Catalog:
    """Return the catalog with copies of its own apps under further names."""
    real = load_catalog()
    models = [app for app in real.apps.values() if app.kind == "app"]
    copies = {}
    for number in range(apps):
        model = models[number % len(models)]
        (main,) = model.services.values()
        name = f"app{number:02}"
        route = model.route and model.route.model_copy(update={"service": name})
        copies[name] = model.model_copy(update={"services": {name: main}, "route": route})
    return replace(real, apps={**real.apps, **copies})


def lab_text(hosts: int, apps: int) -> str:
    """Return a lab file of that size; every app runs on every host."""
    return yaml.safe_dump(
        {
            "lab": "large",
            "domain": "example.com",
            "admin": {"user": "admin", "email": "admin@example.com"},
            "hosts": {f"h{n:02}": {"ssh": f"root@h{n}", "tailnet": f"100.64.1.{n + 1}"} for n in range(hosts)},
            "identity": {"authentik": {}},
            "database": {"primary": "h00"},
            "apps": {
                name: {"state": "shared"} if number % 3 == 1 else {"state": "split", "accept": "divergence"}
                for number, name in enumerate(f"app{n:02}" for n in range(apps))
            },
        }
    )


def measure(hosts: int, apps: int, catalog: Catalog) -> tuple[float, int]:
    """Return the seconds from text to rendered trees, and how many services they hold."""
    begun = time.perf_counter()
    lab = lab_of(lab_text(hosts, apps), catalog)
    trees = render(lab)
    taken = time.perf_counter() - begun
    return taken, sum(tree["compose.yaml"].shown().count(b"<<: *careful") for tree in trees.values())


def main() -> int:
    catalog = catalog_of(40)
    half, _ = measure(25, 40, catalog)
    whole, services = measure(50, 40, catalog)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    print(f"{services} services on 50 hosts; 25 hosts took {half:.2f} s, 50 took {whole:.2f} s")
    good = tell("render 50 hosts x 40 apps", whole, limit=10, unit="s")
    good &= tell("peak memory", memory, limit=300, unit="MiB")
    good &= tell("growth from 25 to 50 hosts (2 is linear)", whole / half, limit=2.6, unit="x")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
