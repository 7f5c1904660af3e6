"""Virtual cuff, thermometer and scale: they sleep, hand over what they measured, and keep what nobody confirmed."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.core.devices import blood_pressure, body_temperature, weight
from gateway.core.model import Absent, Decimal, Observation
from hal.errors import LinkLostError
from hal.interfaces import BleConnection
from tests.radio.home import PATIENCE_S, Home, run, soon
from tools.home.health import HEALTH, SleepingActor
from tools.home.scenario import Act, PeripheralPlan

ADDRESS = "C1:00:00:00:00:04"
NOON_MS = int(dt.datetime(2026, 11, 28, 11, 0, 5, tzinfo=dt.UTC).timestamp() * 1000)  # 12:00:05 in Oslo
QUIET_S = 0.3
MEASURED = {
    "cuff": ({"systolic": 138, "diastolic": 88, "pulse": 72}, "2a35"),
    "thermometer": ({"celsius": 37.2}, "2a1c"),
    "scale": ({"kg": 72.455}, "2a9d"),
}


def device(home: Home, kind: str, **options: Any) -> SleepingActor:
    plan = PeripheralPlan("x", kind, "", ADDRESS, None, None, {"awake_s": 0.05, **options})
    return HEALTH[kind](plan, home.link, lambda: NOON_MS, "Europe/Oslo")


async def do(actor: SleepingActor, name: str, **options: Any) -> None:
    await actor.act(Act(0, "x", name, options))


async def measure(actor: SleepingActor) -> None:
    await do(actor, "measure", **MEASURED[actor.plan.kind][0])


async def visit(home: Home, actor: SleepingActor) -> list[bytes]:
    """What one connection brings before the device hangs up."""
    connection = await soon(home.central.connect(ADDRESS, pair=True))
    await connection.subscribe(MEASURED[actor.plan.kind][1])
    return await rest(connection)


async def rest(connection: BleConnection) -> list[bytes]:
    values: list[bytes] = []
    try:
        while True:
            values.append((await soon(connection.receive())).value)
    except LinkLostError:
        await connection.disconnect()
        return values


async def falls_silent(home: Home) -> None:
    """What was on its way arrives; after that nothing for three times the interval of an advertisement."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await asyncio.wait_for(home.scanner.receive(), QUIET_S)
            except TimeoutError:
                return


def played(
    folder: Path, kind: str, scene: Callable[[Home, SleepingActor], Awaitable[None]], **options: Any
) -> None:
    async def program(home: Home) -> None:
        actor = device(home, kind, **options)
        await actor.start()
        try:
            await scene(home, actor)
        finally:
            await actor.stop()

    run(folder, program)


def observed(kind: str, value: bytes) -> Observation:
    if kind == "cuff":
        return blood_pressure.observation_of(blood_pressure.decode_measurement(value))
    if kind == "thermometer":
        return body_temperature.observation_of(body_temperature.decode_measurement(value))
    return weight.observation_of(weight.decode_measurement(value))


EXPECTED: dict[str, dict[str, object]] = {
    "cuff": {
        "systolic_mmhg": 138,
        "diastolic_mmhg": 88,
        "mean_mmhg": 104,
        "pulse_rate_bpm": 72,
        "user_index": 1,
        "cuff_status": 0,
    },
    "thermometer": {"temperature_c": Decimal(372, -1), "body_site": "ear"},
    "scale": {"weight_kg": Decimal(72455, -3), "user_index": 1},
}


@pytest.mark.parametrize("kind", sorted(HEALTH))
def test_a_measurement_arrives_with_its_digits_and_its_stamp_and_then_it_sleeps(
    tmp_path: Path, kind: str
) -> None:
    async def scene(home: Home, actor: SleepingActor) -> None:
        await measure(actor)
        (value,) = await visit(home, actor)
        found = observed(kind, value)
        assert found.values == EXPECTED[kind]
        assert found.device_time is not None and found.device_time.raw == "2026-11-28T12:00:05"
        assert not actor.holds and actor.device.handed_over == [value]

    played(tmp_path, kind, scene)


@pytest.mark.parametrize("kind", sorted(HEALTH))
def test_a_measurement_that_failed_and_a_clock_that_was_lost_are_said_so(tmp_path: Path, kind: str) -> None:
    async def scene(home: Home, actor: SleepingActor) -> None:
        await do(actor, "fail")
        await do(actor, "lose_clock")
        await measure(actor)
        failed, measured = [observed(kind, value) for value in await visit(home, actor)]
        assert failed.kind == "measurement.failed" and failed.record is not None
        assert all(
            isinstance(failed.values[name], Absent)
            for name in failed.values
            if name in ("systolic_mmhg", "temperature_c")
        )
        assert measured.values == EXPECTED[kind] and measured.record is None
        assert measured.device_time is not None and measured.device_time.raw == "0000-00-00T00:00:00"

    played(tmp_path, kind, scene)


def test_asleep_it_is_not_on_the_air_and_awake_it_is(tmp_path: Path) -> None:
    async def scene(home: Home, actor: SleepingActor) -> None:
        await home.scanner.start()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(home.scanner.receive(), QUIET_S)
        await measure(actor)
        assert (await soon(home.scanner.receive())).address == ADDRESS
        await visit(home, actor)
        await falls_silent(home)

    played(tmp_path, "scale", scene)


def test_a_link_that_breaks_before_anybody_listens_does_not_put_it_to_sleep(tmp_path: Path) -> None:
    async def scene(home: Home, actor: SleepingActor) -> None:
        await measure(actor)
        connection = await soon(home.central.connect(ADDRESS, pair=True))
        actor.device.drop_link()
        with pytest.raises(LinkLostError):
            await soon(connection.receive())
        await connection.disconnect()
        assert len(await visit(home, actor)) == 1 and actor.device.visits == 1

    played(tmp_path, "thermometer", scene)


def test_what_nobody_confirmed_is_sent_at_the_next_visit(tmp_path: Path) -> None:
    async def scene(home: Home, actor: SleepingActor) -> None:
        await home.scanner.start()
        await measure(actor)
        await do(actor, "leave")
        await falls_silent(home)
        assert actor.holds and actor.device.handed_over == []
        await do(actor, "return")
        assert len(await visit(home, actor)) == 1
        await measure(actor)
        assert len(await visit(home, actor)) == 1, "and once only"
        assert actor.device.visits == 2 and len(actor.device.pairings) == 1

    played(tmp_path, "cuff", scene)


def test_a_cuff_that_resends_hands_over_all_at_every_visit(tmp_path: Path) -> None:
    async def scene(home: Home, actor: SleepingActor) -> None:
        await measure(actor)
        first = await visit(home, actor)
        await do(actor, "fail")
        again = await visit(home, actor)
        assert len(first) == 1 and len(again) == 2 and again[0] == first[0]

    played(tmp_path, "cuff", scene, resends=True)


def test_it_says_what_it_is_while_it_is_awake(tmp_path: Path) -> None:
    async def scene(home: Home, actor: SleepingActor) -> None:
        await do(actor, "battery", pct=14)
        await measure(actor)
        connection = await soon(home.central.connect(ADDRESS, pair=True))
        async with asyncio.timeout(PATIENCE_S):
            read = [await connection.read(uuid) for uuid in ("2a49", "2a19", "2a29", "2a24", "2a25")]
        assert read == [b"\x3f\x00", b"\x0e", b"Virtual", b"BP-1", b"C10000000004"]
        await connection.disconnect()

    played(tmp_path, "cuff", scene)
