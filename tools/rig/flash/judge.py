"""Whether a flash journal that was opened after a cut is what was promised."""

from hal.types import LANES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hal.esp32.flash_journal import FlashJournal
    from tools.rig.flash.life import Version

ALL = 1 << 20


def faults_of(
    journal: "FlashJournal",
    history: "dict[bytes, list[list[bytes]]]",
    allowed: "list[Version]",
) -> "tuple[str, Version | None]":
    """What is wrong, or nothing; and the state that was found."""
    if journal.set_aside():
        return "was set aside: " + journal.set_aside()[0].reason, None
    lasts = [journal.mark(lane).last for lane in LANES]
    state = {key: journal.state(key) for key in journal.state_keys("")}
    wrong, found = "", None
    for version in allowed:
        if (version.epoch, version.lasts, version.state) == (journal.epoch, lasts, state):
            wrong, found = rows_wrong(journal, history[version.epoch], version), version
            if not wrong:
                break
    if found is not None:
        return wrong, found
    told = allowed[-1]
    if journal.epoch != told.epoch and journal.epoch != allowed[0].epoch:
        return "another epoch than was told", None
    lost = [lane for lane in LANES if lasts[lane] < allowed[0].lasts[lane]]
    if lost:
        return "told and lost: of lanes " + str(lost), None
    return "half of something: events and state that do not go together", None


def rows_wrong(journal: "FlashJournal", history: "list[list[bytes]]", version: "Version") -> str:
    """Events that are not those of the version, or that are gone without a word."""
    gaps = journal.given_up()
    for lane in LANES:
        mark = journal.mark(lane)
        found = []
        after = mark.first - 1
        chain = mark.before
        while True:
            entries = journal.peek(lane, after, ALL, ALL)
            if not entries:
                break
            found += [entry.event for entry in entries]
            after, chain = entries[-1].seq, entries[-1].chain
        if found != history[lane][mark.first - 1 : version.lasts[lane]] or chain != mark.chain:
            return "lane " + str(lane) + ": what is held is not what was stored"
        for seq in range(version.floor[lane] + 1, mark.first):
            if not any([gap.lane == lane and gap.first <= seq <= gap.last for gap in gaps]):
                return "lane " + str(lane) + ": number " + str(seq) + " is gone, and nobody said so"
        for gap in gaps:
            if gap.lane == lane and gap.last >= mark.first:
                return "lane " + str(lane) + ": a number is called given up, and held"
    return ""
