"""Central over the simulated air."""

import asyncio

from hal.buffer import Buffer
from hal.errors import DeniedError, LinkLostError, PairingError, TimedOutError, UnavailableError
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK, Notification

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hal.interfaces import Clock
    from hal.sim.peripheral import SimPeripheral
    from hal.sim.world import World

BUFFERED = 1024  # notifications of one connection; at the four a second of an oximeter four minutes


class SimConnection:
    """`BleConnection` to a `SimPeripheral`."""

    def __init__(self, peripheral: "SimPeripheral", clock: "Clock", limit: int) -> None:
        self._peripheral = peripheral
        self._clock = clock
        self._bond = BOND_NONE
        self._buffer = Buffer(limit)
        self._lost: str | None = None

    @property
    def bond(self) -> int:
        """0 none, 1 weak, 2 authenticated."""
        return self._bond

    def characteristics(self) -> "list[str]":
        """UUIDs of the characteristics the peripheral serves, sorted."""
        return sorted(self._peripheral.characteristics)

    async def read(self, characteristic: str) -> bytes:
        """Value of a characteristic."""
        self._check(characteristic)
        return self._peripheral.characteristics[characteristic]

    async def write(self, characteristic: str, value: bytes, *, response: bool = True) -> None:
        """Write a characteristic; without `response` a refusal by the peripheral would go unseen."""
        self._check(characteristic)
        self._peripheral.writes.append((characteristic, bytes(value)))
        if self._peripheral.on_write is not None:
            self._peripheral.on_write(characteristic, bytes(value))

    async def subscribe(self, characteristic: str) -> None:
        """Ask for notifications; asking twice is no error."""
        self._check(characteristic)
        if characteristic not in self._peripheral.subscribed:
            self._peripheral.subscribed.append(characteristic)

    async def receive(self) -> Notification:
        """The next notification, in order of arrival; what came before a loss is handed out first."""
        notification: Notification = await self._buffer.get()
        return notification

    async def disconnect(self) -> None:
        """End the connection; no error where it has already ended."""
        if self._lost is None:
            self._peripheral.drop_link("disconnected here")

    def hear(self, characteristic: str, value: bytes) -> None:
        """World side: a value arrives. One too many ends the link, because a silent gap is worse than a lost one."""
        if self._buffer.full:
            self._peripheral.drop_link("notifications overflowed: the reader is too slow")
        else:
            self._buffer.put(Notification(characteristic, bytes(value), self._clock.uptime_ms()))

    def lose(self, reason: str) -> None:
        """World side: the link is gone."""
        self._lost = reason
        self._buffer.end("the link to " + self._peripheral.address + " is lost: connect again", reason)

    def bonded(self, level: int) -> None:
        """Central side: the link is encrypted with a bond of `level`."""
        self._bond = level

    def _check(self, characteristic: str) -> None:
        if self._lost is not None:
            raise LinkLostError(
                "the link to " + self._peripheral.address + " is lost: connect again", self._lost
            )
        if characteristic not in self._peripheral.characteristics:
            raise UnavailableError(self._peripheral.address + " does not serve " + characteristic)
        if self._peripheral.secure and self._bond == BOND_NONE:
            raise DeniedError(
                self._peripheral.address + " wants a bond: pair first", "insufficient encryption"
            )


