"""How much of a stream is recorded: `all`, `every_s:N`, or `stable` (DESIGN.md 3).

Nothing is averaged: what is recorded is a reading as the device sent it. A failed or stored measurement, and
one of a kind that did not come within the interval, is always kept.
"""

from gateway.core.model import Event, compare_number

STREAMED = ("oximetry.measured", "climate.measured", "heart_rate.measured")
STABLE_LEAST_MS = 60_000  # an unchanged value is recorded at least this often
VALUES_COMPARED = ("spo2_pct", "pulse_rate_bpm", "temperature_c", "humidity_pct", "heart_rate_bpm")


class Recording:
    """The choice for one placement."""

    def __init__(self, mode: str = "all", every_ms: int = 0) -> None:
        self.mode = mode
        self.every_ms = every_ms
        self.last: "Event | None" = None

    def keeps(self, event: Event) -> bool:
        """Whether this event of the stream is recorded."""
        if self.mode == "all" or event.kind not in STREAMED or event.values.get("stored"):
            return True
        last = self.last
        least_ms = self.every_ms if self.mode == "every_s" else STABLE_LEAST_MS
        kept = last is None or event.boot != last.boot or event.uptime_ms - last.uptime_ms >= least_ms
        if not kept and self.mode == "stable":
            kept = changed(last, event)
        if kept:
            self.last = event
        return kept


def changed(last: "Event | None", event: Event) -> bool:
    """Whether a compared value differs, or is there in one and not in the other."""
    before = last.values if last is not None else {}
    for name in VALUES_COMPARED:
        old, new = before.get(name), event.values.get(name)
        if old != new and not same_number(old, new):
            return True
    return False


def same_number(old: object, new: object) -> bool:
    """Whether both are numbers and equal, however many digits they were sent with."""
    numbers = [item for item in (old, new) if hasattr(item, "mantissa") or (isinstance(item, int))]
    if len(numbers) < 2:
        return False
    mantissa = getattr(new, "mantissa", new)
    return compare_number(old, mantissa, getattr(new, "exponent", 0)) == 0  # type: ignore[arg-type]
