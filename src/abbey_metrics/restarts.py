"""How often each container came back by itself, counted from Docker's events."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from abbey_metrics.docker import Event

DAY = 24 * 3600.0
# A container that restarts more often than this in a day is broken enough.
MOST = 1000
MOST_CONTAINERS = 1000
# Docker waits at most a minute before it starts a container again; what starts later was started by somebody.
BY_ITSELF = 120.0
# Signals that ask a program to read its files anew, or the like; all others ask it to end.
ASIDE_FROM_ENDING = frozenset({"1", "10", "12", "28"})  # HUP, USR1, USR2, WINCH


@dataclass(slots=True)
class _Life:
    """What is known of one container: when it ended, whether somebody asked for that, and its restarts."""

    died: float | None = None
    asked: bool = False
    counted: bool = False
    restarts: deque[float] = field(default_factory=lambda: deque(maxlen=MOST))


class Restarts:
    """Counts a `die` that is followed by a `start`, unless somebody stopped, killed or restarted the container.

    What is remembered is bounded: of one day, of at most 1000 containers, and nothing of one that was removed.
    """

    def __init__(self) -> None:
        self._lives: dict[str, _Life] = {}
        self._last = 0

    def since(self, now: float) -> str:
        """Given the time, return from when on Docker must tell what was not heard yet, at most a day back."""
        nano = max(self._last, int((now - DAY) * 1e9))
        return f"{nano // 10**9}.{nano % 10**9:09d}"

    def take(self, event: Event) -> None:
        """Count the event; one that was counted before, told again after a new connection, is not counted twice."""
        if event.nano <= self._last:
            return
        self._last = event.nano
        if event.action == "destroy":
            self._lives.pop(event.id, None)
        elif event.action in ("kill", "die", "stop", "start", "restart"):
            self._live(self._life(event.id), event)

    def count(self, id_: str, now: float) -> int:
        """Return how often the container restarted in the 24 hours before now."""
        life = self._lives.get(id_)
        if life is None:
            return 0
        while life.restarts and life.restarts[0] < now - DAY:
            life.restarts.popleft()
        return len(life.restarts)

    def _life(self, id_: str) -> _Life:
        # The one that was heard of last stands last, so the first is the one to forget.
        life = self._lives.pop(id_, None) or _Life()
        self._lives[id_] = life
        if len(self._lives) > MOST_CONTAINERS:
            del self._lives[next(iter(self._lives))]
        return life

    @staticmethod
    def _live(life: _Life, event: Event) -> None:
        match event.action:
            case "kill" if event.attributes.get("signal", "") not in ASIDE_FROM_ENDING:
                life.asked = True
            case "stop":
                life.asked = True
            case "die":
                life.died = event.nano / 1e9
            case "start":
                at = event.nano / 1e9
                life.counted = life.died is not None and at - life.died <= BY_ITSELF and not life.asked
                if life.counted:
                    life.restarts.append(at)
                life.died, life.asked = None, False
            case "restart" if life.counted and life.restarts:
                # It ends a restart that somebody asked for, whose start came just before.
                life.restarts.pop()
                life.counted = False
