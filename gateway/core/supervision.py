"""Silence: every device has an interval; three of its own without a word is a technical fault (F9).

The interval is configured, or the driver's own, or learned (`rhythm.py`). A sensor that may be a smoke detector and was
never heard at all is silent after a day, whatever else is known of it: nobody else would tell that it is not there.
A fault of the device, never an alarm of the person (DESIGN.md 1): `device.silent` and `device.back` travel in
the technical lane.
"""

from gateway.core import cbor
from gateway.core.link_quality import LinkQuality
from gateway.core.rhythm import Rhythm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INTERVALS = 3
NEVER_HEARD_MS = 86_400_000
# How long a device is watched before its rhythm is believed. One that speaks only when something happens follows the
# people of the home: less than a day and a night of them says nothing.
BY_ITSELF_MS, BY_EVENTS_MS = 3_600_000, 86_400_000
KEEP_MS = 3_600_000  # how often what was learned is stored, and the least silence that is


class Watched:
    """One device under supervision; times are uptime in ms. `given_ms` is its interval where one is given, else 0.

    heard_ms: when it was last heard, or before the first word when it began to be watched; a silence that began before
    a restart goes on.
    """

    __slots__ = (
        "by_events",
        "by_itself",
        "given_ms",
        "heard_ever",
        "heard_ms",
        "kept",
        "learned_ms",
        "must_speak",
        "silent",
    )

    def __init__(
        self, given_ms: int, now_ms: int, silent: bool, must_speak: bool = False, kept: "bytes | None" = None
    ) -> None:
        row: "Any" = cbor.decode(kept) if kept is not None else [False, 0, None, None]
        self.given_ms = given_ms
        self.silent = silent
        self.must_speak = must_speak
        self.kept = kept
        self.heard_ever: bool = row[0]
        self.by_itself, self.by_events = Rhythm(row[2]), Rhythm(row[3])
        self.learned_ms = self.learn()
        # What it may have said while the hub did not run is not held against it: at least one interval is left.
        limit_ms = self.limit_ms()
        self.heard_ms: int = now_ms - min(row[1], limit_ms - limit_ms // INTERVALS)

    @property
    def own_interval_ms(self) -> int:
        """The interval that the device keeps by itself, 0 where it speaks only when a person makes it."""
        return self.given_ms or self.by_itself.interval_ms(BY_ITSELF_MS)

    @property
    def follows_people(self) -> bool:
        """Whether only people are known to make it speak: its silence is theirs. One that was never heard follows nobody."""
        return self.heard_ever and self.own_interval_ms == 0

    @property
    def interval_ms(self) -> int:
        """The interval by which silence is judged, or 0 where none is known."""
        return self.given_ms or self.learned_ms

    def learn(self) -> int:
        """The interval learned, or 0."""
        return self.by_itself.interval_ms(BY_ITSELF_MS) or self.by_events.interval_ms(BY_EVENTS_MS)

    def limit_ms(self) -> int:
        """How long it may be without a word, or 0 where nobody can say."""
        if self.interval_ms > 0:
            return INTERVALS * self.interval_ms
        return NEVER_HEARD_MS if self.must_speak and not self.heard_ever else 0

    def heard(self, now_ms: int, triggered: bool) -> None:
        """It spoke; `triggered` where something happened to it and it did not speak by itself."""
        if not self.given_ms:
            self.by_events.heard(now_ms, self.silent)
            if not triggered:
                self.by_itself.heard(now_ms, self.silent)
            self.learned_ms = self.learn()
        self.heard_ms, self.heard_ever, self.silent = now_ms, True, False

    def due_ms(self) -> "int | None":
        """When it counts as silent unless it is heard before."""
        limit_ms = self.limit_ms()
        return None if self.silent or limit_ms <= 0 else self.heard_ms + limit_ms

    def keep(self, now_ms: int) -> "bytes | None":
        """What a restart takes up, where that is news; None where not, or where its interval is given."""
        if self.given_ms:
            return None
        quiet_ms = 0 if self.silent else min(now_ms - self.heard_ms, self.limit_ms())
        row = [self.heard_ever, quiet_ms // KEEP_MS * KEEP_MS, self.by_itself.keep(), self.by_events.keep()]
        kept = cbor.encode(row)
        if kept == self.kept:
            return None
        self.kept = kept
        return kept


class Supervision:
    """Who was heard when. A device that was silent before a restart is silent until it is heard."""

    def __init__(self) -> None:
        self.devices: "dict[int, Watched]" = {}
        self.links: "dict[int, LinkQuality]" = {}

    def watch(
        self,
        placement: int,
        given_ms: int,
        now_ms: int,
        silent: bool,
        must_speak: bool = False,
        kept: "bytes | None" = None,
        weak: bool = False,
    ) -> None:
        """Begin to watch; the first interval counts from now. `weak`: a weak link was reported and has not become good."""
        self.devices[placement] = Watched(given_ms, now_ms, silent, must_speak, kept)
        self.links[placement] = LinkQuality(weak)

    def heard(self, placement: int, now_ms: int, triggered: bool = False) -> bool:
        """The device spoke; True where it had been silent."""
        watched = self.devices.get(placement)
        if watched is None:
            return False
        was_silent = watched.silent
        watched.heard(now_ms, triggered)
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

    def keep(self, now_ms: int) -> "dict[int, bytes]":
        """What is to be stored of each placement of which something was learned, or which has been quiet for long."""
        kept = {}
        for placement in sorted(self.devices):
            item = self.devices[placement].keep(now_ms)
            if item is not None:
                kept[placement] = item
        return kept
