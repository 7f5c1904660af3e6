"""One connection through bleak: values, notifications in order, and every wait ended by its loss."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDBusError, BleakError

from hal.buffer import Buffer
from hal.errors import DeniedError, HalError, LinkLostError, TimedOutError, UnavailableError
from hal.interfaces import Clock
from hal.linux.native_errors import LINK_LOST, PAIRING_REFUSED, native_errors
from hal.linux.radio import Radio
from hal.linux.uuids import short_uuid
from hal.types import BOND_NONE, Notification

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# An ATT transaction fails after 30 s (Core 5.4, Vol 3, Part F, 3.3.3). BlueZ does not always say so: a value behind
# security without an agent to pair is never answered.
ANSWER_S = 35.0
HANG_UP_S = 5.0  # a stack that does not answer a disconnect by then does not answer at all
REFUSALS = 3  # links lost in one attempt to connect with a bond that say that the bond is refused
COMPLETE_WITHIN = 4  # lists of characteristics that are taken until one is complete


class BleakConnection:
    """`BleConnection` through one `BleakClient`, from before it connects until after it is lost."""

    def __init__(
        self,
        address: str,
        device: BLEDevice | str,
        radio: Radio,
        clock: Clock,
        *,
        limit: int,
        timeout_s: float,
    ) -> None:
        self._address = address
        self._device = device
        self._radio = radio
        self._clock = clock
        self._timeout_s = timeout_s
        self._bond = BOND_NONE
        self._open = False
        self._unwatch: Callable[[], None] | None = None
        self._losses = 0  # before it was open
        self._is_our_stack = radio.client_backend is not None  # and not bluetoothd
        self._refused = asyncio.Event()
        self._buffer = Buffer(limit)
        self._characteristics: dict[str, BleakGATTCharacteristic] = {}
        self._subscribed: set[str] = set()
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._hang_ups: set[asyncio.Task[None]] = set()
        self._clients: list[BleakClient] = []  # the last one is in use

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
        await self._let_go()

    # --- central side ----------------------------------------------------------------------------------------

    async def open(self, *, pair: bool) -> None:
        """Connect, with `pair` pair where there is no bond, and discover.

        Pairing comes first: BlueZ itself reads values such as the battery as soon as it finds them, and where that
        takes a bond that is not there its discovery never ends.

        BlueZ 5.66 may say that services are resolved before it has told of each one, and bleak lists those told of.
        Then another client takes over the connection that stands, and lists them again.
        """
        with native_errors(self._address):
            for _ in range(COMPLETE_WITHIN):
                losses = self._losses
                try:
                    listed = await self._connect(pair=pair and not self._clients)
                except BleakError as error:
                    # bluetoothd may give up after the first link: too early to say whether the bond is refused. Other stacks say it.
                    says_why = self._is_our_stack and not isinstance(error, BleakDBusError)
                    if (
                        says_why
                        or losses == self._losses
                        or await self._radio.bond(self._address) == BOND_NONE
                    ):
                        raise
                    continue
                if listed >= await self._radio.served(self._address):
                    break
        if not self._client.is_connected:
            raise LinkLostError(LINK_LOST.format(self._address))
        self._open = True
        # A daemon that is killed takes its connections along, and bleak does not notice.
        self._unwatch = self._radio.on_lost(self._on_adapter_lost)

    async def _connect(self, *, pair: bool) -> int:
        client = BleakClient(
            self._device,
            self._on_disconnected,
            pair=pair,
            timeout=self._timeout_s,
            backend=self._radio.client_backend,
        )
        self._clients.append(client)
        await self._unless_refused(client.connect())
        found = client.services.characteristics.values()
        self._characteristics = {short_uuid(each.uuid): each for each in reversed(list(found))}
        return len(found)

    async def _unless_refused(self, connect: Coroutine[Any, Any, None]) -> None:
        """Connect, and see where a bond is no longer known at the other side.

        BlueZ does not say so: it hangs up as soon as the encryption is refused (its log names "reason 4") and tries
        again for as long as bleak waits. A weak link breaks too, but not each time before it can be used.
        """
        connecting, refused = asyncio.ensure_future(connect), asyncio.ensure_future(self._refused.wait())
        try:
            await asyncio.wait({connecting, refused}, return_when=asyncio.FIRST_COMPLETED)
            failed = not connecting.done() or connecting.exception() is not None
            if failed and self._losses >= REFUSALS and await self._radio.bond(self._address) != BOND_NONE:
                lost = f"{self._losses} links lost before they could be used"
                raise DeniedError(PAIRING_REFUSED.format(self._address), lost)
            await connecting
        finally:
            connecting.cancel()
            refused.cancel()
            await asyncio.wait({connecting, refused})

    def bonded(self, level: int) -> None:
        """The link is as good as a bond of `level`."""
        self._bond = level

    # --- inside ----------------------------------------------------------------------------------------------

    @property
    def _client(self) -> BleakClient:
        return self._clients[-1]

    async def _run(self, operation: Coroutine[Any, Any, Result]) -> Result:
        """What `operation` returns; LinkLostError as soon as the link is lost, TimedOutError without an answer."""
        task = asyncio.ensure_future(operation)
        task.add_done_callback(_meet)
        try:
            either: set[asyncio.Future[Any]] = {task, self._lost}
            done, _ = await asyncio.wait(either, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                raise TimedOutError(
                    f"{self._address} did not answer within {ANSWER_S:.0f} s: pair, or connect again"
                )
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
            self._let_go_later()

    def _on_disconnected(self, _client: BleakClient) -> None:
        if not self._open:
            # A client that is let go in the midst of its connect() fails in ways of its own; bleak tries again by itself.
            self._losses += 1
            if self._losses == REFUSALS:
                self._refused.set()
            return
        if not self._lost.done():
            self._lose("")
            self._let_go_later()

    def _on_adapter_lost(self, reason: str) -> None:
        if not self._lost.done():
            self._lose(reason)
            self._let_go_later()

    def _let_go_later(self) -> None:
        """On BlueZ a client keeps its connection to the message bus until it is disconnected, lost link or not."""
        task = asyncio.get_running_loop().create_task(self._let_go())
        self._hang_ups.add(task)
        task.add_done_callback(self._hang_ups.discard)

    async def _let_go(self) -> None:
        for client in reversed(self._clients):
            try:
                with native_errors(self._address):
                    async with asyncio.timeout(HANG_UP_S):
                        await client.disconnect()
            except HalError as error:
                log.info("the connection to %s ended by itself: %s", self._address, error)

    def _lose(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)
        if self._unwatch is not None:
            self._unwatch()
            self._unwatch = None
        error = self._lost_error()
        self._buffer.end(error.message, error.detail)

    def _lost_error(self) -> LinkLostError:
        reason = self._lost.result() if self._lost.done() else ""
        return LinkLostError(LINK_LOST.format(self._address), reason)


def _meet(task: "asyncio.Future[Any]") -> None:
    """Look at the error of an operation whose caller was cancelled in the moment that it failed: nobody else would."""
    if not task.cancelled():
        task.exception()
