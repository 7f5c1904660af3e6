"""Glucose meter and an oximeter's own service as drivers, and oximeters that store: what they ask for, tell and remember."""

from gateway.core.devices.driver import MALFORMED, REPEATED, Context, GattDriver, Reading
from gateway.core.devices.nonin import MEASUREMENT, SERVICE
from gateway.core.devices.registry import driver
from gateway.core.devices.storing import MARKS_KEPT, Seen
from gateway.core.model import Decimal, Observation
from hal.sim.crypto import SimCrypto
from hal.sim.keystore import SimKeyStore

NAMES = ["2a19", "2a24", "2a25", "2a29"]
METER = ["2a18", "2a2b", "2a34", "2a51", "2a52"]
STAMP = "ea070b1c070f1e"


class Kept:
    """A driver whose state is stored; `restart` is a new process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.journal: "dict[str, bytes]" = {}
        self.restart()

    def restart(self) -> None:
        crypto = SimCrypto(SimKeyStore(b"s" * 32))
        found = driver(self.name)(
            Context("C0:00:00:00:00:03", {}, crypto, self.journal.get, zone="Europe/Oslo")
        )
        assert isinstance(found, GattDriver)
        self.driver = found

    def keep(self, reading: Reading) -> Reading:
        for key, item in reading.state.items():
            assert item is not None
            self.journal[key] = item
        return reading

    def hear(self, characteristic: str, hex_: str, now_ms: int = 0) -> Reading:
        return self.keep(self.driver.notified(characteristic, bytes.fromhex(hex_), now_ms))

    def due(self, now_ms: int) -> "list[tuple[str, str, str]]":
        """What it wants done then."""
        reading = self.keep(self.driver.due(now_ms, None))
        return [(step.action, step.characteristic, step.value.hex()) for step in reading.steps]


def kinds(reading: Reading) -> "list[str]":
    return [observation.kind for observation in reading.observations]


def test_a_meter_is_asked_behind_all_its_subscriptions() -> None:
    meter = Kept("glucose")
    assert meter.driver.service == "1808" and meter.driver.pairing == "weak"
    steps = [(step.action, step.characteristic) for step in meter.driver.steps(METER + NAMES)]
    assert steps == [
        ("read", "2a51"),
        ("read", "2a2b"),
        ("subscribe", "2a18"),
        ("subscribe", "2a52"),
        ("subscribe", "2a34"),
        ("read", "2a19"),
        ("subscribe", "2a19"),
        ("read", "2a24"),
        ("read", "2a25"),
        ("read", "2a29"),
    ]
    assert meter.driver.next_due_ms(5) == 0
    assert meter.due(5) == [("write", "2a52", "0101")]


def test_a_meter_that_is_no_meter_is_asked_for_nothing() -> None:
    meter = Kept("glucose")
    assert [step.characteristic for step in meter.driver.steps(["2a18", "2a51"])] == ["2a51", "2a18"]
    assert meter.due(5) == []
    assert [step.characteristic for step in meter.driver.steps(["2a52"])] == []
    assert meter.due(5) == []


def test_a_context_is_heard_and_not_kept() -> None:
    meter = Kept("glucose")
    meter.driver.steps(METER)
    reading = meter.hear("2a34", "010100")
    assert reading.heard and reading.observations == [] and reading.refused is None


def test_the_last_record_is_remembered_across_a_restart() -> None:
    meter = Kept("glucose")
    meter.driver.steps(METER)
    meter.due(5)
    assert kinds(meter.hear("2a18", "020700" + STAMP + "6fb011")) == ["glucose.measured"]
    meter.restart()
    meter.driver.steps(METER)
    assert meter.due(5) == [("write", "2a52", "0103010700")]
    again = meter.hear("2a18", "020700" + STAMP + "6fb011")
    assert again.observations == [] and again.refused is not None and again.refused[0] == REPEATED
    assert again.heard, "it proves the device alive"


def test_a_malformed_record_or_answer_is_refused_and_the_driver_goes_on() -> None:
    meter = Kept("glucose")
    meter.driver.steps(METER)
    meter.due(5)
    for characteristic, value in (("2a18", "0207"), ("2a18", ""), ("2a52", "0101"), ("2a37", "00")):
        refused = meter.hear(characteristic, value).refused
        assert refused is not None and refused[0] == MALFORMED and characteristic in refused[1]
    assert kinds(meter.hear("2a18", "020700" + STAMP + "6fb011")) == ["glucose.measured"]


def test_the_same_record_has_the_same_identity_and_another_its_own() -> None:
    values = ("020700" + STAMP + "6fb011", "020800" + STAMP + "6fb011", "020700ea070b1c070f1f6fb011")
    records = [Kept("glucose").hear("2a18", value).observations[0].record for value in values]
    assert len(set(records)) == 3
    assert Kept("glucose").hear("2a18", values[0]).observations[0].record == records[0]


def test_only_so_many_marks_are_kept_and_the_newest_of_them() -> None:
    seen = Seen(None)
    marks = [Seen.mark_of(Observation("a", {}, bytes([number]))) for number in range(MARKS_KEPT + 2)]
    for mark in marks:
        assert not seen.has(mark)
        kept = seen.add(mark)
    assert len(kept) == 8 * MARKS_KEPT
    assert [seen.has(mark) for mark in marks] == [False, False] + [True] * MARKS_KEPT
    assert Seen(kept).has(marks[-1])
    shifted = marks[-2][4:] + marks[-1][:4]
    assert not seen.has(shifted), "half of one and half of the next"


def test_a_spot_check_that_was_shown_and_is_handed_out_again_is_told_once() -> None:
    oximeter = Kept("plx")
    oximeter.driver.steps(["2a52", "2a5e", "2a60"])
    live = oximeter.hear("2a5e", "0161004800" + STAMP)
    stored = oximeter.hear("2a5e", "0361004800" + STAMP + "0002")
    assert kinds(live) == ["oximetry.measured"] and kinds(stored) == []
    assert kinds(oximeter.hear("2a5e", "0361004800ea070b1c070f1f0002")) == ["oximetry.measured"]
    unstamped = [kinds(oximeter.hear("2a5e", "0061004800")) for _ in range(2)]
    assert unstamped == [["oximetry.measured"]] * 2, "two genuine equal readings are two"


def test_the_own_service_streams_and_tells_a_held_value_from_a_fresh_one() -> None:
    oximeter = Kept("nonin_ble")
    assert oximeter.driver.service == SERVICE
    assert [step.characteristic for step in oximeter.driver.steps([MEASUREMENT])] == [MEASUREMENT]
    first = oximeter.hear(MEASUREMENT, "0a101e00fa0001610048")
    assert kinds(first) == ["oximetry.measured", "battery.measured"]
    assert first.observations[1].values == {"battery_v": Decimal(30, -1)}
    held = oximeter.hear(MEASUREMENT, "0a101e00fa0001610048")
    assert held.observations == [] and held.refused is not None and held.refused[0] == REPEATED and held.heard
    assert kinds(oximeter.hear(MEASUREMENT, "0a101e00fa0002610048")) == ["oximetry.measured"]
    assert kinds(oximeter.hear(MEASUREMENT, "0a001e00fa0003610048")) == ["measurement.failed"]
    assert kinds(oximeter.hear(MEASUREMENT, "0a101e00fa0000610048")) == ["oximetry.measured"], (
        "the counter wraps"
    )


def test_the_battery_of_the_own_service_is_told_when_it_is_news() -> None:
    oximeter = Kept("nonin_ble")
    told = [
        kinds(oximeter.hear(MEASUREMENT, hex_))[1:]
        for hex_ in (
            "0a101e00fa0001610048",
            "0a101d00fa0002610048",
            "0a101c00fa0003610048",
            "0a301500fa0004610048",
            "0a301500fa0005610048",
        )
    ]
    assert told == [["battery.measured"], [], ["battery.measured"], ["battery.measured", "battery.low"], []]
    oximeter.restart()
    assert kinds(oximeter.hear(MEASUREMENT, "0a301500fa0006610048")) == ["oximetry.measured"]
    assert kinds(oximeter.hear(MEASUREMENT, "0a101e00fa0007610048"))[1:] == [
        "battery.measured",
        "battery.restored",
    ]


def test_that_there_is_no_measurement_is_told_once_while_it_lasts() -> None:
    oximeter = Kept("nonin_ble")
    told = []
    for number, status in enumerate((0x00, 0x00, 0x18, 0x18, 0x00, 0x10, 0x00)):
        reading = oximeter.hear(MEASUREMENT, "0a%02x1e00fa%04x610048" % (status, number))
        assert reading.heard
        told.append([o.values.get("reason", "fresh") for o in reading.observations if o.kind[0] != "b"])
    reasons = [row[0] if row else "" for row in told]
    assert reasons == ["no_finger", "", "searching", "", "no_finger", "fresh", "no_finger"]


def test_a_new_connection_begins_a_new_count() -> None:
    oximeter = Kept("nonin_ble")
    for _ in range(2):
        oximeter.driver.steps([MEASUREMENT])
        assert kinds(oximeter.hear(MEASUREMENT, "0a101e00fa0001610048"))[0] == "oximetry.measured"
