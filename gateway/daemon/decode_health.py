"""Values of the connected health devices for `trygg decode gatt`: what each driver reads, by characteristic."""

from collections.abc import Callable

from gateway.core.devices import blood_pressure, body_temperature, heart_rate, weight
from gateway.core.devices.measurement import Measurement
from gateway.core.model import Observation

Decoded = tuple[Measurement, Observation]


def pressure(data: bytes) -> Decoded:
    """A blood pressure."""
    measurement = blood_pressure.decode_measurement(data)
    return measurement, blood_pressure.observation_of(measurement)


def cuff_pressure(data: bytes) -> Decoded:
    """The pressure of a cuff that is still measuring: shown here, and no event of the hub."""
    measurement = blood_pressure.decode_cuff_pressure(data)
    return measurement, Observation("blood_pressure.progress", measurement.values)


def temperature(data: bytes) -> Decoded:
    """A body temperature."""
    measurement = body_temperature.decode_measurement(data)
    return measurement, body_temperature.observation_of(measurement)


def body_weight(data: bytes) -> Decoded:
    """A weight."""
    measurement = weight.decode_measurement(data)
    return measurement, weight.observation_of(measurement)


def pulse(data: bytes) -> Decoded:
    """A heart rate."""
    measurement = heart_rate.decode_measurement(data)
    return measurement, heart_rate.observation_of(measurement)


MEASUREMENTS: dict[str, Callable[[bytes], Decoded]] = {
    blood_pressure.MEASUREMENT: pressure,
    blood_pressure.CUFF_PRESSURE: cuff_pressure,
    body_temperature.MEASUREMENT: temperature,
    weight.MEASUREMENT: body_weight,
    heart_rate.MEASUREMENT: pulse,
}
FEATURES: dict[str, Callable[[bytes], int]] = {
    blood_pressure.FEATURES: blood_pressure.decode_features,
    weight.FEATURES: weight.decode_features,
}
