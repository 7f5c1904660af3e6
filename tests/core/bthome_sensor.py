"""A BTHome sensor and the hub's side of its driver, for tests: frames out, readings in, a journal that survives."""

from gateway.core.devices.bthome import Bthome
from gateway.core.devices.driver import Context, Reading
from hal.aes import ccm_seal
from hal.sim.crypto import SimCrypto
from hal.sim.keystore import SimKeyStore
from hal.types import Advertisement

ADDRESS = "54:48:E6:8F:80:A5"
KEY = bytes.fromhex("231d39c1d7cc1ab1aee224cd096db932")
OTHER_KEY = bytes(16)


def plain(objects: str) -> bytes:
    """A plain frame with these objects, in hex."""
    return bytes.fromhex("40" + objects)


def encrypted(objects: str, counter: int, key: bytes = KEY) -> bytes:
    """The same, encrypted as the sensor does."""
    tail = counter.to_bytes(4, "little")
    nonce = bytes.fromhex(ADDRESS.replace(":", "")) + b"\xd2\xfc\x41" + tail
    ciphertext, tag = ccm_seal(key, nonce, bytes.fromhex(objects), b"", 4)
    return b"\x41" + ciphertext + tail + tag


class Hub:
    """What a hub does around one driver: it keeps what a reading wants stored, and starts again on `restart`."""

    def __init__(self, keyed: bool = False, uptime_ms: int = 600_000) -> None:
        self.keyed = keyed
        self.journal: "dict[str, bytes]" = {}
        self.crypto = SimCrypto(SimKeyStore(b"s" * 32, {"sensor": KEY}))
        self.refused: "list[str]" = []
        self.now_ms = 0
        self.restart(uptime_ms)

    def restart(self, uptime_ms: int = 1_000) -> None:
        """A new process over the same journal."""
        key_ref = "sensor" if self.keyed else None
        self.driver = Bthome(Context(ADDRESS, {}, self.crypto, self.journal.get, key_ref))
        self.now_ms = uptime_ms

    def read(self, frame: bytes, after_ms: int = 100) -> Reading:
        """One reception `after_ms` after the last; what the reading wants stored is stored."""
        self.now_ms += after_ms
        reading = self.driver.advertised(Advertisement(ADDRESS, -60, self.now_ms, {"fcd2": frame}))
        self.store(reading)
        if reading.refused is not None:
            self.refused.append(reading.refused[0])
        return reading

    def confirm(self) -> Reading:
        """A person confirms that the counter began anew."""
        reading = self.driver.confirm_reset(self.now_ms)
        self.store(reading)
        return reading

    def store(self, reading: Reading) -> None:
        """Keep what a reading wants stored."""
        for key, item in reading.state.items():
            if item is None:
                self.journal.pop(key, None)
            else:
                self.journal[key] = item

    def hear(self, frame: bytes, after_ms: int = 100) -> "list[str]":
        """Kinds that one reception brings, each with its provenance where it has one."""
        return [
            observation.kind + ("!" + str(observation.provenance) if observation.provenance else "")
            for observation in self.read(frame, after_ms).observations
        ]
