"""A receipt before its signature is checked, and what it is compared with."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.wire import Parsed
    from hal.interfaces import Journal


def chain_at(journal: "Journal", lane: int, seq: int) -> "bytes | None":
    """h(seq) as the journal has it, or None where it is forgotten or not given yet."""
    mark = journal.mark(lane)
    if seq == mark.first - 1:
        return mark.before
    entries = journal.peek(lane, seq - 1, 1, 1) if mark.first <= seq <= mark.last else []
    return entries[0].chain if entries and entries[0].seq == seq else None


class Claim:
    """A receipt that nothing speaks against yet; `verdicts` are (lane, number, verdict), `outdated` is (lane, number)."""

    __slots__ = ("key", "outdated", "parsed", "retained", "verdicts")

    def __init__(
        self,
        parsed: "Parsed",
        key: bytes,
        retained: bool,
        verdicts: "list[tuple[int, int, str]]",
        outdated: "list[tuple[int, int]]",
    ) -> None:
        self.parsed = parsed
        self.key = key
        self.retained = retained
        self.verdicts = verdicts
        self.outdated = outdated

    def says(self, wanted: str) -> bool:
        """Whether it says so of any lane."""
        return any([verdict == wanted for _, _, verdict in self.verdicts])
