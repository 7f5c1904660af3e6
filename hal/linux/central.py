"""Central over bleak."""

import asyncio
import logging
from collections.abc import Coroutine
from functools import partial
from typing import Any, TypeVar

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic

from hal.buffer import Buffer
from hal.errors import DeniedError, HalError, LinkLostError, TimedOutError, UnavailableError
from hal.interfaces import Clock
from hal.linux.native_errors import native_errors
from hal.linux.radio import Radio
from hal.linux.uuids import short_uuid
from hal.types import BOND_AUTHENTICATED, BOND_NONE, Notification

log = logging.getLogger(__name__)

Result = TypeVar("Result")

BUFFERED = 1024  # notifications of one connection; at the four a second of an oximeter four minutes
HANG_UP_S = 5.0  # a stack that does not answer a disconnect by then does not answer at all


class BleakConnection:
    """`BleConnection` through one `BleakClient`, from before it connects until after it is lost."""

    def __init__(self, address: str, clock: Clock, radio: Radio, limit: int, timeout_s: float) -> None:
        self._address = address
        self._clock = clock
        self._bond = BOND_NONE
        self._buffer = Buffer(limit)
        self._characteristics: dict[str, BleakGATTCharacteristic] = {}
        self._subscribed: set[str] = set()
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._hang_ups: set[asyncio.Task[None]] = set()
        self._client = BleakClient(
            address, lambda _client: self._lose(""), timeout=timeout_s, backend=radio.client_backend
        )

    @property
    def bond(self) -> int:
        """0 none, 1 weak (no man-in-the-middle protection), 2 authenticated."""
        return self._bond

    def characteristics(self) -> list[str]:
        """UUIDs of the characteristics the peripheral serves, sorted."""
        return sorted(self._characteristics)

    async def read(self, characteristic: str) -> bytes:
        """Value of a characteristic."""
        return bytes(await self._run(self._client.read_gatt_char(self._find(characteristic))))

    async def write(self, characteristic: str, value: bytes, *, response: bool = True) -> None:
        """Write a characteristic."""
        await self._run(self._client.write_gatt_char(self._find(characteristic), value, response=response))

    async def subscribe(self, characteristic: str) -> None:
        """Ask for notifications or indications; asking twice is no error."""
        found = self._find(characteristic)
        if characteristic not in self._subscribed:
            await self._run(self._client.start_notify(found, partial(self._heard, characteristic)))
            self._subscribed.add(characteristic)

    async def receive(self) -> Notification:
        """The next notification, in order of arrival; what came before a loss is handed out first."""
        notification: Notification = await self._buffer.get()
        return notification

    async def disconnect(self) -> None:
        """End the connection; no error where it has already ended."""
        self._lose("disconnected here")
        try:
            with native_errors(self._address):
                async with asyncio.timeout(HANG_UP_S):
                    await self._client.disconnect()
        except HalError as error:
            log.info("the connection to %s ended by itself: %s", self._address, error)

    async def open(self, radio: Radio, pair: bool, passkey: int | None) -> None:
        """Central side: connect, discover and reach the bond level asked for."""
        with native_errors(self._address):
            await self._client.connect()
            for each in self._client.services.characteristics.values():
                self._characteristics.setdefault(short_uuid(each.uuid), each)
        level = await radio.bond(self._address)
        if level == BOND_NONE and pair:
            async with radio.answering(self._address, passkey):
                await self._run(self._client.pair())
            level = await radio.bond(self._address)
            if level == BOND_NONE:
                raise DeniedError(
                    f"{self._address} paired but kept no bond: put it in pairing mode and try again"
                )
        if level != BOND_NONE and passkey is not None and level != BOND_AUTHENTICATED:
            # Whoever does not ask for the passkey may be somebody else (Core 5.4, Vol 3, Part H, 2.3.5.1).
            raise DeniedError(f"{self._address} paired without its passkey: forget it and pair again")
        self._bond = level

    async def _run(self, operation: Coroutine[Any, Any, Result]) -> Result:
        """What `operation` returns, or LinkLostError as soon as the link is lost."""
        task = asyncio.ensure_future(operation)
        try:
            either: set[asyncio.Future[Any]] = {task, self._lost}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not task.done() or task.cancelled():  # Bumble cancels what waits on a link that breaks
                raise self._lost_error()
            with native_errors(self._address):
                return task.result()
        finally:
            task.cancel()

    def _find(self, characteristic: str) -> BleakGATTCharacteristic:
        if self._lost.done():
            raise self._lost_error()
        found = self._characteristics.get(characteristic)
        if found is None:
            raise UnavailableError(f"{self._address} does not serve {characteristic}")
        return found

    def _heard(self, characteristic: str, _source: BleakGATTCharacteristic, value: bytearray) -> None:
        if not self._buffer.full:
            self._buffer.put(Notification(characteristic, bytes(value), self._clock.uptime_ms()))
        elif not self._lost.done():
            # A gap that nobody notices is worse than a link that everybody sees break.
            self._lose("notifications overflowed: the reader is too slow")
            task = asyncio.get_running_loop().create_task(self.disconnect())
            self._hang_ups.add(task)
            task.add_done_callback(self._hang_ups.discard)

    def _lose(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)
        error = self._lost_error()
        self._buffer.end(error.message, error.detail)

    def _lost_error(self) -> LinkLostError:
        reason = self._lost.result() if self._lost.done() else ""
        return LinkLostError(f"the link to {self._address} is lost: connect again", reason)


class BleakBleCentral:
    """`BleCentral` on a `Radio`."""

    def __init__(self, clock: Clock, radio: Radio, *, limit: int = BUFFERED) -> None:
        self._clock = clock
        self._radio = radio
        self._limit = limit

    async def connect(
        self, address: str, *, pair: bool = False, passkey: int | None = None, timeout_ms: int = 20_000
    ) -> BleakConnection:
        """Connect and discover; with `pair`, bond with LE Secure Connections where no bond is stored.

        A peripheral that cannot be heard is waited for until `timeout_ms`. With `passkey`, only an authenticated
        bond is good enough, a stored one too.

        Raises:
            TimedOutError: the peripheral did not answer in time.
            UnavailableError: there is no adapter.
            DeniedError: pairing was refused, or a side no longer knows the bond.
            LinkLostError: the link broke on the way.
        """
        await self._radio.ready()
        timeout_s = timeout_ms / 1000
        connection = BleakConnection(address, self._clock, self._radio, self._limit, timeout_s)
        try:
            async with asyncio.timeout(timeout_s):
                await connection.open(self._radio, pair, passkey)
        except TimeoutError as error:
            await connection.disconnect()
            raise TimedOutError(
                f"{address} did not answer: is it near, awake and free?", str(error)
            ) from error
        except BaseException:
            await connection.disconnect()
            raise
        return connection

    async def forget(self, address: str) -> None:
        """Delete the stored bond; no error where there is none."""
        await self._radio.forget(address)
