"""`python -m abbey_metrics.health`: exit 0 when the service beside it is healthy; for a container's check."""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException

from abbey_metrics.settings import SettingsError, load


def healthy(ip: str, port: int) -> bool:
    """Given where the service listens, return whether it says that it is well, within two seconds."""
    connection = HTTPConnection(ip, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def main() -> int:
    """Return the exit code: 0 healthy, 1 not."""
    try:
        first = load(os.environ).listen[0]
    except SettingsError:
        return 1
    return 0 if healthy(first.ip, first.port) else 1


if __name__ == "__main__":
    sys.exit(main())
