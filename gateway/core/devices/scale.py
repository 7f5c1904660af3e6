"""Driver `weight_scale`: a scale that serves the Bluetooth Weight Scale Service."""

from gateway.core.devices import weight
from gateway.core.devices.driver import Reading
from gateway.core.devices.health import HealthDevice


class Scale(HealthDevice):
    """One weight scale."""

    name = "weight_scale"
    service = "181d"
    features_uuid = weight.FEATURES
    streams = (weight.MEASUREMENT,)

    def take_features(self, value: bytes) -> int:
        """For the description only."""
        return weight.decode_features(value)

    def take_measurement(self, characteristic: str, value: bytes) -> Reading:
        """A weight, or that there is none."""
        measurement = weight.decode_measurement(value)
        self.count_ignored(measurement)
        return Reading([weight.observation_of(measurement)])
