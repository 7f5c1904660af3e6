"""The seam: what the hub asks of a machine. Structural Protocols, CPython only (for type checkers and tests).

Portable code names these in quoted annotations under `TYPE_CHECKING`; only wiring files name a backend. Every
backend passes the same files in `tests/contract`. Errors are those of `hal.errors` and nothing else.
Cancellation: every coroutine here may be cancelled at any wait and leaves its object usable.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from hal.types import (
    BOND_WEAK,
    Advertisement,
    Entry,
    GivenUp,
    LaneMark,
    Message,
    NetworkPath,
    Notification,
    SetAside,
)


class Clock(Protocol):
    """Time in integer milliseconds."""

    def uptime_ms(self) -> int:
        """Milliseconds since this process began; never goes back, never wraps."""
        ...

    def utc_ms(self) -> int | None:
        """Milliseconds since 1970 UTC, or None while the clock is not trusted."""
        ...

    async def sleep_ms(self, duration_ms: int) -> None:
        """Wait at least `duration_ms`; 0 lets other tasks run."""
        ...


class Journal(Protocol):
    """The store that outlives a power cut. Contract: DESIGN.md 5."""

    @property
    def epoch(self) -> bytes:
        """8 random bytes, made with the store."""
        ...

    async def append(
        self, events: Sequence[tuple[int, bytes]], state: Mapping[str, bytes | None] | None = None
    ) -> list[Entry]:
        """Store `(lane, event bytes)` and `state` (None deletes a key) together, or nothing at all.

        Returns one entry an event, in order, only when all would survive a power cut. Appends made while
        one is being written share its sync.

        Raises:
            StorageFullError: only lanes 0 and 1 are left and the store is full; nothing was written.
            UnavailableError: the medium failed; nothing is promised about this append.
        """
        ...

    def state(self, key: str) -> bytes | None:
        """The value last stored under `key`, or None."""
        ...

    def state_keys(self, prefix: str) -> list[str]:
        """Keys that begin with `prefix`, sorted."""
        ...

    def peek(self, lane: int, after: int, limit_bytes: int, limit_count: int = 128) -> list[Entry]:
        """Entries of `lane` with numbers above `after`, oldest first; at least one where there is one.

        Stops before `limit_bytes` of event bytes or `limit_count` entries would be passed.
        """
        ...

    async def ack(self, lane: int, seq: int) -> None:
        """Forget `lane` up to and including `seq`. Numbers already forgotten are no error."""
        ...

    def mark(self, lane: int) -> LaneMark:
        """Where the lane stands."""
        ...

    def given_up(self) -> list[GivenUp]:
        """What went for space and is not yet confirmed, oldest first."""
        ...

    @property
    def cramped(self) -> bool:
        """Whether the medium gives less room than the store may take, because something else fills it."""
        ...

    async def confirm_given_up(self, gone: GivenUp, events: Sequence[tuple[int, bytes]]) -> list[Entry]:
        """Forget one `given_up` row and append the event that reports it, atomically."""
        ...

    async def begin_epoch(
        self,
        epoch: bytes,
        again: Callable[[Entry], bytes],
        events: Sequence[tuple[int, bytes]],
        state: Mapping[str, bytes | None] | None = None,
    ) -> list[Entry]:
        """Leave this epoch, atomically: all that is held is stored anew from number 1 under `epoch`, then `events`.

        `again` gives the bytes under which an entry goes on (with its old identity). It is asked once for each, one
        after the other and maybe in another thread: what is held may be more than the memory takes. State is kept
        and `state` put in; what was given up before is not listed any more. Returns the entries of `events`.

        Raises:
            StorageFullError: lanes 0 and 1 alone would not fit; nothing has changed.
            CorruptDataError: an entry does not match its chain value; nothing has changed.
            UnavailableError: the medium failed; nothing has changed.
        """
        ...

    def set_aside(self) -> list[SetAside]:
        """Stores that did not open and were put aside at or before this start, oldest first.

        Whoever journals what they held again stores the state key `hal.types.ASIDE_STATE` + name in the last
        of those appends; from then on that store is no longer listed. Its file stays where it is. The state that
        reads back is handed out beside the entries, and not taken over by itself.
        """
        ...

    async def close(self) -> None:
        """Finish what is being written and let go of the medium."""
        ...


class BleScanner(Protocol):
    """A stream of advertisements: bounded, losses counted, the home's own devices apart from strangers.

    Where there is no room for another one, whoever has most waiting loses the oldest of it.
    """

    @property
    def dropped(self) -> int:
        """How many receptions of known devices were dropped because nobody took them in time."""
        ...

    @property
    def heard_ms(self) -> int | None:
        """Uptime at which anybody at all was heard last, also who is not handed out; None where nobody was yet."""
        ...

    async def start(
        self, *, active: bool = False, known: Collection[str] | None = None, offering: str = ""
    ) -> None:
        """Begin to listen; a scan that runs already goes on as is asked now, and keeps what it holds.

        `known` are the addresses that are heard, without it everybody's. Strangers, however many, take no room from
        them: they are not held at all, or where a service is named in `offering`, the newest few of those who offer it
        (`hal.types.EVERYBODY`: of them all).
        Raises UnavailableError where there is no adapter.
        """
        ...

    async def stop(self) -> None:
        """Stop listening; waiting receivers get LinkLostError."""
        ...

    async def receive(self) -> Advertisement:
        """The next advertisement, those of known devices first, each sort in order of arrival.

        Raises LinkLostError when the adapter is lost or the scan stopped.
        """
        ...


class BleConnection(Protocol):
    """One connection to a peripheral. Every wait ends with LinkLostError when the link is lost.

    What the peripheral must answer raises TimedOutError where it does not: 30 s by the specification, a little more here.
    """

    @property
    def bond(self) -> int:
        """0 none, 1 weak (no man-in-the-middle protection), 2 authenticated."""
        ...

    def characteristics(self) -> list[str]:
        """UUIDs of the characteristics the peripheral serves."""
        ...

    async def read(self, characteristic: str) -> bytes:
        """Value of a characteristic. Raises DeniedError, UnavailableError (not served), LinkLostError."""
        ...

    async def write(self, characteristic: str, value: bytes, *, response: bool = True) -> None:
        """Write a characteristic."""
        ...

    async def subscribe(self, characteristic: str) -> None:
        """Ask for notifications (or indications, where that is what the characteristic offers)."""
        ...

    async def receive(self) -> Notification:
        """The next notification of any subscribed characteristic, in order of arrival."""
        ...

    async def disconnect(self) -> None:
        """End the connection; no error where it has already ended."""
        ...


class BleCentral(Protocol):
    """Connects to peripherals."""

    @property
    def takes_oob(self) -> bool:
        """Whether its stack can be given the data of a label or NFC tag."""
        ...

    async def connect(
        self,
        address: str,
        *,
        pair: bool = False,
        passkey: int | None = None,
        oob: bytes | None = None,
        least: int = BOND_WEAK,
        compare: Callable[[int], Awaitable[bool]] | None = None,
        timeout_ms: int = 20_000,
    ) -> BleConnection:
        """Connect and discover; with `pair`, bond with LE Secure Connections where no bond is stored.

        A peripheral that is not heard is waited for. A bond weaker than `least` is not made, nor used where it is
        stored; with `passkey` only an authenticated one will do. `compare` asks a person whether the peripheral shows a
        number; without it nobody is asked, and a peripheral that insists on it refuses. `oob` is the data of a label or
        tag, 32 bytes: LE Secure Connections confirmation value, then random value, each least significant byte first. With
        it pairing is out of band or is not, and only an authenticated bond will do; where `takes_oob` is False it is
        refused (`PairingError.NO_WAY`) before anybody is connected to.
        Raises TimedOutError, UnavailableError (no adapter), PairingError (why no bond came of it, or the stored one is
        not taken), LinkLostError (the link broke on the way).
        """
        ...

    async def bonds(self) -> dict[str, int]:
        """Address and level of every stored bond (`hal.types.BOND_WEAK`, `BOND_AUTHENTICATED`)."""
        ...

    async def forget(self, address: str) -> None:
        """Delete the stored bond with `address`; no error where there is none."""
        ...


class SerialPort(Protocol):
    """One open serial line."""

    async def read(self) -> bytes:
        """At least one byte, at most 4096. Raises LinkLostError when the port goes away."""
        ...

    async def write(self, data: bytes) -> None:
        """All of `data`, or LinkLostError."""
        ...

    async def close(self) -> None:
        """Let go of the port."""
        ...


class SerialPorts(Protocol):
    """Opens serial lines by path or URL."""

    async def open(self, url: str, *, baud: int = 115_200, parity: str = "N") -> SerialPort:
        """Open exclusively. Raises UnavailableError (no such port), DeniedError (in use, no permission)."""
        ...


class KeyStore(Protocol):
    """Keys by reference; secrets never leave it."""

    @property
    def public_key(self) -> bytes:
        """Raw 32-byte Ed25519 public key of the gateway's identity."""
        ...

    async def sign(self, message: bytes) -> bytes:
        """64-byte Ed25519 signature by the identity key."""
        ...

    def has(self, key_ref: str) -> bool:
        """Whether a symmetric key is stored under `key_ref`."""
        ...


