"""Texts for people at the receiver, in one language: what happened, where, when, and how sure that is (N2)."""

from datetime import UTC, datetime
from typing import NamedTuple

from gateway.core.model import (
    REPLAY_SUSPECTED,
    UNAUTHENTICATED,
    UNPROVEN,
    WINDOW_ASSUMED,
    Absent,
    Event,
    value_to_json,
)
from gateway.core.registry_text import KIND_TEXTS, VALUE_TEXTS
from gateway.daemon.texts import LANGUAGES, Texts
from tools.platform.books import GatewayBook, Verified
from tools.platform.lines import printable, utc_of

HUB = "gateway"
# Where people write another than UCUM.
UNIT_TEXTS = {
    "Cel": "°C",
    "[degF]": "°F",
    "dB[mW]": "dBm",
    "mm[Hg]": "mmHg",
    "[lb_av]": "lb",
    "[in_i]": "in",
    "kg/m2": "kg/m²",
}
MOMENT = "utc_ms"  # how values that are moments end
LAST = ("log_number", "dose_id")  # what nobody needs at night, where a text is cut
NAMED = ("state",)  # values that are the name of a kind
# bit: its name as a code, and in the catalogue
PROVENANCES = {
    UNAUTHENTICATED: ("unauthenticated", "unauthenticated"),
    REPLAY_SUSPECTED: ("replay-suspected", "replay_suspected"),
    WINDOW_ASSUMED: ("window-assumed", "window_assumed"),
    UNPROVEN: ("unproven", "unproven"),
}
# What a device tells from its own memory happened at any time before the hub heard of it.
RETOLD = ("stored", "log_number")


class When(NamedTuple):
    """The best that is known: the moment, or only that it was no later than; both None where nothing is."""

    utc_ms: int | None
    latest_ms: int | None = None


def when(verified: Verified) -> When:
    """When it happened: the device's time as estimated, else when the hub learned it, but for what was retold.

    A device that stamps its readings may send them days later: a stamp that nothing dates leaves only the latest moment.
    """
    content = verified.content
    assert content is not None
    learned_ms = utc_of(verified.book, content)
    stamp = content.device_time
    if stamp is not None and stamp.utc_ms is not None:
        return When(stamp.utc_ms)
    if stamp is not None or any(name in content.values for name in RETOLD):
        return When(None, learned_ms)
    return When(learned_ms)


def instant(utc_ms: int | None) -> str | None:
    """A moment as FHIR and people read it, UTC to the millisecond; None where no calendar has it."""
    if utc_ms is None:
        return None
    try:
        moment = datetime.fromtimestamp(utc_ms // 1000, UTC)
    except (OverflowError, OSError, ValueError):
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{utc_ms % 1000:03}Z" if moment.year >= 1000 else None


def clean(text: str) -> str:
    """A device's text on one line, without what no XML and no FHIR string holds."""
    return printable(" ".join(text.split()))


def room_of(book: GatewayBook, placement: int) -> str:
    """Where the device is, "" where the manifest does not say."""
    return clean(str(book.devices.get(placement, (0, {}))[1].get("room", "")))


class Words:
    """What people read of an event, in one language: nb or en."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = Texts(language)
        self._column = LANGUAGES.index(language)  # of the registry's texts

    def say(self, name: str, /, **values: object) -> str:
        """A text of the catalogue's section `export`."""
        return self._texts.say("export." + name, **values)

    def kind(self, kind: str) -> str:
        """What a kind means."""
        return str(KIND_TEXTS[kind][self._column]) if kind in KIND_TEXTS else kind

    def value_name(self, name: str) -> str:
        """What a value is."""
        return str(VALUE_TEXTS[name][self._column]) if name in VALUE_TEXTS else name

    def device(self, book: GatewayBook, placement: int) -> str:
        """What the device is: maker and model, else driver; the manifest's words."""
        if placement == 0:
            return f"{HUB} {book.name}"
        device = book.devices.get(placement, (0, {}))[1]
        model = " ".join(str(device[part]) for part in ("maker", "model") if device.get(part))
        return clean(model or str(device.get("driver", ""))) or self.say("device", placement=placement)

    def provenance(self, event: Event) -> list[tuple[str, str]]:
        """(name, words) of each bit that says how far the event is to be believed."""
        return [(code, self.say(name)) for bit, (code, name) in PROVENANCES.items() if event.provenance & bit]

    def when(self, verified: Verified) -> str:
        """The time in words; of one that is not known, when the platform received it."""
        moment = when(verified)
        if instant(moment.utc_ms) is not None:
            return str(instant(moment.utc_ms))
        if instant(moment.latest_ms) is not None:
            return self.say("latest", moment=instant(moment.latest_ms))
        received = instant(verified.received_ms)
        return self.say("unknown_time") if received is None else self.say("received", moment=received)

    def shown(self, name: str, value: object) -> str:
        """A value in the device's digits with its unit, or in words."""
        if isinstance(value, bool):
            return self.say("yes") if value else self.say("no")
        if isinstance(value, str):
            return self.kind(value) if name in NAMED else self._texts.value_word(name, value)
        if name.endswith(MOMENT) and isinstance(value, int) and instant(value) is not None:
            return str(instant(value))
        unit = VALUE_TEXTS[name][2] if name in VALUE_TEXTS else ""
        text = str(value_to_json(value))
        return f"{text} {UNIT_TEXTS.get(unit, unit)}" if unit and not isinstance(value, Absent) else text

    def details(self, verified: Verified) -> str:
        """One line: doubts, when, values."""
        content = verified.content
        assert content is not None
        parts = [*(text for _, text in self.provenance(content)), self.when(verified)]
        for name, value in sorted(content.values.items(), key=lambda row: (row[0] in LAST, row[0])):
            parts.append(f"{self.value_name(name)} {self.shown(name, value)}")
        return clean("; ".join(parts))

    def title(self, event: Event) -> str:
        """What happened; an exercise says so first."""
        what = self.kind(event.kind)
        return self.say("exercise", what=what) if event.exercise else what

    def summary(self, verified: Verified) -> str:
        """Everything in one line."""
        assert verified.content is not None
        return f"{self.title(verified.content)}; {self.details(verified)}"


NORWEGIAN = Words(LANGUAGES[0])  # what a Norwegian receiver expects
