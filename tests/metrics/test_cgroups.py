"""Figures of containers in trees of control groups as the kernel and Docker lay them out."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from standin_cgroups import V1, V2, CgroupTree
from standin_docker_api import long_id
from standin_host import Now

from abbey_metrics.cgroups import SEARCH_AGAIN, Cgroups, Usage

A, B = long_id("a"), long_id("b")


@pytest.fixture(params=[V1, V2])
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> CgroupTree:
    return CgroupTree(tmp_path, request.param)


@pytest.mark.parametrize(
    "place",
    [
        "system.slice/docker-{}.scope",
        "docker/{}",
        "lab.slice/lab-apps.slice/docker-{}.scope",
        f"docker/{B}/docker/{{}}",
        f"system.slice/docker-{B}.scope/docker/{{}}",
        "user.slice/user-1000.slice/user@1000.service/user.slice/docker-{}.scope",
    ],
)
def test_figures_wherever_docker_puts_a_container(tree: CgroupTree, now: Now, place: str) -> None:
    folder = place.format(A)
    tree.container(folder, cpu=5.0, memory=1000, inactive=300, limit=4096)
    cgroups = Cgroups(str(tree.rootfs), now.clock())
    assert cgroups.read([A]) == {A: Usage(None, 700, 4096)}
    tree.container(folder, cpu=6.0, memory=1000, inactive=300, limit=None)
    now.pass_(2.0)
    assert cgroups.read([A]) == {A: Usage(50.0, 700, None)}


def test_the_second_container_is_found_where_the_first_was(tree: CgroupTree, now: Now) -> None:
    tree.container(f"lab.slice/docker-{A}.scope", memory=1)
    cgroups = Cgroups(str(tree.rootfs), now.clock())
    cgroups.read([A])
    tree.container(f"lab.slice/docker-{B}.scope", memory=2)
    assert cgroups.read([A, B])[B].memory == 2


def test_a_container_that_is_not_there_is_searched_for_ever_more_rarely(tree: CgroupTree, now: Now) -> None:
    cgroups = Cgroups(str(tree.rootfs), now.clock())
    assert cgroups.read([A]) == {A: Usage()}
    tree.container(f"odd.slice/docker-{A}.scope", memory=3)
    assert cgroups.read([A]) == {A: Usage()}
    now.pass_(2 * SEARCH_AGAIN)
    assert cgroups.read([A])[A].memory == 3


def test_counting_begins_anew_with_a_container_that_restarted(tree: CgroupTree, now: Now) -> None:
    tree.container(f"docker/{A}", cpu=100.0)
    cgroups = Cgroups(str(tree.rootfs), now.clock())
    cgroups.read([A])
    tree.container(f"docker/{A}", cpu=1.0)
    now.pass_(2.0)
    assert cgroups.read([A])[A].cpu is None
    tree.container(f"docker/{A}", cpu=1.5)
    now.pass_(2.0)
    assert cgroups.read([A])[A].cpu == 25.0


def test_a_container_that_ends_between_two_readings_is_no_fault(tree: CgroupTree, now: Now) -> None:
    tree.container(f"docker/{A}", memory=5)
    cgroups = Cgroups(str(tree.rootfs), now.clock())
    cgroups.read([A])
    tree.remove(f"docker/{A}")
    assert cgroups.read([A]) == {A: Usage()}


def test_a_kernel_that_counts_no_memory_still_tells_the_processor(tree: CgroupTree, now: Now) -> None:
    tree.container(f"docker/{A}", cpu=1.0)
    tree.without_memory()
    cgroups = Cgroups(str(tree.rootfs), now.clock())
    cgroups.read([A])
    now.pass_(1.0)
    assert cgroups.read([A]) == {A: Usage(0.0, None, None)}


def test_links_in_the_tree_are_not_followed(tree: CgroupTree, now: Now, tmp_path: Path) -> None:
    tree.container(f"docker/{A}", memory=5)
    for number, root in enumerate(tree.roots):
        (root / "docker").rename(tmp_path / f"elsewhere-{number}")
        os.symlink(tmp_path / f"elsewhere-{number}", root / "link")
    assert Cgroups(str(tree.rootfs), now.clock()).read([A]) == {A: Usage()}


def test_without_control_groups_the_reason_is_told(tmp_path: Path, now: Now) -> None:
    with pytest.raises(OSError, match="no control groups"):
        Cgroups(str(tmp_path), now.clock()).read([A])


@pytest.mark.skipif(not shutil.which("unshare") or os.geteuid() != 0, reason="needs root to make a control group")
def test_the_kernels_own_files_are_read(now: Now) -> None:
    real = [folder for folder in ("memory", "cpuacct") if Path(f"/sys/fs/cgroup/{folder}").is_dir()]
    roots = [Path("/sys/fs/cgroup", folder) for folder in real] or [Path("/sys/fs/cgroup")]
    made = [root / f"docker-{A}.scope" for root in roots]
    try:
        for folder in made:
            folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        cgroups = Cgroups("", now.clock())
        cgroups.read([A])
        now.pass_(1.0)
        usage = cgroups.read([A])[A]
    finally:
        for folder in made:
            folder.rmdir()
    assert (usage.cpu, usage.memory_limit) == (0.0, None)
