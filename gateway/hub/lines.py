"""Serial lines: one loop a port, which opens it, feeds the driver, and comes back when the cable does."""

import asyncio

from gateway.core.session import Backoff
from gateway.hub.waking import Wake, stop
from hal.errors import HalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.devices.driver import Reading, SerialDriver
    from gateway.hub.devices import Device
    from gateway.hub.intake import Intake
    from hal.interfaces import Clock, SerialPort, SerialPorts

HELD_PIECES = 256  # pieces of a line that wait for the journal before reading stops


class Line:
    """One device on one port."""

    def __init__(
        self,
        device: "Device",
        ports: "SerialPorts",
        intake: "Intake",
        clock: "Clock",
        random16: "Callable[[], int]",
    ) -> None:
        self.device = device
        self.driver: "SerialDriver" = device.driver  # type: ignore[assignment]
        self.ports = ports
        self.intake = intake
        self.clock = clock
        self.backoff = Backoff(random16, first_ms=250, ceiling_ms=5_000)

    async def run(self) -> None:
        """Open, serve, and open again, for ever."""
        while True:
            began_ms = self.clock.uptime_ms()
            try:
                port = await self.ports.open(
                    self.device.config.port or "", baud=self.driver.baud, parity=self.driver.parity
                )
                await self.serve(port)
            except HalError as error:
                if self.device.link != str(error):
                    self.intake.log(
                        "warning",
                        "The line is gone; trying again.",
                        device=self.device.config.name,
                        cause=str(error),
                    )
                self.device.link = str(error)
            self.backoff.held(self.clock.uptime_ms() - began_ms)
            await self.clock.sleep_ms(self.backoff.next_ms())

    async def serve(self, port: "SerialPort") -> None:
        """Feed the driver with what comes in and with time, until the line is lost. Raises HalError then."""
        self.device.link = "open"
        inbox: "list[bytes]" = []
        wake, room = Wake(self.clock), asyncio.Event()
        lost: "list[HalError]" = []
        reader = asyncio.create_task(self.listen(port, inbox, wake, room, lost))
        try:
            await self.answer(port, self.driver.opened(self.clock.uptime_ms(), self.clock.utc_ms()), False)
            while inbox or not reader.done():
                if not inbox:
                    await wake.wait(self.driver.next_due_ms(self.clock.uptime_ms()))
                await self.turn(port, inbox, room)
        finally:
            await port.close()
            await stop(reader)
        raise lost[0]

    async def listen(
        self,
        port: "SerialPort",
        inbox: "list[bytes]",
        wake: Wake,
        room: asyncio.Event,
        lost: "list[HalError]",
    ) -> None:
        """Read pieces while there is room, until the line is lost; `lost` tells why."""
        try:
            while True:
                inbox.append(await port.read())
                wake.call()
                if len(inbox) >= HELD_PIECES:
                    room.clear()
                    await room.wait()
        except HalError as error:
            lost.append(error)
        finally:
            wake.call()

    async def turn(self, port: "SerialPort", inbox: "list[bytes]", room: asyncio.Event) -> None:
        """What came in, then what time asks for."""
        if inbox:
            data = b"".join(inbox)
            inbox.clear()
            room.set()
            await self.answer(
                port, self.driver.received(data, self.clock.uptime_ms(), self.clock.utc_ms()), True
            )
        now_ms = self.clock.uptime_ms()
        due_ms = self.driver.next_due_ms(now_ms)
        if due_ms is not None and due_ms <= now_ms:
            await self.answer(port, self.driver.due(now_ms, self.clock.utc_ms()), False)

    async def answer(self, port: "SerialPort", reading: "Reading", came: bool) -> None:
        """Send what the driver says at once, record, and only then send what waits for the journal."""
        for data in reading.send:
            await port.write(data)
        if came or reading.observations or reading.state:
            await self.intake.take(self.device, reading)
        for data in reading.send_after:
            await port.write(data)
