"""Sensors and batteries, from folders as kernels show them below /sys."""

from __future__ import annotations

from pathlib import Path

from abbey_metrics.battery import battery
from abbey_metrics.figures import Battery, Fan, Temperature
from abbey_metrics.sensors import MOST, fans, temperatures


def chip(sys: Path, number: int, name: str, **files: str) -> Path:
    """Make the folder of one chip, with what its files say."""
    folder = sys / "class" / "hwmon" / f"hwmon{number}"
    folder.mkdir(parents=True)
    for file, text in {"name": name, **files}.items():
        (folder / file).write_text(f"{text}\n")
    return folder


def refuse(file: Path) -> None:
    """Make a file that is listed and cannot be read."""
    file.unlink()
    file.mkdir()


def test_sensors_are_named_by_chip_and_label(tmp_path: Path) -> None:
    chip(tmp_path, 10, "nvme", temp1_input="30850", temp1_label="Composite", temp1_crit="90000")
    chip(tmp_path, 2, "k10temp", temp2_input="52125", temp10_input="40000", temp10_label="Tccd1", fan1_input="0")
    assert temperatures(str(tmp_path)) == (
        Temperature("k10temp", 52.1),
        Temperature("k10temp Tccd1", 40.0),
        Temperature("nvme Composite", 30.9),
    )
    assert fans(str(tmp_path)) == (Fan("k10temp", 0),)


def test_one_bad_sensor_hides_none_of_the_others(tmp_path: Path) -> None:
    bad = chip(tmp_path, 0, "a", temp1_input="30000", temp2_input="nonsense", temp3_input="40000", fan1_input="900")
    chip(tmp_path, 1, "b", temp1_input="50000", temp2_input="-127000", temp3_input="255000", fan1_input="800")
    refuse(bad / "temp1_input")
    refuse(bad / "fan1_input")
    assert [(sensor.name, sensor.celsius) for sensor in temperatures(str(tmp_path))] == [("a 3", 40.0), ("b", 50.0)]
    assert fans(str(tmp_path)) == (Fan("b", 800),)


def test_sensors_of_one_name_are_told_apart_also_when_one_fails(tmp_path: Path) -> None:
    first = chip(tmp_path, 0, "nvme", temp1_input="30000", temp1_label="Composite")
    chip(tmp_path, 1, "nvme", temp1_input="40000", temp1_label="Composite")
    both = [sensor.name for sensor in temperatures(str(tmp_path))]
    assert both == ["nvme Composite", "nvme Composite 2"]
    refuse(first / "temp1_input")
    assert temperatures(str(tmp_path)) == (Temperature("nvme Composite 2", 40.0),)


def test_a_chip_that_vanishes_or_has_no_name_costs_only_itself(tmp_path: Path) -> None:
    nameless = chip(tmp_path, 0, "x", temp1_input="30000")
    (nameless / "name").unlink()
    gone = tmp_path / "class" / "hwmon" / "hwmon1"
    gone.symlink_to(tmp_path / "unplugged")
    assert temperatures(str(tmp_path)) == (Temperature("hwmon0", 30.0),)


def test_the_firmware_is_asked_where_no_driver_has_a_sensor(tmp_path: Path) -> None:
    for number, (kind, text) in enumerate((("cpu-thermal", "45000"), ("cpu-thermal", "46000"), ("broken", ""))):
        zone = tmp_path / "class" / "thermal" / f"thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "type").write_text(kind)
        (zone / "temp").write_text(text)
    (tmp_path / "class" / "thermal" / "cooling_device0").mkdir()
    expected = (Temperature("cpu-thermal", 45.0), Temperature("cpu-thermal 2", 46.0))
    assert temperatures(str(tmp_path)) == expected
    chip(tmp_path, 0, "acpitz", temp1_input="20000")
    assert temperatures(str(tmp_path)) == (Temperature("acpitz", 20.0),)


def test_a_machine_without_sensors_is_no_fault(tmp_path: Path) -> None:
    assert temperatures(str(tmp_path)) == ()
    assert fans(str(tmp_path)) == ()
    assert battery(str(tmp_path)) is None
    assert battery(str(tmp_path / "nowhere")) is None


def test_many_sensors_are_bounded(tmp_path: Path) -> None:
    chip(tmp_path, 0, "many", **{f"temp{n}_input": "30000" for n in range(1, 100)})
    assert len(temperatures(str(tmp_path))) == MOST


def supply(folder: Path, name: str, **tells: object) -> Path:
    """Make the folder of one power supply, with what it tells."""
    (folder / name).mkdir()
    (folder / name / "uevent").write_text("".join(f"POWER_SUPPLY_{key}={value}\n" for key, value in tells.items()))
    return folder / name


def test_a_battery_that_is_emptied_says_how_long_it_lasts(tmp_path: Path) -> None:
    supply(tmp_path, "AC", TYPE="Mains", ONLINE=0)
    supply(tmp_path, "BAT0", TYPE="Battery", STATUS="Discharging", CAPACITY=40, ENERGY_NOW=20_000, POWER_NOW=10_000)
    assert battery(str(tmp_path)) == Battery(40.0, plugged=False, left=7200)


def test_two_batteries_are_shown_as_one(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", TYPE="Battery", STATUS="Discharging", CAPACITY=40, CHARGE_NOW=20_000, CURRENT_NOW=-10_000)
    supply(tmp_path, "BAT1", TYPE="Battery", STATUS="Unknown", CAPACITY=90, CHARGE_NOW=10_000, CURRENT_NOW=0)
    assert battery(str(tmp_path)) == Battery(65.0, plugged=False, left=10800)


def test_a_battery_at_the_mains_lasts_as_long_as_they_do(tmp_path: Path) -> None:
    supply(tmp_path, "BAT0", TYPE="Battery", STATUS="Full", CAPACITY=100, ENERGY_NOW=20_000, POWER_NOW=0)
    assert battery(str(tmp_path)) == Battery(100.0, plugged=True, left=None)
    supply(tmp_path, "AC", TYPE="Mains", ONLINE=1)
    assert battery(str(tmp_path)) == Battery(100.0, plugged=True, left=None)


def test_the_battery_of_a_mouse_is_not_the_hosts(tmp_path: Path) -> None:
    supply(tmp_path, "hidpp_battery_0", TYPE="Battery", SCOPE="Device", CAPACITY=7, ONLINE=1, STATUS="Discharging")
    assert battery(str(tmp_path)) is None
    supply(tmp_path, "BAT0", TYPE="Battery", STATUS="Unknown", CAPACITY=50)
    assert battery(str(tmp_path)) == Battery(50.0, plugged=None, left=None)


def test_older_kernels_tell_the_type_apart(tmp_path: Path) -> None:
    (supply(tmp_path, "BAT0", STATUS="Charging", CAPACITY=50) / "type").write_text("Battery\n")
    assert battery(str(tmp_path)) == Battery(50.0, plugged=True, left=None)


def test_a_battery_that_is_taken_out_in_between_is_no_fault(tmp_path: Path) -> None:
    refuse(supply(tmp_path, "BAT0", TYPE="Battery") / "uevent")
    supply(tmp_path, "BAT1", TYPE="Battery", CAPACITY="")
    assert battery(str(tmp_path)) is None
