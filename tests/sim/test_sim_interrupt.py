"""Signals that end the demo, also when several come at once."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from abbey.sim.demo import interruptible


@pytest.mark.parametrize("one", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_told_to_whoever_waits(one: signal.Signals) -> None:
    with interruptible() as ended:
        os.kill(os.getpid(), one)
        assert ended.wait(10)


def test_a_signal_that_comes_while_the_event_is_held_waits_for_nobody() -> None:
    with interruptible() as ended:
        lock: threading.Condition = ended._cond  # type: ignore[attr-defined]
        with lock:  # as an earlier handler, or a wait in this thread, would hold it
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
        assert ended.wait(10)
