"""Which signature is checked next, where a check costs much of a second. No I/O: the hub asks and does.

A message comes here when nothing that costs little speaks against it: form, ids, kid, epoch, progress, chain. Whoever
can publish to us can send a thousand such messages a second, so one check runs in `gap_ms`, and what waits for it is
bounded: by group, and two a group, or a few where each says something of its own.

| group       | what                                                           | who can make one             |
|-------------|----------------------------------------------------------------|------------------------------|
| FORWARD     | receipts of events that had none yet, with our chain values    | who has read those bundles   |
| OTHERWISE   | receipts that ask to send again, speak of a fork, or take back | who has read any receipt     |
| KEYSET      | keysets of a higher version                                    | who has read any keyset      |
| DISPOSITION | new words on an alarm that is remembered                       | who has read its bundle      |
| CONFIG      | configurations of a higher revision                            | who has read any keyset      |
| COMMAND     | commands in time, of a higher counter                          | who has read any keyset      |

Groups take turns, so a flood in one holds up no other: who cannot read this gateway's bundles cannot delay the receipts
that let it forget. Within a group the newest goes first, for a receipt says all that those before it said. Where that one was
forged, one of the others follows, each of those that came with the same chance: with the newest alone, a single forged
message after each true one would keep all true ones out. Dispositions and commands say nothing of those before them: of these
the first goes first, and what came when eight wait takes the place of one of them, each with the same chance.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

FORWARD, OTHERWISE, KEYSET, DISPOSITION, CONFIG, COMMAND = 0, 1, 2, 3, 4, 5
GROUPS = 6
EACH_OF_ITS_OWN = (DISPOSITION, COMMAND)
MOST_WAITING = 8  # messages of a group in which each says something of its own


class Waiting:
    """A message that waits for its signature check; `connection` is the one it came over."""

    __slots__ = ("connection", "data", "group", "retained", "sort")

    def __init__(self, group: int, sort: str, data: bytes, retained: bool, connection: int) -> None:
        self.group = group
        self.sort = sort
        self.data = data
        self.retained = retained
        self.connection = connection


class Group:
    """What waits in one group: the newest, and one of those before it."""

    __slots__ = ("other", "others", "recent", "was_forged")

    def __init__(self) -> None:
        self.recent: "Waiting | None" = None
        self.other: "Waiting | None" = None
        self.others = 0  # how many `other` was drawn from
        self.was_forged = False  # what was checked last

    def put(self, waiting: Waiting, random16: "Callable[[], int]") -> None:
        """One more has come."""
        if self.recent is not None:
            self.others += 1
            if random16() * self.others < 65_536:  # true once in `others`: every one has the same chance
                self.other = self.recent
        self.recent = waiting

    def take(self) -> "Waiting | None":
        """The one to check next, which waits no more."""
        if self.other is not None and (self.was_forged or self.recent is None):
            other, self.other, self.others = self.other, None, 0
            return other
        recent, self.recent = self.recent, None
        return recent

    def checked(self, holds: bool) -> None:
        """What became of the one that was taken. Where it held, those before it say nothing more."""
        self.was_forged = not holds and not self.was_forged
        if holds:
            self.other, self.others = None, 0

    @property
    def has(self) -> bool:
        """Whether one waits."""
        return self.recent is not None or self.other is not None


class Row:
    """What waits in a group in which no message says what those before it said: in order, at most `MOST_WAITING`."""

    __slots__ = ("come", "waiting")

    def __init__(self) -> None:
        self.waiting: "list[Waiting]" = []
        self.come = 0  # how many since it was last empty

    def put(self, waiting: Waiting, random16: "Callable[[], int]") -> None:
        """One more has come."""
        self.come += 1
        if len(self.waiting) < MOST_WAITING:
            self.waiting.append(waiting)
            return
        place = random16() * self.come // 65_536
        if place < MOST_WAITING:
            self.waiting[place] = waiting

    def take(self) -> "Waiting | None":
        """The one to check next, which waits no more."""
        if not self.waiting:
            return None
        taken = self.waiting.pop(0)
        self.come = self.come if self.waiting else 0
        return taken

    def checked(self, holds: bool) -> None:
        """What became of the one that was taken says nothing of the others."""

    @property
    def has(self) -> bool:
        """Whether one waits."""
        return bool(self.waiting)


class Checks:
    """What waits, and since when the next may run. `random16` gives 0..65535."""

    def __init__(self, gap_ms: int, random16: "Callable[[], int]") -> None:
        self.gap_ms = gap_ms
        self.random16 = random16
        self.groups: "list[Group | Row]" = [
            Row() if number in EACH_OF_ITS_OWN else Group() for number in range(GROUPS)
        ]
        self.served = GROUPS - 1  # the group whose turn was last
        self.due_ms = 0  # when the next check may begin

    def put(self, waiting: Waiting) -> None:
        """A message waits for its check."""
        self.groups[waiting.group].put(waiting, self.random16)

    def next(self, now_ms: int) -> "Waiting | None":
        """The message to look at now, or None: nothing waits, or it is too soon."""
        if now_ms < self.due_ms:
            return None
        for ahead in range(1, len(self.groups) + 1):
            number = (self.served + ahead) % len(self.groups)
            taken = self.groups[number].take()
            if taken is not None:
                self.served = number
                return taken
        return None

    def next_due_ms(self) -> "int | None":
        """When `next` may give something, or None where nothing waits."""
        waits = any([group.has for group in self.groups])
        return self.due_ms if waits else None

    def begin(self, now_ms: int) -> None:
        """A signature check begins now."""
        self.due_ms = now_ms + self.gap_ms

    def checked(self, waiting: Waiting, holds: bool) -> None:
        """What the check of a message that was taken came to."""
        self.groups[waiting.group].checked(holds)
