"""The radio of a board over a simulator of MicroPython's driver: on this interpreter, and over a line on the board's own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from hal.esp32.ble_bonds import BondStore
from hal.esp32.ble_central import BoardCentral
from hal.esp32.ble_connection import BoardConnection
from hal.esp32.ble_radio import BoardRadio
from hal.esp32.ble_scanner import BoardScanner
from hal.esp32.nvs import Nvs
from hal.interfaces import BleCentral, BleConnection, BleScanner
from hal.sim.ble_stack import SimBle, SimFlag
from hal.sim.clock import SimClock
from hal.sim.nvs import SimNvs
from hal.sim.world import World
from hal.types import BOND_WEAK
from tests.contract import far_air
from tests.contract.air_hosts import (
    CONTROL,
    FEATURES,
    FEW_ADVERTISEMENTS,
    FEW_NOTIFICATIONS,
    NAME,
    PRINTED,
    SHOWN,
    VALUE,
    AirHost,
    Peripheral,
    SimPlaced,
)
from tests.contract.far_hosts import far_board


class BoardAir:
    """A board in a simulated world, its clock standing still."""

    def __init__(self) -> None:
        self.clock = SimClock()
        self.world = World(self.clock)
        self._chip: dict[str, bytes] = {}
        self._radios: list[BoardRadio] = []
        radio = self._radio()
        self.scanner: BleScanner = BoardScanner(radio, FEW_ADVERTISEMENTS)
        self.central: BleCentral = BoardCentral(radio, FEW_NOTIFICATIONS)
        self.uptime_ms = self.clock.uptime_ms
        self.lose_adapter = self.world.lose_adapter

    def _radio(self) -> BoardRadio:
        bonds = BondStore(Nvs(SimNvs(self._chip)))
        bonds.load()
        radio = BoardRadio(SimBle(self.world), self.clock, bonds, SimFlag())
        self._radios.append(radio)
        return radio

    def advertise(self, address: str, service_data: bytes) -> None:
        self.world.advertise(address, {"fcd2": service_data})

    async def place(
        self,
        address: str,
        *,
        secure: bool = True,
        passkey: int | None = None,
        compares: bool = False,
        out_of_band: bool = False,
    ) -> Peripheral:
        placed = SimPlaced(self.world, address, secure, passkey, compares, out_of_band)
        self.world.advertise(address, service_uuids=("1822",), scan_response_name=NAME)
        return placed

    def restarted(self) -> BleCentral:
        return BoardCentral(self._radio(), FEW_NOTIFICATIONS)

    async def expire(self, work: Coroutine[Any, Any, Any]) -> Any:
        return await self.clock.run(work)

    async def restore_adapter(self) -> None:
        self.world.restore_adapter()

    async def close(self) -> None:
        for radio in self._radios:
            await radio.stop()


@asynccontextmanager
async def board_air(folder: Path) -> AsyncIterator[AirHost]:
    air = BoardAir()
    try:
        yield air
    finally:
        await air.close()


# --- the same on the board's interpreter, over its agent ------------------------------------------------------------


class FarCentral:
    """A central over there; a person who compares numbers is here."""

    def __init__(self, far: Any) -> None:
        self._far = far

    @property
    def takes_oob(self) -> bool:
        return bool(self._far.takes())

    async def connect(
        self,
        address: str,
        *,
        pair: bool = False,
        passkey: int | None = None,
        oob: bytes | None = None,
        least: int = BOND_WEAK,
        compare: Callable[[int], Awaitable[bool]] | None = None,
        timeout_ms: int = 20_000,
    ) -> BleConnection:
        asking = asyncio.ensure_future(self._ask(compare)) if compare is not None else None
        try:
            wanted = (address, pair, passkey, oob, least, compare is not None, timeout_ms)
            connection: BleConnection = await self._far.connect(*wanted)
            return connection
        finally:
            if asking is not None:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)

    async def _ask(self, compare: Callable[[int], Awaitable[bool]]) -> None:
        self._far.say(await compare(await self._far.asked()))

    async def bonds(self) -> dict[str, int]:
        found: dict[str, int] = await self._far.bonds()
        return found

    async def forget(self, address: str) -> None:
        await self._far.forget(address)


class FarPlaced:
    """A peripheral over there."""

    def __init__(self, far: Any, address: str) -> None:
        self._far = far
        self.address = address

    @property
    def connected(self) -> bool:
        return bool(self._far.facts()[0])

    @property
    def pairings(self) -> int:
        return int(self._far.facts()[1])

    @property
    def data(self) -> bytes:
        return PRINTED

    @property
    def writes(self) -> list[tuple[str, bytes]]:
        return [(uuid, value) for uuid, value in self._far.facts()[2]]

    @writes.setter
    def writes(self, value: object) -> None:
        raise AttributeError("what was written stands over there")

    async def notify(self, value: bytes) -> bool:
        return bool(self._far.notify(VALUE, value))

    def leave(self) -> None:
        self._far.do("leave")

    def return_(self) -> None:
        self._far.do("return_")

    def forget_bonds(self) -> None:
        self._far.do("forget_bonds")

    def drop_link(self) -> None:
        self._far.drop_link()


class FarAir:
    """A board's radio over a line; time there stands still, too."""

    def __init__(self) -> None:
        board = far_board()
        theirs = (far_air.FarHome, far_air.FarCentral, far_air.FarPlaced, BoardScanner, BoardConnection)
        board.faces.update({face.__name__: face for face in theirs})
        self._far = board.make("FarHome", FEW_ADVERTISEMENTS, FEW_NOTIFICATIONS)
        self._world: World = self._far.world
        self._clock: SimClock = self._far.clock
        self.scanner: BleScanner = self._far.scanner
        self.central: BleCentral = FarCentral(self._far.central)

    def uptime_ms(self) -> int:
        return self._clock.uptime_ms()

    def advertise(self, address: str, service_data: bytes) -> None:
        self._world.advertise(address, {"fcd2": service_data})

    async def place(
        self,
        address: str,
        *,
        secure: bool = True,
        passkey: int | None = None,
        compares: bool = False,
        out_of_band: bool = False,
    ) -> Peripheral:
        served = {VALUE: b"", FEATURES: bytes(2), CONTROL: b""}
        shown = SHOWN if compares else None
        printed = PRINTED if out_of_band else None
        return FarPlaced(self._far.place(address, served, secure, passkey, shown, printed, NAME), address)

    def restarted(self) -> BleCentral:
        return FarCentral(self._far.restarted())

    async def expire(self, work: Coroutine[Any, Any, Any]) -> Any:
        task = asyncio.ensure_future(work)
        await asyncio.sleep(0)
        while not task.done():
            await self._clock.advance(20)
        return await task

    def lose_adapter(self) -> None:
        self._world.lose_adapter()

    async def restore_adapter(self) -> None:
        self._world.restore_adapter()

    async def close(self) -> None:
        await self._far.close()


@asynccontextmanager
async def far_board_air(folder: Path) -> AsyncIterator[AirHost]:
    air = FarAir()
    try:
        yield air
    finally:
        await air.close()
