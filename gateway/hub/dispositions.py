"""Dispositions: what the platform says became of an alarm. They change nothing but what people are told of it."""

import asyncio

from gateway.core.alarms import NAMES, STATE, Alarms
from gateway.core.checks import DISPOSITION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.alarms import Alarm
    from gateway.core.model import Event
    from gateway.core.wire import Parsed
    from gateway.hub.recorder import Log, Recorder
    from hal.types import Entry

KEEP_MS = 2_000  # so long after an alarm the record of it is kept: the alarm itself waits for nothing


class Dispositions:
    """Follows the alarms that are stored, and takes the platform's words on them."""

    group = DISPOSITION

    def __init__(self, recorder: "Recorder", log: "Log", stored: "bytes | None" = None) -> None:
        """`stored` is what was kept of the last run."""
        self.recorder = recorder
        self.log = log
        self.alarms = Alarms(stored)
        self.news = asyncio.Event()
        self.told: "list[Callable[[Alarm], None]]" = []  # told of each word, when it is taken
        recorder.stored.append(self.hear)

    def hear(self, event: "Event", entry: "Entry") -> None:
        """An event was stored."""
        self.alarms.tell(event, event.identity or entry.chain)
        if self.alarms.has_news:
            self.news.set()

    def examine(self, parsed: "Parsed") -> bool:
        """Whether it says something new of an alarm that is remembered. Raises RefusedError."""
        fields = parsed.fields
        return self.alarms.examine(fields["identity"], fields["became"], fields["utc_ms"])  # type: ignore[arg-type]

    async def act(self, parsed: "Parsed") -> None:
        """Take the word."""
        fields = parsed.fields
        note: str = fields.get("note", "")  # type: ignore[assignment]
        alarm = self.alarms.dispose(fields["identity"], fields["became"], fields["utc_ms"], note)  # type: ignore[arg-type]
        for hear in self.told:
            hear(alarm)
        self.log(
            "info",
            "The platform has told what became of an alarm.",
            kind=alarm.kind,
            placement=alarm.placement,
            became=alarm.word,
            exercise=alarm.exercise,
            identity=alarm.identity.hex(),
        )
        await self.keep()

    async def keep(self) -> None:
        """Keep the record for the next start, where it has changed."""
        self.news.clear()
        if self.alarms.has_news:
            await self.recorder.keep({STATE: self.alarms.encode()})

    async def run(self) -> None:
        """The part that keeps the record, a little after each alarm."""
        while True:
            await self.news.wait()
            await self.recorder.clock.sleep_ms(KEEP_MS)
            await self.keep()

    def facts(self, names: "dict[int, str]") -> "list[dict[str, object]]":
        """Each alarm that is remembered, the newest first; `names` are the devices' by placement."""
        return [self.row(alarm, names) for alarm in reversed(self.alarms.rows)]

    def row(self, alarm: "Alarm", names: "dict[int, str]") -> "dict[str, object]":
        """One alarm. became: None before the platform has told."""
        told = alarm.became >= 0
        return {
            "identity": alarm.identity.hex(),
            "kind": alarm.kind,
            "device": names.get(alarm.placement),
            "placement": alarm.placement,
            "exercise": alarm.exercise,
            "utc_ms": alarm.utc_ms,
            "open": alarm.is_open,
            "became": NAMES[alarm.became] if told else None,
            "became_utc_ms": alarm.became_utc_ms if told else None,
            "note": alarm.note,
        }
