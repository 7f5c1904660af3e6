"""The live view: what arrived verified, newest last, and what happens meanwhile."""

import collections
import datetime as dt
from collections.abc import Mapping
from typing import Any, Self
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from gateway.core.registry_text import KIND_TEXTS

LANE_STYLES = ("bold white on red", "bold yellow", "magenta", "cyan", "dim")
LANE_NAMES = ("safety", "alarm", "technical", "measurement", "info")
LANGUAGES = {"nb": 0, "en": 1}


def words(kind: str, language: str) -> str:
    """A kind in plain words."""
    row = KIND_TEXTS.get(kind)
    return kind if row is None else str(row[LANGUAGES[language]])


def when(event: dict[str, Any], zone: dt.tzinfo) -> str:
    """Time of day in the home, as well as it is known."""
    utc_ms = event.get("utc_ms")
    return (
        "--:--:--" if utc_ms is None else dt.datetime.fromtimestamp(utc_ms / 1000, zone).strftime("%H:%M:%S")
    )


def language_of(environment: Mapping[str, str]) -> str:
    """Nb where the terminal speaks Norwegian, else en."""
    spoken = environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG") or ""
    return "nb" if spoken.startswith(("nb", "nn", "no")) else "en"


def shown_values(event: dict[str, Any]) -> str:
    """Values by name, short."""
    return ", ".join(f"{name}={item}" for name, item in event["values"].items())


class Plain:
    """For a terminal that is none: one line an event."""

    def __init__(self, language: str, zone: dt.tzinfo) -> None:
        self.language = language
        self.zone = zone

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        return None

    def event(self, event: dict[str, Any]) -> None:
        """One verified event."""
        said = words(event["kind"], self.language)
        values = shown_values(event)
        print(
            f"{when(event, self.zone)}  {LANE_NAMES[event['lane']]:<11} {event['seq']:>5}  {event['device']:<20} {said}  {values}",
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
        table = Table(title=f"Trygg: {self.count} verified events", expand=True, title_justify="left")
        for heading in ("time", "lane", "seq", "device", "event", "values"):
            table.add_column(
                heading, no_wrap=True, ratio=1 if heading == "values" else None, overflow="ellipsis"
            )
        for event in self.events:
            lane = event["lane"]
            cells = [
                when(event, self.zone),
                LANE_NAMES[lane],
                str(event["seq"]),
                event["device"],
                words(event["kind"], self.language),
            ]
            table.add_row(*cells, shown_values(event), style=LANE_STYLES[lane])
        return Group(table, *(Text("· " + note, style="dim") for note in self.notes))

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
