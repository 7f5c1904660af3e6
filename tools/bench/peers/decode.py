"""Decoding beside `bthome-ble`: the same frames of one sensor, each party as its own gateway calls it.

Trygg: the whole driver, `Bthome.advertised`, with counters, copies and what is news. bthome-ble: `update`, as Home Assistant calls
it, with its packet filter. Both in this process, after each other in short turns, so that a busy moment falls on both.
"""

import random
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from gateway.core.devices.bthome import Bthome
from gateway.core.devices.driver import Context
from hal.linux.crypto import NativeCrypto
from hal.linux.keystore import FileKeyStore
from hal.types import Advertisement
from tools.bench.peers.report import OURS, Figure

if TYPE_CHECKING:
    from habluetooth import BluetoothServiceInfoBleak

PEER = "bthome-ble"
ADDRESS = "54:48:E6:8F:80:A5"
KEY = bytes(range(16))
APART_MS = 5_000
TURN = 500  # frames of one party before it is the other's turn


def frames(count: int, seed: int, *, encrypted: bool) -> list[bytes]:
    """Frames of a door sensor that measures too, each with its packet id: climate, a door that moves, a press now and then."""
    numbers = random.Random(seed)
    found = []
    for number in range(1, count + 1):
        body = bytes([0x00, number % 256, 0x01, 100 - number % 90])
        body += b"\x02" + numbers.randrange(1500, 2600).to_bytes(2, "little")
        body += b"\x03" + numbers.randrange(2000, 7000).to_bytes(2, "little")
        body += bytes([0x1A, number % 4 == 0])
        if number % 10 == 0:
            body += b"\x3a\x01"
        found.append(sealed(body, number) if encrypted else b"\x40" + body)
    return found


def sealed(body: bytes, counter: int) -> bytes:
    """As the sensor encrypts it."""
    tail = counter.to_bytes(4, "little")
    nonce = bytes.fromhex(ADDRESS.replace(":", "")) + b"\xd2\xfc\x41" + tail
    data = AESCCM(KEY, tag_length=4).encrypt(nonce, body, None)
    return b"\x41" + data[:-4] + tail + data[-4:]


class Ours:
    """A driver of ours for one sensor."""

    def __init__(self, folder: Path, *, encrypted: bool) -> None:
        keystore = FileKeyStore(folder)
        keystore.add_key("sensor", KEY)
        state: dict[str, bytes | None] = {}
        key_ref = "sensor" if encrypted else None
        self.driver = Bthome(Context(ADDRESS, {}, NativeCrypto(keystore), state.get, key_ref))

    def heard(self, data: bytes, at_ms: int) -> Advertisement:
        return Advertisement(ADDRESS, -60, at_ms, {"fcd2": data})

    def take(self, receptions: list[Advertisement]) -> None:
        for each in receptions:
            if not self.driver.advertised(each).observations:
                raise RuntimeError("a frame was not taken")


class Theirs:
    """A parser of bthome-ble. Raises ImportError where it is not installed."""

    def __init__(self, *, encrypted: bool) -> None:
        from tools.bench.peers import bthome_ble

        self.library = bthome_ble
        self.parser = bthome_ble.parser(KEY if encrypted else None)

    def heard(self, data: bytes, at_ms: int) -> "BluetoothServiceInfoBleak":
        return self.library.heard(ADDRESS, data, at_ms / 1000)

    def take(self, receptions: "list[BluetoothServiceInfoBleak]") -> None:
        for each in receptions:
            if not self.parser.update(each).entity_values:
                raise RuntimeError("a frame was not taken")


def missing() -> str | None:
    """Why bthome-ble cannot take part, or None."""
    try:
        Theirs(encrypted=False)
    except ImportError as error:
        return f"{error.name} is not installed: make setup"
    return None


def rates(parties: dict[str, Any], given: list[bytes]) -> dict[str, float]:
    """Frames a second of each, in turns; what a radio hands over is made before the clock runs."""
    spent = dict.fromkeys(parties, 0)
    for first in range(0, len(given), TURN):
        part = given[first : first + TURN]
        for name, party in parties.items():
            receptions = [party.heard(data, number * APART_MS) for number, data in enumerate(part, first + 1)]
            began = time.perf_counter_ns()
            party.take(receptions)
            spent[name] += time.perf_counter_ns() - began
    return {name: len(given) / (ns / 1e9) for name, ns in spent.items()}


def measure(folder: Path, rounds: int, count: int, seed: int) -> list[Figure]:
    """Every round with other frames, a fresh driver and a fresh parser."""
    why = missing()
    figures = []
    for encrypted, sort in ((False, "plain"), (True, "encrypted")):
        figure = Figure(f"decoded, {sort}, {count:,} frames of one sensor", "frames/s", more=True)
        if why is not None:
            figure.missing[PEER] = why
        for number in range(rounds):
            parties: dict[str, Any] = {OURS: Ours(folder / f"{sort} {number}", encrypted=encrypted)}
            if why is None:
                parties[PEER] = Theirs(encrypted=encrypted)
            given = frames(count, seed + number, encrypted=encrypted)
            for name, rate in rates(parties, given).items():
                figure.add(name, rate, version(PEER) if name == PEER else "the whole driver")
        figures.append(figure)
    return figures
