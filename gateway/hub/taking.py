"""The state of a store that was set aside: the new one lacks it, and is built on what can be believed of it.

Without it every replay counter would begin anew, a dispenser's log would be read again, and nobody would remember an
open alarm. What is believed: all that the last store held, where all of it reads back. Where some is missing, or the
store was not the last one, only what cannot do harm when it is old: which device is which, keys, and counters that
only rise. An old "smoke is detected" would mute the next one.
"""

from gateway.core import cbor
from gateway.core.alarms import STATE as ALARMS
from gateway.core.commanding import STATE as COUNTERS
from gateway.core.config_trial import STATE as CONFIGURED
from gateway.core.devices.driver import RISING
from gateway.core.event_codec import INCIDENT_SIZE
from gateway.core.rules.dose import STATE as DOSE
from gateway.core.rules.follower import STATE as RULE
from gateway.core.rules.incidents import PREFIX as INCIDENT
from gateway.core.rules.leaving import DEVICE, parted
from gateway.core.rules.night_window import STATE as NIGHT
from gateway.core.rules.night_window import UNNAMED
from gateway.core.supervision import Watched
from gateway.hub.devices import FINGERPRINT_SIZE, PLACEMENT, Device, build
from gateway.hub.inward import ANCHOR_STATE, KEYSET_STATE, ROOTS_STATE
from gateway.hub.losses import FORMER, encode_ranges
from gateway.hub.outward import DATED, MANIFEST_STATE
from gateway.hub.recorder import device_key
from hal.types import EPOCH_SIZE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.core.config import DeviceConfig
    from gateway.core.devices.driver import Driver
    from gateway.hub.recorder import Log
    from hal.interfaces import Crypto, Journal

TAKEN = "taken."  # state: the state of the store of that name is taken up
LASTING_PREFIXES = (PLACEMENT, FORMER)
LASTING = (KEYSET_STATE, ROOTS_STATE, ANCHOR_STATE, MANIFEST_STATE, COUNTERS, CONFIGURED)
LASTING_OF_DEVICES = (Device.KEPT, Device.RHYTHM)
# Keys that are taken up at all. What drivers make of theirs is tried in `fit`; a keyset is signed; a rule
# reads what is no row of its own as nothing, and so do those that follow what the platform says.
OPAQUE = (DEVICE, KEYSET_STATE, ANCHOR_STATE, RULE, ALARMS, COUNTERS, CONFIGURED)
SHAPED = (PLACEMENT, INCIDENT, NIGHT, DOSE, ROOTS_STATE, MANIFEST_STATE, DATED, FORMER)
LISTS = {NIGHT: str, ROOTS_STATE: bytes}  # lists of such items


class Known:
    """State of the journal, with what is taken up over it until that is stored.

    `taken` is the very dict that waits to be stored: what is stored after it under the same key is taken out of it.
    """

    def __init__(self, journal: "Journal", taken: "dict[str, bytes]") -> None:
        self.journal = journal
        self.taken = taken

    def over(self) -> "dict[str, bytes]":
        """What is not stored yet."""
        for key in self.taken:
            if key.startswith(TAKEN) and self.journal.state(key) is not None:
                return {}
        return self.taken

    def state(self, key: str) -> "bytes | None":
        """As `Journal.state`."""
        over = self.over() if key in self.taken else {}
        return over[key] if key in over else self.journal.state(key)

    def state_keys(self, prefix: str) -> "list[str]":
        """As `Journal.state_keys`."""
        keys = {key for key in self.over() if key.startswith(prefix)}
        keys.update(self.journal.state_keys(prefix))
        return sorted(keys)


