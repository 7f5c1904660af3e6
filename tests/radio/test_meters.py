"""The devices of a home that keep their readings, as a scenario plays them: acts, facts, and what a gateway then finds."""

from pathlib import Path
from typing import Any

import pytest

from gateway.core.devices import glucose, nonin, plx
from gateway.core.errors import ConfigError
from tests.radio.home import Home, run, soon, turns
from tools.home.actors import PulseOximeter
from tools.home.meters import METERS, Meter, OwnServiceOximeter
from tools.home.scenario import Act, PeripheralPlan

ADDRESS = "C1:00:00:00:00:07"
NOON_MS = 1_795_863_605_000  # 2026-11-28 12:00:05 in Oslo


def plan(kind: str, **options: Any) -> PeripheralPlan:
    return PeripheralPlan("x", kind, "kitchen", ADDRESS, None, None, options)


async def do(actor: Meter | OwnServiceOximeter | PulseOximeter, name: str, **options: Any) -> None:
    await actor.act(Act(0, "x", name, options))


def test_a_meter_keeps_what_is_measured_in_its_unit_under_its_number(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        for unit, name, digits in (
            ("mmol", "glucose_mol_per_l", "0.0062"),
            ("mg", "glucose_kg_per_l", "0.00112"),
        ):
            meter = Meter(plan("glucose", unit=unit, passkey=123), home.link, lambda: NOON_MS, "Europe/Oslo")
            assert meter.facts()["driver"] == "glucose" and meter.facts()["passkey"] == "000123"
            await do(meter, "measure", mmol=6.2, mg=112)
            await do(meter, "control", mmol=5, mg=100)
            await do(meter, "lose_clock")
            await do(meter, "measure", mmol=7, mg=120)
            read = [glucose.decode_measurement(value) for value in meter.meter.records.records]
            assert [each.values["sequence_number"] for each in read] == [1, 2, 3]
            assert str(read[0].values[name]) == digits
            kinds = [glucose.observation_of(each).kind for each in read]
            assert kinds == ["glucose.measured", "measurement.failed", "glucose.measured"]
            stamps = [each.device_time.raw for each in read if each.device_time is not None]
            assert stamps == ["2026-11-28T12:00:05"] * 2 + ["2000-01-01T00:00:00"]
            await do(meter, "begin_anew")
            await do(meter, "measure")
            assert [record.number for record in meter.meter.records.memory.records] == [1]

    run(tmp_path, program)


def test_an_oximeter_that_stores_keeps_what_nobody_hears(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        oximeter = PulseOximeter(plan("oximeter", stores=True), home.link, lambda: NOON_MS, "Europe/Oslo")
        assert not oximeter.holds
        await do(oximeter, "spot", spo2=91, pulse=88)
        await do(oximeter, "lose_clock")
        await do(oximeter, "spot", spo2=92, pulse=86)
        assert oximeter.holds and oximeter.oximeter.records is not None
        read = [plx.decode_measurement(plx.SPOT_CHECK, value) for value in oximeter.oximeter.records.records]
        assert [(each.values["spo2_pct"], each.values["pulse_rate_bpm"]) for each in read] == [
            (91, 88),
            (92, 86),
        ]
        assert [each.device_time.clock for each in read if each.device_time is not None] == [1, 2]
        await do(oximeter, "drop", after=1)
        assert oximeter.oximeter.records.drop_after == 1
        streaming = PulseOximeter(plan("oximeter"), home.link, lambda: NOON_MS, "Europe/Oslo")
        with pytest.raises(ConfigError, match="spot"):
            await do(streaming, "spot")

    run(tmp_path, program)


def test_an_own_service_shows_old_numbers_without_a_finger_and_says_so(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        actor = OwnServiceOximeter(plan("nonin"), home.link, lambda: NOON_MS, "Europe/Oslo")
        home.placed.append(actor.oximeter)
        await actor.start()
        connection = await home.central.connect(ADDRESS, pair=True)
        await connection.subscribe(nonin.MEASUREMENT)
        await do(actor, "stream", interval_ms=10)
        fresh = nonin.decode_measurement((await soon(connection.receive())).value)
        assert nonin.observation_of(fresh).kind == "oximetry.measured"
        await do(actor, "finger", **{"in": False})
        await do(actor, "battery", volts=2.0)
        counter = actor.oximeter.counter
        await turns(lambda: actor.oximeter.counter > counter + 2)
        actor.rest()
        held = nonin.decode_measurement(actor.oximeter.value((99, 99)))
        assert nonin.observation_of(held).values["reason"] == "no_finger" and held.battery_low
        assert held.values["spo2_pct"] != 99

    run(tmp_path, program)


def test_every_kind_with_a_memory_has_its_driver(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        for kind, driver in (("glucose", "glucose"), ("nonin", "nonin_ble")):
            actor = METERS[kind](plan(kind), home.link, lambda: NOON_MS, "Europe/Oslo")
            assert actor.facts()["driver"] == driver and "passkey" not in actor.facts()

    run(tmp_path, program)
