"""Docker image stores: built once in an engine of its own, then shared out to hosts as files."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.host import Host, HostSpec, await_engine, boot, halt
from harness.images import build_images, store_recipe
from harness.process import run
from harness.workplace import Workplace, cached

PARTS = ("image", "overlay2")  # what an engine's folder knows of images: their metadata and their layers

# The builder uses this machine's network, to reach the Debian mirror, and leaves no trace in it.
DETACHED = ("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false")


def image_store(place: Workplace, *, lower: Path, base: Path) -> Path:
    """Return the folder of a store that holds every image of the lab, built unless an earlier run did."""
    return cached(place, f"store-{store_recipe(base)}", lambda target: _build(target, place, lower, base))


def _build(target: Path, place: Workplace, lower: Path, base: Path) -> None:
    engine = (*DETACHED, f"--cgroup-parent=/{place.name}/builder")
    builder = boot(HostSpec(name="builder", folder=place.run / "builder", lower=lower, engine=engine))
    try:
        await_engine(builder)
        build_images(builder, place, base)
    finally:
        halt(builder)
    target.mkdir()
    for part in PARTS:
        (builder.spec.folder / "docker" / part).rename(target / part)
    shutil.rmtree(builder.spec.folder, ignore_errors=True)


def sow(store: Path, host: HostSpec) -> None:
    """Give a host that is not running yet all images of a store. Layers are hard links: engines never write
    into a layer, only beside it."""
    data = host.folder / "docker"
    data.mkdir(parents=True, exist_ok=True)
    run(["cp", "--archive", store / "image", data / "image"])
    run(["cp", "--archive", "--link", store / "overlay2", data / "overlay2"])


def images_of(host: Host) -> frozenset[str]:
    """Return the references of all images on a host."""
    return frozenset(host.run("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}").split())