def take_up(journal: "Journal", log: "Log") -> "dict[str, bytes]":
    """State to store, and to build on, of stores that were set aside and whose state nobody has taken up yet."""
    asides = [aside for aside in journal.set_aside() if journal.state(TAKEN + aside.name) is None]
    taken: "dict[str, bytes]" = {}
    known = Known(journal, taken)
    last = True
    for aside in reversed(asides):
        count = 0
        for key in sorted(aside.state):
            item = aside.state[key]
            if not is_sound(key, item):
                continue
            held = known.state(key)
            if is_rising(key):
                believed = held is None or number(item) > number(held)
            else:
                believed = held is None and ((last and aside.is_state_whole) or is_lasting(key))
            if believed:
                taken[key] = item
                count += 1
        log("warning", "State of a store that was set aside is taken up.", name=aside.name, count=count)
        last = False
    for aside in asides:
        for epoch in {epoch for epoch, _ in aside.given_up}:
            taken[FORMER + epoch.hex()] = encode_ranges(
                [gone for each, gone in aside.given_up if each == epoch]
            )
        taken[TAKEN + aside.name] = b"\x01"
    return taken


def is_rising(key: str) -> bool:
    """Whether it is a counter of a device that never goes down."""
    prefix, _, rest = parted(key)
    return prefix == DEVICE and rest in RISING


def is_lasting(key: str) -> bool:
    """Whether it does no harm when it is old."""
    prefix, _, rest = parted(key)
    return (
        key in LASTING
        or key.startswith(LASTING_PREFIXES)
        or (prefix == DEVICE and rest in LASTING_OF_DEVICES)
    )


def number(item: bytes) -> int:
    """A counter as drivers store it."""
    return int.from_bytes(item, "big")


def is_sound(key: str, item: bytes) -> bool:
    """Whether it is state of ours that its readers can read: a damaged store may give back anything."""
    for prefix in OPAQUE + SHAPED:
        if key.startswith(prefix):
            try:
                if prefix == FORMER and len(bytes.fromhex(key[len(FORMER) :])) != EPOCH_SIZE:
                    return False
                return prefix in OPAQUE or has_shape(prefix, item)
            except MemoryError:
                raise
            except Exception:  # noqa: BLE001  whatever becomes of bytes that nothing proves
                return False
    return False


def has_shape(prefix: str, item: bytes) -> bool:
    """Whether the bytes are what is stored under such a key; any error says no, too."""
    if prefix == PLACEMENT:
        return len(item) == 4 + FINGERPRINT_SIZE
    if prefix == INCIDENT:
        return len(item) == INCIDENT_SIZE
    row: "Any" = cbor.decode(item)
    if prefix == NIGHT and row == UNNAMED:
        return True
    if not isinstance(row, list):
        return False
    shape = [type(part) for part in row]
    if prefix == DATED:
        return shape == [int, bytes, dict] and len(row[1]) == EPOCH_SIZE
    if prefix == FORMER:
        return all([len(part) == 3 and min(part) >= 0 for part in row])
    if prefix in LISTS:
        return shape == [LISTS[prefix]] * len(shape)
    return shape == ([int, int] if prefix == DOSE else [int, bytes])


def fit(
    taken: "dict[str, bytes]",
    journal: "Journal",
    configs: "list[DeviceConfig]",
    crypto: "Crypto",
    driver_of: "Callable[[str], type[Driver]]",
    log: "Log",
) -> None:
    """Leave out the state of each device whose driver cannot be made with it: a hub that does not start helps nobody."""
    known = Known(journal, taken)
    for config in configs:
        kept = known.state(PLACEMENT + config.name)
        if not taken or kept is None:
            continue
        placement = int.from_bytes(kept[:4], "big")
        try:
            device = Device(config, placement, build(config, placement, known, crypto, driver_of))
            device.restore(known.state(device_key(placement, Device.KEPT)))
            Watched(0, 0, False, False, known.state(device_key(placement, Device.RHYTHM)))
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001  as above
            log(
                "error",
                "State of a device that was taken up cannot be read.",
                device=config.name,
                cause=error,
            )
            for key in list(taken):
                if key.startswith(device_key(placement, "")):
                    del taken[key]
