from __future__ import annotations

from abbey_metrics.drives import MOST, throughput, whole
from abbey_metrics.rates import Counters


def test_only_whole_drives_count() -> None:
    layers = ("loop0", "ram0", "zram0", "dm-0", "md127", "md127p1", "sr0", "zd16", "bcache0", "nvme0c0n1")
    partitions = ("sda1", "sda12", "nvme0n1p2", "mmcblk0p1", "vda1")
    drives = ("mmcblk0", "nvme0n1", "sda", "vda", "xvdb1")  # the last is a drive of a cloud that has no xvdb
    assert whole(dict.fromkeys((*layers, *partitions, *drives), (1, 2))) == dict.fromkeys(drives, (1, 2))


def test_a_machine_without_drives_is_no_fault() -> None:
    assert whole({}) == {}
    found = throughput(None, Counters(0.0, {}))
    assert (found.read, found.write, found.drives) == (None, None, ())


def test_many_drives_are_bounded() -> None:
    assert len(whole({f"sd{chr(97 + n // 26)}{chr(97 + n % 26)}": (0, 0) for n in range(100)})) == MOST


def test_a_drive_that_was_plugged_in_counts_from_its_second_sample() -> None:
    before, after = Counters(0.0, {"sda": (0, 0)}), Counters(1.0, {"sda": (10, 20), "sdb": (5000, 5000)})
    found = throughput(before, after)
    assert (found.read, found.write) == (10.0, 20.0)
    assert [(drive.name, drive.read, drive.read_total) for drive in found.drives] == [
        ("sda", 10.0, 10),
        ("sdb", None, 5000),
    ]
