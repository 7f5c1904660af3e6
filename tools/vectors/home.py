"""The made-up home that the vectors speak of: its ids, its events, and the events' bytes."""

from gateway.core import cbor
from gateway.core.event_codec import encode_event
from gateway.core.model import (
    CLOCK_SET,
    REPLAY_SUSPECTED,
    UNAUTHENTICATED,
    WINDOW_ASSUMED,
    Absent,
    Decimal,
    DeviceTime,
    Event,
)

TENANT, GATEWAY = "oslo", "gw-0001"
OTHER_TENANT, OTHER_GATEWAY = "bergen", "gw-0002"
EPOCH = bytes.fromhex("e0e1e2e3e4e5e6e7")
BOOT = 0x8F3A_11C2
UPTIME_MS = 86_523_004
UTC_MS = 1_795_000_000_000  # 18 November 2026
NOT_AFTER = UTC_MS + 90 * 86_400_000
DOOR, SMOKE, OXIMETER, DISPENSER = 0x1F4E_0D21, 0x7A90_33B4, 0xC40D_5E66, 0x02B7_F19A
INCIDENT = bytes.fromhex("1c1dc1d01c1dc1d0")
RULE = bytes.fromhex("2a1e0000000000a7")
IDENTITY = bytes.fromhex("1de0000000000000000000000000071e")


def event(kind: str, placement: int, **more: object) -> Event:
    """An event at the moment of the vectors."""
    return Event(kind, placement, BOOT, UPTIME_MS, utc_ms=UTC_MS, **more)  # type: ignore[arg-type]


SMOKE_EVENT = event("smoke.detected", SMOKE, incident=INCIDENT)
DOOR_EVENT = event("door.night_exit", DOOR, incident=INCIDENT, rule=RULE, provenance=WINDOW_ASSUMED)
SPOT_CHECK = event(
    "oximetry.measured",
    OXIMETER,
    values={"spo2_pct": Decimal(970, -1), "pulse_rate_bpm": Decimal(723, -1)},
)

# name: event, each with another part of what an event may have
EVENTS: dict[str, Event] = {
    "the least an event can be": Event("hub.started", 0, 0, 0),
    "smoke": SMOKE_EVENT,
    "door at night, window assumed, made by a rule": DOOR_EVENT,
    "clock not trusted: no utc_ms": Event("door.opened", DOOR, BOOT, UPTIME_MS),
    "before 1970": Event("door.closed", DOOR, BOOT, UPTIME_MS, utc_ms=-1),
    "spot-check with the device's digits": SPOT_CHECK,
    "whole numbers": event("oximetry.measured", OXIMETER, values={"spo2_pct": 97, "pulse_rate_bpm": 72}),
    "no number, each reason": event(
        "oximetry.measured",
        OXIMETER,
        values={
            "spo2_pct": Absent("nan"),
            "pulse_rate_bpm": Absent("nres"),
            "pulse_amplitude_pct": Absent("+inf"),
            "spo2_fast_pct": Absent("-inf"),
            "pulse_rate_fast_bpm": Absent("reserved"),
        },
    ),
    "decimals not reduced, and large": event(
        "climate.measured",
        DOOR,
        values={
            "temperature_c": Decimal(-2050, -2),
            "humidity_pct": Decimal(0, -3),
            "illuminance_lx": Decimal(1, 127),
        },
    ),
    "text, bytes and flags": event(
        "device.described",
        OXIMETER,
        values={"maker": "Bærum Ås 水 🫀", "epoch": EPOCH, "battery_low": False, "mains": True},
    ),
    "stored record, with its own time and identity": event(
        "dose.collected",
        DISPENSER,
        identity=IDENTITY,
        device_time=DeviceTime("2026-11-18T07:30:00", CLOCK_SET, UTC_MS - 60_000, 30_000),
    ),
    "the device's clock is unknown": event("dose.dispensed", DISPENSER, device_time=DeviceTime("")),
    "unauthenticated, replay suspected": event(
        "smoke.detected", SMOKE, provenance=UNAUTHENTICATED | REPLAY_SUSPECTED
    ),
    "exercise": event("button.pressed", DOOR, exercise=True),
    "largest numbers": Event(
        "journal.dropped",
        0xFFFF_FFFF,
        0xFFFF_FFFF,
        0xFFFF_FFFF_FFFF_FFFF,
        values={"first_seq": 0xFFFF_FFFF_FFFF_FFFF, "clock_offset_ms": -0x1_0000_0000_0000_0000},
    ),
    "unknown kind and value": event("#70000", DOOR, values={"#50000": 1, "#50001": "?"}),
}

