"""What is true of an app in a lab, in the words that data files use after `when`."""

from __future__ import annotations

from abbey.model.app import App
from abbey.model.lab import Lab

MONITOR = "prometheus"  # the app that scrapes the others


def monitored(lab: Lab) -> bool:
    """Return whether the lab has something that scrapes."""
    return any(app.name == MONITOR for app in lab.apps)


def conditions(lab: Lab, app: App) -> frozenset[str]:
    """Return everything that is true of an app in this lab."""
    found = set(app.conditions)
    if monitored(lab):
        found.add("monitoring")
    if lab.tunnel and lab.tunnel.connected:
        found.add("ingress")
    return frozenset(found)
