"""Fuzzing of serial lines: each framer, each decoder, each driver, and what is said of a line on which anything may come."""

from collections.abc import Callable

from gateway.core.devices import nonin_seconds, nonin_spot, nonin_stream
from gateway.core.devices.dispenser_messages import MAX_FRAME
from gateway.core.devices.driver import Context, SerialDriver
from gateway.core.devices.enocean import Enocean
from gateway.core.devices.enocean_profiles import PROFILES
from gateway.core.devices.enocean_telegram import decode_telegram, is_teach_in, profile_of
from gateway.core.devices.enocean_transceiver import Transceiver, decode_base_id, decode_version
from gateway.core.devices.nonin_serial import NoninSerial
from gateway.core.errors import DecodeError
from gateway.core.framing import cobs, esp3
from gateway.core.framing.scan import Scanner
from gateway.core.line_sense import LineSense
from gateway.core.model import Observation
from gateway.daemon.decode_serial import STREAMS
from gateway.daemon.plugin_guard import guarded
from hal.sim.crypto import SimCrypto
from hal.sim.keystore import SimKeyStore
from tests.core.vectors import load
from tests.gateway.fuzz.harness import Target
from tests.gateway.fuzz.promises import check, must_not_raise, on_the_wire
from tests.tools.example_driver import module
from tools.conform.driver_feed import rows_of
from tools.simulators import enocean_air as air
from tools.simulators.nonin_serial import NoninDevice, second, spot

ExampleRoll = module().ExampleRoll
STAMP = bytes.fromhex("2026112807153042")
SENDER = "01:82:5D:AB"


def stream(number: int) -> bytes:
    device = NoninDevice(number)
    device.finger(97, 72)
    return device.due(700)


PACKETS = (
    air.telegram(SENDER, air.contact(True)),
    air.telegram(SENDER, air.smoke(air.SMOKE)),
    air.telegram(SENDER, air.multisensor(20, 5)),
    air.telegram(SENDER, air.four_bs_teach_in(0x30, 3, 13)),
    air.TransceiverDevice().answer(air.READ_VERSION),
    air.TransceiverDevice().answer(air.READ_BASE_ID),
)
SPOTS = (spot(STAMP, 97, 72), spot(STAMP, 97, 72, more=b"\x01\x02"), nonin_spot.ASK_TIME, b"\x06\x15")
FRAMES = tuple(bytes.fromhex(str(row["line"])) for row in load("dispenser.json")["conversation"])
EXAMPLES = tuple(row.data for row in rows_of(ExampleRoll))
ANSWERS = (b"\x00\x01\x02\x03\x04", bytes(33))  # an answer's data begins with its return code
CLOCK = bytes([0x02, nonin_spot.CLOCK, 6, 26, 11, 28, 7, 15, 30, nonin_spot.ETX])
SECONDS = (second(97, 72) + second(96, 300), second(127, 511, last=8))


