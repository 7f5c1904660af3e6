"""Texts for people at the receiver, in bokmål: what happened, where, when, and how sure that is (N2)."""

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
from tools.platform.books import GatewayBook, Verified
from tools.platform.lines import printable, utc_of

HUB = "gateway"
UNIT_TEXTS = {"Cel": "°C", "dB[mW]": "dBm"}  # where people write another than UCUM
MOMENT = "utc_ms"  # how values that are moments end
LAST = ("log_number", "dose_id")  # what nobody needs at night, where a text is cut
# bit: (name, nb)
PROVENANCES = {
    UNAUTHENTICATED: ("unauthenticated", "avsenderen er ikke bekreftet"),
    REPLAY_SUSPECTED: ("replay-suspected", "kan være en gammel melding"),
    WINDOW_ASSUMED: ("window-assumed", "klokken var ukjent, tidsrommet er antatt"),
    UNPROVEN: ("unproven", "lest fra et skadet lager"),
}
# What a device tells from its own memory happened at any time before the hub heard of it.
RETOLD = ("stored", "log_number")


class When(NamedTuple):
    """The best that is known: the moment, or only that it was no later than; both None where nothing is."""

    utc_ms: int | None
    latest_ms: int | None = None


def when(verified: Verified) -> When:
    """When it happened: the device's time as estimated, else when the hub learned it, but for what was retold."""
    content = verified.content
    assert content is not None
    learned_ms = utc_of(verified.book, content)
    stamp = content.device_time
    if stamp is not None and stamp.utc_ms is not None:
        return When(stamp.utc_ms)
    if any(name in content.values for name in RETOLD):
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


def kind_text(kind: str) -> str:
    """What a kind means."""
    return KIND_TEXTS[kind][0] if kind in KIND_TEXTS else kind


def value_text(name: str) -> str:
    """What a value is."""
    return VALUE_TEXTS[name][0] if name in VALUE_TEXTS else name


def clean(text: str) -> str:
    """A device's text on one line, without what no XML and no FHIR string holds."""
    return printable(" ".join(text.split()))


def room_of(book: GatewayBook, placement: int) -> str:
    """Where the device is, "" where the manifest does not say."""
    return clean(str(book.devices.get(placement, (0, {}))[1].get("room", "")))


def device_text(book: GatewayBook, placement: int) -> str:
    """What the device is: maker and model, else driver; the manifest's words."""
    if placement == 0:
        return f"{HUB} {book.name}"
    device = book.devices.get(placement, (0, {}))[1]
    model = " ".join(str(device[part]) for part in ("maker", "model") if device.get(part))
    return clean(model or str(device.get("driver", ""))) or f"enhet {placement}"


def provenance_words(event: Event) -> list[tuple[str, str]]:
    """(name, words) of each bit that says how far the event is to be believed."""
    return [words for bit, words in PROVENANCES.items() if event.provenance & bit]


def when_text(verified: Verified) -> str:
    """The time in words; of one that is not known, when the platform received it."""
    moment = when(verified)
    if instant(moment.utc_ms) is not None:
        return str(instant(moment.utc_ms))
    if instant(moment.latest_ms) is not None:
        return f"senest {instant(moment.latest_ms)}"
    return f"ukjent tid, mottatt {instant(verified.received_ms) or 'ukjent'}"


def shown(name: str, value: object) -> str:
    """A value in the device's digits, with its unit."""
    if isinstance(value, bool):
        return "ja" if value else "nei"
    if name.endswith(MOMENT) and isinstance(value, int) and instant(value) is not None:
        return str(instant(value))
    unit = VALUE_TEXTS[name][2] if name in VALUE_TEXTS else ""
    text = str(value_to_json(value))
    return f"{text} {UNIT_TEXTS.get(unit, unit)}" if unit and not isinstance(value, Absent) else text


def details(verified: Verified) -> str:
    """One line: doubts, when, values."""
    content = verified.content
    assert content is not None
    parts = [*(text for _, text in provenance_words(content)), when_text(verified)]
    for name, value in sorted(content.values.items(), key=lambda row: (row[0] in LAST, row[0])):
        parts.append(f"{value_text(name)} {shown(name, value)}")
    return clean("; ".join(parts))


def title(event: Event) -> str:
    """What happened; an exercise says so first."""
    return ("ØVELSE: " if event.exercise else "") + kind_text(event.kind)


def summary(verified: Verified) -> str:
    """Everything in one line."""
    assert verified.content is not None
    return f"{title(verified.content)}; {details(verified)}"
