"""Small files of /proc and /sys, read whole."""

from __future__ import annotations

import os

# A mount table of a thousand containers has about 1 MB; what comes after this is not read.
MOST = 1 << 22
_CHUNK = 1 << 16


def read(path: str) -> str:
    """Given a path, return its text without blanks at the ends. Raise OSError when it cannot be read.

    The kernel makes these texts at the moment of reading. Opening them as Python's text files takes longer than that.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        chunks = [os.read(handle, _CHUNK)]
        while chunks[-1] and len(chunks) * _CHUNK < MOST:
            chunks.append(os.read(handle, _CHUNK))
    finally:
        os.close(handle)
    return b"".join(chunks).decode(errors="replace").strip()


def first_of(*paths: str) -> str:
    """Given paths, return the text of the first that can be read. Raise OSError when none can."""
    for path in paths[:-1]:
        try:
            return read(path)
        except OSError:
            continue
    return read(paths[-1])
