"""A web server that does what it is told, also what no web server does: it hangs, lies, floods and breaks off.

What it says of itself holds the word `canary`, so that tests can look for it where it must not come.
"""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

FLOOD = b"canary " * 9000
DRIP = 0.02  # seconds between bytes: far less than any limit of a read, so that only a limit of the whole ends it


@dataclass(frozen=True)
class Request:
    """What was asked, and from which address; headers are by their names in small letters."""

    path: str
    headers: dict[str, str]
    source: str


class Connection:
    """One question, and the line on which it can be answered."""

    def __init__(self, sock: socket.socket, request: Request, over: threading.Event) -> None:
        self._sock = sock
        self._over = over
        self.request = request

    def send(self, data: bytes) -> bool:
        """Send, and return whether the other side still takes it."""
        if self._over.is_set():
            return False
        try:
            self._sock.sendall(data)
        except OSError:
            return False
        return True

    def drip(self, data: bytes) -> bool:
        """Send what comes slowly, and return whether the other side still takes it."""
        return self.send(data) and not self._over.wait(DRIP)

    def hold(self) -> None:
        """Say nothing until the server ends."""
        self._over.wait()

    def reset(self) -> None:
        """Break the connection off so that the other side is told of an error, not of an end."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()


Behaviour = Callable[[Connection], None]


class StandinUpstream:
    """Serves on a port of loopback while it is a context; `behaviour` may be changed at any time."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.requests: list[Request] = []
        self.asked = threading.Semaphore(0)
        """Released with each question, before anything is done about it."""
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> StandinUpstream:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        with suppress(OSError):  # wakes the one who accepts
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            # Neither one who asks nothing nor one who takes nothing may keep the test from ending.
            sock.settimeout(1.0)
            self._start(lambda sock=sock: self._serve(sock))  # type: ignore[misc]

    def _serve(self, sock: socket.socket) -> None:
        with sock, suppress(OSError), sock.makefile("rb") as lines:
            while first := lines.readline():
                headers = {}
                while (line := lines.readline().strip()) and b":" in line:
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                request = Request(first.split()[1].decode(), headers, sock.getpeername()[0])
                self.requests.append(request)
                self.asked.release()
                self.behaviour(Connection(sock, request, self._over))
                return


def head(status: str = "200 OK", *headers: str) -> bytes:
    """Given a status and headers, return the beginning of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", "Connection: close", *headers, "", ""]).encode()


def answers(body: bytes | str | object, status: str = "200 OK", *headers: str) -> Behaviour:
    """Given a body (text, or what becomes JSON), return the behaviour that answers properly with it."""
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    whole = head(status, f"Content-Length: {len(body)}", "Set-Cookie: canary=1", *headers) + body
    return lambda line: _ended(line.send(whole))


def by_path(*behaviours: tuple[str, Behaviour]) -> Behaviour:
    """Given parts of paths with what to do when one is asked for, return the behaviour that does it."""

    def behaviour(line: Connection) -> None:
        next(found for part, found in behaviours if part in line.request.path)(line)

    return behaviour


def hangs(line: Connection) -> None:
    """Takes the question and says nothing."""
    line.hold()


def hangs_after_headers(line: Connection) -> None:
    """Announces an answer that does not come."""
    line.send(head("200 OK", "Content-Length: 10"))
    line.hold()


def drips(line: Connection) -> None:
    """Never stops for long, and never ends."""
    going = line.send(head("200 OK", "Content-Length: 100000"))
    while going:
        going = line.drip(b" ")


def drips_headers(line: Connection) -> None:
    """Likewise, before it comes to anything."""
    going = line.send(b"HTTP/1.1 200 OK\r\nX-Canary: ")
    while going:
        going = line.drip(b"a")


def never_says_more_than_continue(line: Connection) -> None:
    """Sends provisional answers for ever."""
    while line.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 100):
        continue


def floods_headers(line: Connection) -> None:
    """Has headers without end."""
    going = line.send(b"HTTP/1.1 200 OK\r\n")
    while going:
        going = line.send(b"X-Canary: " + FLOOD + b"\r\n")


def floods(line: Connection) -> None:
    """Has a body that takes a month."""
    going = line.send(head("200 OK", "Content-Length: 1000000000000"))
    while going:
        going = line.send(FLOOD)


def floods_chunks(line: Connection) -> None:
    """Has chunks without end."""
    going = line.send(head("200 OK", "Transfer-Encoding: chunked"))
    while going:
        going = line.send(b"%x\r\n%b\r\n" % (len(FLOOD), FLOOD))


def sends_a_bomb(line: Connection) -> None:
    """Has twenty megabytes in twenty kilobytes, although nobody asked for them to be packed."""
    packed = gzip.compress(bytes(20_000_000))
    line.send(head("200 OK", "Content-Encoding: gzip", f"Content-Length: {len(packed)}") + packed)


def is_cut(line: Connection) -> None:
    """Ends before its end."""
    line.send(head("200 OK", "Content-Length: 1000") + b'{"canary":')


def is_reset(line: Connection) -> None:
    """Breaks off in the middle."""
    line.send(head("200 OK", "Content-Length: 1000") + b'{"canary":')
    line.reset()


def leaves(line: Connection) -> None:
    """Hangs up on the question."""


def speaks_something_else(line: Connection) -> None:
    """Is no web server."""
    line.send(b"SSH-2.0-canary\r\n\x00\xff\r\n\r\n")


def _ended(_: bool) -> None:
    return None
