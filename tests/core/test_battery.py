"""Battery Level, and when it is news."""

from gateway.core.devices.battery import BatteryWatch, decode_battery_level
from gateway.core.model import Observation
from tests.core.vectors import refusal


def kinds(found: "list[Observation]") -> "list[str]":
    """Their kinds, in order."""
    return [observation.kind for observation in found]


def test_a_level_is_one_byte_of_percent() -> None:
    assert [decode_battery_level(bytes([level])) for level in (0, 1, 51, 100)] == [0, 1, 51, 100]
    assert decode_battery_level(b"\x32\xff") == 50


def test_an_empty_or_reserved_level_is_refused() -> None:
    for value, offset in ((b"", 0), (b"\x65", 0), (b"\xff", 0)):
        assert refusal(decode_battery_level, value).offset == offset


def test_the_first_level_and_steps_of_five_are_told() -> None:
    watch = BatteryWatch()
    told = [level for level in (80, 79, 76, 75, 71, 70, 74, 75) if watch.observe(level)]
    assert told == [80, 75, 70, 75]


def test_low_begins_at_fifteen_and_ends_at_twenty() -> None:
    watch = BatteryWatch(60, 0)
    found = [kinds(watch.observe(level)) for level in (16, 15, 16, 19, 14, 20, 19, 15)]
    turned = [[kind for kind in step if kind != "battery.measured"] for step in found]
    assert turned == [[], ["battery.low"], [], [], [], ["battery.restored"], [], ["battery.low"]]


def test_a_battery_that_is_well_is_no_news_at_first_and_a_low_one_is() -> None:
    assert kinds(BatteryWatch().observe(90)) == ["battery.measured"]
    assert kinds(BatteryWatch().observe(9)) == ["battery.measured", "battery.low"]
    assert kinds(BatteryWatch().observe(None, False)) == []
    assert kinds(BatteryWatch().observe(None, True)) == ["battery.low"]


def test_the_device_s_own_flag_and_the_level_do_not_contradict_each_other_in_turn() -> None:
    watch = BatteryWatch(12, 1)
    assert watch.observe(12) == [] and watch.observe(None, False) == []
    assert kinds(watch.observe(25)) == ["battery.measured", "battery.restored"]
    assert kinds(watch.observe(None, True)) == ["battery.low"]
    assert watch.observe(26) == []
    assert kinds(watch.observe(None, False)) == ["battery.restored"]


def test_an_impossible_level_of_a_sensor_is_marked_and_judges_nothing() -> None:
    watch = BatteryWatch(12, 1)
    found = watch.observe(255)
    assert found == [Observation("battery.measured", {"battery_pct": 255, "implausible": "battery_pct"})]
    assert watch.low == 1
    assert kinds(BatteryWatch(10, 1).observe(100)) == ["battery.measured", "battery.restored"]
    assert BatteryWatch().observe(100) == [Observation("battery.measured", {"battery_pct": 100})]
    assert "implausible" in BatteryWatch().observe(101)[0].values
