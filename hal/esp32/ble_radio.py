"""The board's Bluetooth stack, taken out of the interrupt: who asked gets the answer, in the loop, in bounded memory.

MicroPython calls one handler for everything, from the task of the stack, while Python stands still between two steps. What the
handler does must be short, must not raise (it would never be called again), must copy what it keeps, and must not touch the loop.
So it puts what it is told into short lists and raises a flag; `_run` takes them out in the loop. Where the lists are full, or
memory is, something is let go that shows: an advertisement is counted as dropped, a connection is ended, never a value left out
of one that goes on. Source: MicroPython 1.28, extmod/modbluetooth.c, extmod/nimble/modbluetooth_nimble.c. Portable.

Scanning and connecting exclude each other on this stack: a connection that is begun ends the scan, and while it waits nobody is
heard, an alarm neither. So it is begun only towards a peripheral that has just been heard, for `DIAL_MS` at most, and the scan
goes on in between.
"""

import asyncio

from hal.errors import TimedOutError, UnavailableError
from hal.esp32.ble_connection import BoardConnection
from hal.esp32.ble_events import (
    CONNECTED,
    DISCONNECTED,
    ENCRYPTED,
    GET_SECRET,
    GUEST_CONNECTED,
    GUEST_GONE,
    GUEST_WROTE,
    KEPT,
    NOBODY,
    SCAN_DONE,
    SCAN_RESULT,
    SET_SECRET,
    kept,
)
from hal.esp32.ble_guests import Guests
from hal.esp32.ble_waits import Answer, Deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.esp32.ble_bonds import BondStore
    from hal.esp32.ble_events import Ears, Flag, Host
    from hal.interfaces import Clock

INTERVAL_US = WINDOW_US = 30_000  # listening without a pause
MOST_EVENTS = 320  # that wait for the loop
MOST_OF_ONE = 64  # of one connection; there are four at most
DIAL_MS = 2_000
HANG_UP_MS, LOOK_MS = 5_000, 20  # for connections that end before services are taken
MOST_SHORT = 10  # lacks of memory in a row: what is in hand will not be taken, and nothing behind it
LATE_MS = 500  # after which a stack that was to give up by itself is told to
NO_ADAPTER = "no Bluetooth adapter: check that it is plugged in"


