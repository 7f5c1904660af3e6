"""Improv over Bluetooth: five characteristics behind an encrypted link, and an advertisement that says how far it is."""

import asyncio

from gateway.core import improv
from gateway.core.errors import DecodeError
from gateway.core.improv import Assembly
from gateway.hub.improv import CAPABILITIES, CLOSED, together
from gateway.hub.waking import stop
from hal.errors import HalError
from hal.types import Served

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.hub.improv import Improv
    from hal.provisioning import BlePeripheral
    from hal.types import Written


class ImprovAir:
    """Serves clients in reach while the window is open."""

    def __init__(self, peripheral: "BlePeripheral", service: "Improv", name: str) -> None:
        self.peripheral, self.service, self.name = peripheral, service, name
        self.assembly = Assembly()
        self.changed = asyncio.Event()
        self.showing = asyncio.Lock()
        self.shown = (improv.UNAUTHORISED, improv.NO_ERROR)
        self.lost: "HalError | None" = None

    async def run(self) -> None:
        """Serve until the window is closed. Raises LinkLostError, UnavailableError, DeniedError."""
        self.shown = (self.service.state, self.service.error)
        self.service.on_change.append(self.changed.set)
        listening = None
        try:
            await self.peripheral.serve(improv.SERVICE, self.table(), self.name)
            await self.advertise()
            listening = asyncio.create_task(self.listen())
            while self.service.state != CLOSED and self.lost is None:
                await self.show()
                await self.changed.wait()
                self.changed.clear()
            if self.lost is not None:
                raise self.lost
        finally:
            self.service.on_change.remove(self.changed.set)
            if listening is not None:
                await stop(listening)
            await self.peripheral.stop()

    async def listen(self) -> None:
        """Writes, one after the other."""
        try:
            while True:
                await self.take(await self.peripheral.receive())
        except HalError as error:
            self.lost = error
            self.changed.set()

    def table(self) -> "list[Served]":
        """The characteristics with what they hold now."""
        state, error = self.shown
        return [
            Served(improv.STATE, bytes([state]), reads=True, notifies=True),
            Served(improv.ERROR, bytes([error]), reads=True, notifies=True),
            Served(improv.COMMAND, writes=True),
            Served(improv.RESULT, reads=True, notifies=True),
            Served(improv.CAPABILITIES, bytes([CAPABILITIES]), reads=True),
        ]

    async def take(self, written: "Written") -> None:
        """One write: a command, or a piece of one."""
        if written.fresh:
            self.assembly.reset()
        if written.uuid != improv.COMMAND:
            return
        try:
            message = self.assembly.push(written.value)
        except DecodeError:
            self.service.fail(improv.INVALID)
            return
        if message is None:
            return
        results = await self.service.ask(message)
        await self.show()
        if results is not None:
            strings = improv.encode_strings(together(results))
            await self.peripheral.put(
                improv.RESULT, improv.seal(improv.encode_message(message.command, strings))
            )

    async def show(self) -> None:
        """State and error, where they changed; one after the other, and before the result of what changed them."""
        async with self.showing:
            state, error = self.service.state, self.service.error
            before, self.shown = self.shown, (state, error)
            if error != before[1]:
                await self.peripheral.put(improv.ERROR, bytes([error]))
            if state != before[0] and state != CLOSED:
                await self.peripheral.put(improv.STATE, bytes([state]))
                await self.advertise()

    async def advertise(self) -> None:
        """State and capabilities, for whoever looks for a box to set up."""
        data = improv.advertised(self.service.state, CAPABILITIES)
        await self.peripheral.advertise({improv.SERVICE_DATA: data})
