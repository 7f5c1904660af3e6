"""Drivers of other packages: only those that are named are loaded, and what fails in them stops nothing but their device."""

import asyncio
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from gateway.core.config import validate
from gateway.core.devices.driver import (
    FAILED,
    AdvertisingDriver,
    Context,
    GattDriver,
    Reading,
    SerialDriver,
    Step,
)
from gateway.core.errors import ConfigError, ContractError
from gateway.core.model import Observation
from gateway.core.rules.build import default_rules
from gateway.daemon import plugins
from gateway.daemon.plugin_guard import QUIET_MS, guarded
from gateway.daemon.plugins import Unloaded, load, plain, unnamed
from hal.types import Advertisement
from tests.gateway.plugged import Brittle, Good, finder, on_the_path, package, row

SOURCE = """
from gateway.core.devices.driver import SerialDriver

class Good(SerialDriver):
    name = "good"
    contract = 1
    kinds = ("dose.collected",)

class Later(Good):
    name = "later"
    contract = 2

hidden = 7
"""
CONTEXT = Context("", {}, None, lambda key: None)  # type: ignore[arg-type]


def fault(folder: Path, name: str = "good", version: str | None = None) -> str:
    with pytest.raises(ContractError) as refused, on_the_path(folder, "acme_drivers"):
        plain(row(name, version=version), finder(folder))
    return refused.value.reason


# --- loading --------------------------------------------------------------------------------------------------------


def test_a_driver_that_is_named_is_loaded_from_its_entry_point_behind_a_guard(tmp_path: Path) -> None:
    package(tmp_path, {"good": "acme_drivers:Good"}, SOURCE)
    with on_the_path(tmp_path, "acme_drivers"):
        found = load([row(version="1.0")], finder(tmp_path))["good"]
    assert issubclass(found, SerialDriver) and found.name == "good" and found.kinds == ("dose.collected",)


def test_what_cannot_be_loaded_says_why_and_stands_in_for_its_driver(tmp_path: Path) -> None:
    points = {"good": "acme_drivers:Good", "later": "acme_drivers:Later", "hidden": "acme_drivers:hidden"}
    points |= {"absent": "acme_drivers:Absent", "other": "acme_drivers:Good"}
    package(tmp_path, points, SOURCE)
    assert "acme-drivers is of version 1.0, and 2.0 was approved" in fault(tmp_path, version="2.0")
    assert "brings no driver roll; drivers in it: absent, good" in fault(tmp_path, "roll")
    assert "version 2 of the contract" in fault(tmp_path, "later")
    assert "no class that is a driver" in fault(tmp_path, "hidden")
    assert "does not import (AttributeError" in fault(tmp_path, "absent")
    assert "calls itself 'good', and its entry point 'other'" in fault(tmp_path, "other")
    with pytest.raises(ContractError, match="acme-drivers is not installed: install it beside the hub"):
        plain(row(), finder(tmp_path / "nowhere"))
    found = load([row()], finder(tmp_path / "nowhere"))["good"]
    assert issubclass(found, Unloaded) and "is not installed" in found.fault and found.transport == ""


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import nowhere_at_all\n", "ModuleNotFoundError"),
        ("1 / 0\n", "ZeroDivisionError"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
        ("import asyncio\nraise asyncio.CancelledError()\n", "CancelledError"),
        ("this is no Python\n", "SyntaxError"),
    ],
)
def test_whatever_a_package_does_when_it_is_imported_the_hub_goes_on(
    tmp_path: Path, source: str, said: str
) -> None:
    package(tmp_path, {"good": "acme_drivers:Good"}, source)
    assert f"it does not import ({said}" in fault(tmp_path)


def test_a_package_that_is_not_named_is_not_imported_and_is_told_of(tmp_path: Path) -> None:
    package(tmp_path, {"good": "acme_drivers:Good", "bad": "acme_drivers:Bad"}, "1 / 0\n")
    with on_the_path(tmp_path):
        assert {"acme-drivers: bad", "acme-drivers: good"} <= set(unnamed([]))
        assert "acme-drivers: good" not in unnamed([row(package="Acme_Drivers")])


# --- configuration --------------------------------------------------------------------------------------------------


def tree(drivers: list[dict[str, object]], **device: object) -> dict[str, Any]:
    return {
        "hub": {"id": "hub-1", "tenant": "oslo"},
        "uplink": {"brokers": ["mqtt://localhost"]},
        "platform": {"root_public_key": "ab" * 32},
        "radio": {"backend": "none"},
        "driver": drivers,
        "device": [{"name": "Dispenser", "driver": "good", "port": "/dev/ttyX", **device}],
    }


NAMED = [{"name": "good", "package": "acme-drivers"}]


