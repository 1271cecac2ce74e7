"""When a service is ready: somebody accepts the connection, or the page answers 200."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable


def accepts(address: str, port: int) -> Callable[[], bool]:
    """Return a question: does somebody accept a connection there?"""

    def ask() -> bool:
        try:
            with socket.create_connection((address, port), timeout=1):
                return True
        except OSError:
            return False

    return ask


def answers(address: str, port: int, path: str, *, host: str = "") -> Callable[[], bool]:
    """Return a question: does a GET of the path there answer 200, asked under the host name?"""

    def ask() -> bool:
        connection = http.client.HTTPConnection(address, port, timeout=2)
        try:
            connection.request("GET", path, headers={"Host": host or f"{address}:{port}"})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ask
