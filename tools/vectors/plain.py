"""Values of the wire as JSON, so that vectors are read on any interpreter and in any language.

Whole numbers, text, booleans and arrays are themselves; `{"hex": ...}` is a byte string, `{"decimal": [exponent,
mantissa]}` tag 4, `{"absent": reason}` an array of one text where a value stands, `{"tag": [number, value]}` any
other tag, `{"map": [[key, value], ...]}` a map.
"""

from gateway.core import cbor
from gateway.core.cbor import Tagged
from gateway.core.model import Absent, Decimal, DeviceTime, Event

Plain = object


def to_plain(value: object) -> Plain:
    """`value` as JSON takes it. Raises ValueError for what the wire does not carry."""
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, Decimal):
        return {"decimal": [value.exponent, value.mantissa]}
    if isinstance(value, Absent):
        return {"absent": value.reason}
    if isinstance(value, Tagged):
        return {"tag": [value.tag, to_plain(value.value)]}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        pairs = sorted(value.items(), key=lambda pair: cbor.encode(pair[0]))
        return {"map": [[to_plain(key), to_plain(item)] for key, item in pairs]}
    raise ValueError(f"no value of the wire: {value!r}")


def fields_to_plain(fields: dict[str, object]) -> dict[str, Plain]:
    """Fields by name, in the order in which they stand."""
    return {name: to_plain(item) for name, item in fields.items()}


def event_to_plain(event: Event) -> dict[str, Plain]:
    """An event by names; what it does not have is left out."""
    row: dict[str, Plain] = {}
    for name in ("kind", "placement", "boot", "uptime_ms", "utc_ms", "values", "incident", "exercise", "identity",
                 "device_time", "provenance", "rule"):  # fmt: skip
        item = getattr(event, name)
        if isinstance(item, DeviceTime):
            row[name] = {part: getattr(item, part) for part in ("raw", "clock", "utc_ms", "uncertainty_ms")}
        elif name == "values" and item:
            row[name] = fields_to_plain(item)
        elif item or (name in ("placement", "boot", "uptime_ms") or (name == "utc_ms" and item is not None)):
            row[name] = to_plain(item)
    return row
