"""The devices in use: placement, driver, counters, and when each was last heard."""

import hashlib

from gateway.core import cbor
from gateway.core.devices.driver import REPEATED, Context
from gateway.core.pairing import least_bond, shown_bond
from gateway.hub.recorder import device_key
from hal.types import BOND_NONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.core.config import DeviceConfig
    from gateway.core.devices.driver import Driver, Reading
    from gateway.hub.overrun import Work
    from gateway.hub.taking import Known
    from hal.interfaces import Crypto, Journal

PLACEMENT = "placement."
FINGERPRINT_SIZE = 8


class Device:
    """One device in use. `refused` counts frames by why they were not taken; `bond` as in hal.types."""

    # state keys, beside the driver's own, of what outlives a restart: what it is, and how often it is heard
    KEPT = "hub"
    RHYTHM = "heard"
    NOTHING_KEPT = cbor.encode([-1, {}])

    def __init__(self, config: "DeviceConfig", placement: int, driver: "Driver") -> None:
        self.config = config
        self.placement = placement
        self.driver = driver
        self.heard_ms: "int | None" = None
        self.work: "Work | None" = None  # what its last frame that may come once became, and that frame
        self.worked: "object" = None
        self.rows: "list[str]" = []  # kept frames that this start has begun to read: they go with the next news that is stored
        self.frames = 0
        self.repeated = 0
        self.refused: "dict[str, int]" = {}
        self.last_refusal = ""
        self.link = ""  # "", "connecting", "connected", "open", or the error that ended it
        self.bond: "int | None" = None
        self.floor = (
            BOND_NONE  # the strongest bond that it had: no weaker one follows until a person deletes it
        )
        self.is_waited_for = (
            False  # by whoever pairs it: meanwhile nobody else connects, or it would not advertise
        )
        self.key_word, self.key_bytes = (
            "",
            0,
        )  # what a radio that sees keys says of the bond's; 0 where it does not see it
        self.is_stale = False  # it did not know the stored bond when it was last called
        self.passkey: "int | None" = None  # the code of its label, for pairing
        self.described: "dict[str, str]" = {}  # maker, model, serial_number, as it said itself

    @property
    def interval_ms(self) -> int:
        """Interval in which a healthy one is heard, configured or the driver's own; 0 where it is to be learned."""
        return 1000 * (self.config.interval_s or self.driver.interval_s)

    @property
    def least(self) -> int:
        """The weakest bond with which it is read (`hal.types.BOND_NONE` where it needs none)."""
        return least_bond(getattr(self.driver, "pairing", "none"), self.passkey is not None, self.floor)

    @property
    def is_paired(self) -> bool:
        """Whether it may be read: with the bond that it needs, or without one."""
        return (self.bond or BOND_NONE) >= self.least

    @property
    def shown_bond(self) -> "int | None":
        """The bond as people and the platform see it: no stronger than what is known of its key."""
        return shown_bond(self.bond, self.key_word)

    def hold(self, bond: int) -> bool:
        """The bond that is stored with it; whether that is news."""
        news = bond != self.bond
        self.bond = bond
        self.floor = max(self.floor, bond)
        return news

    def kept(self) -> bytes:
        """Bond, description and floor, for a restart: a driver tells what is news, and only that."""
        row: "list[Any]" = [-1 if self.bond is None else self.bond, self.described]
        return cbor.encode(row + [self.floor] if self.floor else row)

    def restore(self, kept: "bytes | None") -> None:
        """Take up what `kept` gave before a restart. Raises where it is no such row."""
        if kept is not None:
            row: "list[Any]" = cbor.decode(kept)  # type: ignore[assignment]
            if not isinstance(row[1], dict):
                raise ValueError("what is kept of a device does not say what it is")
            self.bond = None if row[0] < 0 else row[0]
            self.described = row[1]
            # Before the floor was kept the bond itself was all that was known of it.
            self.floor = row[2] if len(row) > 2 else max(BOND_NONE, row[0])

    def count(self, reading: "Reading") -> None:
        """Keep the counters that `trygg status` shows."""
        self.frames += 1
        if reading.refused is not None and reading.refused[0] == REPEATED:
            self.repeated += 1  # radios say everything several times: no fault
        elif reading.refused is not None:
            why, self.last_refusal = reading.refused
            self.refused[why] = self.refused.get(why, 0) + 1


def fingerprint(config: "DeviceConfig") -> bytes:
    """Changes when another device is put into use under the same name."""
    reached = config.driver + " " + (config.address or config.port or "")
    if config.sender is not None:  # what its telegrams mean is part of what it is
        reached += config.sender + " " + str(config.options.get("profile"))
    return hashlib.sha256(reached.encode()).digest()[:FINGERPRINT_SIZE]


def place(
    configs: "list[DeviceConfig]",
    journal: "Journal | Known",
    crypto: "Crypto",
    driver_of: "Callable[[str], type[Driver]]",
    zone: str = "UTC",
) -> "tuple[list[Device], dict[str, bytes | None]]":
    """Devices with their placements, and the state to store for those put into use now.

    A placement is a random 32-bit number made each time a device is put into use: a swap never mixes two
    devices' events (DESIGN.md 3). A device that is gone from the configuration loses its placement; what was kept of
    it goes with the states that nobody follows any more (`App.leave_behind`).
    """
    devices: "list[Device]" = []
    changes: "dict[str, bytes | None]" = {}
    for config in configs:
        kept = journal.state(PLACEMENT + config.name)
        if kept is not None and kept[4:] == fingerprint(config):
            placement = int.from_bytes(kept[:4], "big")
        else:
            placement = fresh_placement(crypto)
            changes[PLACEMENT + config.name] = placement.to_bytes(4, "big") + fingerprint(config)
        device = Device(config, placement, build(config, placement, journal, crypto, driver_of, zone))
        device.restore(journal.state(device_key(placement, Device.KEPT)))
        devices.append(device)
    names = [config.name for config in configs]
    for key in journal.state_keys(PLACEMENT):
        if key[len(PLACEMENT) :] not in names:
            changes[key] = None
    return devices, changes


def build(
    config: "DeviceConfig",
    placement: int,
    journal: "Journal | Known",
    crypto: "Crypto",
    driver_of: "Callable[[str], type[Driver]]",
    zone: str = "UTC",
) -> "Driver":
    """The driver of one device, its state read from the journal."""

    def stored(key: str) -> "bytes | None":
        return journal.state(device_key(placement, key))

    context = Context(config.address or config.sender or "", config.options, crypto, stored, config.key, zone)
    return driver_of(config.driver)(context)


def fresh_placement(crypto: "Crypto") -> int:
    """Random and not 0, which is the hub."""
    while True:
        placement = int.from_bytes(crypto.random(4), "big")
        if placement:
            return placement
