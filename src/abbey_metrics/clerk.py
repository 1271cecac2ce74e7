"""A thread that puts things on a disk, so that nobody else ever waits for one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

RETRY = 30.0
PATIENCE = 2.0

log = logging.getLogger(__name__)


class Clerk:
    """Does its work when asked, once for all that asked meanwhile; work that fails is tried again later.

    `work` returns whether it kept something, and raises OSError when it cannot. A trouble is said once, in words.
    """

    def __init__(
        self, what: str, work: Callable[[], bool], *, close: Callable[[], None] = lambda: None, retry: float = RETRY
    ) -> None:
        self._what = what
        self._work = work
        self._close = close
        self._retry = retry
        self._changed = threading.Condition()
        self._asked = 0
        self._answered = 0
        self._ending = False
        self._trouble = ""
        # A daemon: a frozen disk must not keep the process from its end.
        self._thread = threading.Thread(target=self._run, name=what, daemon=True)

    def start(self) -> None:
        """Begin, with a first piece of work."""
        self.ask()
        self._thread.start()

    def ask(self) -> None:
        """Have the work done soon."""
        with self._changed:
            self._asked += 1
            self._changed.notify_all()

    def settle(self, patience: float = PATIENCE) -> bool:
        """Wait for everything that was asked for until now; return whether it was done, or is known not to work."""
        with self._changed:
            asked = self._asked
            return self._changed.wait_for(lambda: self._answered >= asked or bool(self._trouble), patience)

    def stop(self, patience: float = PATIENCE) -> None:
        """Do what is left and end; a disk that does not answer is waited for no longer than `patience`."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(patience)

    def _run(self) -> None:
        ending = False
        while not ending:
            with self._changed:
                # In trouble, being asked is no reason to hurry.
                self._changed.wait_for(self._due, self._retry if self._trouble else None)
                asked, ending = self._asked, self._ending
            self._try()
            with self._changed:
                self._answered = asked
                self._changed.notify_all()
        self._close()

    def _due(self) -> bool:
        return self._ending or (self._asked > self._answered and not self._trouble)

    def _try(self) -> None:
        try:
            kept = self._work()
        except OSError as error:
            words = error.strerror or str(error)
            if words != self._trouble:
                self._trouble = words
                log.warning("%s cannot be kept: %s; it is held in memory, and tried again", self._what, words)
            return
        if kept and self._trouble:
            self._trouble = ""
            log.info("%s is kept again", self._what)
