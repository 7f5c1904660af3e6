"""Driver `plx`: a pulse oximeter that serves the Bluetooth Pulse Oximeter Service, with its battery and its name.

`oximetry.measured` carries what the device sent. `measurement.failed` says that there is no value and why: the
device marks it invalid or unavailable, sends demonstration or test data, or no number at all. Spot-checks that the
device stored while nobody listened are asked for at each connection where its features say that it stores (PLXS 3.4).
"""

from gateway.core.devices import plx
from gateway.core.devices.driver import Context, Reading
from gateway.core.devices.measurement import Measurement
from gateway.core.devices.storing import StoringDevice
from gateway.core.model import Observation


class Oximeter(StoringDevice):
    """One pulse oximeter."""

    name = "plx"
    service = "1822"
    features_uuid = plx.FEATURES
    streams = (plx.CONTINUOUS, plx.SPOT_CHECK)
    record_stream = plx.SPOT_CHECK

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.features: "plx.Features | None" = None

    def take_features(self, value: bytes) -> int:
        """Keep the masks of the status bits that mean something."""
        self.features = plx.decode_features(value)
        return self.features.bits

    def stores(self) -> bool:
        """Features, bit 2; where they could not be read, a control point is there for something."""
        return self.features is None or bool(self.features.bits & plx.STORES)

    def take_measurement(self, characteristic: str, value: bytes) -> Reading:
        """A measurement, or that there is none."""
        measurement = plx.decode_measurement(characteristic, value)
        self.count_ignored(measurement)
        return Reading([observation_of(measurement, self.features)])

    def date(self, reading: Reading, now_ms: int) -> None:
        """The stamp of a reading that is neither stored nor sent while records are shows what the clock is set to."""
        for observation in reading.observations:
            stamp = observation.device_time
            is_live = not observation.values.get("stored") and not self.access.running
            if stamp is not None and is_live:
                self.clock.take_live(stamp, now_ms)
        super().date(reading, now_ms)


def observation_of(measurement: Measurement, features: "plx.Features | None" = None) -> Observation:
    """`oximetry.measured`, or `measurement.failed` with its reason and without the numbers it takes back."""
    values = measurement.values
    reason = plx.judge(values, None if features is None else features.measurement_mask)
    kind = "oximetry.measured"
    if reason:
        kind = "measurement.failed"
        kept = ("measurement_status", "sensor_status")
        if reason != "no_value":
            values = {name: values[name] for name in values if name in kept}
        values["reason"] = reason
    return Observation(kind, values, measurement.record, measurement.device_time)
