"""Driver `thermometer`: a thermometer for people that serves the Bluetooth Health Thermometer Service."""

from gateway.core.devices import body_temperature
from gateway.core.devices.driver import Reading
from gateway.core.devices.health import HealthDevice


class Thermometer(HealthDevice):
    """One thermometer."""

    name = "thermometer"
    service = "1809"
    streams = (body_temperature.MEASUREMENT,)

    def take_measurement(self, characteristic: str, value: bytes) -> Reading:
        """A temperature, or that there is none."""
        measurement = body_temperature.decode_measurement(value)
        self.count_ignored(measurement)
        return Reading([body_temperature.observation_of(measurement)])
