"""A door that opens at night (D7): a window in local time that may cross midnight, judged offline.

An unknown clock counts as inside the window, and the event says so (provenance 4): at 02:00 after a power cut
an alarm too many is better than a resident unseen. The door's own `door.opened` is recorded all the same.

What is open is a contact, not a sensor: where one sensor has several (`part`), each has its own exit, its own return and
its own incident. A window that is closed must never tell that whoever went out by the door is back.
"""

from gateway.core import cbor
from gateway.core.model import WINDOW_ASSUMED, Event
from gateway.core.rules.engine import Moment, Rule
from gateway.core.timezone import in_window, local_minutes

STATE = "night."
UNNAMED = 1  # kept by 0.1 before contacts were told apart: some contact of the sensor is out


class NightWindow(Rule):
    """`door.night_exit` when a contact opens inside the window, `door.night_return` when that one closes after it.

    begin, end: minutes of the local day; zone: IANA name. kept: what `changes` gave before a restart: the contacts
    that are out, by part, as CBOR; `UNNAMED`, alone or before them, ends with whichever contact closes first. Several
    windows of one door (`also`) are one rule, with one exit and one return.
    """

    def __init__(
        self, placement: int, rule_id: bytes, begin: int, end: int, zone: str, kept: "bytes | None" = None
    ) -> None:
        super().__init__(placement, rule_id)
        self.windows = [(begin, end)]
        self.zone = zone
        out: object = cbor.decode(kept) if kept is not None else []
        if out == UNNAMED:
            out = [UNNAMED, ""]
        assert isinstance(out, list)
        self.unnamed = out[:1] == [UNNAMED]
        self.out: "list[str]" = out[1:] if self.unnamed else out
        self.told_last: "Event | None" = None  # the last exit, for rules that go on from it

    def also(self, begin: int, end: int) -> None:
        """Another window of the same door."""
        self.windows.append((begin, end))

    def observe(self, event: Event, moment: Moment) -> "list[Event]":
        """Follow the contacts."""
        part = str(event.values.get("part", ""))
        if event.kind == "door.opened":
            assumed = self.assumed(moment)
            if not assumed and not self.inside(moment.utc_ms or 0):
                return []
            if part not in self.out:
                self.note(sorted([part] + self.out))
            self.told_last = self.told("door.night_exit", moment, part, event.provenance | assumed)
            return [self.told_last]
        if event.kind != "door.closed":
            return []
        back = [name for name in self.out if name == part or (self.unnamed and name == "")]
        if back:
            self.unnamed = False
            self.note([name for name in self.out if name not in back])
        return [self.told("door.night_return", moment, name, event.provenance) for name in back]

    def assumed(self, moment: Moment) -> int:
        """The provenance of what is told now: 4 where the clock is unknown and the window is assumed."""
        return WINDOW_ASSUMED if moment.utc_ms is None else 0

    def exit_of(self, opened: Event) -> Event:
        """The exit that was told of an opening just now, else the opening itself: whose incident goes on from it."""
        told = self.told_last
        if told is None or told.boot != opened.boot or told.uptime_ms != opened.uptime_ms:
            return opened
        return told if told.values.get("part", "") == opened.values.get("part", "") else opened

    def inside(self, utc_ms: int) -> bool:
        """Whether the local time of `utc_ms` lies in a window."""
        minute = local_minutes(utc_ms, self.zone)[1]
        return any([in_window(minute, begin, end) for begin, end in self.windows])

    def told(self, kind: str, moment: Moment, part: str, provenance: int) -> Event:
        """An event of one contact, named as the device names it."""
        return self.made(kind, moment, {"part": part} if part else {}, provenance)

    def note(self, out: "list[str]") -> None:
        """Remember across a restart which contacts wait for their return."""
        self.out = out
        kept: "list[object]" = [UNNAMED] if self.unnamed else []
        self.changes[STATE + str(self.placement)] = cbor.encode(kept + out) if out else None
