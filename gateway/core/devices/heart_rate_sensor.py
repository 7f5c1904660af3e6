"""Driver `heart_rate`: a sensor that serves the Bluetooth Heart Rate Service and streams while it is worn."""

from gateway.core.devices import heart_rate
from gateway.core.devices.driver import Reading
from gateway.core.devices.health import HealthDevice


class HeartRateSensor(HealthDevice):
    """One heart rate sensor."""

    name = "heart_rate"
    service = "180d"
    streams = (heart_rate.MEASUREMENT,)

    def take_measurement(self, characteristic: str, value: bytes) -> Reading:
        """A heart rate, or that there is none."""
        measurement = heart_rate.decode_measurement(value)
        self.count_ignored(measurement)
        return Reading([heart_rate.observation_of(measurement)])
