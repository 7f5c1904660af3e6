"""The oximeter driver: what it asks for, and what it tells when."""

from gateway.core.devices.driver import MALFORMED, Context
from gateway.core.devices.oximeter import Oximeter
from gateway.core.model import Observation
from hal.sim.crypto import SimCrypto
from hal.sim.keystore import SimKeyStore

ALL = ["2a00", "2a19", "2a23", "2a24", "2a25", "2a26", "2a29", "2a50", "2a52", "2a5e", "2a5f", "2a60"]
MEASURED = bytes.fromhex("0061004800")


class Hub:
    """Keeps what a reading wants stored; `connect` is a new connection, `restart` a new process."""

    def __init__(self) -> None:
        self.journal: "dict[str, bytes]" = {}
        self.restart()

    def restart(self) -> None:
        crypto = SimCrypto(SimKeyStore(b"s" * 32))
        self.driver = Oximeter(Context("C0:00:00:00:00:03", {}, crypto, self.journal.get))

    def stored(self, observations: "list[Observation]", state: "dict[str, bytes | None]") -> "list[str]":
        for key, item in state.items():
            assert item is not None
            self.journal[key] = item
        return [observation.kind for observation in observations]

    def read(self, characteristic: str, value: bytes) -> "list[str]":
        reading = self.driver.read(characteristic, value, 0)
        return self.stored(reading.observations, reading.state)

    def notified(self, characteristic: str, value: bytes) -> "list[str]":
        reading = self.driver.notified(characteristic, value, 0)
        return self.stored(reading.observations, reading.state)

    def connect(self, denied: "tuple[str, ...]" = (), firmware: bytes = b"1.0") -> "list[str]":
        """Walk the driver's own steps as the hub does; kinds told on the way."""
        values = {
            "2a60": b"\x00\x00",
            "2a19": b"\x50",
            "2a29": b"Nonin\x00",
            "2a24": b"3230",
            "2a26": firmware,
        }
        told = []
        for step in self.driver.steps(ALL):
            if step.action == "read" and step.characteristic not in denied:
                told += self.read(step.characteristic, values.get(step.characteristic, b""))
        return told


def test_it_asks_for_what_is_served_features_first_and_names_last() -> None:
    steps = Hub().driver.steps(ALL)
    assert [(step.action, step.characteristic) for step in steps] == [
        ("read", "2a60"),
        ("subscribe", "2a5f"),
        ("subscribe", "2a5e"),
        ("subscribe", "2a52"),
        ("read", "2a19"),
        ("subscribe", "2a19"),
        ("read", "2a24"),
        ("read", "2a25"),
        ("read", "2a26"),
        ("read", "2a29"),
    ]
    spot_only = Hub().driver.steps(["2a5e", "2a60"])
    assert [step.characteristic for step in spot_only] == ["2a60", "2a5e"]
    assert Hub().driver.steps([]) == []


def test_a_notification_becomes_a_measurement() -> None:
    hub = Hub()
    reading = hub.driver.notified("2a5f", MEASURED, 5)
    assert reading.observations == [Observation("oximetry.measured", {"spo2_pct": 97, "pulse_rate_bpm": 72})]
    assert reading.heard and reading.state == {} and reading.refused is None
    assert hub.notified("2a5e", MEASURED) == ["oximetry.measured"]
    assert hub.notified("2a5f", bytes.fromhex("00ff07ff07")) == ["measurement.failed"]


def test_a_malformed_value_is_refused_and_the_driver_goes_on() -> None:
    hub = Hub()
    for characteristic, value in (
        ("2a5f", b""),
        ("2a5e", b"\x01\x61\x00"),
        ("2a19", b"\xff"),
        ("2a37", b"\x00"),
    ):
        reading = hub.driver.notified(characteristic, value, 0)
        assert reading.refused is not None and reading.refused[0] == MALFORMED
        assert characteristic in reading.refused[1] and reading.observations == []
    assert hub.driver.read("2a60", b"\x01", 0).refused is not None
    assert hub.notified("2a5f", MEASURED) == ["oximetry.measured"]


def test_the_features_decide_which_status_bits_count() -> None:
    hub = Hub()
    invalid = bytes.fromhex("04610048000080")
    assert hub.notified("2a5f", invalid) == ["measurement.failed"]
    hub.read("2a60", bytes.fromhex("0100ff7f"))
    assert hub.notified("2a5f", invalid)[0] == "oximetry.measured"


def test_what_the_service_asks_to_ignore_is_counted() -> None:
    hub = Hub()
    hub.notified("2a5f", bytes.fromhex("e061004800"))
    hub.notified("2a5f", bytes.fromhex("0061004800aabbcc"))
    assert hub.driver.ignored == {"reserved_bits": 1, "trailing_bytes": 3}


def test_it_says_what_it_is_once_and_again_when_that_changes() -> None:
    hub = Hub()
    assert hub.connect() == ["battery.measured", "device.described"]
    assert hub.connect() == [] and hub.notified("2a5f", MEASURED) == ["oximetry.measured"]
    hub.restart()
    assert hub.connect() == []
    assert hub.connect(firmware=b"1.1") == ["device.described"]


def test_a_name_that_may_not_be_read_delays_the_description_to_the_first_measurement() -> None:
    hub = Hub()
    assert hub.connect(denied=("2a29",)) == ["battery.measured"]
    reading = hub.driver.notified("2a5f", MEASURED, 0)
    described = reading.observations[1]
    assert described.kind == "device.described"
    assert described.values == {"features": 0, "model": "3230", "firmware": "1.0"}
    assert hub.notified("2a5f", MEASURED) == ["oximetry.measured"]


def test_the_battery_is_remembered_across_a_restart() -> None:
    hub = Hub()
    assert hub.notified("2a19", b"\x0e") == ["battery.measured", "battery.low"]
    hub.restart()
    assert hub.notified("2a19", b"\x0e") == [] and hub.notified("2a19", b"\x10") == []
    assert hub.notified("2a19", b"\x50") == ["battery.measured", "battery.restored"]