class BoardRadio:
    """One `bluetooth.BLE`. `bonds` has been loaded; `flag` is an `asyncio.ThreadSafeFlag`.

    short: how often memory was missing in the handler; each time all connections were ended.
    """

    def __init__(self, ble: "Any", clock: "Clock", bonds: "BondStore", flag: "Flag") -> None:
        self.ble = ble
        self.clock = clock
        self.bonds = bonds
        self.short = 0
        self.dialling = asyncio.Lock()
        self.discovering = asyncio.Lock()
        self.pairing = asyncio.Lock()
        self._flag = flag
        self._events: "list[tuple[int, Any]]" = []
        self._is_full = False
        self._links: "dict[int, BoardConnection]" = {}
        self._dial: "Answer | None" = None
        self._dialled = b""
        self._limit = 0
        self._awaited: "dict[bytes, list[Answer]]" = {}
        self._ears: "Ears | None" = None
        self.host: "Host | None" = None
        self.guests = Guests(ble, clock)
        self._is_still = False  # nothing may be under way just now
        self._scans: "bool | None" = None  # how the stack scans now: actively or not, or not at all
        self._ending = 0  # scans that we ended and whose end is not told yet
        self._task: "asyncio.Task[None] | None" = None
        self._handler = self._interrupt  # one object, made before memory is short

    # --- the stack is there -------------------------------------------------------------------------------------------

    async def ready(self) -> None:
        """See that the stack runs and is heard. Raises UnavailableError."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        try:
            if not self.ble.active():
                self._scans, self._ending = None, 0
                self.guests.forget()
                self.ble.active(True)
            self.ble.irq(self._handler)  # again each time: the driver forgets a handler that raised
        except OSError as error:
            raise UnavailableError(NO_ADAPTER, str(error))

    async def stop(self) -> None:
        """Switch the radio off."""
        self._lose("the radio was switched off")
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                pass
        try:
            self.ble.irq(None)
            self.ble.active(False)
        except OSError:
            pass

    # --- scanning -----------------------------------------------------------------------------------------------------

    def listen(self, ears: "Ears") -> None:
        """Hand what is heard to `ears` from now on. Raises UnavailableError."""
        self._ears = ears
        self.scan()

    def unlisten(self, ears: "Ears") -> None:
        """Hand nothing to `ears` any more."""
        if self._ears is ears:
            self._ears = None
            self._scan_quietly()

    def _scan_quietly(self) -> None:
        """The same where nobody can be told: whoever scans is told by the end of its own scan."""
        try:
            self.scan()
        except UnavailableError:
            pass

    def scan(self) -> None:
        """Scan as is wanted now: for the scanner, for whoever waits to connect; not while a connection is begun."""
        wanted: "bool | None" = None
        if self._dial is None and not self._is_still and (self._ears is not None or self._awaited):
            wanted = self._ears is not None and self._ears.is_active
        if wanted == self._scans:
            return
        try:
            if self._scans is not None:
                self._scans = None
                self.ble.gap_scan(None)
                self._ending += 1
            if wanted is not None:
                self.ble.gap_scan(0, INTERVAL_US, WINDOW_US, wanted)
                self._scans = wanted
        except OSError as error:
            raise UnavailableError(NO_ADAPTER, str(error))

    async def heard(self, address: bytes, deadline: "Deadline") -> int:
        """Wait until a peripheral is heard that can be connected to; the type of its address.

        Raises TimedOutError, UnavailableError.
        """
        answer = Answer()
        self._awaited.setdefault(address, []).append(answer)
        try:
            self.scan()
            found: int = await answer.within(deadline)
            return found
        finally:
            waiting = self._awaited.get(address, [])
            if answer in waiting:
                waiting.remove(answer)
            if not waiting:
                self._awaited.pop(address, None)
            self._scan_quietly()

    # --- connecting ---------------------------------------------------------------------------------------------------

    async def dial(
        self, address: bytes, address_type: int, limit: int, deadline: "Deadline"
    ) -> BoardConnection:
        """One attempt to connect, `DIAL_MS` at most. Raises TimedOutError, UnavailableError."""
        async with self.dialling:
            within_ms = min(DIAL_MS, deadline.left_ms())
            if within_ms <= 0:
                raise TimedOutError("no time is left")
            self._dial, self._dialled, self._limit = Answer(), address, limit
            try:
                self.scan()
                self.ble.gap_connect(address_type, address, within_ms)
                made: BoardConnection = await self._dial.within(Deadline(self.clock, within_ms + LATE_MS))
                return made
            except OSError as error:
                raise UnavailableError("the radio takes no more connections: try again", str(error))
            finally:
                is_open = not self._dial.done
                self._dial = None
                if is_open:
                    self._hang_up_dial()
                self._scan_quietly()

    def _hang_up_dial(self) -> None:
        try:
            self.ble.gap_connect(None)
        except OSError:
            pass  # it has just come about, and is let go when its event is taken

    # --- serving ------------------------------------------------------------------------------------------------------

    async def register(self, name: str, services: "Any") -> "Any":
        """Handles of services that are served from now on, one table under each name. Raises UnavailableError.

        The stack takes them only while nothing is under way: connections end, and whoever has them begins them anew; nobody is
        heard for a moment. So a table is taken once, and one that was refused not again for a while.
        """
        known = self.guests.table(name)
        if known is not None:
            return known
        async with self.dialling:
            deadline = Deadline(self.clock, HANG_UP_MS)
            for link in list(self._links.values()):
                link.let_go("the radio was needed for another service")
            while self._links and deadline.left_ms():
                await self.clock.sleep_ms(LOOK_MS)
            self._is_still = True
            try:
                self.scan()
                return self.guests.register(name, services)
            finally:
                self._is_still = False
                self._scan_quietly()

    # --- the interrupt ------------------------------------------------------------------------------------------------

    def _interrupt(self, event: int, data: "tuple[Any, ...]") -> "Any":
        """All that the driver says. Never raises."""
        try:
            return self._told(event, data)
        except MemoryError:
            self._is_full = True
            self.short += 1
            self._flag.set()
        return None

    def _told(self, event: int, data: "tuple[Any, ...]") -> "Any":
        if event == SCAN_RESULT:
            address = bytes(data[1])
            if address in self._awaited or (self._ears is not None and self._ears.wants(address)):
                self._hear(address, data)
            self._flag.set()
            return None
        if event == GET_SECRET:
            return self.bonds.get(data[0], data[1], None if data[2] is None else bytes(data[2]))
        if event == SET_SECRET:
            value = None if data[2] is None else bytes(data[2])
            return self.bonds.set(data[0], bytes(data[1]), value)
        if event in KEPT:
            link = self._links.get(data[0])
            if link is not None and link.waiting >= MOST_OF_ONE:
                link.is_flooded = True
            elif len(self._events) < MOST_EVENTS:
                if link is not None:
                    link.waiting += 1
                self._events.append((event, kept(data)))
            else:
                self._is_full = True
            self._flag.set()
        elif event == GUEST_WROTE:
            self.guests.wrote(data[0], data[1], self._events)
            self._flag.set()
        elif event in (SCAN_DONE, CONNECTED, DISCONNECTED, GUEST_CONNECTED, GUEST_GONE):
            self._events.append((event, kept(data)))  # as many as there are connections
            self._flag.set()
        return None

    def _hear(self, address: bytes, data: "tuple[Any, ...]") -> None:
        if self._ears is not None and self._ears.wants(address):
            self._ears.heard(address, data[2], data[3], bytes(data[4]))
        if address in self._awaited and data[2] in (0, 1) and len(self._events) < MOST_OF_ONE:
            self._events.append((SCAN_RESULT, (address, data[0])))

    # --- the loop -----------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Take what the interrupt has left, until memory was missing `MOST_SHORT` times in a row."""
        in_a_row = 0
        while in_a_row < MOST_SHORT:
            try:
                await self._flag.wait()
                self._take()
                in_a_row = 0
            except MemoryError:
                self._is_full = True
                self.short += 1
                in_a_row += 1
        if self._ears is not None:
            self._ears.starve()
        self._lose("memory is short")

    def _take(self) -> None:
        """Everything that waits, in its order."""
        if self._ears is not None:
            self._ears.take()
        while self._events:
            event, data = self._events.pop(0)
            if event == GUEST_WROTE:
                self.guests.took(data[2])
            if event == SCAN_RESULT:
                for answer in self._awaited.get(data[0], []):
                    answer.give(data[1])
            elif event == SCAN_DONE:
                self._scan_ended()
            elif event == CONNECTED:
                self._connected(data)
            elif event == DISCONNECTED:
                self._disconnected(data)
            elif (
                data[0] in self._links and event != GUEST_WROTE
            ):  # devices may write to us; nobody asked them to
                self._links[data[0]].taken(event, data)
            elif event in (GUEST_CONNECTED, GUEST_GONE, GUEST_WROTE, ENCRYPTED):
                self._guest(event, data)
        flooding, self.guests.flooding = self.guests.flooding, None
        if flooding is not None:
            self.hang_up(flooding)
        is_full, self._is_full = self._is_full, False
        if is_full and self.host is not None:
            self.host.lose("more came in than there is memory for")
        for link in list(self._links.values()):
            if is_full:
                link.let_go("more came in than there is memory for")
            elif link.is_flooded:
                link.let_go("notifications overflowed: the reader is too slow")

    def _guest(self, event: int, data: "tuple[Any, ...]") -> None:
        """Somebody has connected to us, or does something there."""
        if self.host is not None:
            self.host.taken(event, data)
        elif event == GUEST_CONNECTED:
            self.hang_up(data[0])

    def _scan_ended(self) -> None:
        """A scan ends because it was to, or because the radio is gone."""
        if self._ending:
            self._ending -= 1  # we ended it, and another may run by now
            return
        self._scans = None
        try:
            self.scan()
        except UnavailableError as error:
            self._lose(error.detail)

    def _connected(self, data: "tuple[Any, ...]") -> None:
        handle, address_type, address = data
        if self._dial is None or self._dial.done or address != self._dialled:
            self.hang_up(handle)  # too late, or nobody's
            return
        link = BoardConnection(self, address, address_type, handle, self._limit)
        self._links[handle] = link
        self._dial.give(link)

    def _disconnected(self, data: "tuple[Any, ...]") -> None:
        if data[1] == NOBODY:
            if self._dial is not None:
                self._dial.fail(TimedOutError("the peripheral did not take the connection"))
            return
        link = self._links.pop(data[0], None)
        if link is not None:
            link.lose("")

    def hang_up(self, handle: int) -> None:
        """End a connection; its event tells when it has ended."""
        try:
            self.ble.gap_disconnect(handle)
        except OSError:  # it has ended, or the radio has
            link = self._links.pop(handle, None)
            if link is not None:
                link.lose("")

    def _lose(self, detail: str) -> None:
        """The radio is gone: everything that waits on it ends."""
        error = UnavailableError(NO_ADAPTER, detail)
        for answers in list(self._awaited.values()):
            for answer in answers:
                answer.fail(error)
        if self._dial is not None:
            self._dial.fail(error)
        ears, self._ears = self._ears, None
        if ears is not None:
            ears.lose(detail)
        if self.host is not None:
            self.host.lose(detail)
        links, self._links = self._links, {}
        for link in links.values():
            link.lose(detail)
