"""A gateway without a network, a person with a finger on its button, and a technician's cable or phone."""

import asyncio

from gateway.core import improv
from gateway.hub.improv import Improv
from gateway.hub.improv_air import ImprovAir
from gateway.hub.improv_line import ImprovLine
from gateway.hub.waking import stop
from hal.sim.clock import SimClock
from hal.sim.gatt_server import SimGattServer
from hal.sim.serial_ports import SimSerialPorts
from hal.sim.wifi import SimWifi
from hal.sim.world import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

SSID, PASSWORD, WRONG = "Karis nett", "hemmelig-1234", "feil-passord"
INFO = ["trygg", "0.1", "Raspberry Pi", "gatewayen"]
PORT = "/dev/ttyGS0"


class Room:
    """service: what is tested. line, air: its two ways in, once they are begun."""

    def __init__(self) -> None:
        self.clock = SimClock()
        self.wifi = SimWifi(self.clock)
        self.wifi.add(SSID, PASSWORD)
        self.wifi.add("Naboens", "annet-passord", -80)
        self.wifi.add("Gjest", "", -60)
        self.logged: "list[str]" = []
        self.shown = 0
        self.service = Improv(self.wifi, self.clock, list(INFO), self.log, self.identify)
        self.tasks: "list[asyncio.Task[None]]" = []
        self.world = World(self.clock)
        self.far = self.world.serial_line(PORT)
        self.reader = improv.PacketReader()
        self.phone = SimGattServer()

    def log(self, level: str, message: str, **fields: object) -> None:
        self.logged.append(message + " " + " ".join([str(fields[name]) for name in sorted(fields)]))

    def identify(self) -> None:
        self.shown += 1

    def begin(self, work: "Coroutine[object, object, None]") -> "asyncio.Task[None]":
        self.tasks.append(asyncio.create_task(work))
        return self.tasks[-1]

    async def opened(self, *, pressed: bool = True) -> None:
        """A person has opened the window, and pressed the button."""
        self.service.open()
        if pressed:
            self.service.press()
        self.begin(self.service.run())
        await self.clock.settle()

    async def wired(self) -> None:
        """The cable is in."""
        port = await SimSerialPorts(self.world).open(PORT)
        self.begin(self.swallow(ImprovLine(port, self.service, self.clock)))
        await self.clock.settle()

    async def swallow(self, line: ImprovLine) -> None:
        try:
            await line.run()
        except Exception as error:  # noqa: BLE001  told by its name, whatever it is
            self.logged.append("line ended: " + type(error).__name__)

    async def on_air(self) -> None:
        """The radio serves, and a phone is connected."""
        self.begin(self.serving())
        await self.clock.settle()
        self.phone.connect()

    async def serving(self) -> None:
        try:
            await ImprovAir(self.phone, self.service, "Trygg").run()
        except Exception as error:  # noqa: BLE001  told by its name, whatever it is
            self.logged.append("air ended: " + type(error).__name__)

    async def end(self) -> None:
        for task in self.tasks:
            await stop(task)

    # --- a technician at the cable --------------------------------------------------------------------------------

    async def say(self, command: int, data: bytes = b"", before: bytes = b"") -> "list[improv.Packet]":
        """Send a command, after some text; what comes back by and by."""
        self.far.send(
            before + improv.encode_packet(improv.SORT_COMMAND, improv.encode_message(command, data))
        )
        return await self.heard()

    async def heard(self) -> "list[improv.Packet]":
        await self.clock.advance(5_000)
        return self.reader.push(self.far.received())

    # --- a phone --------------------------------------------------------------------------------------------------

    async def write(self, command: int, data: bytes = b"", size: int = 20) -> "list[tuple[str, bytes]]":
        """Write a command in pieces; what the phone was told since."""
        whole = improv.seal(improv.encode_message(command, data))
        self.phone.told = []
        for at in range(0, len(whole), size):
            self.phone.write(improv.COMMAND, whole[at : at + size])
        await self.clock.advance(5_000)
        return self.phone.told


def live(scene: "Callable[[Room], Coroutine[object, object, None]]") -> None:
    """Run a scene in a room of its own, time simulated."""

    async def run() -> None:
        room = Room()
        try:
            await scene(room)
        finally:
            await room.end()

    asyncio.run(run())
