"""What the hub does around the driver of a serial oximeter: it keeps state, counts refusals, and sends what it is told."""

from gateway.core.devices.driver import Context
from gateway.core.devices.nonin_serial import NoninSerial
from hal.sim.crypto import SimCrypto
from hal.sim.keystore import SimKeyStore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.driver import Reading
    from gateway.core.model import Observation


class Hub:
    """A driver, what it told, and its stored state; `restart` keeps only that."""

    def __init__(self, options: "dict[str, object]") -> None:
        self.options = options
        self.state: "dict[str, bytes]" = {}
        self.told: "list[Observation]" = []
        self.refused: "list[tuple[str, str]]" = []
        self.heard = 0
        self.restart()

    def restart(self) -> None:
        crypto = SimCrypto(SimKeyStore(b"k" * 32))
        self.driver = NoninSerial(Context("", self.options, crypto, self.state.get, zone="Europe/Oslo"))

    def take(self, reading: "Reading") -> bytes:
        """What the hub makes of a reading; what goes to the line."""
        self.told += reading.observations
        for key, item in reading.state.items():
            assert item is not None
            self.state[key] = item
        if reading.refused is not None:
            self.refused.append(reading.refused)
        self.heard += reading.heard
        return b"".join(reading.send + reading.send_after)

    def hear(self, data: bytes, now_ms: int = 0) -> bytes:
        return self.take(self.driver.received(data, now_ms, None))

    def values(self, name: str) -> "list[object]":
        return [item.values.get(name) for item in self.told if item.kind == "oximetry.measured"]

    def reasons(self) -> "list[object]":
        return [item.values["reason"] for item in self.told if item.kind == "measurement.failed"]
