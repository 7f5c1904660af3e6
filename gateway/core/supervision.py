"""Silence: every device has an interval; three of its own without a word is a technical fault (F9).

A fault of the device, never an alarm of the person (DESIGN.md 1): `device.silent` and `device.back` travel in
the technical lane.
"""

INTERVALS = 3


class Watched:
    """One device under supervision; times are uptime in ms."""

    __slots__ = ("heard_ms", "interval_ms", "silent")

    def __init__(self, interval_ms: int, heard_ms: int, silent: bool) -> None:
        self.interval_ms = interval_ms
        self.heard_ms = heard_ms
        self.silent = silent

    def due_ms(self) -> "int | None":
        """When it counts as silent unless it is heard before."""
        return None if self.silent or self.interval_ms <= 0 else self.heard_ms + INTERVALS * self.interval_ms


class Supervision:
    """Who was heard when. A device that was silent before a restart is silent until it is heard."""

    def __init__(self) -> None:
        self.devices: "dict[int, Watched]" = {}

    def watch(self, placement: int, interval_ms: int, now_ms: int, silent: bool) -> None:
        """Begin to watch; the first interval counts from now."""
        self.devices[placement] = Watched(interval_ms, now_ms, silent)

    def heard(self, placement: int, now_ms: int) -> bool:
        """The device spoke; True where it had been silent."""
        watched = self.devices.get(placement)
        if watched is None:
            return False
        watched.heard_ms = now_ms
        was_silent, watched.silent = watched.silent, False
        return was_silent

    def due(self, now_ms: int) -> "list[tuple[int, Watched]]":
        """Devices that have now been silent for three intervals; each is named once."""
        found = []
        for placement in sorted(self.devices):
            watched = self.devices[placement]
            at = watched.due_ms()
            if at is not None and now_ms >= at:
                watched.silent = True
                found.append((placement, watched))
        return found

    def next_due_ms(self) -> "int | None":
        """Uptime in ms at which the next device would count as silent."""
        times = [at for at in [watched.due_ms() for watched in self.devices.values()] if at is not None]
        return min(times) if times else None
