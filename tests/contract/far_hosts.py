"""The hosts of a board: the same promises, asked of real MicroPython over a pseudo-terminal (firmware/agent.py).

One interpreter serves all of them and ends with the tests. What is made there stays there until then.
"""

import asyncio
import atexit
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest

from hal.esp32.crypto import Esp32Crypto
from hal.esp32.keystore import NvsKeyStore
from hal.esp32.uart import BoardSerialPort, BoardSerialPorts
from hal.interfaces import Clock, Crypto, Network, SerialPorts
from hal.sim.clock import SimClock
from hal.sim.indicator import SimIndicator
from hal.sim.line import SerialLine
from hal.sim.network import SimNetwork
from hal.sim.nvs import SimNvs
from hal.sim.serial_ports import SimSerialPort, SimSerialPorts
from hal.sim.watchdog import SimWatchdog
from hal.sim.world import World
from tests.contract.line_hosts import FarEnd, LineHost
from tests.contract.machine_hosts import (
    ClockHost,
    ImportingKeyStore,
    IndicatorHost,
    KeyHost,
    NetworkHost,
    WatchdogHost,
)
from tools.mpy.interpreter import MissingToolError
from tools.rig.board import Board

FACES: Sequence[type] = (
    BoardSerialPort,
    BoardSerialPorts,
    Esp32Crypto,
    NvsKeyStore,
    SerialLine,
    SimClock,
    SimIndicator,
    SimNetwork,
    SimNvs,
    SimSerialPort,
    SimSerialPorts,
    SimWatchdog,
    World,
)


@cache
def spawned() -> Board:
    """The interpreter that serves. Raises MissingToolError."""
    board = Board.spawn("tests.contract.board_agent")
    board.faces.update({face.__name__: face for face in FACES})
    atexit.register(board.close)
    return board


def far_board() -> Board:
    """The same, or a reason to skip."""
    try:
        return spawned()
    except MissingToolError as error:
        pytest.skip(str(error))


class FarClockHost(ClockHost):
    """The simulation's clock there."""

    def __init__(self) -> None:
        self._far: SimClock = far_board().make("SimClock")
        self.clock: Clock = self._far

    async def elapse(self, duration_ms: int) -> None:
        await asyncio.sleep(0)  # who was started just now asks first
        await self._far.advance(duration_ms)

    def learn(self, utc_ms: int) -> None:
        self._far.set_utc(utc_ms)

    def forget(self) -> None:
        self._far.untrust()


class FarKeyHost(KeyHost):
    """The board's own key store and primitives there, over a storage that outlives them."""

    def __init__(self, folder: Path) -> None:
        self._nvs = far_board().make("nvs")

    def open(self) -> tuple[ImportingKeyStore, Crypto]:
        keystore, crypto = far_board().make_awaited("keys", self._nvs)
        return keystore, crypto


class FarNetworkHost(NetworkHost):
    """The simulation's network there."""

    def __init__(self, folder: Path) -> None:
        self._far: SimNetwork = far_board().make("SimNetwork", [])
        self.network: Network = self._far

    def plug(self, name: str, kind: str, up: bool) -> None:
        self._far.add(name, kind, up, "192.0.2.2" if up else None)


class FarIndicatorHost(IndicatorHost):
    """The simulation's lamp there, which cannot break."""

    def __init__(self, folder: Path) -> None:
        self._far: SimIndicator = far_board().make("SimIndicator")
        self.indicator = self._far

    def seen(self) -> str:
        return self._far.state

    def smash(self) -> None:
        pass


class FarWatchdogHost(WatchdogHost):
    """The simulation's watchdog there."""

    def __init__(self, folder: Path) -> None:
        self._far: SimWatchdog = far_board().make("SimWatchdog", far_board().make("SimClock"))
        self.watchdog = self._far
        self._seen = 0

    def feedings(self) -> int:
        new, self._seen = self._far.fed - self._seen, self._far.fed
        return new

    def close(self) -> None:
        pass


class FarLineHost(LineHost):
    """A cable in the simulated world there."""

    def __init__(self, folder: Path) -> None:
        self._world: World = far_board().make("World", far_board().make("SimClock"))
        self.ports: SerialPorts = far_board().make("SimSerialPorts", self._world)
        self.url = "dispenser"

    def far_end(self) -> FarEnd:
        return self._world.serial_line(self.url)


class FarBoardLineHost(LineHost):
    """A UART's driver there, on a simulated cable."""

    def __init__(self, folder: Path) -> None:
        self._cable: SerialLine = far_board().make("SerialLine", "uart1")
        self.ports: SerialPorts = far_board().make("uarts", self._cable)
        self.url = "uart1"

    def far_end(self) -> FarEnd:
        self._cable.put_back()
        return self._cable
