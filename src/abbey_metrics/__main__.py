"""`python -m abbey_metrics`: read the environment, serve, end with 0 on SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from abbey_metrics.settings import SettingsError, load


def main() -> int:
    """Serve and end with 0; or return the exit code 1 cannot listen, 2 the environment cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    # The client would log every address it fetches.
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    log = logging.getLogger("abbey_metrics")
    try:
        settings = load(os.environ)
    except SettingsError as error:
        for fault in error.faults:
            log.error("abbey-metrics: %s", fault)
        return 2
    # Imported only now: a wrong environment is told without loading the server.
    from abbey_metrics.server import serve

    try:
        asyncio.new_event_loop().run_until_complete(serve(settings))
    except OSError as error:
        log.error("abbey-metrics: cannot listen: %s", error)
        return 1
    # Everything has been closed, but a name look-up may still hang in a thread that an orderly end waits for.
    logging.shutdown()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
