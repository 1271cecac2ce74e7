"""Keeps history in a file, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from abbey_metrics.archive import Archive, open_archive
from abbey_metrics.clerk import PATIENCE, RETRY, Clerk
from abbey_metrics.rings import Rings


class Keeper:
    """Opens the file, hands out once what it held, and from then on writes each step at once.

    What waits for the disk is at most one dump per slot. While there is no file nothing waits: whoever takes what a
    newly opened file holds compares it with memory and puts what differs.
    """

    def __init__(self, path: Path, hosts: Sequence[str], *, retry: float = RETRY) -> None:
        self._path = path
        self._hosts = tuple(hosts)
        self._lock = threading.Lock()
        self._archive: Archive | None = None
        self._waiting: dict[tuple[str, int], bytes] = {}
        self._held: dict[str, Rings] = {}
        self._open = False
        self._clerk = Clerk("history", self._work, close=self._close, retry=retry)

    def start(self) -> None:
        """Open the file soon."""
        self._clerk.start()

    def settle(self, patience: float = PATIENCE) -> bool:
        """Wait until everything is in the file; return whether the disk answered in time, with whatever."""
        return self._clerk.settle(patience)

    def stop(self, patience: float = PATIENCE) -> None:
        """Write what waits and close the file; a disk that does not answer is waited for no longer than `patience`."""
        self._clerk.stop(patience)

    def take(self) -> dict[str, Rings]:
        """Return what the file held for each host when it was opened: once for each time that it was."""
        if not self._held:
            return {}
        with self._lock:
            held, self._held = self._held, {}
        return held

    def put(self, host: str, steps: Mapping[int, bytes]) -> None:
        """Given dumped slots of a host, have them written."""
        with self._lock:
            if not self._open:
                return
            self._waiting.update({(host, slot): step for slot, step in steps.items()})
        self._clerk.ask()

    def _work(self) -> bool:
        try:
            if self._archive is None:
                self._archive = open_archive(self._path, self._hosts)
                held = self._archive.read()
                with self._lock:
                    self._held, self._open = held, True
            with self._lock:
                waiting, self._waiting = self._waiting, {}
            if waiting:
                self._archive.write(waiting)
            return bool(waiting)
        except OSError:
            self._close()
            raise

    def _close(self) -> None:
        with self._lock:
            self._open, self._held, self._waiting = False, {}, {}
        if self._archive is not None:
            self._archive.close()
            self._archive = None
