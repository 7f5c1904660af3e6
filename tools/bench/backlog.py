"""What a journal holds after an outage: events with identifiers and times as long as those of a real home.

Oximetry comes from bytes of the Pulse Oximeter Service through the gateway's own decoder. Placements and boots are
32-bit random numbers in a home, so here they need all their bytes too.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from gateway.core.devices import plx
from gateway.core.devices.oximeter import observation_of
from gateway.core.event_codec import encode_event
from gateway.core.model import Decimal, Event
from hal.linux.journal import SqliteJournal
from hal.types import INFO, MEASUREMENT

Make = Callable[[int], tuple[int, bytes]]

GROUP = 1000
BOOT, OXIMETER, DOOR, DISPENSER = 0xB007_0001, 0xC0FF_EE01, 0xD00A_0002, 0xD15F_0003
STEP_MS = 43_200  # 2,000 events a day
UTC_MS = 1_795_000_000_000
STAMP, STORED, STATUS = 0x01, 0x0200, 0x02  # spot-check flags time stamp and measurement status; its bit 9


def event(kind: str, placement: int, number: int, **fields: object) -> bytes:
    """One event of the month before."""
    uptime_ms = 1_000_000_000 + number * STEP_MS
    return encode_event(Event(kind, placement, BOOT, uptime_ms, UTC_MS + uptime_ms, **fields))  # type: ignore[arg-type]


def month(number: int) -> tuple[int, bytes]:
    """70 % oximetry with one decimal and a status, 20 % door, 10 % doses (F10)."""
    if number % 10 < 7:
        values = {
            "spo2_pct": Decimal(960 + number % 30, -1),
            "pulse_rate_bpm": 60 + number % 40,
            "measurement_status": 0,
        }
        return MEASUREMENT, event("oximetry.measured", OXIMETER, number, values=values)
    if number % 10 < 9:
        kind = "door.opened" if number % 2 else "door.closed"
        return INFO, event(kind, DOOR, number, incident=hashlib.sha256(b"%d" % (number // 2)).digest()[:8])
    return MEASUREMENT, event("dose.collected", DISPENSER, number, values={"dose_id": number})


def streamed(number: int) -> tuple[int, bytes]:
    """A reading of an oximeter that streams whole numbers: SpO2 and pulse (F20)."""
    value = bytes([0, 90 + number % 10, 0, 60 + number % 40, 0])
    seen = observation_of(plx.decode_measurement(plx.CONTINUOUS, value))
    return MEASUREMENT, event(seen.kind, OXIMETER, number, values=seen.values)


def stored(number: int) -> tuple[int, bytes]:
    """A spot-check that an oximeter kept: its own stamp, the mark that it is stored, and an identity (F20)."""
    minute, second = number // 60 % 60, number % 60
    stamp = bytes([0xEA, 0x07, 11, 1 + number // 3600 % 28, 12, minute, second])
    value = bytes([STAMP | STATUS, 90 + number % 10, 0, 60 + number % 40, 0]) + stamp
    seen = observation_of(plx.decode_measurement(plx.SPOT_CHECK, value + STORED.to_bytes(2, "little")))
    identity = hashlib.sha256(value).digest()[:16]
    fields = {"values": seen.values, "device_time": seen.device_time, "identity": identity}
    return MEASUREMENT, event(seen.kind, OXIMETER, number, **fields)


async def fill(path: Path, count: int, make: Make) -> int:
    """Put `count` events into a new journal; their bytes."""
    journal = await SqliteJournal.open(path, capacity_bytes=1 << 30)
    size = 0
    for start in range(0, count, GROUP):
        made = [make(number) for number in range(start, min(count, start + GROUP))]
        size += sum(len(row) for _, row in made)
        await journal.append(made)
    await journal.close()
    return size
