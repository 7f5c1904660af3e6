"""The signal walk: how well the gateway hears from a room, by the receptions of a device that is carried there.

Signal strength swings by ten decibels with every person and door in its way (`gateway.core.link_quality`), so some seconds of
receptions are taken, the median says how it is and the lowest what to expect on a bad day.
"""

from gateway.core.link_quality import GOOD_DBM, LEAST_DBM, MOST_DBM, WEAK_DBM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.hub.devices import Device

LEAST_MS, MOST_MS = 5_000, 20_000  # how long it is listened, and for how long where little is heard
ENOUGH = 3  # receptions
MOST = 256  # receptions of one device that are kept
GOOD, WEAK, LOST = 0, 1, 2
NAMES = ("good", "weak", "lost")


class Walk:
    """One room. `room` is where the technician stands, `device` the name of what is carried, or "" for whichever is strongest."""

    def __init__(self, room: str, device: str, now_ms: int) -> None:
        self.room = room
        self.device = device
        self.begin_ms = now_ms
        self.heard: "dict[str, list[int]]" = {}
        self.rooms: "dict[str, str | None]" = {}

    def hear(self, device: "Device", rssi_dbm: int) -> None:
        """One reception of a device of the home."""
        name = device.config.name
        if not LEAST_DBM <= rssi_dbm <= MOST_DBM or (self.device and name != self.device):
            return
        self.rooms[name] = device.config.room
        levels = self.heard.setdefault(name, [])
        if len(levels) < MOST:
            levels.append(rssi_dbm)

    def is_over(self, now_ms: int) -> bool:
        """Whether enough was heard, or it has been listened for long enough."""
        long_ms = now_ms - self.begin_ms
        enough = any([len(levels) >= ENOUGH for levels in self.heard.values()])
        return long_ms >= MOST_MS or (long_ms >= LEAST_MS and enough)

    def result(self) -> "tuple[str, int, int, int]":
        """(device, median, lowest, verdict); a device that belongs to the room goes before one that is carried through it."""
        best, chosen = None, ""
        for name in sorted(self.heard):
            rank = (self.rooms[name] == self.room, median(self.heard[name]))
            if best is None or rank > best:
                best, chosen = rank, name
        if not chosen:
            return self.device, LEAST_DBM, LEAST_DBM, LOST
        middle, lowest = median(self.heard[chosen]), min(self.heard[chosen])
        return chosen, middle, lowest, GOOD if middle >= GOOD_DBM and lowest > WEAK_DBM else WEAK


def median(levels: "list[int]") -> int:
    """The middle one; of two the lower."""
    return sorted(levels)[(len(levels) - 1) // 2]
