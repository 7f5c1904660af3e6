"""All drivers of a board at once, simulated: what `firmware/natives.py` is on a board. What outlives its power is given.

chip, flash = {}, NorFlash(1152)
natives = SimNatives(world, chip, flash)
board = Board(natives, profile("esp32-s3"), folder, config)
"""

from hal.sim.ble_link import SimUuid
from hal.sim.ble_stack import SimBle, SimFlag
from hal.sim.console import SimConsole
from hal.sim.nvs import SimNvs
from hal.sim.pins import SimAdc, SimPin
from hal.sim.uart import SimUart
from hal.sim.wlan import SimWlan

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.sim.world import World


class SimWdt:
    """`machine.WDT`; one is made by the first feeding."""

    fed = 0

    def __init__(self, timeout: int) -> None:
        self.timeout = timeout

    def feed(self) -> None:
        SimWdt.fed += 1


class SimPartition:
    """`esp32.Partition`, as far as a start is confirmed."""

    confirmed = 0

    @classmethod
    def mark_app_valid_cancel_rollback(cls) -> None:
        cls.confirmed += 1


class SimNatives:
    """`pins` has every pin that was asked for, by number; a line of the world named `uart<number>` is the far end of a UART."""

    received = 0

    def __init__(self, world: "World", chip: "dict[str, bytes]", flash: "Any") -> None:
        self.world = world
        self.chip = chip
        self.flash = flash
        self.pins: "dict[int, Any]" = {}
        self.stack = SimBle(world)
        self.wifi = SimWlan()
        self.wall_ms = 0
        self.by_power = False  # what brought this start

    def is_by_power(self) -> bool:
        return self.by_power

    def flag(self) -> SimFlag:
        return SimFlag()

    def nvs(self, namespace: str) -> SimNvs:
        return SimNvs(self.chip)

    def partition(self, name: str) -> "Any":
        return self.flash

    def running(self) -> "Any":
        return SimPartition

    def bluetooth(self) -> SimBle:
        return self.stack

    def uuid(self, text: str) -> SimUuid:
        return SimUuid(text)

    def console(self) -> SimConsole:
        """The world's line named `console` is its far end."""
        return SimConsole(self.world.serial_line("console"))

    def wlan(self) -> SimWlan:
        return self.wifi

    def watchdog(self) -> "Any":
        return SimWdt

    def output(self, pin: int) -> SimPin:
        made = self.pins[pin] = SimPin(0, self.world.clock.uptime_ms)
        return made

    def input(self, pin: int) -> SimPin:
        made = self.pins[pin] = SimPin(1)
        return made

    def adc(self, pin: int) -> SimAdc:
        made = self.pins[pin] = SimAdc(1_950_000)
        return made

    def uart(self, number: int, transmit: int, receive: int, **how: "Any") -> SimUart:
        return SimUart(self.world.serial_line("uart" + str(number)), **how)

    def set_wall(self, utc_ms: int) -> None:
        self.wall_ms = utc_ms
