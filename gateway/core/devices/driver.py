"""What a device driver is: a decoder without I/O. The hub moves the bytes, keeps the state, and asks.

Four shapes, by how a device is reached. Each is made with a `Context` and answers with a `Reading`:

`AdvertisingDriver`   advertised(advertisement) for each frame heard.
`GattDriver`          steps(characteristics) once connected, then read(...), notified(...), denied(...), due(now); what a
                      reading wants done on the connection (`steps`) is done after the journal has stored what it said.
`SerialDriver`        opened(now), received(bytes, now), due(now), and after the journal has stored what a
                      reading said, its `send_after` goes to the line: a device may forget only what is durable.
`TelegramDriver`      heard(telegram, now) for each telegram of its sender, from a transceiver that many devices share.

A driver never raises for what a device sent: a frame it refuses comes back as `Reading.refused`, is counted
and shown in `trygg status`. State that must survive a power cut goes into `Reading.state` and is stored in
the same append as the observations that moved it (DESIGN.md 5).

Drivers of packages that are not ours rest on this module as it is (docs/drivers.md): a change that one of them would
notice is another `CONTRACT`, and `contract.py` says what is held against a driver.
"""

from gateway.core.model import Observation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.devices.enocean_telegram import Telegram
    from hal.interfaces import Crypto
    from hal.types import Advertisement

CONTRACT = 1  # version of what drivers of other packages rest on

# Why a frame was not taken: the keys of the counters that `trygg status` shows.
MALFORMED = "malformed"  # does not decode
REPEATED = "repeated"  # the same event again, as radios do
INCOMPLETE = "incomplete"  # records in the device's memory did not come to their end
FAILED = "driver_failed"  # the driver raised or broke its contract: a fault of the driver, not of the device
REPLAYED = "replayed"  # an authenticated counter did not rise
UNAUTHENTICATED_FRAME = "unauthenticated"  # plain where a key is set, or a tag that does not hold

# State keys whose value is a number, highest byte first, that only rises: a lower one would let a replay pass.
RISING = ("counter", "peak")


class Context:
    """What a driver gets from the hub: where it is, its own options, its stored state, and cryptography.

    `options` are the device's own configuration keys, checked. `key_ref` names its bind key in the key store,
    or is None. `stored(key)` reads state this driver stored under `key` (the hub adds the placement). `zone` is the
    time zone of the home: devices show local time.
    """

    __slots__ = ("address", "crypto", "key_ref", "options", "stored", "zone")

    def __init__(
        self,
        address: str,
        options: "dict[str, object]",
        crypto: "Crypto",
        stored: "Callable[[str], bytes | None]",
        key_ref: "str | None" = None,
        zone: str = "UTC",
    ) -> None:
        self.zone = zone
        self.address = address
        self.options = options
        self.crypto = crypto
        self.stored = stored
        self.key_ref = key_ref


class Reading:
    """What came of some bytes.

    observations: in the order the device said them. state: keys to store with them (None deletes).
    send: bytes for the line at once. send_after: bytes for the line once observations and state are durable.
    steps: what to do on the connection once they are durable. leave: then hang up, and come again later.
    refused: (one of the words above, detail in plain words) or None; observations beside it stand all the same
    (an alarm of lane 0, the part of a frame before it was cut off). heard: whether this proves the device
    alive; a repeated frame does, a forged one does not. triggered: it was sent because something happened, and says
    nothing of how often the device speaks by itself.
    """

    __slots__ = (
        "heard",
        "leave",
        "observations",
        "refused",
        "send",
        "send_after",
        "state",
        "steps",
        "triggered",
    )

    def __init__(
        self,
        observations: "list[Observation] | None" = None,
        state: "dict[str, bytes | None] | None" = None,
        refused: "tuple[str, str] | None" = None,
        heard: bool = True,
        send: "list[bytes] | None" = None,
        send_after: "list[bytes] | None" = None,
    ) -> None:
        self.observations = observations if observations is not None else []
        self.state = state if state is not None else {}
        self.refused = refused
        self.heard = heard
        self.send = send if send is not None else []
        self.send_after = send_after if send_after is not None else []
        self.steps: "list[Step]" = []
        self.leave = False
        self.triggered = False


class Step:
    """One thing the hub does on a connection: `read` or `subscribe` a characteristic, or `write` it."""

    __slots__ = ("action", "characteristic", "value")

    def __init__(self, action: str, characteristic: str, value: bytes = b"") -> None:
        self.action = action
        self.characteristic = characteristic
        self.value = value


