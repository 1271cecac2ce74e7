"""FOLDER SECOND PAUSE [LIMIT]: keeps a sample per pause, saying each, until it is ended.

With LIMIT no file may grow beyond it until a line comes on standard input, as on a disk that is full for a while.
"""

from __future__ import annotations

import logging
import resource
import signal
import sys
import threading
from itertools import count
from pathlib import Path

from samples import sample

from abbey_metrics.history import History


def main() -> None:
    folder, second, pause, *limits = sys.argv[1:]
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: ended.set())
    for limit in limits:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), most))
        threading.Thread(target=_free, args=(most,), daemon=True).start()
    history = History(["monk"], folder=Path(folder), retry=0.1)
    history.start()
    for at in count(int(second)):
        history.add(sample(at, at % 100))
        print(at, flush=True)
        if ended.wait(float(pause)):
            break
    history.stop()


def _free(most: int) -> None:
    sys.stdin.readline()
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


main()
