"""What the platform prints: one line a verified event, as JSON or for people; one JSON line a fault."""

import json
from datetime import UTC, datetime

from gateway.core.model import Decimal, DeviceTime, value_to_json
from gateway.core.registry_text import KIND_TEXTS
from tools.platform.books import Fault, GatewayBook, Verified

CLOCKS = ("unknown", "set", "not_set")
# A number with more digits than anyone measures is written with an exponent; it is JSON all the same.
MOST_PLACES = 30

HUB = "hub"


def to_json(value: object) -> str:
    """JSON in which a decimal fraction stands with its own digits: Decimal(970, -1) is 97.0."""
    if isinstance(value, Decimal):
        if -MOST_PLACES <= value.exponent <= 0:
            return str(value)
        return f"{value.mantissa}e{value.exponent}"
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{json.dumps(str(key))}: {to_json(item)}" for key, item in value.items()) + "}"
        )
    return json.dumps(value, ensure_ascii=False)


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


def event_fields(verified: Verified, names: dict[int, str]) -> dict[str, object]:
    """One verified event by names; times in ms, `utc_ms` by the bundle's dating where the event has none."""
    row, content, book = verified.row, verified.content, verified.book
    fields: dict[str, object] = {
        "gateway": book.name,
        "lane": row.lane,
        "epoch": verified.epoch.hex(),
        "seq": row.seq,
        "identity": row.identity.hex(),
    }
    if content is None:
        fields |= {"placement": None, "device": None, "kind": None, "values": {}, "incident": None}
        fields |= {"boot": None, "uptime_ms": None, "utc_ms": None, "received_ms": verified.received_ms}
        return fields | {"device_time": None, "error": row.fault}
    utc_ms = content.utc_ms
    if utc_ms is None and content.boot in book.zero_utc_ms:
        utc_ms = book.zero_utc_ms[content.boot] + content.uptime_ms
    fields |= {
        "placement": content.placement,
        "device": device_name(book, content.placement, names),
        "kind": content.kind,
        "values": {name: value_to_json(value) for name, value in sorted(content.values.items())},
        "incident": content.incident.hex() if content.incident is not None else None,
        "boot": content.boot,
        "uptime_ms": content.uptime_ms,
        "utc_ms": utc_ms,
        "received_ms": verified.received_ms,
        "device_time": device_time_fields(content.device_time),
    }
    if content.exercise:
        fields["exercise"] = True
    if content.provenance:
        fields["provenance"] = content.provenance
    return fields


def device_time_fields(time: DeviceTime | None) -> dict[str, object] | None:
    """What the device itself says of the time, by names."""
    if time is None:
        return None
    return {
        "raw": time.raw,
        "clock": CLOCKS[time.clock],
        "utc_ms": time.utc_ms,
        "uncertainty_ms": time.uncertainty_ms,
    }


def event_json(verified: Verified, names: dict[int, str]) -> str:
    """One JSON object."""
    return to_json(event_fields(verified, names))


def event_text(verified: Verified, names: dict[int, str]) -> str:
    """One line for people."""
    fields = event_fields(verified, names)
    utc_ms = fields["utc_ms"]
    when = clock_text(utc_ms) if isinstance(utc_ms, int) else "no clock".ljust(23)
    head = f"{when}  {fields['gateway']}  {fields['lane']}/{fields['seq']}"
    if verified.content is None:
        return f"{head}  does not decode: {fields['error']}"
    kind = verified.content.kind
    words = KIND_TEXTS[kind][1] if kind in KIND_TEXTS else kind
    values = ", ".join(
        f"{name} {printable(to_json(value_to_json(value)))}"
        for name, value in verified.content.values.items()
    )
    exercise = "  (exercise)" if verified.content.exercise else ""
    return f"{head}  {printable(str(fields['device']))}: {words}{exercise}" + (
        f"  {values}" if values else ""
    )


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
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def fault_json(fault: Fault) -> str:
    """One JSON object."""
    return to_json({"fault": fault.cause, "tenant": fault.tenant, "gateway": fault.gateway} | fault.details)
