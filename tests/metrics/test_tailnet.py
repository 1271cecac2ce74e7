"""On which interface this machine has an address, asked of this machine's kernel."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from standin_host import Now

from abbey_metrics.platform import Link
from abbey_metrics.tailnet import read_tailnet

SOURCE = Path(__file__).resolve().parents[2] / "src"
# In a network of its own: an interface with an address, first up, then down, then without it.
TAILNET = """
set -e
ip link set lo up
ip link add ts0 type veth peer name other
ip link set other up
ip addr add 100.64.0.7/32 dev ts0
ip addr add fd7a:115c:a1e0::7/128 dev ts0
ip link set ts0 up
$PY 100.64.0.7; $PY fd7a:115c:a1e0::7
ip link set ts0 down
$PY 100.64.0.7
ip addr del 100.64.0.7/32 dev ts0
$PY 100.64.0.7
"""
ASK = """
import sys
from abbey_metrics.clock import Clock
from abbey_metrics.tailnet import read_tailnet
found = read_tailnet(sys.argv[1], Clock())
print(found.interface, found.state, found.error, sep="|")
"""


def test_an_address_of_this_machine_is_found_with_its_interface(now: Now) -> None:
    found = read_tailnet("127.0.0.1", now.clock())
    assert (found.interface, found.state, found.error, found.at) == ("lo", Link.UP, "", now.wall)


def test_every_address_of_loopback_is_this_machines(now: Now) -> None:
    assert read_tailnet("127.77.0.2", now.clock()).interface == "lo"


def test_an_address_that_nobody_has_cuts_the_host_off(now: Now) -> None:
    found = read_tailnet("192.0.2.1", now.clock())
    assert (found.interface, found.state, found.error) == (None, Link.DOWN, "no interface has the address")


def test_an_address_of_version_six_is_compared_as_one(now: Now) -> None:
    own = [
        (name, entry.address.partition("%")[0])
        for name, entries in psutil.net_if_addrs().items()
        for entry in entries
        if entry.family.name == "AF_INET6"
    ]
    if not own:
        pytest.skip("this machine has no address of version 6")
    name, address = own[0]
    found = read_tailnet(address.upper(), now.clock())
    assert found.interface == name


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root for a network of its own")
def test_an_interface_that_is_down_or_lost_its_address(tmp_path: Path) -> None:
    script = tmp_path / "ask.py"
    script.write_text(ASK)
    done = subprocess.run(
        ["unshare", "--net", "sh", "-c", TAILNET],
        env={
            "PY": f"{sys.executable} {script}",
            "PYTHONPATH": str(SOURCE),
            "PATH": f"/usr/sbin:/sbin:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    if "unshare failed" in done.stderr or "not supported" in done.stderr or "Unknown device type" in done.stderr:
        pytest.skip(done.stderr)
    assert done.stdout.splitlines() == [
        "ts0|up|",
        "ts0|up|",
        "ts0|down|the interface is down",
        "None|down|no interface has the address",
    ], done.stderr