def test_a_device_may_have_a_driver_that_a_package_brings() -> None:
    config = validate(tree(NAMED), "", lambda rows: {each.name: guarded(Good) for each in rows})
    assert config.driver_of("good").name == "good" and config.driver_of("dispenser").name == "dispenser"
    with pytest.raises(ConfigError, match="an unknown key"):
        validate(tree(NAMED, options={"x": 1}), "", lambda rows: {"good": guarded(Good)})
    given = tree(NAMED)
    given["device"] = [{"name": "Dispenser", "driver": "good", "address": "AA:BB:CC:DD:EE:FF"}]
    with pytest.raises(ConfigError, match="is reached by its port"):
        validate(given, "", lambda rows: {"good": guarded(Good)})


def test_a_device_whose_driver_is_not_there_is_in_use_all_the_same() -> None:
    config = validate(
        tree(NAMED, options={"anything": 1}), "", lambda rows: load(rows, finder(Path("nowhere")))
    )
    assert [device.name for device in config.devices] == ["Dispenser"]
    assert issubclass(config.driver_of("good"), Unloaded)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"name": "dispenser", "package": "x"}], "the hub has a driver of this one itself"),
        ([{"name": "Good One", "package": "x"}], "a-z"),
        ([{"name": "good", "package": "../x"}], "name of an installed package"),
        ([{"name": "good"}], "name of an installed package"),
        ([{"name": "good", "package": "x", "hash": "y"}], "an unknown key"),
        (NAMED * 2, "twice"),
        ([{"name": f"d{number}", "package": "x"} for number in range(17)], "at most 16"),
    ],
)
def test_a_row_that_cannot_be_used_is_refused_with_the_reason(
    rows: list[dict[str, object]], said: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        validate(tree(rows), "", lambda rows: {"good": guarded(Good)})
    assert said in str(refused.value) and refused.value.key.startswith("driver")


def test_a_gateway_without_packages_refuses_the_row_and_says_so() -> None:
    with pytest.raises(ConfigError, match="driver") as refused:
        validate(tree(NAMED), "hub.cbor")
    assert "this gateway has the drivers of its own software, and no packages" in str(refused.value)


def test_every_dispenser_of_a_package_has_the_rule_of_doses() -> None:
    planning = type("Planning", (Good,), {"kinds": ("dose.planned", "dose.collected")})
    for kind, count in ((planning, 1), (Good, 0)):
        config = validate(tree(NAMED), "", lambda rows, kind=kind: {"good": guarded(kind)})
        assert len(default_rules(config, {"Dispenser": 7}, {})) == count


# --- the guard ------------------------------------------------------------------------------------------------------


def guard(kind: type[SerialDriver] = Brittle) -> Any:
    return guarded(kind)(CONTEXT)


def test_a_good_driver_is_used_as_it_is() -> None:
    driver = guard(Good)
    assert driver.opened(0, None).send == [b"who"] and driver.next_due_ms(5) == 1_005
    assert [each.values for each in driver.received(b"\x01\x02", 1, None).observations] == [
        {"dose_id": 1},
        {"dose_id": 2},
    ]
    assert driver.can({}) == ["tray"] and driver.interval_s == 60 and driver.baud == 9_600


def test_what_it_raises_is_told_once_counted_each_time_and_it_goes_on_anew() -> None:
    driver = guard()
    first = driver.received(b"\xff", 1_000, None)
    assert [each.kind for each in first.observations] == ["driver.failed"]
    assert first.observations[0].values == {"driver": "brittle", "reason": "driver.received: IndexError"}
    assert first.refused == (FAILED, "driver.received: IndexError: secret of a person") and not first.heard
    again = driver.received(b"\xff", 2_000, None)
    assert again.observations == [] and again.refused is not None
    after = driver.received(b"\x07", 3_000, None)
    assert [each.kind for each in after.observations] == ["dose.collected"]
    assert after.send == [b"who"], "a driver that was made anew says first what it says when a line opens"
    later = driver.received(b"\x08", 2_000 + QUIET_MS, None)
    assert [each.kind for each in later.observations] == ["dose.collected", "driver.restored"]
    assert driver.received(b"\xff", 3_000 + QUIET_MS, None).observations != []


@pytest.mark.parametrize(
    ("byte", "said"), [(254, "no reading"), (253, "'smoke.detected', which it does not declare")]
)
def test_what_breaks_the_contract_is_a_failure_and_no_routine_of_it_is_believed(byte: int, said: str) -> None:
    reading = guard().received(bytes([7, byte]), 0, None)
    assert [each.kind for each in reading.observations] == ["driver.failed"]
    assert reading.refused is not None and said in reading.refused[1]


def test_a_driver_that_cannot_be_made_or_works_for_too_long_is_a_failure() -> None:
    class Unmade(Good):
        def __init__(self, context: Context) -> None:
            raise KeyError("x")

    driver = guard(Unmade)
    assert [each.kind for each in driver.opened(0, None).observations] == ["driver.failed"]
    assert driver.next_due_ms(0) is None and driver.can({}) == []

    class Slow(Good):
        def received(self, data: bytes, now_ms: int, utc_ms: int | None) -> Reading:
            end_s = time.thread_time() + 0.02
            while time.thread_time() < end_s:
                pass
            return Reading()

    slow = guard(Slow)
    slow.slowest_s = 0.01
    reading = slow.received(b"x", 0, None)
    assert reading.refused == (FAILED, "driver.received: took more than 0.01 s of the processor")


@pytest.mark.parametrize("raised", [SystemExit(3), asyncio.CancelledError(), MemoryError()])
def test_a_driver_that_would_end_the_process_or_the_loop_fails_as_any_other(raised: BaseException) -> None:
    class Ending(Good):
        def received(self, data: bytes, now_ms: int, utc_ms: int | None) -> Reading:
            raise raised

        def next_due_ms(self, now_ms: int) -> int | None:
            raise raised

        @staticmethod
        def wrong_option(options: dict[str, object]) -> tuple[str, str] | None:
            raise raised

        @classmethod
        def interval_with(cls, options: dict[str, object]) -> int:
            raise raised

    driver = guard(Ending)
    reading = driver.received(b"x", 0, None)
    assert [each.kind for each in reading.observations] == ["driver.failed"]
    assert driver.next_due_ms(0) is None
    assert type(driver).wrong_option({}) is None and type(driver).interval_with({}) == 60


def test_what_a_driver_made_anew_says_first_is_not_lost() -> None:
    class Standing(Brittle):
        kinds, safety = ("dose.collected", "smoke.detected"), True

        def opened(self, now_ms: int, utc_ms: int | None) -> Reading:
            return Reading([Observation("smoke.detected", {})], {"stands": b"1"}, send_after=[b"ok"])

    driver = guard(Standing)
    driver.received(b"\xff", 0, None)
    after = driver.received(b"\x07", 1, None)
    assert [each.kind for each in after.observations] == ["smoke.detected", "dose.collected"]
    assert after.state == {"stands": b"1"} and after.send_after == [b"ok"]


def test_times_and_words_that_are_none_are_left_out() -> None:
    class Odd(Good):
        interval_s = 60

        def next_due_ms(self, now_ms: int) -> int | None:
            return "soon"  # type: ignore[return-value]

        def can(self, described: dict[str, str]) -> list[str]:
            raise ValueError("x")

        @staticmethod
        def wrong_option(options: dict[str, object]) -> tuple[str, str] | None:
            raise ValueError("x")

        @classmethod
        def interval_with(cls, options: dict[str, object]) -> int:
            return -7

    driver = guard(Odd)
    assert driver.next_due_ms(0) is None and driver.can({}) == []
    assert type(driver).wrong_option({}) is None and type(driver).interval_with({}) == 60


def test_an_interval_that_the_device_tells_and_a_line_that_is_mute_are_taken_over() -> None:
    class Telling(Good):
        def received(self, data: bytes, now_ms: int, utc_ms: int | None) -> Reading:
            self.interval_s, self.unanswered = data[0], True
            return Reading()

    driver = guard(Telling)
    driver.received(b"\x1e", 0, None)
    assert driver.interval_s == 30 and driver.unanswered is True


def test_the_other_shapes_are_guarded_too() -> None:
    class Beacon(AdvertisingDriver):
        name, contract, kinds = "beacon", 1, ("motion.detected",)

        def advertised(self, advertisement: Advertisement) -> Reading:
            return Reading([Observation("motion.detected", {})]) if advertisement.service_data["x"] else 1 / 0  # type: ignore[return-value]

    beacon: Any = guarded(Beacon)(CONTEXT)
    heard = [Advertisement("A", -60, 5, {"x": data}) for data in (b"1", b"")]
    assert [each.kind for item in heard for each in beacon.advertised(item).observations] == [
        "motion.detected",
        "driver.failed",
    ]

    class Meter(GattDriver):
        name, contract, kinds, service, pairing = "meter", 1, ("weight.measured",), "181d", "weak"

        def steps(self, characteristics: list[str]) -> list[Step]:
            return [Step("subscribe", "2a9d")] if characteristics else [None]  # type: ignore[list-item]

        def notified(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
            return Reading([Observation("weight.measured", {"weight_kg": value[0]})])

    meter: Any = guarded(Meter)(CONTEXT)
    assert [step.action for step in meter.steps(["2a9d"])] == ["subscribe"] and meter.steps([]) == []
    assert meter.notified("2a9d", b"\x50", 0).observations[0].values == {"weight_kg": 80}
    assert [each.kind for each in meter.notified("2a9d", b"", 0).observations] == ["driver.failed"]
    for reading in (meter.read("2a19", b"", 0), meter.denied(Step("read", "2a19"), 0), meter.due(0, None)):
        assert reading.observations == []
    assert meter.next_due_ms(0) is None and type(meter).pairing == "weak"


def test_control_without_its_guard_the_driver_would_end_the_loop_that_reads_it() -> None:
    with pytest.raises(IndexError):
        Brittle(CONTEXT).received(b"\xff", 0, None)
    assert plugins.GROUP == "trygg.drivers" and metadata is not None
