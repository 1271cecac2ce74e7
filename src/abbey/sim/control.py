"""How another terminal talks to a running demo: a socket without a file, for the same user only."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from abbey.errors import AbbeyError, UsageError

DEFAULT = "demo"
LONGEST = 4096
ANSWER_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Order:
    """What the other terminal wants: `kill` or `revive`, and which host."""

    verb: str
    host: str


def place(name: str) -> str:
    """Return where the demo of that name listens: an abstract address, which ends with the process."""
    return f"\0abbey-{os.getuid()}-{name}"


class Control:
    """The demo's end of the socket. Raise UsageError when a demo of this user and name runs already."""

    def __init__(self, name: str = DEFAULT) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._listener.bind(place(name))
        except OSError as error:
            self._listener.close()
            hint = "stop it with Ctrl-C in its terminal, or use it: `abbey demo kill monk`"
            raise UsageError("a demo of yours is running already", hint=hint) from error
        self._listener.listen(4)

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def serve(self, obey: Callable[[Order], str], *, wait: float) -> None:
        """Wait that long for an order; obey it, and answer what was done or why not."""
        ready, _, _ = select.select([self._listener], [], [], wait)
        if not ready:
            return
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(2)
            try:
                if _uid_of(connection) == os.getuid():
                    connection.sendall(json.dumps(_obeyed(connection, obey)).encode())
            except OSError:
                return  # the other terminal went away; the order was obeyed or never given


def _obeyed(connection: socket.socket, obey: Callable[[Order], str]) -> dict[str, str]:
    try:
        read = json.loads(connection.recv(LONGEST))
        order = Order(verb=str(read["verb"]), host=str(read["host"]))
    except (ValueError, KeyError, TypeError):
        return {"usage": "that is no order"}
    try:
        return {"done": obey(order)}
    except UsageError as error:
        return {"usage": error.message, "hint": error.hint}
    except AbbeyError as error:
        return {"error": error.message, "hint": error.hint}


def _uid_of(connection: socket.socket) -> int:
    """Return whose process is at the other end, as the kernel says."""
    size = struct.calcsize("3i")
    _, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(uid)


def give(order: Order, *, name: str = DEFAULT) -> str:
    """Give the order to the running demo and return what it says. Raise UsageError when none runs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(place(name))
        except OSError as error:
            raise UsageError(
                "no demo of yours is running", hint="start one in another terminal: `abbey demo`"
            ) from error
        try:
            connection.sendall(json.dumps({"verb": order.verb, "host": order.host}).encode())
            answer: dict[str, str] = json.loads(_all_of(connection))
        except (OSError, ValueError) as error:
            raise AbbeyError("the demo ended before it answered") from error
    if "done" in answer:
        return answer["done"]
    kind = UsageError if "usage" in answer else AbbeyError
    raise kind(answer.get("usage") or answer["error"], hint=answer.get("hint", ""))


def _all_of(connection: socket.socket) -> bytes:
    pieces = []
    while piece := connection.recv(LONGEST):
        pieces.append(piece)
    return b"".join(pieces)
