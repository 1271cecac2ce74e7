"""What people chose in the portal: kept in a small file, and the same on every host of the lab."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from abbey_metrics.clerk import PATIENCE, RETRY, Clerk
from abbey_metrics.clock import Clock
from abbey_metrics.documents import Preferences
from abbey_metrics.preferences import AHEAD, MOST_PEOPLE, checked, is_user, newest, rank, usable
from abbey_metrics.roster import load, save

FILE = "people.json"
_MOMENT = 0.001


class Choices:
    """The preferences of everybody by user name. Hosts that merge each other's agree, in whatever order they do.

    Nobody waits for the disk: a thread reads the file at the start, and replaces it after each change.
    """

    def __init__(
        self, folder: Path | None, *, clock: Clock | None = None, most: int = MOST_PEOPLE, retry: float = RETRY
    ) -> None:
        self._clock = clock or Clock()
        self._most = most
        self._lock = threading.Lock()
        # Replaced by every change and never changed itself, so readers need no lock.
        self._people: dict[str, Preferences] = {}
        self._saved: dict[str, Preferences] | None = None
        self._version = 0
        work = partial(self._keep, folder / FILE) if folder else None
        self._clerk = Clerk("what people chose", work, retry=retry) if work else None

    def start(self) -> None:
        """Begin to keep choices; those of before appear as soon as they were read."""
        if self._clerk:
            self._clerk.start()

    def stop(self) -> None:
        """Keep every choice, waiting for the disk a short while at most."""
        if self._clerk:
            self._clerk.stop(PATIENCE)

    @property
    def version(self) -> int:
        """Return a number that grows with every change."""
        return self._version

    def of(self, user: str) -> Preferences | None:
        """Return what a person chose, or None when nothing is known."""
        return self._people.get(user)

    def all(self) -> dict[str, Preferences]:
        """Return the preferences of everybody."""
        return dict(self._people)

    def choose(self, user: str, chosen: Preferences) -> Preferences:
        """Given what a person chose, return what holds: this, or what they chose later.

        Raise ValueError in words when nobody can have chosen that.
        """
        if not is_user(user):
            raise ValueError("that is no user name")
        checked(chosen)
        now = self._clock.wall()
        if chosen.at > now + AHEAD:
            chosen = replace(chosen, at=now)
        before = self.of(user)
        if before and before.at > now + AHEAD:
            # From a host whose clock was wrong. Without this the person could choose nothing until that time comes.
            chosen = replace(chosen, at=before.at + _MOMENT)
        self._join({user: chosen})
        return self._people.get(user, chosen)

    def merge(self, people: Mapping[str, Preferences]) -> bool:
        """Given what another host knows, take over what is later, and return whether anything was."""
        return self._join({user: chosen for user, chosen in people.items() if usable(user, chosen)})

    def _join(self, people: Mapping[str, Preferences]) -> bool:
        with self._lock:
            joined = dict(self._people)
            for user, chosen in people.items():
                before = joined.get(user)
                if before is None or rank(chosen) > rank(before):
                    joined[user] = chosen
            joined = newest(joined, self._most)
            if joined == self._people:
                return False
            self._people = joined
            self._version += 1
        if self._clerk:
            self._clerk.ask()
        return True

    def _keep(self, file: Path) -> bool:
        if self._saved is None:
            found = load(file)
            self._join(found)
            people = self._people
            # Where nothing else came meanwhile, the file is as it should be.
            self._saved = people if people == found else {}
        people = self._people
        if people is self._saved:
            return False
        save(file, people)
        self._saved = people
        return True
