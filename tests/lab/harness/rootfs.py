"""Root file systems from the machine's own Debian mirror: one for hosts, one as the base of every image."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from harness.process import LabError, run
from harness.workplace import Workplace, cached, recipe

SUITE = "trixie"  # its Docker Engine is 26.1; the one of Debian 12 is 20.10
HOST_PACKAGES = (
    "docker.io",
    "docker-cli",
    "iptables",
    "iproute2",
    "openssh-server",
    "curl",
    "ca-certificates",
    "procps",
    "hostname",
)
OPTIONS = (
    "--quiet",
    "--variant=minbase",
    "--skip=cleanup/apt/lists",  # images install packages from these lists without asking the mirror again
    '--aptopt=Acquire::Check-Valid-Until "false"',
    '--aptopt=Acquire::Languages "none"',
    '--aptopt=Acquire::GzipIndexes "true"',
    '--aptopt=APT::Install-Recommends "false"',
    # Without these every image would carry about 70 MB of package cache.
    '--aptopt=Dir::Cache::pkgcache ""',
    '--aptopt=Dir::Cache::srcpkgcache ""',
    '--aptopt=DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; }',
    "--dpkgopt=force-unsafe-io",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
)
SOURCES = ("/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list")


def mirror() -> str:
    """Return the address of the first Debian mirror that this machine uses. Raise LabError if it names none."""
    for source in map(Path, SOURCES):
        text = source.read_text() if source.exists() else ""
        if found := re.search(r"^URIs:\s*(\S+)|^deb\s+(?:\[[^]]*\]\s+)?(\S+)", text, re.MULTILINE):
            return found[1] or found[2]
    raise LabError(f"no Debian mirror is named in {' or '.join(SOURCES)}")


def make_roots(place: Workplace) -> tuple[Path, Path]:
    """Return the folder of a host's root file system and the archive of the images' base, made side by side
    unless an earlier run did."""
    with ThreadPoolExecutor(2) as pool:
        host = pool.submit(_make, place, "host-root", f"--include={','.join(HOST_PACKAGES)}", "--format=directory")
        base = pool.submit(_make, place, "image-base", "--format=tar")
    return host.result(), base.result()


def _make(place: Workplace, kind: str, *options: str) -> Path:
    argv = ["mmdebstrap", *OPTIONS, *options, SUITE]
    address = mirror()
    return cached(
        place, f"{kind}-{recipe(*argv)}", lambda target: _run_quietly([*argv, str(target), address], place.run / kind)
    )


def _run_quietly(argv: list[str], log: Path) -> None:
    log.with_suffix(".log").write_text(run(argv, within=600))
