"""The time zone of the lab: one that the time zone database knows."""

from __future__ import annotations

import difflib
from zoneinfo import available_timezones

from abbey.model.faults import Faults


def check_timezone(name: str, faults: Faults) -> None:
    """Add a fault when no time zone has this name. A machine without the time zone database cannot tell."""
    if name == "UTC" or not (known := available_timezones()) or name in known:
        return
    same = {zone.lower(): zone for zone in sorted(known)}
    near = difflib.get_close_matches(name.lower(), same, n=1)
    # People write the town: Berlin is Europe/Berlin.
    towns = [zone for zone in sorted(known) if zone.lower().rpartition("/")[2] == name.lower().rpartition("/")[2]]
    best = towns[0] if towns else same[near[0]] if near else ""
    faults.add(
        ("timezone",),
        f"there is no time zone {name}",
        f"did you mean `{best}`?" if best else "a name of the time zone database, e.g. Europe/Berlin or UTC",
    )
