"""Values of the connected health devices for `trygg decode gatt`: what each driver reads, by characteristic."""

from collections.abc import Callable

from gateway.core.devices import (
    blood_pressure,
    body_temperature,
    glucose,
    heart_rate,
    nonin,
    plx,
    record_access,
    weight,
)
from gateway.core.devices.device_clock import CURRENT_TIME, decode_current_time
from gateway.core.devices.measurement import Measurement
from gateway.core.model import Decimal, Observation

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


def blood_glucose(data: bytes) -> Decoded:
    """A record of a glucose meter."""
    measurement = glucose.decode_measurement(data)
    return measurement, glucose.observation_of(measurement)


def nonin_oximetry(data: bytes) -> Decoded:
    """A value of an oximeter's own service."""
    frame = nonin.decode_measurement(data)
    observation = nonin.observation_of(frame)
    observation.values["counter"] = frame.counter
    observation.values["battery_v"] = Decimal(frame.battery_tenths_v, -1)
    observation.values["battery_low"] = frame.battery_low
    return frame, observation


def records_answer(data: bytes) -> Observation:
    """What a record access control point indicates: shown here, and no event of the hub."""
    answer = record_access.decode_answer(data)
    if answer.count is not None:
        return Observation("record_access.answered", {"number_of_records": answer.count})
    values: dict[str, object] = {"response_to": answer.request, "code": answer.code}
    return Observation(
        "record_access.answered", values | {"meaning": record_access.CODES.get(answer.code, "reserved")}
    )


def current_time(data: bytes) -> Observation:
    """What a device's clock shows: shown here, and no event of the hub."""
    shown = decode_current_time(data)
    values: dict[str, object] = {"timestamp": shown.raw, "day_of_week": shown.day_of_week}
    values |= {"fraction_256": shown.fraction_256, "adjust_reason": shown.adjust_reason}
    return Observation("device_clock.shown", values)


MEASUREMENTS: dict[str, Callable[[bytes], Decoded]] = {
    blood_pressure.MEASUREMENT: pressure,
    blood_pressure.CUFF_PRESSURE: cuff_pressure,
    body_temperature.MEASUREMENT: temperature,
    weight.MEASUREMENT: body_weight,
    heart_rate.MEASUREMENT: pulse,
    glucose.MEASUREMENT: blood_glucose,
    nonin.MEASUREMENT: nonin_oximetry,
}
FEATURES: dict[str, Callable[[bytes], int]] = {
    blood_pressure.FEATURES: blood_pressure.decode_features,
    weight.FEATURES: weight.decode_features,
    glucose.FEATURES: glucose.decode_features,
}
SHOWN: dict[str, Callable[[bytes], Observation]] = {
    record_access.CONTROL_POINT: records_answer,
    CURRENT_TIME: current_time,
}


def features_of(data: bytes) -> dict[str, object]:
    """Features of an oximeter, and the masks it announces."""
    features = plx.decode_features(data)
    values: dict[str, object] = {"features": features.bits}
    if features.measurement_mask is not None:
        values["measurement_status_support"] = features.measurement_mask
    if features.sensor_mask is not None:
        values["sensor_status_support"] = features.sensor_mask
    return values
