"""The metrics API as the program that it is, on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from abbey_metrics.health import healthy
from loopback import free_port

PATIENCE = 20.0


def eventually(ready: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def start(**env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "abbey_metrics"],
        env={"PATH": os.environ["PATH"], "ABBEY_HOST": "monk", **env},
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serving(port: int = 0, **env: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the program on 127.0.0.1 and 127.0.0.2 until the context ends; give its process and its port."""
    port = port or free_port()
    process = start(**{"ABBEY_LISTEN": f"127.0.0.1:{port},127.0.0.2:{port}", **env})
    try:
        eventually(lambda: process.poll() is not None or healthy("127.0.0.1", port))
        assert process.poll() is None, process.stderr and process.stderr.read()
        yield process, port
    finally:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()
