"""Programs under measurement: started on one core, what they use of it and of memory, and ended again."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

SERVER_CORE, LOAD_CORE = "0", "1"
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Running:
    """A program that runs, with its children."""

    process: subprocess.Popen[bytes]

    def tree(self) -> list[psutil.Process]:
        """Return the program and what it started."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def memory(self) -> float:
        """Return resident memory in MB; what workers share counts for each."""
        return sum(one.memory_info().rss for one in self.tree()) / 1e6

    def peak(self) -> float:
        """Return the most resident memory that the program itself ever had, in MB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024 / 1e6
        return 0.0

    def busy(self) -> float:
        """Return the seconds of processor time so far."""
        return sum(sum(one.cpu_times()[:2]) for one in self.tree())

    def share(self, seconds: float) -> float:
        """Wait so long, and return how much of one core was used meanwhile, in percent."""
        before, begun = self.busy(), time.monotonic()
        time.sleep(seconds)
        return 100 * (self.busy() - before) / (time.monotonic() - begun)


def found(name: str) -> str | None:
    """Return where a program is, also where ordinary users do not look, or None."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


@contextmanager
def started(argv: Sequence[str], *, asks: str, env: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Start a program on the servers' core, wait until it answers, and end it afterwards."""
    process = subprocess.Popen(
        ["taskset", "-c", SERVER_CORE, *argv],
        env={**os.environ, **(env or {})},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not _answers(asks):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{argv[0]} does not answer at {asks}")
            time.sleep(0.05)
        yield Running(process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
