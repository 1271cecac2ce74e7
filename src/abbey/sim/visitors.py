"""Visitors who never stop asking for the portal while hosts come and go, and who count what they get."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx2

from abbey.sim.hosts import Layout
from abbey.sim.visit import browser

PAGES = ("/", "/manifest.webmanifest", "/healthz")
PATIENCE = 5.0  # seconds for one answer; later is a failure
HISTORY = 60


@dataclass(frozen=True, slots=True)
class Visits:
    """What the visitors got so far. `again`: answers that the edge had to ask for twice."""

    asked: int = 0
    failed: int = 0
    again: int = 0
    slowest: float = 0.0
    by_host: tuple[tuple[str, int], ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(slots=True)
class Visitors:
    """A thread of visitors. `rate` is requests per second; every request is bounded by PATIENCE."""

    layout: Layout
    rate: float
    _ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None
    _by_host: Counter[str] = field(default_factory=Counter)
    _counts: Counter[str] = field(default_factory=Counter)
    _slowest: float = 0.0
    _faults: list[str] = field(default_factory=list)

    def __enter__(self) -> Visitors:
        self._thread = threading.Thread(target=self._visit, name="visitors", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    @property
    def visits(self) -> Visits:
        """Return what they got so far."""
        with self._lock:
            return Visits(
                asked=self._counts["asked"],
                failed=self._counts["failed"],
                again=self._counts["again"],
                slowest=self._slowest,
                by_host=tuple(sorted(self._by_host.items())),
                faults=tuple(self._faults),
            )

    def _visit(self) -> None:
        due = time.monotonic()
        with browser(self.layout, patience=PATIENCE) as http:
            while not self._ended.wait(max(0.0, due - time.monotonic())):
                due = max(due + 1 / self.rate, time.monotonic() - 1)
                self._ask(http, PAGES[self._counts["asked"] % len(PAGES)])

    def _ask(self, http: httpx2.Client, path: str) -> None:
        begun = time.monotonic()
        try:
            answer = http.get(f"{self.layout.url()}{path}")
        except httpx2.HTTPError as error:
            self._count(begun, fault=f"GET {path}: {type(error).__name__}")
            return
        fault = "" if answer.status_code == httpx2.codes.OK else f"GET {path}: {answer.status_code}"
        again = "x-standin-edge-again" in answer.headers
        self._count(begun, fault=fault, host=answer.headers.get("x-standin-edge", ""), again=again)

    def _count(self, begun: float, *, fault: str, host: str = "", again: bool = False) -> None:
        with self._lock:
            self._counts.update(asked=1, failed=1 if fault else 0, again=1 if again else 0)
            self._slowest = max(self._slowest, time.monotonic() - begun)
            if host and not fault:
                self._by_host[host] += 1
            if fault:
                self._faults = [*self._faults, fault][-HISTORY:]
