"""What the platform prints: one line a verified event, as JSON or for people; one JSON line a fault.

Tens of thousands of events a second pass here, so an event's line is put together directly.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from json.encoder import encode_basestring as quoted

from gateway.core.model import Decimal, DeviceTime, Event
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import Texts
from tools.platform.books import Fault, GatewayBook, Verified

CLOCKS = ("unknown", "set", "not_set")
HUB = "hub"


def device_name(book: GatewayBook, placement: int, names: dict[int, str]) -> str:
    """What people call the device: its given name, else room and driver of the manifest, else its number."""
    if placement in names:
        return names[placement]
    if placement == 0:
        return HUB
    if placement in book.devices:
        device = book.devices[placement][1]
        return " ".join(str(device[part]) for part in ("room", "driver") if device.get(part))
    return f"placement {placement}"


def utc_of(book: GatewayBook, content: Event) -> int | None:
    """When the hub learned it: the event's own date, else that of its boot, else unknown."""
    if content.utc_ms is None and content.boot in book.zero_utc_ms:
        return book.zero_utc_ms[content.boot] + content.uptime_ms
    return content.utc_ms


def event_json(verified: Verified, names: dict[int, str]) -> str:
    """One JSON object: the event by names, its numbers in the device's digits, times in ms."""
    row, content, book = verified.row, verified.content, verified.book
    head = (
        f'{{"gateway": "{book.name}", "lane": {row.lane}, "epoch": "{verified.epoch.hex()}", "seq": {row.seq}, '
        f'"identity": "{row.identity.hex()}"'
    )
    if content is None:
        return (
            f'{head}, "placement": null, "device": null, "kind": null, "values": {{}}, "incident": null, '
            f'"boot": null, "uptime_ms": null, "utc_ms": null, "received_ms": {null(verified.received_ms)}, '
            f'"device_time": null, "error": {quoted(str(row.fault))}}}'
        )
    values = ", ".join([f"{quoted(name)}: {number(value)}" for name, value in sorted(content.values.items())])
    incident = f'"{content.incident.hex()}"' if content.incident is not None else "null"
    utc_ms = utc_of(book, content)
    tail = ', "exercise": true' if content.exercise else ""
    if content.provenance:
        tail += f', "provenance": {content.provenance}'
    return (
        f'{head}, "placement": {content.placement}, '
        f'"device": {quoted(device_name(book, content.placement, names))}, "kind": {quoted(content.kind)}, '
        f'"values": {{{values}}}, "incident": {incident}, "boot": {content.boot}, '
        f'"uptime_ms": {content.uptime_ms}, "utc_ms": {null(utc_ms)}, '
        f'"received_ms": {null(verified.received_ms)}, "device_time": {device_time_json(content.device_time)}{tail}}}'
    )


def null(value: int | None) -> str:
    """A number that may not be there."""
    return "null" if value is None else str(value)


def number(value: object) -> str:
    """A value as JSON, decimals in their own digits."""
    return str(value) if type(value) is int or isinstance(value, Decimal) else dumps(value)


def device_time_json(time: DeviceTime | None) -> str:
    """What the device itself says of the time, by names."""
    if time is None:
        return "null"
    return dumps(
        {
            "raw": time.raw,
            "clock": CLOCKS[time.clock],
            "utc_ms": time.utc_ms,
            "uncertainty_ms": time.uncertainty_ms,
        }
    )


def text_lines(language: str) -> Callable[[Verified, dict[int, str]], str]:
    """What makes one line for people of an event, in a language."""
    from tools.export.words import Words  # which needs this module

    words, texts = Words(language), Texts(language)
    no_clock, no_event = texts.reword("no clock"), texts.reword("no event")

    def event_text(verified: Verified, names: dict[int, str]) -> str:
        row, content, book = verified.row, verified.content, verified.book
        if content is None:
            why = texts.reword(f"does not decode: {row.fault}")
            return printable(f"{no_event.ljust(23)}  {book.name}  {row.lane}/{row.seq}  {why}")
        utc_ms = utc_of(book, content)
        when = clock_text(utc_ms) if utc_ms is not None else no_clock
        known = content.placement in names or content.placement == 0 or content.placement in book.devices
        device = (
            device_name(book, content.placement, names)
            if known
            else texts.reword(f"placement {content.placement}")
        )
        parts = [
            f"{when.ljust(23)}  {book.name}  {row.lane}/{row.seq}",
            f"{device}: {words.title(content)}",
            ", ".join(
                f"{words.value_name(name)} {words.shown(name, value)}"
                for name, value in sorted(content.values.items())
            ),
        ]
        return printable("  ".join(part for part in parts if part))

    return event_text


def clock_text(utc_ms: int) -> str:
    """A moment in UTC to the millisecond; the bare number where no calendar has it."""
    try:
        return (
            datetime.fromtimestamp(utc_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S") + f".{utc_ms % 1000:03}"
        )
    except (OverflowError, OSError, ValueError):
        return f"{utc_ms} ms"


def printable(text: str) -> str:
    """Text from a device without what would steer a terminal."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)


def fault_json(fault: Fault) -> str:
    """One JSON object."""
    return dumps({"fault": fault.cause, "tenant": fault.tenant, "gateway": fault.gateway} | fault.details)
