"""What the peripherals of a home do when a scenario says so, heard by a radio or read off the line, as a hub would."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.core.devices.dispenser_events import EVENTS
from gateway.core.devices.dispenser_messages import ENTRY, Frame, decode_payload
from gateway.core.errors import ConfigError
from tests.radio.home import DOOR as ADDRESS
from tests.radio.home import PATIENCE_S, Home, run, soon
from tools.home.actors import Dispenser
from tools.home.scenario import Act, PeripheralPlan
from tools.home.sensors import Sensor
from tools.simulators.bthome_sensor import DOOR, TAMPER
from tools.simulators.dispenser import DispenserDevice, Dose

UTC_MS = 1_790_000_000_000
QUIET_S = 0.2


def sensor(home: Home, kind: str, **options: Any) -> Sensor:
    plan = PeripheralPlan("x", kind, "", ADDRESS, None, None, {"encrypted": False, "repeats": 1, **options})
    return Sensor(plan, home.link)


async def heard(home: Home, count: int) -> list[dict[int, int]]:
    """Objects of so many frames, without packet id; all objects used here have one byte."""
    frames = [(await soon(home.scanner.receive())).service_data["fcd2"] for _ in range(count)]
    return [dict(zip(frame[3::2], frame[4::2], strict=True)) for frame in frames]


async def falls_silent(home: Home) -> None:
    """What was on its way arrives; after that nothing for many times the interval of a report."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                await asyncio.wait_for(home.scanner.receive(), QUIET_S)
            except TimeoutError:
                return


async def do(actor: Sensor, name: str, **options: Any) -> None:
    await actor.act(Act(0, "x", name, options))


def test_a_tag_is_heard_by_itself_until_it_leaves_and_again_when_it_returns(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.scanner.start()
        tag = sensor(home, "tag", report_s=0.01)
        await tag.start()
        await heard(home, 2)
        await do(tag, "leave")
        await falls_silent(home)
        await do(tag, "return")
        await heard(home, 2)
        await tag.stop()

    run(tmp_path, program)


def test_battery_and_tamper_are_said_and_a_dead_sensor_says_nothing(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.scanner.start()
        contact = sensor(home, "contact")
        await do(contact, "battery", pct=7)
        await do(contact, "tamper")
        assert await heard(home, 2) == [{1: 7}, {1: 7, TAMPER: 1}]
        await do(contact, "die")
        await do(contact, "open")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(home.scanner.receive(), QUIET_S)
        await contact.stop()

    run(tmp_path, program)


def test_a_report_says_all_that_the_sensor_knows(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.scanner.start()
        contact = sensor(home, "contact", report_s=0.01)
        await do(contact, "open")
        await contact.start()
        assert await heard(home, 3) == [{1: 90, DOOR: 1}] * 3
        await contact.stop()

    run(tmp_path, program)


def test_a_loose_contact_toggles_by_itself_and_ends_shut(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        await home.scanner.start()
        contact = sensor(home, "contact")
        await do(contact, "flap", count=2, every_ms=1)
        on, off = {1: 90, DOOR: 1, TAMPER: 1}, {1: 90, DOOR: 0, TAMPER: 0}
        assert await heard(home, 4) == [on, off, on, off]
        await contact.stop()

    run(tmp_path, program)


def test_an_act_that_a_kind_does_not_have_is_refused_with_those_it_has(tmp_path: Path) -> None:
    async def program(home: Home) -> None:
        tag = sensor(home, "tag")
        with pytest.raises(ConfigError, match="one of battery, die, leave, return, tamper"):
            await do(tag, "open")

    run(tmp_path, program)


def logged(device: DispenserDevice) -> list[str]:
    rows = range(device.log.first, device.log.newest + 1)
    codes = [decode_payload(Frame(ENTRY, 0, 0, 1, device.log.payload(row)))["event"] for row in rows]
    return [EVENTS[code] for code in codes]  # type: ignore[index]


def test_a_jammed_dispenser_puts_nothing_out_until_it_is_released() -> None:
    device = DispenserDevice({}, lambda count: bytes(range(1, count + 1)), 0, UTC_MS)
    device.set_plan([Dose(1, UTC_MS + 1_000, UTC_MS + 9_000)], 0)
    device.jam(500)
    device.jam(600)
    device.due(2_000)
    assert device.doses.times_ms() == [UTC_MS + 9_000], "no reason to look again at what cannot move"
    device.power_cut(3_000)
    device.due(4_000)
    assert logged(device) == ["dose.planned", "dispenser.jammed"]
    device.release(5_000)
    device.due(5_001)
    assert logged(device)[2:] == ["dispenser.released", "dose.dispensed"]


def test_a_scenario_reaches_the_dispensers_jam(tmp_path: Path) -> None:
    async def program() -> None:
        plan = PeripheralPlan("x", "dispenser", "", None, None, None, {})
        dispenser = Dispenser(plan, tmp_path, lambda: UTC_MS)
        for name in ("jam", "release"):
            await dispenser.act(Act(0, "x", name, {}))
        assert logged(dispenser.device) == ["dispenser.jammed", "dispenser.released"]

    asyncio.run(program())