class Driver:
    """What all drivers declare: `name` as configured, `interval_s` in which a healthy one is heard, or 0.

    A driver of a package that is not ours declares besides: `contract`, the `CONTRACT` that it was written for, and `kinds`,
    every kind that it may tell. `capabilities` are words of `contract.CAPABILITIES`, for all devices that it reads.
    """

    name = ""
    transport = ""  # "ble-adv", "ble-gatt", "serial" or "enocean"
    interval_s = 0
    safety = False  # whether its frames can be a lane 0 alarm
    contract = 0
    kinds: "tuple[str, ...]" = ()
    capabilities: "tuple[str, ...]" = ()
    option_names: "tuple[str, ...]" = ()  # keys of `options` that it knows; others are refused at start

    def __init__(self, context: Context) -> None:
        self.context = context

    @staticmethod
    def wrong_option(options: "dict[str, object]") -> "tuple[str, str] | None":
        """The first of its own options that it cannot use, and what it expects there; None where all will do."""
        return None

    @classmethod
    def interval_with(cls, options: "dict[str, object]") -> int:
        """`interval_s` of a device with these options."""
        return cls.interval_s

    def can(self, described: "dict[str, str]") -> "list[str]":
        """What this device can, in words of `capabilities`; `described` is what it has said of itself, or nothing yet."""
        return list(self.capabilities)


class AdvertisingDriver(Driver):
    """A device that only broadcasts."""

    transport = "ble-adv"

    def advertised(self, advertisement: "Advertisement") -> Reading:
        """Decode one advertisement of this device's address."""
        return Reading(heard=False)

    def counters(self) -> "tuple[int, int] | None":
        """A counter that was refused and may have begun anew, and the last accepted one; None where there is nothing to confirm."""
        return None

    def confirm_reset(self, now_ms: int) -> Reading:
        """A person confirmed that the counter began anew (`counters`): what to store and to say of it."""
        return Reading(heard=False)


class GattDriver(Driver):
    """A device the hub connects to. `pairing` is "none", "weak" (Just Works will do) or "authenticated".

    Times are the hub's uptime in ms; `utc_ms` is None while untrusted. `due` comes after the steps and between
    notifications, never before one that has already arrived.
    """

    transport = "ble-gatt"
    service = ""
    pairing = "weak"

    def steps(self, characteristics: "list[str]") -> "list[Step]":
        """What to do once connected, given what the device serves, in order."""
        return []

    def read(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
        """A value that a `read` step brought."""
        return Reading()

    def notified(self, characteristic: str, value: bytes, now_ms: int) -> Reading:
        """A notification or indication."""
        return Reading()

    def denied(self, step: Step, now_ms: int) -> Reading:
        """A step that the device did not allow; a lost link is none."""
        return Reading(heard=False)

    def due(self, now_ms: int, utc_ms: "int | None") -> Reading:
        """Called at or after `next_due_ms` while connected."""
        return Reading(heard=False)

    def next_due_ms(self, now_ms: int) -> "int | None":
        """When `due` wants to be called, or None."""
        return None


class SerialDriver(Driver):
    """A device on a serial line. All times are the hub's uptime in ms; `utc_ms` is None while untrusted."""

    transport = "serial"
    baud = 115_200
    parity = "N"
    unanswered = False  # it has been asked, again and again, and says nothing

    def opened(self, now_ms: int, utc_ms: "int | None") -> Reading:
        """The line was opened (again): forget half frames, say what the protocol asks first."""
        return Reading(heard=False)

    def received(self, data: bytes, now_ms: int, utc_ms: "int | None") -> Reading:
        """Bytes from the line, in any pieces."""
        return Reading()

    def due(self, now_ms: int, utc_ms: "int | None") -> Reading:
        """Called at or after `next_due_ms`: send again, beat, give up half frames."""
        return Reading(heard=False)

    def next_due_ms(self, now_ms: int) -> "int | None":
        """When `due` wants to be called, or None."""
        return None


class TelegramDriver(Driver):
    """A device that sends radio telegrams to a transceiver of the home."""

    transport = "enocean"

    def heard(self, telegram: "Telegram", now_ms: int) -> Reading:
        """Decode one telegram of this device's sender."""
        return Reading(heard=False)
