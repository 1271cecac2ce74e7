"""Trees of control groups, made of plain files."""

from __future__ import annotations

import shutil
from pathlib import Path

V1, V2 = "v1", "v2"
# What stands before the field that counts, so that a part of another name is not taken for it.
V2_STAT = "anon 10\nfile 20\nkernel 5\ninactive_anon 111\nactive_anon 7\ninactive_file {}\nactive_file 9\n"
V1_STAT = "cache 10\ninactive_file 123\nactive_file 5\ntotal_cache 20\ntotal_inactive_file {}\ntotal_active_file 9\n"


class CgroupTree:
    """A host whose control groups a test writes."""

    def __init__(self, rootfs: Path, layout: str) -> None:
        self.rootfs = rootfs
        self.layout = layout
        top = rootfs / "sys/fs/cgroup"
        self.roots: tuple[Path, ...] = (top,) if layout == V2 else (top / "cpuacct", top / "memory")
        for root in self.roots:
            root.mkdir(parents=True)
        if layout == V2:
            (top / "cgroup.controllers").write_text("cpu memory\n")
        else:
            (top / "cpuacct/cpuacct.usage").write_text("99\n")

    def container(
        self, place: str, *, cpu: float = 0.0, memory: int = 0, inactive: int = 0, limit: int | None = None
    ) -> None:
        """Write the figures of a container at this place of the tree."""
        for root in self.roots:
            (root / place).mkdir(parents=True, exist_ok=True)
        if self.layout == V2:
            folder = self.roots[0] / place
            (folder / "cpu.stat").write_text(f"usage_usec {round(cpu * 1e6)}\nuser_usec 1\nsystem_usec 1\n")
            (folder / "memory.current").write_text(f"{memory}\n")
            (folder / "memory.stat").write_text(V2_STAT.format(inactive))
            (folder / "memory.max").write_text(f"{limit or 'max'}\n")
            return
        (self.roots[0] / place / "cpuacct.usage").write_text(f"{round(cpu * 1e9)}\n")
        folder = self.roots[1] / place
        (folder / "memory.usage_in_bytes").write_text(f"{memory}\n")
        (folder / "memory.stat").write_text(V1_STAT.format(inactive))
        (folder / "memory.limit_in_bytes").write_text(f"{limit or 9223372036854771712}\n")

    def remove(self, place: str) -> None:
        """Remove a container's folders."""
        for root in self.roots:
            shutil.rmtree(root / place)

    def without_memory(self) -> None:
        """Take away what the kernel counts of memory, as on boards where that is switched off."""
        for root in self.roots:
            for path in root.rglob("memory.*"):
                path.unlink()
        if self.layout == V1:
            shutil.rmtree(self.roots[1])
