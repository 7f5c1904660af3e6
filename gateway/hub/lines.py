"""Serial lines: one loop a port, which opens it, feeds the driver, and comes back when the cable does.

A port that is gone, or on which nothing can be read, is said (`line.lost`, `line.misread`) and ends by itself.
"""

import asyncio

from gateway.core.line_sense import NO_ANSWER, LineSense
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
LOST_MS = 10_000  # an adapter that starts anew, or a cable put in again, is no fault


def lines_of(
    devices: "list[Device]",
    ports: "SerialPorts | None",
    intake: "Intake",
    clock: "Clock",
    random16: "Callable[[], int]",
) -> "list[Line]":
    """A line for each device that has a port of its own."""
    on_lines = [device for device in devices if device.driver.transport == "serial"]
    return [] if ports is None else [Line(device, ports, intake, clock, random16) for device in on_lines]


class Line:
    """One device on one port."""

    placement = 0  # of what is said about the line
    name = ""  # in the log

    def __init__(
        self,
        device: "Device",
        ports: "SerialPorts",
        intake: "Intake",
        clock: "Clock",
        random16: "Callable[[], int]",
    ) -> None:
        self.device = device
        self.placement, self.name = device.placement, device.config.name
        self.begin(device.driver, device.config.port or "", ports, intake, clock, random16)  # type: ignore[arg-type]

    def begin(
        self,
        driver: "SerialDriver",
        url: str,
        ports: "SerialPorts",
        intake: "Intake",
        clock: "Clock",
        random16: "Callable[[], int]",
    ) -> None:
        """What every line has, whoever is on it."""
        self.driver = driver
        self.url = url
        self.ports = ports
        self.intake = intake
        self.clock = clock
        self.backoff = Backoff(random16, first_ms=250, ceiling_ms=5_000)
        self.sense = LineSense(driver.name)
        self.lost_ms: "int | None" = clock.uptime_ms()  # since when it is not open
        self.unanswered = False
        self.inbox: "list[bytes]" = []  # pieces that came and are not taken

    async def run(self) -> None:
        """Open, serve, and open again, for ever."""
        while True:
            began_ms = self.clock.uptime_ms()
            try:
                port = await self.ports.open(self.url, baud=self.driver.baud, parity=self.driver.parity)
                await self.serve(port)
            except HalError as error:
                if self.link() != str(error):
                    self.intake.log(
                        "warning", "The line is gone; trying again.", device=self.name, cause=str(error)
                    )
                self.keep_link(str(error))
                await self.tell_lost(error)
            self.backoff.held(self.clock.uptime_ms() - began_ms)
            await self.clock.sleep_ms(self.backoff.next_ms())

    # --- what is said of the line ---------------------------------------------------------------------------------

    def link(self) -> str:
        """What is shown of the line."""
        return self.device.link

    def keep_link(self, link: str) -> None:
        """Show that the line is open, or what ended it."""
        self.device.link = link

    async def tell_lost(self, error: HalError) -> None:
        """A port that stays away is a fault."""
        now_ms = self.clock.uptime_ms()
        if self.lost_ms is None:
            self.lost_ms = now_ms
        if now_ms - self.lost_ms >= LOST_MS:
            values: "dict[str, object]" = {"port": self.url, "reason": error.message}
            await self.condition("line.lost", "line.restored", True, values)

    async def tell_open(self) -> None:
        """The port is there."""
        self.lost_ms = None
        self.keep_link("open")
        self.sense.reset()
        await self.condition("line.lost", "line.restored", False)

    async def sense_of(self, data: bytes, reading: "Reading") -> None:
        """Say where bytes come and nothing can be made of them, once, and when it is over."""
        changed = self.sense.take(data, reading.heard, self.clock.uptime_ms())
        if changed or reading.heard:  # a run before may have left it open
            await self.tell_misread()

    async def tell_misread(self) -> None:
        """Why nothing can be read on the line, or that something can."""
        reason = self.sense.misread or (NO_ANSWER if self.unanswered else "")
        values: "dict[str, object]" = {"port": self.url, "reason": reason}
        if self.sense.family:
            values["driver"] = self.sense.family
        await self.condition("line.misread", "line.understood", bool(reason), values)

    async def condition(
        self, kind: str, end: str, holds: bool, values: "dict[str, object] | None" = None
    ) -> None:
        """Say when a condition of this line begins and when it ends."""
        await self.intake.recorder.condition(kind, end, holds, values, self.placement)

    # --- bytes ----------------------------------------------------------------------------------------------------

    async def serve(self, port: "SerialPort") -> None:
        """Feed the driver with what comes in and with time, until the line is lost. Raises HalError then."""
        self.inbox = []
        wake, room = Wake(self.clock), asyncio.Event()
        lost: "list[HalError]" = []
        reader = asyncio.create_task(self.listen(port, wake, room, lost))
        try:
            await self.tell_open()
            await self.answer(port, self.driver.opened(self.clock.uptime_ms(), self.clock.utc_ms()), False)
            while self.inbox or not reader.done():
                if not self.inbox:
                    await wake.wait(self.driver.next_due_ms(self.clock.uptime_ms()))
                await self.turn(port, room)
        finally:
            await port.close()
            await stop(reader)
        raise lost[0]

    async def listen(
        self,
        port: "SerialPort",
        wake: Wake,
        room: asyncio.Event,
        lost: "list[HalError]",
    ) -> None:
        """Read pieces while there is room, until the line is lost; `lost` tells why."""
        try:
            while True:
                self.inbox.append(await port.read())
                wake.call()
                if len(self.inbox) >= HELD_PIECES:
                    room.clear()
                    await room.wait()
        except HalError as error:
            lost.append(error)
        finally:
            wake.call()

    async def turn(self, port: "SerialPort", room: asyncio.Event) -> None:
        """What came in, then what time asks for."""
        if self.inbox:
            data = self.take_pieces()
            room.set()
            reading = self.driver.received(data, self.clock.uptime_ms(), self.clock.utc_ms())
            await self.answer(port, reading, True)
            await self.sense_of(data, reading)
        now_ms = self.clock.uptime_ms()
        due_ms = self.driver.next_due_ms(now_ms)
        if due_ms is not None and due_ms <= now_ms:
            await self.answer(port, self.driver.due(now_ms, self.clock.utc_ms()), False)
        if self.driver.unanswered != self.unanswered:
            self.unanswered = self.driver.unanswered
            await self.tell_misread()

    def take_pieces(self) -> bytes:
        """What came in, as one. Devices with a line of their own say again what nobody acknowledged, or go on and on."""
        data = b"".join(self.inbox)
        self.inbox.clear()
        return data

    async def answer(self, port: "SerialPort", reading: "Reading", came: bool) -> None:
        """Send what the driver says at once, record, and only then send what waits for the journal."""
        for data in reading.send:
            await port.write(data)
        if came or reading.observations or reading.state:
            await self.record(reading)
        for data in reading.send_after:
            await port.write(data)

    async def record(self, reading: "Reading") -> None:
        """Return when what the driver says is durable."""
        await self.intake.take(self.device, reading)