def scanned(measure: Callable[[bytearray, int], int], limit: int) -> Callable[[], Callable[[bytes], None]]:
    """A framer that lives on over its inputs, in halves: what it holds is bounded, and nothing is told twice."""

    def start() -> Callable[[bytes], None]:
        scanner = Scanner(measure, limit)
        given = whole = 0

        def push(data: bytes) -> None:
            nonlocal given, whole
            found = scanner.push(data[: len(data) // 2]) + scanner.push(data[len(data) // 2 :])
            found += scanner.look_past()
            given += len(data)
            assert len(scanner.held) <= limit
            whole += sum(len(item) for item in found if isinstance(item, bytes))
            assert whole + scanner.skipped + len(scanner.held) == given

        return must_not_raise(push)

    return start


def cobs_framer() -> Callable[[bytes], None]:
    """The framer of the dispenser's line, which lives on: whatever comes, it holds no more than a frame."""
    limit = cobs.encoded_size(MAX_FRAME)
    framer = cobs.Framer(limit)

    def push(data: bytes) -> None:
        whole = framer.push(data[: len(data) // 2]) + framer.push(data[len(data) // 2 :])
        for item in whole:
            assert isinstance(item, DecodeError) or len(item) <= MAX_FRAME
        assert len(framer.held) <= limit

    return must_not_raise(push)


def context(options: dict[str, object]) -> Context:
    return Context(SENDER, options, SimCrypto(SimKeyStore(b"s" * 32)), lambda key: None, zone="Europe/Oslo")


def driven(make: Callable[[], SerialDriver]) -> Callable[[], Callable[[bytes], None]]:
    """A driver on a line that lives on, with what is sensed of that line."""

    def start() -> Callable[[bytes], None]:
        reader, now_ms = make(), 0
        sense = LineSense(reader.name)
        check(reader.opened(0, None))

        def hear(data: bytes) -> None:
            nonlocal now_ms
            now_ms += 700
            reading = reader.received(data, now_ms, 1_764_327_600_000 + now_ms)
            check(reading)
            sense.take(data, reading.heard, now_ms)
            check(reader.due(now_ms, 1_764_327_600_000 + now_ms))
            due_ms = reader.next_due_ms(now_ms)
            assert due_ms is None or isinstance(due_ms, int)

        return must_not_raise(hear)

    return start


def hear_telegrams() -> Callable[[bytes], None]:
    """One packet's data, through every profile."""
    sensors = [Enocean(context({"profile": name})) for name in PROFILES]

    def hear(data: bytes) -> None:
        found = decode_telegram(esp3.Packet(esp3.RADIO_ERP1, data[:-7], data[-7:]))
        if is_teach_in(found):
            profile_of(found)
        for sensor in sensors:
            check(sensor.heard(found, 0))

    return hear


def shown(name: str) -> Callable[[], Callable[[bytes], None]]:
    """What `trygg decode` makes of a stream."""

    def look(data: bytes) -> None:
        for found in STREAMS[name](data):
            if isinstance(found, Observation) and found.kind in ("oximetry.measured", "measurement.failed"):
                kept = {
                    name: item
                    for name, item in found.values.items()
                    if name in ("spo2_pct", "pulse_rate_bpm", "reason")
                }
                on_the_wire(Observation(found.kind, kept))

    return lambda: must_not_raise(look)


SERIAL = (
    Target("cobs framer", FRAMES, cobs_framer),
    Target("example_roll driver", EXAMPLES, driven(lambda: ExampleRoll(context({})))),
    Target(
        "example_roll driver behind its guard", EXAMPLES, driven(lambda: guarded(ExampleRoll)(context({})))
    ),
    Target("nonin 2 framer", (stream(2),), scanned(nonin_stream.FORMAT_2.measure, 10)),
    Target("nonin 7 framer", (stream(7),), scanned(nonin_stream.FORMAT_7.measure, 10)),
    Target("nonin 8 framer", SECONDS, scanned(nonin_seconds.measure, 8)),
    Target("nonin 13 framer", SPOTS, scanned(nonin_spot.measure, nonin_spot.MOST_SPOT)),
    Target("esp3 framer", PACKETS, scanned(esp3.measure, esp3.MOST_PACKET)),
    Target("nonin 2 frame", (stream(2)[:5],), lambda: nonin_stream.FORMAT_2.decode),
    Target("nonin 7 frame", (stream(7)[:5],), lambda: nonin_stream.FORMAT_7.decode),
    Target("nonin 8 frame", SECONDS, lambda: nonin_seconds.decode_second),
    Target(
        "nonin 13 frame", SPOTS, lambda: lambda data: nonin_spot.observation_of(nonin_spot.decode_spot(data))
    ),
    Target("esp3 packet", PACKETS, lambda: esp3.decode),
    Target(
        "enocean driver",
        tuple(esp3.decode(one).data + bytes(7) for one in PACKETS[:4]),
        hear_telegrams,
    ),
    *(
        Target(
            f"nonin_serial driver, format {number}",
            seeds,
            driven(lambda number=number: NoninSerial(context({"format": number}))),
        )
        for number, seeds in ((2, (stream(2),)), (7, (stream(7),)), (8, SECONDS), (13, SPOTS))
    ),
    Target("enocean base id", ANSWERS, lambda: decode_base_id),
    Target("enocean version", ANSWERS, lambda: decode_version),
    Target("nonin 13 clock", (nonin_spot.ASK_TIME, CLOCK), lambda: nonin_spot.decode_time),
    Target("enocean transceiver", PACKETS, driven(Transceiver)),
    *(
        Target(f"decode serial {name}", seeds, shown(name))
        for name, seeds in (
            ("dispenser", FRAMES),
            ("nonin2", (stream(2),)),
            ("nonin7", (stream(7),)),
            ("nonin8", SECONDS),
            ("nonin13", SPOTS),
            ("esp3", PACKETS),
        )
    ),
)
