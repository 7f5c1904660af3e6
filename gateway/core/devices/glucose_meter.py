"""Driver `glucose`: a blood glucose meter that serves the Bluetooth Glucose Service.

A meter sends nothing by itself: its records are asked for, from the last one that is stored here (GLS 3.4). That one comes
again and shows that the numbers go on; where it does not, the meter's memory began anew, and all records are asked for.
What a person ate or did (the context, 2A34) is subscribed to, since some meters give no records otherwise, and not kept:
nobody here judges it, and it is more about a person than the reading needs.
"""

import hashlib

from gateway.core.devices import glucose, record_access
from gateway.core.devices.driver import REPEATED, Context, Reading
from gateway.core.devices.record_access import REPORT_ALL, report_from
from gateway.core.devices.storing import MARK_SIZE, StoringDevice
from gateway.core.model import Observation

LAST_KEY = "last"  # state: sequence number, and a mark of the whole record
NUMBERS_END = 0xFF00  # from here on all are asked for: numbers begin anew at 0 soon, below the last one
AGAIN_MS = 600_000  # a meter that stays connected is asked again: it tells nothing of a new reading


class GlucoseMeter(StoringDevice):
    """One glucose meter."""

    name = "glucose"
    service = "1808"
    features_uuid = glucose.FEATURES
    streams = (glucose.MEASUREMENT, glucose.CONTEXT)
    record_stream = glucose.MEASUREMENT
    again_ms = AGAIN_MS

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.last = context.stored(LAST_KEY) or b""
        self.from_last = False  # whether the request under way begins at the last record
        self.last_came = False  # and whether that came again

    def take_features(self, value: bytes) -> int:
        """For the description only."""
        return glucose.decode_features(value)

    def request(self) -> bytes:
        """From the last record on, or all."""
        number = int.from_bytes(self.last[:2], "big")
        self.from_last = len(self.last) == 2 + MARK_SIZE and number < NUMBERS_END
        self.last_came = False
        return report_from(number) if self.from_last else REPORT_ALL

    def ended(self, outcome: str) -> "bytes | None":
        """All records, where the last one is gone or the meter does not know how to begin at it."""
        if not self.from_last or (outcome == record_access.DONE and self.last_came):
            return None
        self.from_last = False
        return REPORT_ALL

    def take_measurement(self, characteristic: str, value: bytes) -> Reading:
        """A record; a context is heard and not kept."""
        if characteristic == glucose.CONTEXT:
            return Reading()
        measurement = glucose.decode_measurement(value)
        self.count_ignored(measurement)
        number: int = measurement.values["sequence_number"]  # type: ignore[assignment]
        last = number.to_bytes(2, "big") + hashlib.sha256(value).digest()[:MARK_SIZE]
        if last == self.last:
            self.last_came = True
            return Reading(refused=(REPEATED, characteristic + ": the last record again"))
        self.last = last
        return Reading([glucose.observation_of(measurement)], {LAST_KEY: last})

    def shift_ms(self, observation: Observation) -> int:
        """The clock in a meter runs on; what it shows is offset by what its user sets (GLS 3.1.1.3)."""
        minutes: int = observation.values.get("time_offset_min", 0)  # type: ignore[assignment]
        return 60_000 * minutes