LEAST: dict[int, object] = {1: 0, 2: 64, 3: 0, 4: 0}

# name: (map of an event as it may come from a later version, the event that this version reads)
GROWN: dict[str, tuple[dict[int, object], Event]] = {
    "unknown key 24": ({**LEAST, 24: "later"}, Event("hub.started", 0, 0, 0)),
    "unknown key of 64 bits, with any content": (
        {**LEAST, 0xFFFF_FFFF_FFFF_FFFF: [{1: [b"", True]}, Decimal(1, 2)]},
        Event("hub.started", 0, 0, 0),
    ),
    "unknown key 24 in the device's time": (
        {**LEAST, 10: {1: "", 2: 0, 24: 1}},
        Event("hub.started", 0, 0, 0, device_time=DeviceTime("")),
    ),
    "unknown provenance bit": ({**LEAST, 11: 128}, Event("hub.started", 0, 0, 0, provenance=128)),
}


def mixed(pairs: dict[int, object], key: object, item: object) -> dict[object, object]:
    """`pairs` and one more, whose key is of any type."""
    return {key: item, **dict(pairs.items())}


def with_out(pairs: dict[int, object], key: int) -> dict[int, object]:
    """`pairs` without one key."""
    return {other: item for other, item in pairs.items() if other != key}


# name: map that is no event
BROKEN: dict[str, object] = {
    **{f"key {key} missing": with_out(LEAST, key) for key in LEAST},
    "not a map": [1, 64, 0, 0],
    "unknown key 13": {**LEAST, 13: 0},
    "unknown key 23": {**LEAST, 23: 0},
    "unknown key 0": {**LEAST, 0: 0},
    "negative key": {**LEAST, -1: 0},
    "text key": mixed(LEAST, "24", 0),
    "placement is negative": {**LEAST, 1: -1},
    "kind is text": {**LEAST, 2: "smoke"},
    "kind is true": {**LEAST, 2: True},
    "boot is beyond 32 bits": {**LEAST, 3: 0x1_0000_0000},
    "uptime_ms is a decimal": {**LEAST, 4: Decimal(10, -1)},
    "values are none": {**LEAST, 6: {}},
    "value is an array of two": {**LEAST, 6: {1: ["nan", "nan"]}},
    "value is an array of a number": {**LEAST, 6: {1: [1]}},
    "value is a map": {**LEAST, 6: {1: {}}},
    "value name is text": {**LEAST, 6: {"spo2_pct": 1}},
    "value name is negative": {**LEAST, 6: {-1: 1}},
    "incident of 7 bytes": {**LEAST, 7: bytes(7)},
    "exercise is false": {**LEAST, 8: False},
    "exercise is 1": {**LEAST, 8: 1},
    "identity of 15 bytes": {**LEAST, 9: bytes(15)},
    "device time without its stamp": {**LEAST, 10: {2: 0}},
    "device time with an unknown clock": {**LEAST, 10: {1: "", 2: 3}},
    "device time with an unknown key 5": {**LEAST, 10: {1: "", 2: 0, 5: 0}},
    "provenance is negative": {**LEAST, 11: -1},
    "rule of 9 bytes": {**LEAST, 12: bytes(9)},
}

EVENT_BYTES = {name: encode_event(item) for name, item in EVENTS.items()}
GROWN_BYTES = {name: cbor.encode(pairs) for name, (pairs, _) in GROWN.items()}
