"""The lab for a person: `PYTHONPATH=tests/lab .venv/bin/python -m harness` holds it up until Ctrl-C."""

from __future__ import annotations

import shlex
import signal
import sys

from harness.lab import ABBEY, CONTROLLER, running_lab
from harness.prerequisites import missing


def main() -> int:
    """Hold the lab up and say how to use it; return 0 when it is taken down, 1 if this machine cannot hold it."""
    if reason := missing():
        print(reason, file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with running_lab() as lab:
            print("Two hosts are up. From a folder with an abbey.yaml:")
            words = [*lab.net.enter(CONTROLLER.name), "env", f"ABBEY_SSH_CONFIG={lab.access.config}", str(ABBEY)]
            print(f"  {shlex.join(words)} plan")
            for host in lab.hosts:
                print(f"  {shlex.join(host.inside('bash', '-l'))}   # root on {host.name}")
            print("Ctrl-C takes everything down.", flush=True)
            signal.pause()
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
