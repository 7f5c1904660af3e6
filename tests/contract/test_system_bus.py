"""The connection to the system's message bus: one that could not be begun is none, so that nobody relies on what hears nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from dbus_fast import Message
from dbus_fast.aio import MessageBus

from hal.errors import UnavailableError
from hal.linux.bluez_bus import BLUEZ, BluezBus
from tests.private_bus import private_bus


class Refused(BluezBus):
    """Asks for signals, and fails at the last of them `fails` times, or is never answered."""

    def __init__(self, address: str, lost: Callable[[str, str], None]) -> None:
        super().__init__(address, lost)
        self.fails, self.hangs, self.asked = 1, False, 0
        self.begun: list[MessageBus] = []
        self.is_at_it = asyncio.Event()

    async def match(self, bus: MessageBus, rule: str) -> Message:
        self.asked += 1
        if self.fails and "PropertiesChanged" in rule:
            self.fails -= 1
            self.begun.append(bus)
            self.is_at_it.set()
            if self.hangs:
                await asyncio.Event().wait()
            raise UnavailableError("the system message bus does not answer: restart the machine")
        return await super().match(bus, rule)


class Hasty(Refused):
    """As it was: it has a connection before that has all it needs."""

    async def connected(self) -> MessageBus:
        async with self._connecting:
            if self._bus is None or not self._bus.connected:
                self._bus = await MessageBus(bus_address=self._address).connect()
                await self.begin(self._bus)
            return self._bus


async def fail(bus: Refused) -> None:
    """It is told that there is none."""
    with pytest.raises(UnavailableError):
        await bus.connected()


async def break_off(bus: Refused) -> None:
    """Whoever wanted it goes before it is begun."""
    bus.hangs = True
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await bus.connected()


async def hang_up(bus: Refused) -> None:
    """Somebody closes it before it is begun, and it is begun all the same."""
    wanting = asyncio.create_task(bus.connected())
    bus.hangs = True
    await bus.is_at_it.wait()
    await bus.close()
    wanting.cancel()
    await asyncio.gather(wanting, return_exceptions=True)


Ending = Callable[[Refused], Awaitable[None]]
ENDINGS = (fail, break_off, hang_up)


async def hears_after(folder: Path, kind: type[Refused], ending: Ending) -> None:
    """After a beginning that came to nothing the next call makes a connection that hears when the radio's service goes."""
    lost: list[str] = []
    is_lost = asyncio.Event()

    def lose(reason: str, _path: str) -> None:
        lost.append(reason)
        is_lost.set()

    async with private_bus(folder) as address:
        bus = kind(address, lose)
        try:
            await ending(bus)
            service = await MessageBus(bus_address=address).connect()
            await service.request_name(BLUEZ)
            await bus.connected()
            assert bus.asked == 8, "all is asked for anew"
            assert not bus.begun[0].connected, "the first one is left open"
            service.disconnect()
            async with asyncio.timeout(5):
                await is_lost.wait()
        finally:
            await bus.close()
    assert lost == ["bluetoothd ended"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_connection_that_could_not_be_begun_is_none(tmp_path: Path, ending: Ending) -> None:
    asyncio.run(hears_after(tmp_path, Refused, ending))


@pytest.mark.parametrize("ending", [fail, break_off])
def test_control_one_that_is_taken_before_it_is_begun_is_reported(tmp_path: Path, ending: Ending) -> None:
    with pytest.raises(AssertionError, match="asked for anew"):
        asyncio.run(hears_after(tmp_path, Hasty, ending))
