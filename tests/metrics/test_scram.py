"""Which logins a PostgreSQL server may ask for before anything is answered."""

from __future__ import annotations

import struct

import pytest

from abbey_metrics.scram import LONGEST, Login, RefusedLoginError


def _message(step: int, content: bytes = b"") -> bytes:
    return b"R" + struct.pack("!ii", 8 + len(content), step) + content


OFFER = _message(10, b"SCRAM-SHA-256\0\0")
SCRAM = OFFER + _message(11, b"r=nonce,s=salt,i=4096") + _message(12, b"v=proof")
NOTICE = b"N" + struct.pack("!i", 8) + b"R\0\0\0"


def _hear(sent: bytes, size: int) -> Login:
    login = Login()
    for start in range(0, len(sent), size):
        login.hear(sent[start : start + size])
    return login


@pytest.mark.parametrize("size", [1, 2, 7, 4096])
def test_scram_is_a_login_however_it_is_cut(size: int) -> None:
    assert not _hear(NOTICE + SCRAM, size).over
    assert _hear(NOTICE + SCRAM + _message(0), size).over


@pytest.mark.parametrize(
    "sent",
    [
        _message(3),  # the password as it is
        _message(5, b"salt"),  # the password as MD5
        _message(7),  # GSSAPI
        _message(0),  # nothing at all: whoever this is, it proved nothing
        OFFER + _message(0),
        OFFER + _message(11, b"r=nonce,s=salt,i=4096") + _message(3),
        NOTICE + _message(3),
        b"N" + struct.pack("!i", LONGEST + 1),
        b"N" + struct.pack("!i", -1),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 4096])
def test_everything_else_is_refused_however_it_is_cut(sent: bytes, size: int) -> None:
    with pytest.raises(RefusedLoginError):
        _hear(sent, size)


def test_an_error_of_the_server_is_for_the_client() -> None:
    login = Login()
    login.hear(b"E" + struct.pack("!i", 9) + b"C28P\0")
    assert not login.over
