from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from abbey_metrics.network import MOST, counting, links, parse_net_dev, throughput
from abbey_metrics.rates import Counters


def between(names: list[str], hardware: set[str]) -> tuple[set[str], float | None]:
    """Return which of the names are real, and the total when each received one byte in a second."""
    found = throughput(
        Counters(0.0, dict.fromkeys(names, (0, 0))), Counters(1.0, dict.fromkeys(names, (1, 0))), hardware
    )
    return {link.name for link in found.interfaces if link.real}, found.rx


def test_hardware_counts_whatever_it_is_called() -> None:
    assert between(["br0", "eth0", "eth0.7", "odd"], {"odd"}) == ({"odd"}, 1.0)


@pytest.mark.parametrize("name", ["br-4f2a", "br0", "docker0", "tailscale0", "wg0", "bond0", "eth0.100", "vmbr0"])
def test_without_hardware_what_carries_bytes_twice_is_known_by_name(name: str) -> None:
    # In a container /sys shows the container's own network, which has no hardware.
    assert between(["eth0", name], set()) == ({"eth0"}, 1.0)


def test_a_host_with_only_virtual_links_still_has_a_total() -> None:
    assert between(["lo", "docker0"], set()) == ({"docker0"}, 1.0)


def test_many_containers_do_not_push_out_the_real_link() -> None:
    names = [f"br-{n:03}" for n in range(50)] + [f"veth{n:03}" for n in range(50)] + ["wlan0"]
    found = throughput(None, Counters(0.0, dict.fromkeys(names, (0, 0))), {"wlan0"})
    assert len(found.interfaces) == MOST
    assert found.interfaces[-1].name == "wlan0"


def test_a_table_that_is_cut_short_is_read_as_far_as_it_goes() -> None:
    assert parse_net_dev("a\nb\n eth0: 1 2\n  eth1: 1 0 0 0 0 0 0 0 2 0") == {"eth1": (1, 2)}


def test_the_hosts_network_counts_where_this_process_has_another(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "dev").write_text("a\nb\n enp3s0: 1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0\n")
    assert counting(str(tmp_path))() == {"enp3s0": (1, 2)}


@pytest.mark.parametrize("process", ["/proc/self", "/nowhere"])
def test_its_own_network_is_what_psutil_tells(process: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "dev").write_text("a\nb\n eth0: 1 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0\n")
    monkeypatch.setattr(psutil, "PROCFS_PATH", str(tmp_path))
    counted = counting(process)
    assert counted() == {"eth0": (1, 2)}
    # A counter that falls is shown as it is: adding up is for rates, which leave it out.
    (tmp_path / "net" / "dev").write_text("a\nb\n eth0: 0 0 0 0 0 0 0 0 2 0 0 0 0 0 0 0\n")
    assert counted() == {"eth0": (0, 2)}


def test_hardware_is_what_has_a_device(tmp_path: Path) -> None:
    (tmp_path / "eth0" / "device").mkdir(parents=True)
    (tmp_path / "br0").mkdir()
    assert links(str(tmp_path)) == {"eth0"}
    assert links(str(tmp_path / "nowhere")) == frozenset()
