"""What is fuzzed: every decoder of a device's bytes, what Improv takes, and every driver with what it remembers."""

from collections.abc import Callable

from gateway.core.devices import battery, bthome_frame, device_information, plx
from gateway.core.devices.bthome import Bthome
from gateway.core.devices.dispenser_events import decode_stream
from gateway.core.devices.oximeter import Oximeter, observation_of
from gateway.core.devices.registry import driver
from gateway.core.framing import cobs
from gateway.core.model import Observation
from hal.esp32.ble_packets import read_packet
from hal.types import Advertisement
from tests.core.vectors import load
from tests.gateway.fuzz.afar_targets import AFAR
from tests.gateway.fuzz.answer_targets import ANSWER_TARGETS
from tests.gateway.fuzz.bond_targets import BONDS
from tests.gateway.fuzz.harness import Target
from tests.gateway.fuzz.health_targets import HEALTH
from tests.gateway.fuzz.improv_targets import IMPROV_TARGETS
from tests.gateway.fuzz.promises import ADDRESS, check, context, must_not_raise, on_the_wire
from tests.gateway.fuzz.record_targets import RECORDS
from tests.gateway.fuzz.serial_targets import SERIAL

BTHOME = load("bthome.json")
OXIMETER = load("oximeter.json")
DISPENSER = load("dispenser.json")
FRAMES = tuple(bytes.fromhex(str(row["hex"])) for row in BTHOME["frames"])
MEASUREMENTS = tuple(bytes.fromhex(str(row["hex"])) for row in OXIMETER["measurements"])
FEATURES = tuple(bytes.fromhex(str(row["hex"])) for row in OXIMETER["features"])
NAMES = (
    b"Wahoo Fitness\x00\x00",
    "Røyk".encode(),
    bytes.fromhex("55aa55aa55aa55aa"),
    bytes.fromhex("01590002000301"),
)
CHARACTERISTICS = (plx.CONTINUOUS, plx.SPOT_CHECK, plx.FEATURES, battery.UUID, *device_information.STRINGS)


def hex_texts(row: object) -> list[bytes]:
    """Every text of hex within a row of vectors."""
    if isinstance(row, dict):
        return [data for item in row.values() for data in hex_texts(item)]
    if isinstance(row, list):
        return [data for item in row for data in hex_texts(item)]
    try:
        return [bytes.fromhex(row)] if isinstance(row, str) and len(row) > 3 else []
    except ValueError:
        return []


def decode_frame(data: bytes) -> None:
    frame = bthome_frame.decode_objects(data, bthome_frame.decode_header(data).offset)
    assert sorted(frame.names) == sorted(frame.values)


def decode_measurement(data: bytes) -> None:
    for characteristic in (plx.SPOT_CHECK, plx.CONTINUOUS):
        on_the_wire(observation_of(plx.decode_measurement(characteristic, data)))


def decode_information(data: bytes) -> None:
    for characteristic in device_information.STRINGS:
        for text in device_information.decode(characteristic, data).values():
            assert isinstance(text, str) and len(text) <= device_information.LONGEST
            assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in text)
    device_information.decode(device_information.SYSTEM_ID, data)
    device_information.decode(device_information.PNP_ID, data)


def bthome_driver(key_ref: str | None) -> Callable[[bytes], None]:
    sensor = Bthome(context(key_ref))
    now_ms = 0

    def hear(data: bytes) -> None:
        nonlocal now_ms
        now_ms += 7 * (data[-1] if data else 1) ** 2
        check(sensor.advertised(Advertisement(ADDRESS, -60, now_ms, {"fcd2": data})))

    return must_not_raise(hear)


def reset_driver() -> Callable[[bytes], None]:
    """A sensor with a key whose resets a person confirms now and then; no counter is taken twice between two of these."""
    sensor = Bthome(context("sensor"))
    now_ms = 0
    taken: set[int] = set()

    def hear(data: bytes) -> None:
        nonlocal now_ms
        now_ms += 1 + len(data) ** 3
        last = sensor.counter.last
        check(sensor.advertised(Advertisement(ADDRESS, -60, now_ms, {"fcd2": data})))
        if sensor.counter.last != last:
            assert sensor.counter.last > last and sensor.counter.last not in taken
            taken.add(sensor.counter.last)
        if data and data[-1] % 5 == 1 and sensor.counters() is not None:
            reading = sensor.confirm_reset(now_ms)
            check(reading)
            assert reading.state and sensor.counters() is None
            taken.clear()

    return must_not_raise(hear)


def oximeter_driver() -> Callable[[bytes], None]:
    oximeter = Oximeter(context())
    oximeter.steps(list(CHARACTERISTICS))

    def hear(data: bytes) -> None:
        characteristic = CHARACTERISTICS[len(data) % len(CHARACTERISTICS)]
        check(oximeter.read(characteristic, data, 0))
        check(oximeter.notified(plx.CONTINUOUS, data, 0))
        check(oximeter.notified(plx.SPOT_CHECK, data, 0))

    return must_not_raise(hear)


def dispenser_driver() -> Callable[[bytes], None]:
    dispenser = driver("dispenser")(context())
    check(dispenser.opened(0, None))  # type: ignore[attr-defined]
    now_ms = 0

    def hear(data: bytes) -> None:
        nonlocal now_ms
        now_ms += 50
        check(dispenser.received(data + cobs.DELIMITER, now_ms, None))  # type: ignore[attr-defined]
        check(dispenser.due(now_ms, None))  # type: ignore[attr-defined]

    return must_not_raise(hear)


def decode_serial(data: bytes) -> None:
    for found in decode_stream(data):
        if isinstance(found, Observation):
            on_the_wire(found)


STREAMS = tuple(data for data in hex_texts(DISPENSER) if len(data) > 2)


def read_advertising(data: bytes) -> None:
    heard = Advertisement(ADDRESS, -60, 0, {})
    read_packet(heard, data)
    assert all(len(uuid) in (4, 36) for uuid in (*heard.service_uuids, *heard.service_data))


TARGETS = (
    Target("advertising packet", (b"\x02\x01\x06\x06\x16\xd2\xfc\x40\x1a\x01",), lambda: read_advertising),
    Target("bthome frame", FRAMES, lambda: decode_frame),
    Target("bthome driver", FRAMES, lambda: bthome_driver(None)),
    Target(
        "bthome driver with a key",
        tuple(b"\x41" + f[1:] + b"\x01\0\0\0\x01\x01\x01\x01" for f in FRAMES) + FRAMES,
        lambda: bthome_driver("sensor"),
    ),
    Target(
        "bthome driver with resets",
        tuple(
            b"\x41" + f[1:] + bytes([number, 0, 0, 0, 1, 1, 1, tail])
            for f in FRAMES[:20]
            for number, tail in ((1, 1), (2, 2), (200, 6))
        ),
        reset_driver,
    ),
    Target("plx measurement", MEASUREMENTS, lambda: decode_measurement),
    Target("plx features", FEATURES, lambda: plx.decode_features),
    Target("plx driver", MEASUREMENTS + FEATURES + NAMES, oximeter_driver),
    Target("battery level", (b"\x32", b"\x64\x00"), lambda: battery.decode_battery_level),
    Target("device information", NAMES, lambda: decode_information),
    Target("dispenser stream", STREAMS, lambda: decode_serial),
    Target("dispenser driver", STREAMS, dispenser_driver),
    *AFAR,
    *BONDS,
    *HEALTH,
    *RECORDS,
    *SERIAL,
    *ANSWER_TARGETS,
    *IMPROV_TARGETS,
)
