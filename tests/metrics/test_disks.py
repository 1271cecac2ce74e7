from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator

import pytest
from standin_host import Now

from abbey_metrics.clock import Clock
from abbey_metrics.disks import DiskReader, Space
from abbey_metrics.mounts import MOST, Mount, below, disks
from abbey_metrics.sources import host_sources

ROOT = Mount("/dev/sda1", "/", "ext4")
NFS = Mount("nas:/films", "/films", "nfs4")


class StandinDisks:
    """File systems of which some answer only after `thaw`."""

    def __init__(self) -> None:
        self.frozen: set[str] = set()
        self.missing: set[str] = set()
        self.asked: list[str] = []
        self.thaw = threading.Event()

    def space(self, path: str) -> Space:
        self.asked.append(path)
        if path in self.missing:
            raise OSError("gone")
        if path in self.frozen:
            self.thaw.wait(30)
        return Space(1000, 500, 400, 55.6)


@pytest.fixture
def standin_disks() -> Iterator[StandinDisks]:
    standin = StandinDisks()
    yield standin
    standin.thaw.set()


@pytest.fixture
def reader(standin_disks: StandinDisks) -> DiskReader:
    return DiskReader(standin_disks.space, rootfs="/host/root", every=0.0, patience=0.05, clock=Clock())


def test_sizes_are_counted_as_df_counts_them(reader: DiskReader) -> None:
    (disk,) = reader.read([ROOT])
    assert (disk.total, disk.used, disk.free, disk.percent) == (1000, 500, 400, 55.6)
    told = subprocess.run(["df", "-B1", "--output=size,used,avail", "/"], capture_output=True, text=True, check=True)
    real = host_sources().space("/")
    # Others write to it meanwhile.
    assert [int(size) for size in told.stdout.split()[3:]] == pytest.approx(real[:3], rel=0.02)


def test_what_has_no_size_is_no_disk(now: Now) -> None:
    reader = DiskReader(lambda path: Space(0, 0, 0, 0.0), rootfs="", every=0.0, patience=5.0, clock=now.clock())
    assert reader.read([ROOT]) == ()


def test_the_host_is_read_below_its_root(reader: DiskReader, standin_disks: StandinDisks) -> None:
    reader.read([ROOT, NFS])
    assert sorted(standin_disks.asked) == ["/host/root/", "/host/root/films"]


def test_a_frozen_disk_keeps_its_last_sizes_and_delays_nobody(reader: DiskReader, standin_disks: StandinDisks) -> None:
    reader.read([ROOT, NFS])
    standin_disks.frozen = {"/host/root/films"}
    root, films = reader.read([ROOT, NFS])
    assert root.frozen_since is None
    assert films.frozen_since is not None
    assert films.used == 500


def test_a_frozen_disk_is_asked_once_and_comes_back(reader: DiskReader, standin_disks: StandinDisks) -> None:
    standin_disks.frozen = {"/host/root/films"}
    for _ in range(3):  # by the patience of the first, without any of the others
        (films,) = reader.read([NFS])
        assert films.frozen_since is not None
        assert films.total is None
    assert standin_disks.asked == ["/host/root/films"]
    standin_disks.frozen = set()
    standin_disks.thaw.set()
    deadline = time.monotonic() + 20
    while reader.read([NFS])[0].frozen_since is not None:
        assert time.monotonic() < deadline


def test_a_disk_that_cannot_be_measured_is_left_out(reader: DiskReader, standin_disks: StandinDisks) -> None:
    standin_disks.missing = {"/host/root/films"}
    assert [disk.mount for disk in reader.read([ROOT, NFS])] == ["/"]


def test_sizes_are_kept_until_the_next_question_is_due(standin_disks: StandinDisks, now: Now) -> None:
    reader = DiskReader(standin_disks.space, rootfs="", every=10.0, patience=5.0, clock=now.clock())
    first = reader.read([ROOT])
    now.pass_(9.0)
    assert reader.read([ROOT]) == first
    assert standin_disks.asked == ["/"]
    now.pass_(1.0)
    reader.read([ROOT])
    assert standin_disks.asked == ["/", "/"]


def test_a_frozen_disk_that_answers_is_shown_before_the_next_question_is_due(
    standin_disks: StandinDisks, now: Now
) -> None:
    reader = DiskReader(standin_disks.space, rootfs="", every=1e9, patience=0.05, clock=now.clock())
    standin_disks.frozen = {"/films"}
    assert reader.read([NFS])[0].frozen_since == now.wall
    standin_disks.thaw.set()
    deadline = time.monotonic() + 20
    while reader.read([NFS])[0].frozen_since is not None:
        assert time.monotonic() < deadline
    assert standin_disks.asked == ["/films"]


def test_what_is_no_longer_mounted_is_asked_anew_when_it_comes_back(standin_disks: StandinDisks, now: Now) -> None:
    reader = DiskReader(standin_disks.space, rootfs="", every=1e9, patience=5.0, clock=now.clock())
    reader.read([ROOT, NFS])
    assert [disk.mount for disk in reader.read([ROOT])] == ["/"]
    reader.read([ROOT, NFS])
    assert sorted(standin_disks.asked) == ["/", "/films", "/films"]


def test_a_frozen_disk_that_comes_and_goes_is_not_asked_again(standin_disks: StandinDisks, reader: DiskReader) -> None:
    standin_disks.frozen = {"/host/root/films"}
    for mounts in ([NFS], [], [NFS]):
        reader.read(mounts)
    assert standin_disks.asked == ["/host/root/films"]


def test_only_disks_are_kept_each_device_once() -> None:
    table = (
        "proc /proc proc rw 0 0\n"
        "/dev/sdb1 /var/lib/docker/volumes ext4 rw 0 0\n"
        "/dev/sdb1 /data ext4 rw 0 0\n"
        "overlay / overlay rw 0 0\n"
        "overlay /var/lib/docker/overlay2/x/merged overlay rw 0 0\n"
        "nas:/a\\040b /mnt/a\\040b nfs4 rw 0 0\n"
        "cut short\n"
    )
    assert [(mount.device, mount.point) for mount in disks(table)] == [
        ("overlay", "/"),
        ("/dev/sdb1", "/data"),
        ("nas:/a b", "/mnt/a b"),
    ]


def test_many_mounts_are_bounded() -> None:
    assert len(disks("".join(f"/dev/sd{n} /d{n} ext4 rw 0 0\n" for n in range(500)))) == MOST


def test_only_what_is_mounted_in_the_container_too_is_measured() -> None:
    """The host mounted /late after the container had started: there it is an empty folder on the root's disk."""
    found = disks("/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /data ext4 rw 0 0\n/dev/sdc1 /late ext4 rw 0 0\n")
    own = (
        "overlay / overlay rw 0 0\n"
        "/dev/sda1 /etc/hosts ext4 rw 0 0\n"
        "/dev/sda1 /host/root ext4 ro 0 0\n"
        "/dev/sdb1 /host/root/data ext4 ro 0 0\n"
    )
    assert [mount.point for mount in below("/host/root", found, own)] == ["/", "/data"]


def test_outside_a_container_every_disk_is_measured() -> None:
    table = "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /data ext4 rw 0 0\n"
    assert below("", disks(table), table) == disks(table)


def test_a_container_without_the_hosts_root_measures_nothing_of_its_own() -> None:
    assert below("", disks("/dev/sda1 / ext4 rw 0 0\n"), "overlay / overlay rw 0 0\n") == ()
