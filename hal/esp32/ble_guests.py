"""What a board's radio keeps of those that connect to it: their writes until the loop takes them, and the table that they find. Portable.

Anybody in reach may be a guest while a service is served. So what a guest does has a room of its own, and where that ends it is the
guest that goes, and no connection of the home.
"""

from hal.errors import UnavailableError
from hal.esp32.ble_events import GUEST_WROTE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.interfaces import Clock

MOST_WRITES, MOST_BYTES = (
    16,
    1_024,
)  # between the interrupt and the loop: a command in packets of 20 bytes is 13
REFUSED_MS = (
    900_000  # in which a table that the stack refused is not tried again: each try ends all connections
)
NOT_TAKEN = "the radio did not take the service: use the cable, or try again in a quarter of an hour"


class Guests:
    """Of one radio. flooding: whoever wrote more than there is room for."""

    def __init__(self, ble: "Any", clock: "Clock") -> None:
        self.flooding: "int | None" = None
        self._ble, self._clock = ble, clock
        self._writes = self._bytes = 0
        self._tables: "dict[str, Any]" = {}
        self._refused_ms: "int | None" = None

    def wrote(self, guest: int, handle: int, events: "list[tuple[int, Any]]") -> None:
        """In the interrupt: put into `events` what it wrote, which its next write overwrites. Never raises."""
        try:
            value = bytes(self._ble.gatts_read(handle))
            if self._writes < MOST_WRITES and self._bytes + len(value) <= MOST_BYTES:
                events.append((GUEST_WROTE, (guest, handle, value)))
                self._writes += 1
                self._bytes += len(value)
                return
        except (MemoryError, OSError):
            pass
        self.flooding = guest

    def took(self, value: bytes) -> None:
        """The loop has taken one of its writes."""
        self._writes -= 1
        self._bytes -= len(value)

    def table(self, name: str) -> "Any":
        """Handles of a table that the stack has; None where it has none. Raises UnavailableError: it refused one a short time ago."""
        now_ms = self._clock.uptime_ms()
        if self._refused_ms is not None and now_ms - self._refused_ms < REFUSED_MS:
            raise UnavailableError(NOT_TAKEN, "it was refused a short time ago")
        return self._tables.get(name)

    def register(self, name: str, services: "Any") -> "Any":
        """Handles of a table that takes the place of any other. Raises UnavailableError."""
        try:
            found = self._ble.gatts_register_services(services)
        except OSError as error:
            self._refused_ms = self._clock.uptime_ms()
            raise UnavailableError(NOT_TAKEN, str(error))
        self._tables, self._refused_ms = {name: found}, None
        return found

    def forget(self) -> None:
        """The stack is started anew, and has no table."""
        self._tables, self._refused_ms = {}, None