class Crypto(Protocol):
    """Primitives over keys in the key store: native on Linux, portable Python elsewhere."""

    async def ed25519_verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Whether the signature holds. May take a second on a board; others run meanwhile.

        A signature has one form: what is not its shortest, or has a scalar beyond the group's order, does not hold. Nor
        does one under a key that is not in its shortest form or has small order (`hal.public_keys`).
        """
        ...

    def aes_ccm_open(
        self, key_ref: str, nonce: bytes, ciphertext: bytes, tag: bytes, aad: bytes = b""
    ) -> bytes:
        """Plaintext. Raises DeniedError where the tag does not hold or the key is not known."""
        ...

    def hmac_sha256(self, key_ref: str, message: bytes) -> bytes:
        """32 bytes. `identity` names a key of the gateway's own, made with its identity."""
        ...

    def random(self, size: int) -> bytes:
        """Random bytes fit for keys."""
        ...


class Uplink(Protocol):
    """A connection to the municipality's broker."""

    @property
    def connected(self) -> bool:
        """Whether the broker has accepted the connection and it still stands."""
        ...

    async def connect(self, subscriptions: Iterable[str], *, interface: str | None = None) -> None:
        """Connect once, clean session, and subscribe; over `interface` alone, or as the system routes.

        Raises UnavailableError (no route, refused, no such interface), DeniedError (certificate, host name),
        TimedOutError.
        """
        ...

    async def probe(self, *, interface: str | None = None) -> None:
        """Whether the broker could be reached: TCP and TLS, no MQTT. A connection that stands is not touched.

        Raises as `connect`.
        """
        ...

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand over with QoS 1; returns on the broker's PUBACK, which is not delivery."""
        ...

    async def receive(self) -> Message:
        """The next message of a subscribed topic; LinkLostError when the connection ends."""
        ...

    async def close(self) -> None:
        """End the connection; no error where it has already ended."""
        ...


class Network(Protocol):
    """Ways out of the house."""

    def paths(self) -> list[NetworkPath]:
        """Interfaces other than loopback, in order of name."""
        ...


class Indicator(Protocol):
    """Shows a state to whoever stands before the gateway.

    Of the gateway: ok, starting, offline, fault, pairing, storage_full, stopped. `quiet` is dark: the hours of quiet (D10). Shown
    for a moment, to whoever has pressed an alarm button: `heard` (it is kept, and not delivered yet), `delivered`.
    """

    def show(self, state: str) -> None:
        """Show `state` until told otherwise. Never raises for a lamp that is not there."""
        ...


class Watchdog(Protocol):
    """Resets the machine or the process when nobody feeds it."""

    def feed(self) -> None:
        """Put the reset off by one period."""
        ...
