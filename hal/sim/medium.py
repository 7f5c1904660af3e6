"""What a simulated journal is written to: it outlives the program that writes, as flash outlives a power cut."""

from hal.errors import DeniedError
from hal.sim.faults import PowerCutError
from hal.types import LANES, Entry, GivenUp, SetAside, chain_start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class StoredLane:
    """A lane as it lies on the medium: `forgotten` is the highest number that is gone, `before` is h(forgotten)."""

    __slots__ = ("before", "entries", "forgotten")

    def __init__(self, before: bytes) -> None:
        self.forgotten = 0
        self.before = before
        self.entries: list[Entry] = []

    def forget(self, seq: int) -> "list[Entry]":
        """Drop entries up to `seq`, which is held; returns what went."""
        count = max(0, seq - self.forgotten)
        gone = self.entries[:count]
        if gone:
            self.forgotten, self.before = gone[-1].seq, gone[-1].chain
            self.entries = self.entries[count:]
        return gone


class Store:
    """Everything of one epoch, and the state that outlives epochs."""

    def __init__(self, epoch: bytes) -> None:
        self.epoch = epoch
        self.state: dict[str, bytes] = {}
        self.given_up: list[GivenUp] = []
        self.lanes = self.empty_lanes(epoch)

    @staticmethod
    def empty_lanes(epoch: bytes) -> "list[StoredLane]":
        """A lane each, numbered from 1."""
        return [StoredLane(chain_start(epoch, lane)) for lane in LANES]


class SimMedium:
    """Survives `cut()`; one journal at a time writes to it.

    What a journal had stored when the power went is there for the next one; what it only held in memory (marks of
    what it may forget) is not. `damage()` makes the store unreadable to the next journal, which puts it aside.
    """

    def __init__(self) -> None:
        self.store: Store | None = None
        self.asides: list[SetAside] = []
        self.cramped_bytes: int | None = None  # all that there is, where something else fills the medium
        self._damage: str | None = None
        self._lost: "Callable[[str], bool] | None" = None
        self._power = 0
        self._in_use = False

    def cut(self) -> None:
        """The power goes: the journal in use is dead, and a new one may be opened."""
        self._power += 1
        self._in_use = False

    def damage(
        self, reason: str = "the store does not read back", lost: "Callable[[str], bool] | None" = None
    ) -> None:
        """Let the next journal find a store that it cannot open; `lost` says which keys of its state do not read."""
        self._damage = reason
        self._lost = lost

    # --- for the journal ---------------------------------------------------------------------------------------

    def attach(self, random: "Callable[[int], bytes]") -> "tuple[Store, int]":
        """The store, and the number of the power period that `check` needs. Raises DeniedError when in use."""
        if self._in_use:
            raise DeniedError("the journal is in use: close it, or cut the power, before it is opened again")
        if self.store is not None and self._damage is not None:
            held = [entry for lane in self.store.lanes for entry in lane.entries]
            starts = {
                lane: (self.store.lanes[lane].forgotten, self.store.lanes[lane].before) for lane in LANES
            }
            state = {
                key: item
                for key, item in self.store.state.items()
                if self._lost is None or not self._lost(key)
            }
            name = "aside-" + str(len(self.asides) + 1)
            whole = len(state) == len(self.store.state)
            gone = [(self.store.epoch, row) for row in self.store.given_up]
            self.asides.append(SetAside(name, self._damage, held, starts, state, whole, gone))
            self.store = None
        self._damage = None
        if self.store is None:
            self.store = Store(random(8))
        self._in_use = True
        return self.store, self._power

    def check(self, power: int) -> None:
        """Stop a program whose power is gone."""
        if power != self._power:
            raise PowerCutError("the power went while this journal was open")

    def detach(self, power: int) -> None:
        """Let go of the medium."""
        if power == self._power:
            self._in_use = False
