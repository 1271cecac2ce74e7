"""Shared by the benchmarks: run a command several times, and print a figure with its ratio to the limit."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
ABBEY = str(Path(sys.executable).parent / "abbey")


def seconds_of(argv: Sequence[str], *, times: int, codes: Sequence[int] = (0,)) -> float:
    """Return the median wall-clock time of a command after a first run. Raise RuntimeError when it ends otherwise.

    Python keeps compiled modules, as it does for a person, even where the environment forbids it.
    """
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    taken = []
    for number in range(times + 1):
        begun = time.perf_counter()
        result = subprocess.run(argv, capture_output=True, check=False, env=env)
        if number:
            taken.append(time.perf_counter() - begun)
        if result.returncode not in codes:
            raise RuntimeError(f"{argv} ended with {result.returncode}: {result.stderr.decode()}")
    return statistics.median(taken)


def tell(what: str, value: float, *, limit: float, unit: str) -> bool:
    """Print a figure beside its limit, and return whether it is within."""
    verdict = "within" if value <= limit else "OVER"
    print(f"{what:<52} {value:8.3f} {unit:<3}  limit {limit:g} {unit}  ratio {value / limit:5.2f}  {verdict}")
    return value <= limit


def tell_least(what: str, value: float, *, limit: float, unit: str) -> bool:
    """Print a figure beside the least that it must reach, and return whether it does; the ratio is good from 1 up."""
    verdict = "reached" if value >= limit else "UNDER"
    print(f"{what:<52} {value:8,.0f} {unit:<3}  least {limit:,.0f} {unit}  ratio {value / limit:5.2f}  {verdict}")
    return value >= limit
