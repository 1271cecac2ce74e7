"""`abbey demo --check`: the whole of the demo without a screen, and a verdict in figures."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from abbey.sim import probe
from abbey.sim.demo import Event, Kind, Say, interruptible, lab_in
from abbey.sim.hosts import DemoHost
from abbey.sim.lab import DemoLab
from abbey.sim.probe import Probe, eventually
from abbey.sim.supervise import EndedError
from abbey.sim.visitors import Visitors

VISITS_PER_SECOND = 50
VISITS_AROUND = 75  # before a host dies, and after


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check saw, and how long it took."""

    probes: tuple[Probe, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Return whether every probe passed and there was one."""
        return bool(self.probes) and all(one.passed for one in self.probes)

    @property
    def exit_code(self) -> int:
        """Return 0 when everything was as it must be, else 1."""
        return 0 if self.passed else 1


def check(on_event: Say) -> Verdict:
    """Bring the lab up in a folder of its own, probe it, kill each host under load, probe again, take it down.

    Raise AbbeyError when a program fails, EndedError when it is interrupted; nothing is left in any case.
    """
    begun = time.monotonic()
    probes: list[Probe] = []
    folder = Path(tempfile.mkdtemp(prefix="abbey-demo-"))
    try:
        with interruptible() as ended, lab_in(folder, port=None, ended=ended, say=on_event) as lab:
            on_event(Event(Kind.STEP, f"up after {time.monotonic() - begun:.1f} s"))
            for result in _round(lab):
                probes.append(result)
                on_event(Event(Kind.PROBE, f"{'ok' if result.passed else 'FAILED'}  {result.name}: {result.seen}"))
                if ended.is_set():
                    raise EndedError
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Verdict(tuple(probes), time.monotonic() - begun)


def _round(lab: DemoLab) -> Iterator[Probe]:
    """Give every probe as it is made: all well, one host dead, all well, the other dead, all well."""
    both = monk, kscloud1 = lab.layout.hosts
    yield from _all_well(lab, both)
    yield from probe.codes_across(lab)
    yield _killed_under_load(lab, monk)
    yield from _all_well(lab, (kscloud1,))
    yield _revived(lab, monk)
    yield from _all_well(lab, both)
    yield _killed_under_load(lab, kscloud1)
    yield eventually(partial(probe.without_database, lab))
    yield _revived(lab, kscloud1)
    yield from _all_well(lab, both)
    yield from probe.codes_across(lab)


def _all_well(lab: DemoLab, hosts: tuple[DemoHost, ...]) -> Iterator[Probe]:
    """Give the probes that hold while these hosts are up and the database is among them."""
    yield eventually(partial(probe.portal_from, lab, hosts))
    for host in hosts:
        yield eventually(partial(probe.metrics_of, lab, host))
    yield eventually(partial(probe.login_through_edge, lab, hosts))
    yield eventually(partial(probe.guarded, lab))
    yield probe.unknown_names(lab)


def _killed_under_load(lab: DemoLab, host: DemoHost) -> Probe:
    """Kill the host while visitors ask for the portal: none may see it."""
    with Visitors(lab.layout, rate=VISITS_PER_SECOND) as visitors:
        _until(lambda: visitors.visits.asked >= VISITS_AROUND)
        lab.kill(host.name)
        killed_at = visitors.visits.asked
        _until(lambda: visitors.visits.asked >= killed_at + VISITS_AROUND)
    visits = visitors.visits
    seen = (
        f"{visits.asked} GETs, {visits.failed} failed, {visits.again} asked again by the edge,"
        f" slowest {visits.slowest * 1000:.0f} ms {' '.join(visits.faults[:3])}"
    )
    spanned = visits.asked >= 2 * VISITS_AROUND
    return Probe(f"portal while {host.name} is killed", spanned and visits.failed == 0, seen.strip())


def _revived(lab: DemoLab, host: DemoHost) -> Probe:
    begun = time.monotonic()
    lab.revive(host.name)
    return Probe(f"{host.name} revived", lab.alive(host.name), f"in {time.monotonic() - begun:.1f} s")


def _until(reached: Callable[[], bool]) -> None:
    pause = threading.Event()
    deadline = time.monotonic() + probe.SETTLE_SECONDS
    while not reached() and time.monotonic() < deadline:
        pause.wait(probe.POLL)
