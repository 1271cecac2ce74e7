"""The past, as an answer and as what a stream begins with: what the listener does not know yet."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic_core import to_json

from abbey_metrics.answer import Answer, tagged
from abbey_metrics.board import Board
from abbey_metrics.documents import Range
from abbey_metrics.history import History
from abbey_metrics.kept import Kept
from abbey_metrics.settings import Settings

FRESH_VALUES = 60
RESUMED_VALUES = 300
# A listener who was away for longer gets the same as a new one.
LONGEST_AWAY = 300.0
# Clocks of two hosts differ a little: a value twice is better than one that is missed.
SKEW = 2.0
MOST_RESUMED = 64


@dataclass(frozen=True, slots=True)
class Left:
    """Where a listener was when its connection was lost."""

    host: str
    start: str
    at: float


class Pasts:
    """What this host remembers, made at most once per second for all who ask in it."""

    def __init__(self, settings: Settings, board: Board, history: History) -> None:
        self.hosts = (settings.host, *(peer.name for peer in settings.peers))
        self._board = board
        self._history = history
        self._events: Kept[bytes] = Kept(MOST_RESUMED)
        self._answers: Kept[Answer] = Kept(len(self.hosts) * len(Range))

    def answer(self, host: str, range_: Range) -> Answer:
        """Return the past of a host. Raise KeyError for an unknown one."""
        number = self._board.number

        def make(_: Answer | None) -> Answer:
            body = to_json(self._history.past(host, range_), inf_nan_mode="null")
            return tagged(body, f"{self._board.start}-{host}-{range_}-{number}", proxied=False)

        return self._answers.get((host, range_), number, make)

    def event(self, last: bytes) -> bytes:
        """Given the id of the last event that came (or nothing), return the event to begin with."""
        since = self._since(parse(last))
        return self._events.get(since, self._board.number, lambda _: self._make(since))

    def _since(self, left: Left | None) -> float | None:
        if left is None:
            return None
        same = (left.host, left.start) == (self.hosts[0], self._board.start)
        since = left.at if same else left.at - SKEW
        return since if 0.0 <= self._board.at - since <= LONGEST_AWAY else None

    def _make(self, since: float | None) -> bytes:
        most = FRESH_VALUES if since is None else RESUMED_VALUES
        hosts = {host: self._history.recent(host, since=since, most=most) for host in self.hosts}
        return b"event: past\ndata: %b\n\n" % to_json({"hosts": hosts}, inf_nan_mode="null")


def parse(text: bytes) -> Left | None:
    """Given an event's id, return what it names; None for anything else."""
    try:
        host, start, _, at = text.decode("ascii").split("/")
        return Left(host, start, float(at))
    except ValueError:
        return None