class SimCentral:
    """`BleCentral` over a `World`. Give two centrals the same `bonds` to let a bond outlive the first."""

    def __init__(
        self, world: "World", bonds: "dict[str, tuple[int, int]] | None" = None, limit: int = BUFFERED
    ) -> None:
        self._world = world
        self._bonds = bonds if bonds is not None else {}  # address => (key, level)
        self._limit = limit

    @property
    def takes_oob(self) -> bool:
        """Whether it can be given the data of a label."""
        return True

    async def connect(
        self,
        address: str,
        *,
        pair: bool = False,
        passkey: "int | None" = None,
        oob: "bytes | None" = None,
        least: int = BOND_WEAK,
        compare: "Callable[[int], Awaitable[bool]] | None" = None,
        timeout_ms: int = 20_000,
    ) -> SimConnection:
        """Connect; with `pair`, bond where no bond is stored. A peripheral out of range is waited for."""
        connection = await self._reach(address, timeout_ms)
        least = least if passkey is None and oob is None else BOND_AUTHENTICATED
        try:
            level = self._stored(address, least)
            if level == BOND_NONE and pair and oob is not None:
                level = self._pair_by(address, oob)
            elif level == BOND_NONE and pair:
                level = await self._pair(address, passkey, least, compare)
            connection.bonded(level)
        except (DeniedError, asyncio.CancelledError):
            await connection.disconnect()
            raise
        return connection

    async def bonds(self) -> "dict[str, int]":
        """Address and level of every stored bond."""
        self._check_adapter()
        return {address: bond[1] for address, bond in self._bonds.items()}

    async def forget(self, address: str) -> None:
        """Delete the stored bond; no error where there is none."""
        self._bonds.pop(address, None)

    async def _reach(self, address: str, timeout_ms: int) -> SimConnection:
        clock = self._world.clock
        changed = asyncio.Event()
        wake = changed.set  # one object, so that it is found again
        alarm = asyncio.create_task(_set_after(clock, timeout_ms, changed))
        try:
            while True:
                self._check_adapter()
                peripheral = self._world.peripheral(address)
                if peripheral is not None:
                    connection = SimConnection(peripheral, clock, self._limit)
                    if peripheral.accept(connection):
                        return connection
                if alarm.done():
                    raise TimedOutError(address + " did not answer: is it near, awake and free?")
                changed.clear()
                self._world.on_change(wake)
                await changed.wait()
        finally:
            alarm.cancel()
            self._world.off_change(wake)

    def _check_adapter(self) -> None:
        if not self._world.adapter_present:
            raise UnavailableError(
                "no Bluetooth adapter: check that it is plugged in", "simulated adapter is absent"
            )

    def _stored(self, address: str, least: int) -> int:
        """Level of the bond that is stored, which both ends must know."""
        stored, peripheral = self._bonds.get(address), self._world.peripheral(address)
        if stored is None or peripheral is None:
            return BOND_NONE
        if not peripheral.knows(stored[0]):
            raise PairingError(
                address + " no longer knows our bond: forget it and pair again",
                "key missing",
                PairingError.STALE,
            )
        if stored[1] < least:
            raise PairingError(
                address + " paired without its passkey: forget it and pair again",
                "not authenticated",
                PairingError.WEAK,
            )
        return stored[1]

    async def _pair(
        self,
        address: str,
        passkey: "int | None",
        least: int,
        compare: "Callable[[int], Awaitable[bool]] | None",
    ) -> int:
        """Make a bond of at least that level; what a stack refuses leaves none."""
        peripheral = self._world.peripheral(address)
        if peripheral is None:
            return BOND_NONE
        confirmed = False
        if passkey is None and compare is not None and peripheral.compares is not None:
            confirmed = await compare(peripheral.compares)
            if not confirmed:
                raise PairingError(address + " is not what was expected", "number", PairingError.NUMBER)
        offered = peripheral.offers(passkey, confirmed)
        if BOND_NONE < offered < least:
            raise PairingError(
                address + " paired without its passkey: is it the right device?",
                "not authenticated",
                PairingError.WEAK,
            )
        made = peripheral.pair(passkey, confirmed)
        if made is None:
            reason = PairingError.REFUSED if passkey is None else PairingError.PASSKEY
            raise PairingError(
                address + " refused pairing: check the passkey on its label",
                "authentication failure",
                reason,
            )
        self._bonds[address] = made
        return made[1]

    def _pair_by(self, address: str, oob: bytes) -> int:
        """Make a bond by the data of a label, or none."""
        peripheral = self._world.peripheral(address)
        if peripheral is None:
            return BOND_NONE
        made = peripheral.pair_by(oob)
        if made is None:
            reason = PairingError.NO_OOB if peripheral.oob is None else PairingError.OOB
            raise PairingError(address + " was not paired by the data of a label", "out of band", reason)
        self._bonds[address] = made
        return made[1]


async def _set_after(clock: "Clock", duration_ms: int, event: asyncio.Event) -> None:
    await clock.sleep_ms(duration_ms)
    event.set()
