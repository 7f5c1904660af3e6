"""Fuzzing of devices with a memory and of an oximeter's own service: each decoder, and each driver with what it remembers."""

from collections.abc import Callable

from gateway.core.devices import battery, device_clock, device_information, glucose, nonin, record_access
from gateway.core.devices.health import HealthDevice
from gateway.core.devices.measurement import decode_date_time
from gateway.core.devices.registry import driver
from gateway.core.model import Absent
from tests.core.vectors import load
from tests.gateway.fuzz.harness import Target
from tests.gateway.fuzz.promises import check, context, must_not_raise, on_the_wire

ANSWERS = tuple(bytes.fromhex(text) for text in ("06000101", "06000106", "06000104", "06000301", "05000201"))
TIMES = tuple(
    bytes.fromhex(text) for text in ("e10701040b262d030102", "00000000000000000000", "d0070101000a00060002")
)
MOST_TURNS = 8  # clock, request, refusal, a link that is left: far fewer than these at one moment
NOON_UTC_MS = 1_768_478_400_000


def seeds(name: str, *tables: str) -> tuple[bytes, ...]:
    """The values of a driver's own vectors."""
    vectors = load(f"{name}.json")
    return tuple(bytes.fromhex(str(row["hex"])) for table in tables for row in vectors.get(table, []))


def decode_glucose(data: bytes) -> None:
    """A result of a person or of control solution, never both, and one that is none says why."""
    observation = glucose.observation_of(glucose.decode_measurement(data))
    on_the_wire(observation)
    numbers = [
        name
        for name in glucose.GLUCOSE_NAMES
        if not isinstance(observation.values.get(name, Absent("nan")), Absent)
    ]
    assert (bool(numbers) or "glucose_range" in observation.values) == (observation.kind == glucose.KIND)
    assert ("reason" in observation.values) == (observation.kind == "measurement.failed")
    assert not (numbers and any(name in observation.values for name in glucose.CONTROL_NAMES))


def decode_nonin(data: bytes) -> None:
    """A value is fresh, or told as none."""
    observation = nonin.observation_of(nonin.decode_measurement(data))
    on_the_wire(observation)
    assert ("reason" in observation.values) == (observation.kind == "measurement.failed")


def decode_time(data: bytes) -> None:
    """What is shown can be set again."""
    shown = device_clock.decode_current_time(data)
    if shown.at_ms is not None:
        again = device_clock.decode_current_time(device_clock.encode_current_time(shown.at_ms))
        assert again.raw == shown.raw and again.at_ms is not None and abs(again.at_ms - shown.at_ms) <= 4
    assert device_clock.stamp_ms(decode_date_time(data[:7])) is None or shown.at_ms is not None


def whole(name: str) -> Callable[[], Callable[[bytes], None]]:
    """A driver on a connection: each input as every characteristic in turn, and time after it."""

    def start() -> Callable[[bytes], None]:
        device = driver(name)(context())
        assert isinstance(device, HealthDevice)
        read = [device_clock.CURRENT_TIME, battery.UUID, *device_information.STRINGS]
        read += [device.features_uuid] if device.features_uuid else []
        served = [*device.streams, *read, record_access.CONTROL_POINT]
        device.steps(served)
        now_ms = 0

        def hear(data: bytes) -> None:
            nonlocal now_ms
            now_ms += 2_000 if data and data[-1] & 1 else 10
            check(device.read(read[len(data) % len(read)], data, now_ms))
            for uuid in (*device.streams, record_access.CONTROL_POINT):
                check(device.notified(uuid, data, now_ms))
            for _ in range(MOST_TURNS):
                due_ms = device.next_due_ms(now_ms)
                assert due_ms is not None
                if due_ms > now_ms:
                    return
                reading = device.due(now_ms, NOON_UTC_MS + now_ms)
                check(reading)
                if data[:1] == b"\x06" and reading.steps:
                    check(device.denied(reading.steps[0], now_ms))
                if reading.leave:
                    device.steps(served)
            raise AssertionError("it never comes to rest")

        return must_not_raise(hear)

    return start


GLUCOSE = seeds("glucose", "measurements", "features")
NONIN = seeds("nonin_ble", "measurements")
RECORDS = (
    Target("glucose measurement", seeds("glucose", "measurements"), lambda: decode_glucose),
    Target("nonin measurement", NONIN, lambda: decode_nonin),
    Target("record access answer", ANSWERS, lambda: record_access.decode_answer),
    Target("current time", TIMES, lambda: decode_time),
    Target("glucose driver", GLUCOSE + ANSWERS + TIMES, whole("glucose")),
    Target("nonin driver", NONIN + TIMES, whole("nonin_ble")),
    Target(
        "plx driver with records",
        seeds("oximeter", "measurements", "features") + ANSWERS + TIMES,
        whole("plx"),
    ),
)
