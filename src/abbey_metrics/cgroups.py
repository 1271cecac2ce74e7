"""Processor and memory of containers, read from the files of the kernel's control groups.

Docker's own figures cost a second per question and much of its processor; these files cost microseconds. Both layouts
of the kernel (v2, and v1 with a tree per controller) and of Docker (`system.slice/docker-ID.scope`, `docker/ID`, below
any parent) are found.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TypeVar

from abbey_metrics.clock import Clock
from abbey_metrics.reading import read

T = TypeVar("T")

# In v1 "no limit" is the largest number of pages that a long can count.
NO_LIMIT = 1 << 62
MOST_FOLDERS = 5000
DEEPEST = 10
MOST_PATTERNS = 16
# A tree without a wanted container is not searched again at once; the wait doubles up to the slowest.
SEARCH_AGAIN, SLOWEST = 4.0, 300.0

_ID = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a container uses: percent of one core since the reading before, and bytes; None is not known or no limit."""

    cpu: float | None = None
    memory: int | None = None
    memory_limit: int | None = None


@dataclass(frozen=True, slots=True)
class _Layout:
    """One of the kernel's two layouts: the roots of its trees, and how a container's files are read."""

    cpu_root: str
    memory_root: str
    cpu: Callable[[str], float]
    memory: Callable[[str], int]
    limit: Callable[[str], int | None]


class Tree:
    """Where containers are in one tree of control groups; found places are remembered while they are wanted."""

    def __init__(self, root: str, clock: Clock) -> None:
        self._root = root
        self._clock = clock
        self._places: dict[str, str] = {}
        # Where others are, the next one will be: what stands before and after the id.
        self._patterns = [(f"{root}/system.slice/docker-", ".scope"), (f"{root}/docker/", "")]
        self._wait = SEARCH_AGAIN
        self._next = 0.0

    def places(self, ids: Collection[str]) -> dict[str, str]:
        """Given ids of containers, return the folders of those that are found."""
        wanted = set(ids)
        self._places = {id_: place for id_, place in self._places.items() if id_ in wanted}
        for id_ in wanted - set(self._places):
            if place := next(filter(os.path.isdir, (id_.join(pattern) for pattern in self._patterns)), None):
                self._places[id_] = place
        if missing := wanted - set(self._places):
            self._search(missing)
        return dict(self._places)

    def _search(self, missing: set[str]) -> None:
        now = self._clock.monotonic()
        if now < self._next:
            return
        found = dict(_containers(self._root, missing))
        self._places |= found
        for id_, place in found.items():
            before, _, after = place.rpartition(id_)
            if (before, after) not in self._patterns:
                self._patterns = [*self._patterns[1 - MOST_PATTERNS :], (before, after)]
        self._wait = SEARCH_AGAIN if found else min(SLOWEST, self._wait * 2)
        self._next = now + self._wait


class Cgroups:
    """Reads what containers use. Not for two threads at once."""

    def __init__(self, rootfs: str, clock: Clock) -> None:
        self._root = f"{rootfs}/sys/fs/cgroup"
        self._clock = clock
        self._layout: _Layout | None = None
        self._cpu = self._memory = Tree("", clock)
        self._before: dict[str, tuple[float, float]] = {}

    def read(self, ids: Collection[str]) -> dict[str, Usage]:
        """Given ids of containers that run, return what each uses. Raise OSError when there are no control groups."""
        if self._layout is None:
            self._layout = layout = _layout(self._root)
            self._cpu = Tree(layout.cpu_root, self._clock)
            same = layout.memory_root == layout.cpu_root
            self._memory = self._cpu if same else Tree(layout.memory_root, self._clock)
        cpu, memory = self._cpu.places(ids), self._memory.places(ids)
        before, self._before = self._before, {}
        return {id_: self._usage(self._layout, id_, cpu.get(id_), memory.get(id_), before.get(id_)) for id_ in ids}

    def _usage(
        self, layout: _Layout, id_: str, cpu: str | None, memory: str | None, before: tuple[float, float] | None
    ) -> Usage:
        percent = None
        if cpu and (seconds := _or_none(layout.cpu, cpu)) is not None:
            now = self._clock.monotonic()
            self._before[id_] = now, seconds
            if before and now > before[0] and seconds >= before[1]:
                percent = round(100 * (seconds - before[1]) / (now - before[0]), 1)
        if not memory:
            return Usage(percent)
        return Usage(percent, _or_none(layout.memory, memory), _or_none(layout.limit, memory))


def _layout(root: str) -> _Layout:
    if os.path.exists(f"{root}/cgroup.controllers"):
        return _Layout(root, root, _cpu_v2, _memory_v2, _limit_v2)
    for name in ("cpuacct", "cpu,cpuacct"):
        if os.path.exists(f"{root}/{name}/cpuacct.usage"):
            return _Layout(f"{root}/{name}", f"{root}/memory", _cpu_v1, _memory_v1, _limit_v1)
    raise FileNotFoundError(errno.ENOENT, "no control groups are there")


def _cpu_v2(folder: str) -> float:
    return _field(read(f"{folder}/cpu.stat"), "usage_usec ") / 1e6


def _memory_v2(folder: str) -> int:
    used = int(read(f"{folder}/memory.current"))
    return max(0, used - _field(read(f"{folder}/memory.stat"), "\ninactive_file "))


def _limit_v2(folder: str) -> int | None:
    text = read(f"{folder}/memory.max")
    return None if text == "max" else int(text)


def _cpu_v1(folder: str) -> float:
    return int(read(f"{folder}/cpuacct.usage")) / 1e9


def _memory_v1(folder: str) -> int:
    used = int(read(f"{folder}/memory.usage_in_bytes"))
    return max(0, used - _field(read(f"{folder}/memory.stat"), "\ntotal_inactive_file "))


def _limit_v1(folder: str) -> int | None:
    limit = int(read(f"{folder}/memory.limit_in_bytes"))
    return None if limit >= NO_LIMIT else limit


def _field(text: str, key: str) -> int:
    # Splitting dozens of lines for one number would be most of the cost.
    start = text.index(key) + len(key)
    end = text.find("\n", start)
    return int(text[start:] if end < 0 else text[start:end])


def _or_none(figure: Callable[[str], T], folder: str) -> T | None:
    # A container may end between two readings, and a kernel may lack a file.
    try:
        return figure(folder)
    except (OSError, ValueError):
        return None


def _containers(root: str, wanted: set[str]) -> Iterator[tuple[str, str]]:
    """Given a tree, give the wanted containers with their folders; they may be inside of containers that are not."""
    folders, left = [(root, 0)], set(wanted)
    for seen, (folder, depth) in enumerate(folders):
        if seen >= MOST_FOLDERS or not left:
            return
        for path in _below(folder):
            match = _ID.search(path, len(folder))
            if match and match[0] in left:
                left.remove(match[0])
                yield match[0], path
            elif depth < DEEPEST:
                folders.append((path, depth + 1))


def _below(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
