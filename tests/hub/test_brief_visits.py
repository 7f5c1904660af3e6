"""Devices that say what they have to say and sleep: cuffs, scales, thermometers."""

from gateway.core.devices.cuff import Cuff
from gateway.hub.waking import stop
from hal.sim.central import SimCentral, SimConnection
from tests.hub.small import Small, play
from tests.hub.visits import Visit

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any

MEASURED = bytes.fromhex("1e8a0058006900ea070b1c070f1e4800010000")
NOTHING = bytes.fromhex("1eff07ff07ff07ea070b1c07101eff07010000")


class Brief(SimCentral):
    """Connections to a cuff that sends what it has as soon as it is subscribed to, and hangs up at once."""

    readings: "tuple[bytes, ...]" = (NOTHING, MEASURED)

    async def connect(self, address: str, **options: "Any") -> SimConnection:
        connection = await super().connect(address, **options)
        subscribe = connection.subscribe
        peripheral = self._world.peripheral(address)
        assert peripheral is not None

        async def send_and_sleep(characteristic: str) -> None:
            await subscribe(characteristic)
            for reading in self.readings:
                peripheral.notify(characteristic, reading)
            peripheral.leave()

        connection.subscribe = send_and_sleep  # type: ignore[method-assign]
        return connection


class Calling(SimCentral):
    """The device goes on advertising until the connection stands, as devices do."""

    near: "asyncio.Event"

    async def connect(self, address: str, **options: "Any") -> SimConnection:
        self.near.set()
        return await super().connect(address, **options)


def test_a_cuff_that_hangs_up_before_all_was_asked_has_its_readings_recorded():
    async def scene() -> None:
        small = Small()
        served = {"2a35": b"", "2a49": b"\x3f\x00", "2a19": b"\x50", "2a29": b"A&D"}
        visit = Visit(small, Cuff, central=Brief, characteristics=served, secure=True)
        task = await visit.begin()
        assert small.kinds(3) == ["measurement.failed", "blood_pressure.measured"]
        assert "lost" in visit.device.link
        await stop(task)

    play(scene)


def test_a_reading_that_is_sent_twice_has_one_identity_and_another_its_own():
    async def scene() -> None:
        small = Small()
        visit = Visit(small, Cuff, characteristics={"2a35": b""}, secure=True)
        task = await visit.begin()
        for reading in (MEASURED, MEASURED, NOTHING, bytes.fromhex("02" + MEASURED.hex()[2:28])):
            visit.peripheral.notify("2a35", reading)
        await small.clock.settle()
        first, again, nothing, other = [event.identity for event in small.events(3)]
        assert first == again and first is not None and len({first, nothing, other}) == 3
        await stop(task)

    play(scene)


def test_a_device_that_sleeps_after_its_visit_is_not_called_until_it_is_heard_again():
    async def scene() -> None:
        visit = Visit(Small(), central=Calling)
        visit.central.near = visit.near  # type: ignore[attr-defined]
        task = await visit.begin()
        await visit.measure(97)
        visit.peripheral.leave()
        await visit.small.clock.advance(60_000)
        assert "lost" in visit.device.link, "a call that nobody answers keeps the radio from others"
        visit.peripheral.return_()
        visit.near.set()
        await visit.small.clock.advance(1_000)
        await visit.measure(96)
        assert visit.measured() == [97, 96]
        await stop(task)

    play(scene)
