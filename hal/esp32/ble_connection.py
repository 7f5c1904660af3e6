"""One connection of the board: values by UUID, notifications in order, and every wait ended by its loss. Portable.

The attribute protocol has one question on its way at a time (Core 5.4, Vol 3, Part F, 3.3.2). A caller that is cancelled leaves its
question behind: the next one waits for that answer first, so that it does not take it for its own.
"""

import asyncio

from hal.buffer import Buffer
from hal.errors import DeniedError, LinkLostError, TimedOutError, UnavailableError
from hal.esp32.ble_packets import address_text, uuid_text
from hal.esp32.ble_waits import Answer, Deadline
from hal.types import BOND_NONE, Notification

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from hal.esp32.ble_radio import BoardRadio

    Event = tuple[int, tuple[Any, ...]]

CHARACTERISTIC, CHARACTERISTICS_DONE, DESCRIPTOR, DESCRIPTORS_DONE = 11, 12, 13, 14
READ_RESULT, READ_DONE, WRITE_DONE, NOTIFY, INDICATE, ENCRYPTED, PASSKEY = 15, 16, 17, 18, 19, 28, 31
ENDS = (CHARACTERISTICS_DONE, DESCRIPTORS_DONE, READ_DONE, WRITE_DONE)
MAY_NOTIFY, MAY_INDICATE = 0x10, 0x20
CONFIGURATION = "2902"
FIRST, LAST = 1, 0xFFFF
MOST_SERVED = 64  # characteristics that are kept; real peripherals have a dozen
ANSWER_MS = 30_000  # after which a bearer is dead (Core 5.4, Vol 3, Part F, 3.3.3)
HANG_UP_MS = 5_000
# Codes of the attribute protocol, which NimBLE puts on top of 0x100 (host/ble_hs.h): authentication, authorization, key size,
# encryption; handle, attribute not found.
ATT = 0x100
WANTS_BOND = (ATT + 0x05, ATT + 0x08, ATT + 0x0C, ATT + 0x0F)
NOT_THERE = (ATT + 0x01, ATT + 0x0A)


