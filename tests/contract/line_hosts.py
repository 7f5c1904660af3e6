"""Machines with a serial line and the hand that pulls it: the hosts of the serial ports."""

from pathlib import Path
from typing import Protocol

from hal.esp32.uart import BoardSerialPorts, Line
from hal.interfaces import SerialPorts
from hal.linux.serial_ports import PyserialPorts
from hal.sim.ble_stack import SimFlag
from hal.sim.clock import SimClock
from hal.sim.line import SerialLine
from hal.sim.serial_ports import SimSerialPorts
from hal.sim.uart import SimUart
from hal.sim.world import World
from tools.simulators.pty_line import PtyLine


class FarEnd(Protocol):
    """The device's end of the cable."""

    def send(self, data: bytes) -> bool: ...
    async def read(self) -> bytes: ...
    def pull(self) -> None: ...
    def put_back(self) -> None: ...


class LineHost(Protocol):
    """One cable: `url` is what the gateway opens."""

    ports: SerialPorts
    url: str

    def far_end(self) -> FarEnd:
        """Plug the cable in."""
        ...


class SimLineHost:
    """A cable in the simulated world."""

    def __init__(self, folder: Path) -> None:
        self._world = World(SimClock())
        self.ports: SerialPorts = SimSerialPorts(self._world)
        self.url = "dispenser"

    def far_end(self) -> FarEnd:
        return self._world.serial_line(self.url)


class BoardLineHost:
    """A UART's driver on a simulated cable, with a pin that tells whether it is plugged in."""

    def __init__(self, folder: Path) -> None:
        cable = self._cable = SerialLine("uart1")
        cable.plugged = False
        line = Line(lambda **how: SimUart(cable, **how), lambda: cable.plugged)
        self.ports: SerialPorts = BoardSerialPorts({"uart1": line}, SimClock(), SimFlag)
        self.url = "uart1"

    def far_end(self) -> FarEnd:
        self._cable.put_back()
        return self._cable


class PtyLineHost:
    """A pseudo-terminal behind a name in a folder, as udev gives names to adapters."""

    def __init__(self, folder: Path) -> None:
        self._line = PtyLine(folder / "dispenser")
        self.ports: SerialPorts = PyserialPorts()
        self.url = str(folder / "dispenser")

    def far_end(self) -> FarEnd:
        self._line.put_back()
        return self._line
