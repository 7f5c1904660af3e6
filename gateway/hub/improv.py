"""Improv Wi-Fi: whoever stands at the gateway gives it a network. What is asked, when it may be, and what becomes of it.

Closed unless a person opened it, for minutes. In the window a client may ask what this is and have it shown; for a scan and for
Wi-Fi itself the button must have been pressed within the last minute, and over Bluetooth the link is encrypted besides. A network
that let us in ends the window. Neither its name nor its password is kept here, logged, or in an error.

The ways in are `improv_line` (serial) and `improv_air` (Bluetooth), which may be served at once.
"""

import asyncio

from gateway.core import improv
from gateway.core.errors import DecodeError
from gateway.hub.waking import Wake
from hal.errors import HalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.improv import Message
    from gateway.hub.recorder import Log
    from hal.interfaces import Clock
    from hal.provisioning import Wifi
    from hal.types import WifiSeen

    Strings = list[str]

WINDOW_MS = 15 * 60_000
AUTHORISED_MS = 60_000  # after a press of the button; the specification suggests a minute
AFTER_MS = 10_000  # so long a client may still read that it worked
JOIN_MS = 30_000
CAPABILITIES = improv.CAN_IDENTIFY | improv.CAN_INFO | improv.CAN_SCAN
CLOSED = 0  # our own state: nobody is served


class Improv:
    """The service. info: firmware, version, chip, name of the device. identify: shows a person which box is meant.

    on_change: called after state or error changed. finished: how many networks let us in.
    """

    def __init__(
        self,
        wifi: "Wifi",
        clock: "Clock",
        info: "Strings",
        log: "Log",
        identify: "Callable[[], None]",
    ) -> None:
        self.wifi, self.clock, self.info, self.log, self.identify = wifi, clock, info, log, identify
        self.state = CLOSED
        self.error = improv.NO_ERROR
        self.on_change: "list[Callable[[], None]]" = []
        self.finished = 0
        self.until_ms = 0  # end of the window
        self.authorised_until_ms = 0
        self.busy = asyncio.Lock()
        self.wake = Wake(clock)

    # --- the person at the gateway --------------------------------------------------------------------------------

    def open(self, window_ms: int = WINDOW_MS) -> None:
        """Open the window, anew where it is open."""
        self.until_ms = self.clock.uptime_ms() + window_ms
        if self.state in (CLOSED, improv.PROVISIONED):
            self.become(improv.UNAUTHORISED)
        self.wake.call()

    def press(self) -> bool:
        """The button: for a minute Wi-Fi may be sent. False where no window is open."""
        if self.state not in (improv.UNAUTHORISED, improv.AUTHORISED):
            return False
        self.authorised_until_ms = min(self.until_ms, self.clock.uptime_ms() + AUTHORISED_MS)
        self.become(improv.AUTHORISED)
        self.wake.call()
        return True

    def close(self) -> None:
        """Serve nobody."""
        self.become(CLOSED)
        self.wake.call()

    async def run(self) -> None:
        """Let time end what it should, until the window is closed. What is being joined is waited for."""
        while self.state != CLOSED:
            due: "int | None" = self.until_ms
            if self.state == improv.AUTHORISED:
                due = min(self.until_ms, self.authorised_until_ms)
            elif self.state == improv.PROVISIONING:
                due = None  # what is being joined ends by itself, and calls
            await self.wake.wait(due)
            self.look()

    def look(self) -> None:
        """What has run out by now."""
        now_ms = self.clock.uptime_ms()
        if self.state == improv.PROVISIONING:
            return  # it is waited for, even past the end of the window
        if self.state != CLOSED and now_ms >= self.until_ms:
            self.become(CLOSED)
        elif self.state == improv.AUTHORISED and now_ms >= self.authorised_until_ms:
            self.become(improv.UNAUTHORISED)

    # --- the client ------------------------------------------------------------------------------------------------

    async def ask(self, message: "Message") -> "list[Strings] | None":
        """Do what was asked; the results, or None where `error` says why there is none. One after the other."""
        async with self.busy:
            self.look()
            try:
                answer = await self.answer(message)
            except DecodeError as error:
                self.log("warning", "An Improv command was refused.", part="improv", cause=error.reason)
                answer = improv.INVALID
            if isinstance(answer, int):
                self.fail(answer)
                return None
            self.fail(improv.NO_ERROR)
            return answer

    async def answer(self, message: "Message") -> "list[Strings] | int":
        """Results, or the error. Raises DecodeError."""
        command = message.command
        if self.state == CLOSED:
            return improv.NOT_AUTHORISED
        if command == improv.WIFI:
            return await self.provision(message.data)
        if command not in (improv.IDENTIFY, improv.INFO, improv.SCAN):
            return improv.UNKNOWN_COMMAND
        if message.data:
            raise DecodeError("Improv: this command takes no data", 2)
        if command == improv.IDENTIFY:
            self.identify()
            return []
        if command == improv.INFO:
            return [self.info]
        if self.state != improv.AUTHORISED:
            return improv.NOT_AUTHORISED
        return await self.networks()

    async def networks(self) -> "list[Strings] | int":
        """What is in reach, the strongest first."""
        try:
            seen = await self.wifi.scan()
        except HalError as error:
            self.log("warning", "Wi-Fi cannot be searched for.", part="improv", cause=error.message)
            return improv.UNKNOWN
        return [strings_of(each) for each in seen]

    async def provision(self, data: bytes) -> "list[Strings] | int":
        """Join what was sent. Raises DecodeError, which holds nothing of it."""
        if self.state != improv.AUTHORISED:
            return improv.NOT_AUTHORISED
        ssid, password = improv.decode_wifi(data)
        joined = False
        self.become(improv.PROVISIONING)
        try:
            await self.wifi.join(ssid, password, timeout_ms=JOIN_MS)
            joined = True
        except HalError as error:
            # only our own words: what the system adds may hold the network's name
            self.log("warning", "The network was not joined.", part="improv", cause=error.message)
        finally:
            if not joined:
                self.again()
        if not joined:
            return improv.NO_CONNECTION
        self.finished += 1
        self.log("info", "A Wi-Fi network was joined.", part="improv")
        if self.state != CLOSED:  # by somebody, meanwhile
            self.until_ms = self.clock.uptime_ms() + AFTER_MS
            self.become(improv.PROVISIONED)
        self.wake.call()
        return []

    def again(self) -> None:
        """It did not come about: whoever pressed the button may try again, for another minute."""
        if self.state == CLOSED:
            return
        self.authorised_until_ms = min(self.until_ms, self.clock.uptime_ms() + AUTHORISED_MS)
        self.become(improv.AUTHORISED)
        self.wake.call()

    # --- what clients see ------------------------------------------------------------------------------------------

    def become(self, state: int) -> None:
        """Another state."""
        if state != self.state:
            self.state = state
            self.tell()

    def fail(self, error: int) -> None:
        """The error of the last command."""
        if error != self.error:
            self.error = error
            self.tell()

    def tell(self) -> None:
        """Whoever serves a client shows it."""
        for call in self.on_change:
            call()


def strings_of(seen: "WifiSeen") -> "Strings":
    """A network as a scan tells it: name, strength, whether it asks for a password."""
    return [seen.ssid, str(seen.rssi_dbm), "YES" if seen.protected else "NO"]


def together(results: "list[Strings]") -> "Strings":
    """Results as one, which Bluetooth wants: as many, from the first on, as fit."""
    fitting: "Strings" = []
    size = 0
    for result in results:
        size += sum(1 + len(text.encode()) for text in result)
        if size > improv.LONGEST_DATA:
            break
        fitting.extend(result)
    return fitting
