"""Cuff, thermometer, scale and heart rate sensor as drivers: what they ask for, tell and refuse."""

from gateway.core.devices.driver import MALFORMED, Context, GattDriver
from gateway.core.devices.registry import driver
from hal.sim.crypto import SimCrypto
from hal.sim.keystore import SimKeyStore

NAMES = ["2a19", "2a24", "2a25", "2a29"]
# Driver: (service, what the device serves of it, what is read and subscribed to of it, a good value, its kind)
FAMILIES = {
    "blood_pressure": (
        "1810",
        ["2a35", "2a36", "2a49"],
        [("read", "2a49"), ("subscribe", "2a35")],
        "00780050005d00",
        "blood_pressure.measured",
    ),
    "thermometer": (
        "1809",
        ["2a1c", "2a1d", "2a1e"],
        [("subscribe", "2a1c")],
        "00720100ff",
        "temperature.measured",
    ),
    "weight_scale": (
        "181d",
        ["2a9d", "2a9e"],
        [("read", "2a9e"), ("subscribe", "2a9d")],
        "009a38",
        "weight.measured",
    ),
    "heart_rate": (
        "180d",
        ["2a37", "2a38", "2a39"],
        [("subscribe", "2a37")],
        "0048",
        "heart_rate.measured",
    ),
}


def made(name: str, journal: "dict[str, bytes] | None" = None) -> GattDriver:
    """A driver with what it stored."""
    stored = {} if journal is None else journal
    crypto = SimCrypto(SimKeyStore(b"s" * 32))
    found = driver(name)(Context("C0:00:00:00:00:03", {}, crypto, stored.get))
    assert isinstance(found, GattDriver)
    return found


def stream_of(name: str) -> str:
    """The characteristic that brings measurements."""
    return FAMILIES[name][2][-1][1]


def test_each_asks_its_features_first_then_measurements_then_who_it_is() -> None:
    for name, (service, served, asked, _, _) in FAMILIES.items():
        found = made(name)
        assert (found.service, found.pairing, found.transport) == (service, "weak", "ble-gatt")
        steps = [(step.action, step.characteristic) for step in found.steps(served + NAMES)]
        assert steps[: len(asked)] == asked, name
        assert steps[len(asked) :] == [
            ("read", "2a19"),
            ("subscribe", "2a19"),
            ("read", "2a24"),
            ("read", "2a25"),
            ("read", "2a29"),
        ]
        assert made(name).steps([]) == []


def test_each_tells_what_it_measured_and_goes_on_after_what_it_refuses() -> None:
    for name, (_, _, _, good, kind) in FAMILIES.items():
        found, stream = made(name), stream_of(name)
        for characteristic, value in (
            (stream, b""),
            (stream, b"\x1f"),
            ("2a19", b"\xff"),
            ("2a5f", bytes(5)),
        ):
            reading = found.notified(characteristic, value, 0)
            assert reading.refused is not None and reading.refused[0] == MALFORMED, name
            assert characteristic in reading.refused[1] and reading.observations == []
        reading = found.notified(stream, bytes.fromhex(good), 0)
        assert reading.refused is None and reading.heard
        assert [each.kind for each in reading.observations] == [kind]


def test_each_counts_what_its_service_asks_to_ignore() -> None:
    for name, (_, _, _, good, _) in FAMILIES.items():
        found, value = made(name), bytes.fromhex(good)
        found.notified(stream_of(name), value + b"\xaa\xbb\xcc", 0)
        found.notified(stream_of(name), bytes([value[0] | 0xE0]) + value[1:], 0)
        assert found.ignored == {"reserved_bits": 1, "trailing_bytes": 3}, name  # type: ignore[attr-defined]


def test_each_says_once_what_it_is_with_its_features() -> None:
    for name, bits in (("blood_pressure", b"\x3f\x00"), ("weight_scale", b"\x0f\x00\x00\x00")):
        journal: "dict[str, bytes]" = {}
        for told in (1, 0):  # the second time from what was stored
            found = made(name, journal)
            found.steps(FAMILIES[name][1] + ["2a29"])
            features = FAMILIES[name][2][0][1]
            assert found.read(features, bits, 0).refused is None
            reading = found.read("2a29", b"A&D Medical", 0)
            journal.update({key: item or b"" for key, item in reading.state.items()})
            described = [each.values for each in reading.observations]
            assert described == [{"features": bits[0], "maker": "A&D Medical"}] * told
        assert made(name).read(features, b"", 0).refused is not None


def test_the_pressure_while_a_cuff_pumps_is_not_asked_for_and_no_event() -> None:
    reading = made("blood_pressure").notified("2a36", bytes.fromhex("006e00ff07ff07"), 0)
    assert reading.observations == [] and reading.refused is not None
