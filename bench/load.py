"""Load by wrk, from a core of its own: requests per second and the slowest hundredth."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from process import LOAD_CORE

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


@dataclass(frozen=True, slots=True)
class Load:
    """What came back: per second, the 99th percentile in ms, and how many were no good answer."""

    rate: float
    p99: float
    failed: int


def load(url: str, *, connections: int, seconds: int) -> Load:
    """Ask one address over so many connections for so long. Raise RuntimeError when wrk says something else."""
    said = subprocess.run(
        ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    slow = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", said)
    if not rate or not slow:
        raise RuntimeError(f"wrk said: {said}")
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    failed = (int(wrong[1]) if wrong else 0) + (sum(map(int, broken.groups())) if broken else 0)
    return Load(float(rate[1]), float(slow[1]) * _UNITS[slow[2]], failed)
