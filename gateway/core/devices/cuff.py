"""Driver `blood_pressure`: a cuff that serves the Bluetooth Blood Pressure Service.

It takes what the cuff indicates of itself. The pressure while it pumps (0x2A36) is not asked for: it is no measurement.
"""

from gateway.core.devices import blood_pressure
from gateway.core.devices.driver import Reading
from gateway.core.devices.health import HealthDevice


class Cuff(HealthDevice):
    """One blood pressure cuff."""

    name = "blood_pressure"
    service = "1810"
    features_uuid = blood_pressure.FEATURES
    streams = (blood_pressure.MEASUREMENT,)

    def take_features(self, value: bytes) -> int:
        """Which doubts it can tell of; for the description only."""
        return blood_pressure.decode_features(value)

    def take_measurement(self, characteristic: str, value: bytes) -> Reading:
        """A blood pressure, or that there is none."""
        measurement = blood_pressure.decode_measurement(value)
        self.count_ignored(measurement)
        return Reading([blood_pressure.observation_of(measurement)])
