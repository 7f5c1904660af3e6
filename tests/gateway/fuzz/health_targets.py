"""Fuzzing of the connected health devices: each decoder, and each driver with what it remembers."""

from collections.abc import Callable

from gateway.core.devices import (
    battery,
    blood_pressure,
    body_temperature,
    device_information,
    heart_rate,
    weight,
)
from gateway.core.devices.health import HealthDevice
from gateway.core.devices.measurement import Measurement
from gateway.core.devices.registry import driver
from gateway.core.model import Absent, Observation
from tests.core.vectors import load
from tests.gateway.fuzz.harness import Target
from tests.gateway.fuzz.promises import check, context, must_not_raise, on_the_wire

Decode = Callable[[bytes], Measurement]
Observe = Callable[[Measurement], Observation]

FAMILIES: tuple[tuple[str, Decode, Observe], ...] = (
    ("blood_pressure", blood_pressure.decode_measurement, blood_pressure.observation_of),
    ("thermometer", body_temperature.decode_measurement, body_temperature.observation_of),
    ("weight_scale", weight.decode_measurement, weight.observation_of),
    ("heart_rate", heart_rate.decode_measurement, heart_rate.observation_of),
)


def seeds(name: str, *tables: str) -> tuple[bytes, ...]:
    """The values of a driver's own vectors."""
    vectors = load(f"{name}.json")
    return tuple(bytes.fromhex(str(row["hex"])) for table in tables for row in vectors.get(table, []))


def observed(decode: Decode, observe: Observe) -> Callable[[], Callable[[bytes], None]]:
    """A decoder whose observations fit the wire; a failure names its reason, a measurement has a number."""

    def look(data: bytes) -> None:
        observation = observe(decode(data))
        on_the_wire(observation)
        names = [
            name for name in observation.values if name.endswith(("_mmhg", "_kpa", "_c", "_f", "_kg", "_lb"))
        ]
        names += ["heart_rate_bpm"] if "heart_rate_bpm" in observation.values else []
        numbers = [name for name in names if not isinstance(observation.values[name], Absent)]
        assert bool(numbers) == (observation.kind != "measurement.failed")
        assert ("reason" in observation.values) == (observation.kind == "measurement.failed")

    return lambda: look


def whole(name: str) -> Callable[[], Callable[[bytes], None]]:
    """A driver that is given each input as every characteristic in turn."""

    def start() -> Callable[[bytes], None]:
        device = driver(name)(context())
        assert isinstance(device, HealthDevice)
        read = [uuid for uuid in (device.features_uuid, battery.UUID, *device_information.STRINGS) if uuid]
        device.steps([*device.streams, *read])

        def hear(data: bytes) -> None:
            check(device.read(read[len(data) % len(read)], data, 0))
            for stream in device.streams:
                check(device.notified(stream, data, 0))

        return must_not_raise(hear)

    return start


HEALTH = (
    *(
        Target(f"{name} measurement", seeds(name, "measurements"), observed(decode, observe))
        for name, decode, observe in FAMILIES
    ),
    *(
        Target(f"{name} driver", seeds(name, "measurements", "features"), whole(name))
        for name, _, _ in FAMILIES
    ),
    Target(
        "cuff pressure",
        seeds("blood_pressure", "progress"),
        lambda: blood_pressure.decode_cuff_pressure,
    ),
)
