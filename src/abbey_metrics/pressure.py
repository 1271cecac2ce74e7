"""How much programs wait: Linux' pressure stall information."""

from __future__ import annotations

import re

from abbey_metrics.figures import Pressure
from abbey_metrics.reading import read

_SOME = re.compile(r"^some avg10=([\d.]+)", re.MULTILINE)


def pressure(folder: str = "/proc/pressure") -> Pressure | None:
    """Return the pressure on each resource, or None where the kernel does not tell it."""
    found = Pressure(*(_some(f"{folder}/{resource}") for resource in ("cpu", "memory", "io")))
    return None if found == Pressure(None, None, None) else found


def _some(path: str) -> float | None:
    try:
        # A kernel started with psi=0 has the files, and refuses to read them.
        found = _SOME.search(read(path))
    except OSError:
        return None
    return float(found[1]) if found else None
