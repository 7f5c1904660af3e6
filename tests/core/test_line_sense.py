"""What sits on a line: another device, another speed, or the right one with some noise."""

from gateway.core.line_sense import ENOUGH_BYTES, LONG_MS, OTHER_DEVICE, OTHER_SPEED, LineSense, recognise
from hal.sim.faults import SeededNumbers
from tools.simulators import enocean_air as air
from tools.simulators.dispenser import DispenserDevice
from tools.simulators.noisy_bytes import NoisyBytes, at_another_speed
from tools.simulators.nonin_serial import NoninDevice, second, spot

SENDER = "01:82:5D:AB"
STAMP = bytes.fromhex("2026112807153042")


def nonin(number: int) -> bytes:
    device = NoninDevice(number)
    device.finger(97, 72)
    return device.due(3_000)


def dispenser() -> bytes:
    device = DispenserDevice({}, SeededNumbers(1).take, 0, 1_764_327_600_000)
    for _ in range(8):
        device.log_event("lid.opened", 0)
    return b"".join([device.due(at_ms) for at_ms in range(0, 120_000, 1_000)])


STREAMS = (
    ("nonin_serial 2", nonin(2), 9_600),
    ("nonin_serial 7", nonin(7), 9_600),
    ("nonin_serial 8", b"".join([second(97 - turn % 9, 70 + turn) for turn in range(40)]), 9_600),
    ("nonin_serial 13", b"".join([spot(STAMP, 97 - turn, 70 + turn) for turn in range(8)]), 9_600),
    ("enocean", b"".join([air.telegram(SENDER, air.multisensor(turn, 3)) for turn in range(10)]), 57_600),
    ("dispenser", dispenser(), 115_200),
)


def test_each_family_is_recognised_by_its_whole_frames() -> None:
    for family, data, _ in STREAMS:
        assert len(data) > 60, family
        assert recognise(data) == family
        assert recognise(data[7:-3]) == family, "a stream is met in the middle of a frame"


def test_noise_is_no_family() -> None:
    for seed in range(40):
        assert recognise(SeededNumbers(seed).take(600)) == "", seed
    for byte in (b"\x00", b"\x55", b"\xff", b"\x80", b"\x06"):
        assert recognise(600 * byte) == "", byte


def test_a_little_noise_hides_no_family() -> None:
    for family, data, _ in STREAMS:
        noisy = b"".join(NoisyBytes(3, flipped=30).carry(data))
        assert recognise(noisy) in (family, ""), family


def test_another_speed_makes_bytes_of_no_family() -> None:
    for family, data, baud in STREAMS:
        for other in (9_600, 19_200, 57_600, 115_200):
            if other != baud:
                seen = at_another_speed(data, baud, other)
                assert len(seen) >= ENOUGH_BYTES // 4, (family, other)
                assert recognise(seen) == "", (family, other)
        assert at_another_speed(data, baud, baud) == data, family


def test_nothing_is_said_before_enough_bytes_and_a_while() -> None:
    for driver, (family, data, _) in (("enocean", STREAMS[0]), ("nonin_serial", STREAMS[4])):
        sense = LineSense(driver)
        assert not sense.take(data[:400], False, 0), "too soon"
        assert not sense.take(b"", False, LONG_MS - 1)
        assert sense.take(data[:5], False, LONG_MS)
        assert (
            sense.misread == OTHER_DEVICE and sense.family.split(" ")[0] != driver and sense.family == family
        )
        assert not sense.take(data, False, 2 * LONG_MS), "once"
        assert sense.take(data, True, 3 * LONG_MS) and sense.misread == "" and sense.family == ""
        assert not sense.take(data, True, 4 * LONG_MS)
    sense = LineSense("enocean")
    sense.take(b"\x00", False, 0)
    assert not sense.take(b"\xff", False, 10 * LONG_MS), "a byte now and then is noise"


def test_bytes_of_no_family_are_another_speed() -> None:
    sense = LineSense("enocean")
    sense.take(at_another_speed(STREAMS[4][1], 57_600, 9_600), False, 0)
    assert sense.take(SeededNumbers(2).take(ENOUGH_BYTES), False, LONG_MS)
    assert (sense.misread, sense.family) == (OTHER_SPEED, "")


def test_frames_of_its_own_that_the_driver_does_not_take_are_its_own_affair() -> None:
    sense = LineSense("dispenser")
    sense.take(dispenser(), False, 0)
    assert not sense.take(dispenser(), False, LONG_MS) and sense.misread == ""


def test_a_line_opened_anew_is_judged_anew() -> None:
    sense = LineSense("enocean")
    sense.take(SeededNumbers(2).take(500), False, 0)
    sense.reset()
    assert not sense.take(SeededNumbers(3).take(500), False, LONG_MS)
