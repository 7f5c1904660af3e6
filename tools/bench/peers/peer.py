"""What every party of the comparison offers, so that the measuring code is one and the same for all of them.

A party is measured in two roles: as a **store**, filled while there is no way out (accepting, killing, power cuts, bytes on
the disk), and as a **way** (drain, alarm behind a backlog, bytes on the wire, memory).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

STORE_PARTS = ("accept", "disk", "kills", "cuts")
NEAR_PARTS = ("drain", "readings", "alarm")
FAR_PARTS = ("far", "behind", "stream")
BACKLOG_PARTS = (*NEAR_PARTS, *FAR_PARTS)
ALONE_PARTS = ("decode",)  # in which a library is measured, and no party
ALL_PARTS = (*STORE_PARTS, *BACKLOG_PARTS, "idle", "wire", *ALONE_PARTS)
QUICK_PARTS = (*STORE_PARTS, *NEAR_PARTS, "wire", *ALONE_PARTS)


@dataclass(frozen=True)
class Accepted:
    """Nanoseconds from the first offer to the last acceptance, and until all stood in the store, None for never."""

    accept_ns: int
    store_ns: int | None


@dataclass(frozen=True)
class Drained:
    """What came of a backlog.

    events: of the backlog, that arrived. took_ns: from the connection to the last. wire_bytes: both ways, where they are
    counted. repeated: events that came more than once.
    """

    events: int
    took_ns: int
    wire_bytes: int | None
    repeated: int


@dataclass(frozen=True)
class Road:
    """What lies between a gateway and where it sends: nothing, or a proxy with these conditions, which counts."""

    conditions: dict[str, int] | None = None


class Store(Protocol):
    """Holds what it is offered, and sends nothing. Errors: ProgramError, with the party's own words."""

    @property
    def pid(self) -> int:
        """The process that holds the events."""

    async def start(self) -> None:
        """Up, with what its folder holds."""

    async def offer(self, first: int, count: int, size: int, window: int) -> Accepted:
        """Offer numbered events, at most `window` of them unaccepted."""

    async def pace(self, first: int, count: int, per_second: int, size: int) -> None:
        """Begin to offer one by one; `accepted` grows."""

    def accepted(self) -> list[int]:
        """Numbers accepted since `pace`, as they were told to the one who offered them."""

    async def kill(self) -> None:
        """SIGKILL of the process that holds the events."""

    async def survivors(self) -> set[int]:
        """Start again over the same folder: the numbers that it still has or delivers."""

    async def forget(self) -> None:
        """Deliver everything and delete it."""

    async def stop(self) -> None:
        """End all its processes."""

    def written(self) -> int:
        """Bytes that its process has caused to be written to the disk."""


class Way(Protocol):
    """A whole gateway with a backlog. Errors: ProgramError, with the party's own words."""

    @property
    def pid(self) -> int:
        """The gateway's process."""

    async def fill(self, count: int, size: int) -> int:
        """Hold a backlog, with no way out yet; how many events it could take."""

    async def open(self) -> None:
        """Give it a way out; returns once it is connected."""

    async def alarm(self, number: int) -> float | None:
        """Raise one alarm: milliseconds until it has arrived, None where it did not."""

    async def emptied(self, left: int, within_s: float) -> None:
        """Returns once at most `left` events of the backlog are still held, or after `within_s`."""

    async def drained(self, within_s: float) -> Drained:
        """Wait until the backlog has arrived, or nothing more comes."""

    async def close(self) -> None:
        """End all its processes."""


class Peer(Protocol):
    """One party.

    accepts: what its acceptance of an event means. runs: what stands in its roles. parts: which of ALL_PARTS it takes
    part in. largest: the most events it can be given in a part, where there is a limit.
    """

    name: str
    accepts: str
    runs: str
    parts: tuple[str, ...]
    largest: dict[str, int]

    def missing(self) -> str | None:
        """Why it cannot run here, or None."""

    def version(self) -> str:
        """Its version."""

    def store(self, folder: Path) -> Store:
        """Its store in this folder; started by `start`."""

    def way(self, folder: Path, road: Road, *, alarms: bool) -> Way:
        """A whole gateway in this folder; `alarms` where alarms will be raised."""
