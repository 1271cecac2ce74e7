"""TLS for PostgreSQL in which a server gets no password, only a proof of it, and must prove that it knows it too."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the standard library has it from Python 3.12 on
    from typing_extensions import Buffer

# AuthenticationOk, and the three steps of SASL, of which PostgreSQL has SCRAM alone.
OK, SASL, SASL_CONTINUE, SASL_FINAL = 0, 10, 11, 12
LONGEST = 65_536


class RefusedLoginError(ssl.SSLError):
    """The server wanted something else than SCRAM; the connection ends before anything is answered."""


class Login:
    """The server's part of a login, message by message, until it is over."""

    def __init__(self) -> None:
        self.over = False
        self._heard = b""
        self._proved = False

    def hear(self, data: bytes) -> None:
        """Take what the server sent. Raise RefusedLoginError when it asks for the password, or lets anybody in."""
        self._heard += data
        # A message is a letter, its size without the letter, and its content.
        while not self.over and len(self._heard) >= 5:
            end = 1 + int.from_bytes(self._heard[1:5])
            if end > LONGEST:
                raise RefusedLoginError("a message of a login is too long")
            if len(self._heard) < end:
                return
            message, self._heard = self._heard[:end], self._heard[end:]
            if message.startswith(b"R"):
                self._judge(int.from_bytes(message[5:9]))

    def _judge(self, step: int) -> None:
        if step not in (SASL, SASL_CONTINUE, SASL_FINAL, OK) or (step == OK and not self._proved):
            raise RefusedLoginError("the server asked for something else than SCRAM")
        self._proved = self._proved or step == SASL_FINAL
        self.over = step == OK


class _Listening(ssl.SSLObject):
    """A connection that hears what its client will read, before the client does."""

    _login: Login | None = None

    def read(self, len: int = 1024, buffer: Buffer | None = None) -> bytes:
        got = super().read(len, buffer)
        self._login = self._login or Login()
        if not self._login.over:
            # With a buffer, the standard library returns how much of it was filled.
            self._login.hear(bytes(memoryview(buffer)[: int(got)]) if buffer is not None else got)
        return got


def scram_only() -> ssl.SSLContext:
    """Return TLS for one connection. Who the server is, SCRAM proves: the lab's certificates are signed by nobody."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.sslobject_class = _Listening
    return context
