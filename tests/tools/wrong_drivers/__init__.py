"""Drivers that are wrong in one thing each: the controls of `trygg-kit conform driver`. Made from the example."""

import random
import time
from typing import Any

from gateway.core.devices.driver import Reading
from gateway.core.model import Observation
from tests.tools.example_driver import module

EXAMPLE: Any = module()
Right = EXAMPLE.ExampleRoll


class Later(Right):  # type: ignore[misc, valid-type]
    contract = 2


class Alarmist(Right):  # type: ignore[misc, valid-type]
    """It sounds a fire alarm that it never declared, where a frame is malformed."""

    def received(self, data: bytes, now_ms: int, utc_ms: int | None) -> Reading:
        reading = super().received(data, now_ms, utc_ms)
        if reading.refused is not None and reading.refused[0] == EXAMPLE.MALFORMED:
            reading.observations.append(Observation("smoke.detected", {}))
        return reading


class Trusting(Right):  # type: ignore[misc, valid-type]
    """It takes what stands at a place for what it should be."""

    def received(self, data: bytes, now_ms: int, utc_ms: int | None) -> Reading:
        if data[:3] == b"$EV" and len(data) > 4 and data[4] > 0x7F:
            raise IndexError("no such entry")
        return super().received(data, now_ms, utc_ms)


class Hoarder(Right):  # type: ignore[misc, valid-type]
    """It keeps all that it has ever heard."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self.heard: list[bytes] = []

    def received(self, data: bytes, now_ms: int, utc_ms: int | None) -> Reading:
        self.heard.append(data)
        return super().received(data, now_ms, utc_ms)


class Gambler(Right):  # type: ignore[misc, valid-type]
    """Its answer is another one each time."""

    def received(self, data: bytes, now_ms: int, utc_ms: int | None) -> Reading:
        reading = super().received(data, now_ms, utc_ms)
        reading.send.append(random.SystemRandom().randbytes(8))
        return reading


class Whole(Right):  # type: ignore[misc, valid-type]
    """It reads only what comes in one piece."""

    def received(self, data: bytes, now_ms: int, utc_ms: int | None) -> Reading:
        self.held = b""
        return super().received(data, now_ms, utc_ms)


class Deaf(Right):  # type: ignore[misc, valid-type]
    """After garbage it hears nothing any more."""

    def received(self, data: bytes, now_ms: int, utc_ms: int | None) -> Reading:
        if len(self.held) >= EXAMPLE.LONGEST:
            return Reading(heard=False)
        return super().received(data, now_ms, utc_ms)


class Renumbering(Right):  # type: ignore[misc, valid-type]
    """What comes again is another event to it."""

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self.count = 0

    def entry(self, fields: list[str], cursor: Any, reading: Reading) -> Any:
        self.count += 1
        found = super().entry(fields, None, reading)
        if reading.observations:
            reading.observations[-1].record = self.count.to_bytes(8, "big")
        return found


class Rash(Right):  # type: ignore[misc, valid-type]
    """It believes its own store blindly."""

    def cursor(self) -> Any:
        kept = self.context.stored("cursor")
        return None if kept is None else (kept[:8].decode(), int.from_bytes(kept[8:16], "big") + 0 * kept[15])


class Punctual(Right):  # type: ignore[misc, valid-type]
    """It counts on a clock."""

    def received(self, data: bytes, now_ms: int, utc_ms: int | None) -> Reading:
        return super().received(data, now_ms, utc_ms + 0)  # type: ignore[operator]


class Slow(Right):  # type: ignore[misc, valid-type]
    """It works on long input for longer than it deserves."""

    def received(self, data: bytes, now_ms: int, utc_ms: int | None) -> Reading:
        end_s = time.thread_time() + (0.15 if len(data) > 60_000 else 0)
        while time.thread_time() < end_s:
            pass
        return super().received(data, now_ms, utc_ms)


class Floating(Right):  # type: ignore[misc, valid-type]
    """It gives a number that no wire holds."""

    def received(self, data: bytes, now_ms: int, utc_ms: int | None) -> Reading:
        reading = super().received(data, now_ms, utc_ms)
        if reading.refused is not None and reading.refused[0] == EXAMPLE.MALFORMED:
            reading.observations.append(Observation("refill.due", {"remaining_doses": 0.5}))
        return reading


class Mute(Right):  # type: ignore[misc, valid-type]
    """It does not tell a dose that was missed."""

    def entry(self, fields: list[str], cursor: Any, reading: Reading) -> Any:
        found = super().entry(fields, cursor, reading)
        reading.observations = [each for each in reading.observations if each.kind != "dose.missed"]
        return found


class Boastful(Right):  # type: ignore[misc, valid-type]
    """It declares what no example shows."""

    kinds = (*Right.kinds, "clock.untrusted")


class Fussy(Right):  # type: ignore[misc, valid-type]
    """It raises on an option that it does not know."""

    @staticmethod
    def wrong_option(options: dict[str, object]) -> tuple[str, str] | None:
        return (str(options["format"]), "x") if options else None


# name: (the driver, checks that must fail)
WRONG: dict[str, tuple[Any, set[str]]] = {
    "later": (Later, {"declaration"}),
    "alarmist": (Alarmist, {"lanes", "kept"}),
    "trusting": (Trusting, {"garbage", "lanes", "kept", "same", "bounded", "pace"}),
    "hoarder": (Hoarder, {"bounded"}),
    "gambler": (Gambler, {"same"}),
    "whole": (Whole, {"pieces"}),
    "deaf": (Deaf, {"resync"}),
    "renumbering": (Renumbering, {"once"}),
    "rash": (Rash, {"restart"}),
    "punctual": (Punctual, {"no_clock"}),
    "slow": (Slow, {"pace"}),
    "floating": (Floating, {"kept"}),
    "mute": (Mute, {"examples"}),
    "boastful": (Boastful, {"covered"}),
    "fussy": (Fussy, {"options"}),
}
# source that no driver may hold, and what is found
IMPURE = {
    "import socket\n": "import socket",
    "from pathlib import Path\n": "import pathlib",
    "import time\n": "import time",
    "from gateway.daemon import wiring\n": "import gateway.daemon",
    "def read():\n    return open('x')\n": "open()",
    "HALF = 0.5\n": "float 0.5",
    "def half(x):\n    return x / 2\n": "float /",
    "async def wait():\n    pass\n": "async",
    "COUNT = 0\ndef count():\n    global COUNT\n": "global COUNT",
    "def word(x):\n    match x:\n        case 1:\n            return 2\n": "match",
}
