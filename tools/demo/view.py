"""The live view: what arrived verified, newest last, and what happens meanwhile."""

import collections
import datetime as dt
from typing import Any, Self
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tools.demo import words

WIDE = 110  # columns that six columns of the table need
LANE_STYLES = ("bold white on red", "bold yellow", "magenta", "cyan", "dim")


def when(event: dict[str, Any], zone: dt.tzinfo) -> str:
    """Time of day in the home, as well as it is known."""
    utc_ms = event.get("utc_ms")
    return (
        "--:--:--" if utc_ms is None else dt.datetime.fromtimestamp(utc_ms / 1000, zone).strftime("%H:%M:%S")
    )


def shown_values(event: dict[str, Any], between: str = ", ") -> str:
    """Values by name, short."""
    return between.join(f"{name}={item}" for name, item in event["values"].items())


class Plain:
    """For a terminal that is none: one line an event."""

    def __init__(self, language: str, zone: dt.tzinfo) -> None:
        self.language = language
        self.zone = zone
        self.lanes = words.say(language, "lanes").split(",")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        return None

    def event(self, event: dict[str, Any]) -> None:
        """One verified event."""
        said = words.told(self.language, event)
        values = shown_values(event)
        print(
            f"{when(event, self.zone)}  {self.lanes[event['lane']]:<11} {event['seq']:>5}  {event['device']:<20} {said}  {values}",
            flush=True,
        )

    def note(self, text: str) -> None:
        """What happens in the home."""
        print(f"          · {text}", flush=True)


class Screen:
    """A table that grows at the bottom, notes beneath it."""

    def __init__(self, language: str, zone: dt.tzinfo, console: Console) -> None:
        self.language = language
        self.zone = zone
        self.lanes = words.say(language, "lanes").split(",")
        self.headings = words.say(language, "headings").split(",")
        self.console = console
        self.count = 0
        self.events: collections.deque[dict[str, Any]] = collections.deque(
            maxlen=max(5, console.size.height - 12)
        )
        self.notes: collections.deque[str] = collections.deque(maxlen=4)
        self.live = Live(self.render(), console=console, auto_refresh=False)

    def __enter__(self) -> Self:
        self.live.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.live.stop()

    def render(self) -> Group:
        """The whole view."""
        title = words.say(self.language, "title", events=words.counted(self.language, "events", self.count))
        is_narrow = self.console.size.width < WIDE
        time, lane, seq, device, said, values = self.headings
        headings = [time, device, said] if is_narrow else [time, lane, seq, device, said, values]
        table = Table(title=title, expand=True, title_justify="left")
        if is_narrow:
            table.box, table.pad_edge, table.padding = None, False, (0, 1, 0, 0)
        for heading in headings:
            is_last = heading == headings[-1]
            table.add_column(heading, no_wrap=True, ratio=1 if is_last else None, overflow="ellipsis")
        for event in self.events:
            table.add_row(*self.cells(event, is_narrow=is_narrow), style=LANE_STYLES[event["lane"]])
        return Group(table, *(Text("· " + note, style="dim") for note in self.notes))

    def cells(self, event: dict[str, Any], *, is_narrow: bool) -> list[str]:
        """One row; a narrow terminal has the lane as colour only, and the values behind the event."""
        time, device, said = (
            when(event, self.zone),
            event["device"],
            words.told(self.language, event),
        )
        if is_narrow:
            return [time, device, f"{said} {shown_values(event, ' ')}"]
        return [time, self.lanes[event["lane"]], str(event["seq"]), device, said, shown_values(event)]

    def event(self, event: dict[str, Any]) -> None:
        """One verified event."""
        self.count += 1
        self.events.append(event)
        self.live.update(self.render(), refresh=True)

    def note(self, text: str) -> None:
        """What happens in the home."""
        self.notes.append(text)
        self.live.update(self.render(), refresh=True)


def view(language: str, time_zone: str) -> "Plain | Screen":
    """The view that fits where the output goes."""
    console, zone = Console(), ZoneInfo(time_zone)
    return Screen(language, zone, console) if console.is_terminal else Plain(language, zone)
