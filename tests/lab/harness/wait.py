"""Wait for a fact by asking again, never by sleeping for a guessed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from harness.process import LabError

Answer = TypeVar("Answer")


def eventually(what: str, probe: Callable[[], Answer | None], *, within: float = 30, pause: float = 0.1) -> Answer:
    """Given a probe that answers something true once `what` holds, return that answer.

    Raise LabError naming `what` and the last answer if it does not come in time.
    """
    deadline = time.monotonic() + within
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise LabError(f"not within {within:g} s: {what} (last answer: {answer!r})")
        time.sleep(pause)
