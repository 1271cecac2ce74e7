"""Sensors and batteries, from folders as kernels show them below /sys, through the real psutil."""

from __future__ import annotations

from pathlib import Path

import pytest
from standin_sys import stand_in_for_sys

from abbey_metrics import sensors
from abbey_metrics.figures import Battery, Fan, Temperature
from abbey_metrics.sensors import MOST, fans, temperatures


@pytest.fixture
def sys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder in which psutil finds /sys/class."""
    stand_in_for_sys(monkeypatch, tmp_path)
    return tmp_path / "sys" / "class"


def chip(sys: Path, number: int, name: str, **files: str) -> Path:
    """Make the folder of one chip, with what its files say."""
    folder = sys / "hwmon" / f"hwmon{number}"
    folder.mkdir(parents=True)
    for file, text in {"name": name, **files}.items():
        (folder / file).write_text(f"{text}\n")
    return folder


def refuse(file: Path) -> None:
    """Make a file that can be opened, and answers reading with an error of its device."""
    file.unlink()
    file.symlink_to("/proc/self/mem")


def test_sensors_are_named_by_chip_and_label(sys: Path) -> None:
    chip(sys, 1, "nvme", temp1_input="30850", temp1_label="Composite", temp1_crit="90000")
    chip(sys, 2, "k10temp", temp2_input="52125", temp3_input="40000", temp3_label="Tccd1", fan1_input="0")
    assert temperatures() == (
        Temperature("nvme Composite", 30.9),
        Temperature("k10temp", 52.1),
        Temperature("k10temp Tccd1", 40.0),
    )
    assert fans() == (Fan("k10temp", 0),)


def test_one_bad_sensor_hides_none_of_the_others(sys: Path) -> None:
    bad = chip(sys, 0, "a", temp1_input="30000", temp2_input="nonsense", temp3_input="40000", fan1_input="900")
    chip(sys, 1, "b", temp1_input="50000", temp2_input="-127000", temp3_input="255000", fan1_input="800")
    refuse(bad / "temp1_input")
    refuse(bad / "fan1_input")
    assert [(sensor.name, sensor.celsius) for sensor in temperatures()] == [("a", 40.0), ("b", 50.0)]
    assert fans() == (Fan("b", 800),)


def test_limits_and_labels_that_cannot_be_read_cost_no_sensor(sys: Path) -> None:
    bad = chip(sys, 0, "a", temp1_input="30000", temp1_max="1", temp1_label="x", fan1_input="900", fan1_label="x")
    for file in ("temp1_max", "temp1_label", "fan1_label"):
        refuse(bad / file)
    assert temperatures() == (Temperature("a", 30.0),)
    assert fans() == (Fan("a", 900),)


def test_sensors_of_one_name_are_told_apart(sys: Path) -> None:
    chip(sys, 0, "nvme", temp1_input="30000", temp1_label="Composite")
    chip(sys, 1, "nvme", temp1_input="40000", temp1_label="Composite")
    chip(sys, 2, "nvme", temp1_input="50000", temp1_label="Composite 2")
    names = [sensor.name for sensor in temperatures()]
    assert names == ["nvme Composite", "nvme Composite 2", "nvme Composite 2 2"]


def test_a_chip_that_vanishes_costs_only_itself(sys: Path) -> None:
    chip(sys, 0, "x", temp1_input="30000")
    (sys / "hwmon" / "hwmon1").symlink_to("unplugged")
    assert temperatures() == (Temperature("x", 30.0),)


def test_the_firmware_is_asked_where_no_driver_has_a_sensor(sys: Path) -> None:
    for number, (kind, text) in enumerate((("cpu-thermal", "45000"), ("cpu-thermal", "46000"), ("broken", ""))):
        zone = sys / "thermal" / f"thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "type").write_text(kind)
        (zone / "temp").write_text(text)
    assert temperatures() == (Temperature("cpu-thermal", 45.0), Temperature("cpu-thermal 2", 46.0))
    chip(sys, 0, "acpitz", temp1_input="20000")
    assert temperatures() == (Temperature("acpitz", 20.0),)


def test_many_sensors_are_bounded(sys: Path) -> None:
    many = {f"temp{n}_input": "30000" for n in range(1, 100)} | {f"fan{n}_input": "900" for n in range(1, 100)}
    chip(sys, 0, "many", **many)
    assert len(temperatures()) == len(fans()) == MOST


def battery(sys: Path) -> Battery | None:
    return sensors.battery(str(sys / "power_supply"))


def supply(sys: Path, name: str, **tells: object) -> Path:
    """Make the folder of one power supply, with what it tells."""
    folder = sys / "power_supply" / name
    folder.mkdir(parents=True)
    for file, value in tells.items():
        (folder / file).write_text(f"{value}\n")
    return folder


def test_a_machine_without_sensors_is_no_fault(sys: Path) -> None:
    assert temperatures() == ()
    assert fans() == ()
    assert battery(sys) is None
    supply(sys, "AC", online=1)
    assert battery(sys) is None


def test_a_battery_that_is_emptied_says_how_long_it_lasts(sys: Path) -> None:
    supply(sys, "AC", online=0)
    supply(sys, "BAT0", status="Discharging", energy_full=50_000, energy_now=20_000, power_now=10_000)
    assert battery(sys) == Battery(40.0, plugged=False, left=7200)


def test_a_battery_at_the_mains_lasts_as_long_as_they_do(sys: Path) -> None:
    supply(sys, "BAT0", status="Full", energy_full=20_000, energy_now=20_100, power_now=0)
    assert battery(sys) == Battery(100.0, plugged=True, left=None)
    supply(sys, "AC", online=1)
    assert battery(sys) == Battery(100.0, plugged=True, left=None)


def test_the_battery_of_a_mouse_is_not_the_hosts(sys: Path) -> None:
    supply(sys, "hidpp_battery_0", scope="Device", capacity=7, online=1, status="Discharging")
    assert battery(sys) is None
    supply(sys, "BAT0", status="Unknown", capacity=50)
    assert battery(sys) == Battery(50.0, plugged=None, left=None)


def test_a_battery_that_is_taken_out_in_between_is_no_fault(sys: Path) -> None:
    supply(sys, "BAT0")
    assert battery(sys) is None