class BoardConnection:
    """`BleConnection`. Made by the radio when the stack says that it is connected."""

    def __init__(
        self, radio: "BoardRadio", address: bytes, address_type: int, handle: int, limit: int
    ) -> None:
        self.address = address_text(address)
        self.address_type = address_type
        self.handle = handle
        self.encryption = Answer()
        self.asked: "Callable[[int, int], None] | None" = (
            None  # who is told that the stack asks for a passkey
        )
        self.waiting = 0  # events between the interrupt and the loop
        self.is_flooded = False
        self._radio = radio
        self._bond = BOND_NONE
        self._buffer = Buffer(limit)
        self._served: "dict[str, tuple[int, int, int]]" = {}  # value handle, last handle, properties
        self._heard: "dict[int, str]" = {}  # value handles that are subscribed to
        self._lost: "str | None" = None
        self._gone = asyncio.Event()
        self._turn = asyncio.Lock()
        self._question: "Answer | None" = None
        self._found: "list[Event]" = []

    @property
    def bond(self) -> int:
        """0 none, 1 weak, 2 authenticated."""
        return self._bond

    def characteristics(self) -> "list[str]":
        """UUIDs of the characteristics the peripheral serves, sorted."""
        return sorted(self._served)

    async def read(self, characteristic: str) -> bytes:
        """Value of a characteristic."""
        value, _, _ = self._find(characteristic)
        for event, data in await self._ask(lambda: self._radio.ble.gattc_read(self.handle, value)):
            if event == READ_RESULT:
                found: bytes = data[2]
                return found
        return b""

    async def write(self, characteristic: str, value: bytes, *, response: bool = True) -> None:
        """Write a characteristic; without `response` a refusal by the peripheral would go unseen."""
        handle, _, _ = self._find(characteristic)
        if response:
            await self._ask(lambda: self._radio.ble.gattc_write(self.handle, handle, value, 1))
            return
        try:
            self._radio.ble.gattc_write(self.handle, handle, value, 0)
        except OSError as error:
            raise self._lost_error(str(error))

    async def subscribe(self, characteristic: str) -> None:
        """Ask for notifications, or indications where there is nothing else; asking twice is no error."""
        value, last, properties = self._find(characteristic)
        if value in self._heard:
            return
        asked = 1 if properties & MAY_NOTIFY else 2
        found = await self._ask(lambda: self._radio.ble.gattc_discover_descriptors(self.handle, value, last))
        for event, data in found:
            if event == DESCRIPTOR and uuid_text(data[2]) == CONFIGURATION:
                await self._configure(data[1], asked, value, characteristic)
                return
        raise DeniedError(self.address + " refused: the value does not allow this", "no configuration")

    async def _configure(self, handle: int, asked: int, value: int, characteristic: str) -> None:
        self._heard[value] = characteristic  # the first notification may overtake the answer
        try:
            wanted = bytes([asked, 0])
            await self._ask(lambda: self._radio.ble.gattc_write(self.handle, handle, wanted, 1))
        except BaseException:
            self._heard.pop(value, None)
            raise

    async def receive(self) -> Notification:
        """The next notification, in order of arrival; what came before a loss is handed out first."""
        notification: Notification = await self._buffer.get()
        return notification

    async def disconnect(self) -> None:
        """End the connection; no error where it has already ended."""
        if self._lost is None or not self._gone.is_set():
            self._end("disconnected here")
            self._radio.hang_up(self.handle)
            ending = Answer()
            waiting = asyncio.create_task(self._tell_gone(ending))
            try:
                await ending.within(Deadline(self._radio.clock, HANG_UP_MS))
            except TimedOutError:
                self._gone.set()
            finally:
                waiting.cancel()

    async def _tell_gone(self, ending: Answer) -> None:
        await self._gone.wait()
        ending.give(None)

    # --- central side ------------------------------------------------------------------------------------------------

    async def discover(self) -> None:
        """Learn what is served. The stack runs one such search at a time."""
        async with self._radio.discovering:
            ble = self._radio.ble
            try:
                ble.gattc_exchange_mtu(
                    self.handle
                )  # answered by itself; without it values end after 20 bytes
            except OSError:
                pass  # it has been exchanged, or the link is gone, which the next question tells
            found = await self._ask(lambda: ble.gattc_discover_characteristics(self.handle, FIRST, LAST))
        for event, data in found:
            uuid = uuid_text(data[4]) if event == CHARACTERISTIC else ""
            if uuid and uuid not in self._served:
                self._served[uuid] = (data[2], data[1], data[3])

    def bonded(self, level: int) -> None:
        """The link is encrypted with a bond of that level."""
        self._bond = level

    def lost_error(self) -> LinkLostError:
        """Why it is gone."""
        return self._lost_error(self._lost or "")

    # --- the radio's side --------------------------------------------------------------------------------------------

    def taken(self, event: int, data: "tuple[Any, ...]") -> None:
        """Something happened on it."""
        self.waiting -= 1
        if event in (NOTIFY, INDICATE):
            self._notified(data[1], data[2])
        elif event == ENCRYPTED:
            self.encryption.give(data)
        elif event == PASSKEY:
            if self.asked is not None:
                self.asked(data[1], data[2])
        elif self._question is None:
            return
        elif event in ENDS:
            self._question.give(data[-1])
        elif len(self._found) < MOST_SERVED:
            self._found.append((event, data))
        else:
            self.let_go("more is served than there is memory for")

    def let_go(self, reason: str) -> None:
        """End it, because something of it would be missing: a gap that nobody sees is worse."""
        if self._lost is None:
            self._end(reason)
            self._radio.hang_up(self.handle)

    def lose(self, reason: str) -> None:
        """It has ended."""
        self._end(reason)
        self._gone.set()

    def _notified(self, handle: int, value: bytes) -> None:
        characteristic = self._heard.get(handle)
        if characteristic is None:
            return
        if self._buffer.full:
            self.let_go("notifications overflowed: the reader is too slow")
        else:
            self._buffer.put(Notification(characteristic, value, self._radio.clock.uptime_ms()))

    def _end(self, reason: str) -> None:
        if self._lost is None:
            self._lost = reason
            error = self._lost_error(reason)
            self._buffer.end(error.message, error.detail)
            self.encryption.fail(error)
            if self._question is not None:
                self._question.fail(error)

    # --- questions ---------------------------------------------------------------------------------------------------

    async def _ask(self, send: "Callable[[], None]") -> "list[Event]":
        """What came before the end of the answer. Raises the error that the answer is."""
        async with self._turn:
            deadline = Deadline(self._radio.clock, ANSWER_MS)
            try:
                if self._question is not None:
                    await self._question.within(deadline)
                self._check()
                self._question, self._found = Answer(), []
                send()
                status = await self._question.within(deadline)
            except TimedOutError:
                self.let_go("no answer")
                raise TimedOutError(
                    self.address
                    + " did not answer within "
                    + str(ANSWER_MS // 1000)
                    + " s: pair, or connect again"
                )
            except OSError as error:
                self._question = None
                raise self._lost_error(str(error))
            self._question, found = None, self._found
            self._found = []
        if status:
            raise self._refusal(status)
        return found

    def _refusal(self, status: int) -> Exception:
        detail = "status " + str(status)
        if status in WANTS_BOND:
            return DeniedError(self.address + " refused: it wants a bond, pair first", detail)
        if status in NOT_THERE:
            return UnavailableError(self.address + " does not serve this value", detail)
        return DeniedError(self.address + " refused: the value does not allow this", detail)

    def _find(self, characteristic: str) -> "tuple[int, int, int]":
        self._check()
        if characteristic not in self._served:
            raise UnavailableError(self.address + " does not serve " + characteristic)
        return self._served[characteristic]

    def _check(self) -> None:
        if self._lost is not None:
            raise self._lost_error(self._lost)

    def _lost_error(self, reason: str) -> LinkLostError:
        return LinkLostError("the link to " + self.address + " is lost: connect again", reason)
