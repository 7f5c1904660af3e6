"""What comes from the platform: keysets and receipts. Everything else is refused, in words, and counted."""

from gateway.core import cbor, wire
from gateway.core.errors import DecodeError, RefusedError
from gateway.core.outbox import FORK, OUTDATED, PROGRESS, STALE, UNCHANGED
from hal.errors import StorageFullError, UnavailableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.config import Config
    from gateway.core.outbox import Outbox
    from gateway.core.trust import Trust
    from gateway.core.wire import Parsed, Topic
    from gateway.hub.losses import Losses
    from gateway.hub.recorder import Log, Recorder
    from hal.interfaces import Clock, Journal
    from hal.types import Message

KEYSET_STATE, ROOTS_STATE = "trust.keyset", "trust.roots"
ANCHOR_STATE = "trust.anchor"  # tenant and root keys of the configuration under which those two were accepted
SAME_REFUSAL_MS = 600_000  # one refusal of a kind is an event at most this often; all are counted
FORK_PAUSE_MS = 600_000  # between two new epochs, whether the first came about or not
REFUSALS_LIMIT = 64  # kinds of refusal told apart: a broker that means ill invents more
OTHER = "other"


def chain_at(journal: "Journal", lane: int, seq: int) -> "bytes | None":
    """h(seq) as the journal has it, or None where it is forgotten or not given yet."""
    mark = journal.mark(lane)
    if seq == mark.first - 1:
        return mark.before
    entries = journal.peek(lane, seq - 1, 1, 1) if mark.first <= seq <= mark.last else []
    return entries[0].chain if entries and entries[0].seq == seq else None


class Inward:
    """Acts on verified messages; `progress_ms` is when a receipt last moved anything."""

    def __init__(
        self,
        config: "Config",
        journal: "Journal",
        clock: "Clock",
        trust: "Trust",
        outbox: "Outbox",
        recorder: "Recorder",
        losses: "Losses",
        log: "Log",
    ) -> None:
        self.config = config
        self.journal = journal
        self.clock = clock
        self.trust = trust
        self.outbox = outbox
        self.recorder = recorder
        self.losses = losses
        self.log = log
        self.refused: "dict[str, int]" = {}
        self.noted: "dict[str, int]" = {}
        self.anchor = cbor.encode([config.hub.tenant, trust.roots_held()])
        self.early: "bytes | None" = None  # a receipt that came before the keyset which names its key
        self.progress_ms = clock.uptime_ms()
        self.fork_due_ms = 0
        self.outdated_due_ms = 0
        self.receipts = 0  # how many moved anything and came when they were published

    def restore(self) -> None:
        """Take up the roots and the keyset that were accepted before a restart.

        Only under the same tenant and root key: whoever is given another root trusts the former one no longer.
        """
        roots, keyset = self.journal.state(ROOTS_STATE), self.journal.state(KEYSET_STATE)
        if self.journal.state(ANCHOR_STATE) != self.anchor:
            if keyset is not None:
                self.log("warning", "Another root key is configured; the keyset of the last run is left.")
            return
        try:
            if roots is not None:
                self.trust.add_roots(cbor.decode(roots))  # type: ignore[arg-type]
            if keyset is not None:
                self.trust.accept(keyset)
        except (DecodeError, RefusedError) as error:  # such as another tenant's: the platform sends ours
            self.log("warning", "The keyset of the last run is of no use.", cause=error.reason)

    async def take(self, message: "Message") -> None:
        """One message of a `down` topic; a refused one is counted and said, never fatal."""
        sort = "unknown"
        try:
            where = wire.parse_topic(message.topic)
            sort = where.sort
            await self.act(where, message.payload, message.retained)
        except (DecodeError, RefusedError) as error:
            await self.refuse(sort, error.reason)

    async def act(self, where: "Topic", payload: bytes, retained: bool) -> None:
        """Do what a message asks. Raises DecodeError, RefusedError."""
        if where.tenant != self.config.hub.tenant or where.gateway != self.config.hub.id:
            raise RefusedError("the topic is another gateway's")
        if not payload:
            return  # a retained topic was cleared
        if where.sort == "keyset":
            await self.keyset(payload)
        elif where.sort == "receipt":
            await self.receipt(payload, retained)
        else:  # nothing we subscribed to: some brokers do send it; it has no effect and is no event
            self.count(where.sort, "this gateway takes no such message")

    def count(self, sort: str, reason: str) -> str:
        """Count and log a message that has no effect; the key it is counted under."""
        key = sort + ": " + reason
        if key not in self.refused and len(self.refused) >= REFUSALS_LIMIT:
            key = OTHER
        self.refused[key] = self.refused.get(key, 0) + 1
        self.log("warning", "A message was refused.", sort=sort, cause=reason)
        return key

    async def refuse(self, sort: str, reason: str) -> None:
        """Count a refusal; the first of its kind in ten minutes is a technical event."""
        key = self.count(sort, reason)
        now_ms = self.clock.uptime_ms()
        if key not in self.noted or now_ms - self.noted[key] >= SAME_REFUSAL_MS:
            self.noted[key] = now_ms
            await self.recorder.note("message.refused", values={"sort": sort, "reason": reason})

    async def keyset(self, data: bytes) -> None:
        """Accept a keyset, keep it, and look again at a receipt that came too early."""
        if self.trust.accept(data):
            kept: "dict[str, bytes | None]" = {
                KEYSET_STATE: data,
                ROOTS_STATE: cbor.encode(self.trust.roots_held()),
                ANCHOR_STATE: self.anchor,
            }
            await self.recorder.keep(kept)
            self.log("info", "Keyset accepted.", version=self.trust.version)
            early, self.early = self.early, None
            if early is not None:
                try:
                    await self.receipt(early, True)
                except (DecodeError, RefusedError) as error:  # the keyset itself was good
                    await self.refuse("receipt", error.reason)

    async def receipt(self, data: bytes, retained: bool) -> None:
        """Forget what the platform stored. The order of checks is by cost: ids, kid, epoch, progress, chain, signature.

        A retained receipt counts like any other, and says nothing of whether the platform answers now.

        Raises:
            DecodeError, RefusedError: nothing is forgotten.
        """
        parsed = wire.parse("receipt", data)
        wire.check_address(parsed, self.config.hub.tenant, self.config.hub.id)
        if parsed.sign1.kid not in self.trust.keys:
            self.early = data  # a broker hands out retained messages in any order
            if not self.trust.keys:
                return
        key = self.trust.check_key(parsed, wire.RECEIPT_ROLE, self.clock.utc_ms())
        if parsed.fields["epoch"] != self.journal.epoch:
            self.log("info", "A receipt of another epoch is ignored.")
            return
        verdicts = self.judge(parsed)
        outdated = [] if retained else [(lane, seq) for lane, seq, verdict in verdicts if verdict == OUTDATED]
        if self.clock.uptime_ms() < self.outdated_due_ms:
            outdated = []
        if not outdated and all([verdict in (STALE, OUTDATED) for _, _, verdict in verdicts]):
            return
        wire.verify(parsed, key, self.trust.verify)
        if outdated:
            await self.outdated(outdated)
        is_first = not self.outbox.answered
        for lane, seq, verdict in verdicts:
            if verdict in (PROGRESS, UNCHANGED):
                self.outbox.named(lane, seq)
                self.outbox.answered = self.outbox.answered or not retained
        if any([verdict == FORK for _, _, verdict in verdicts]):
            await self.fork()
        elif any([verdict == PROGRESS for _, _, verdict in verdicts]):
            self.receipts += not retained
            await self.forget([(lane, seq) for lane, seq, verdict in verdicts if verdict == PROGRESS])
            if not retained and self.outbox.left_out(self.clock.uptime_ms(), is_first):
                self.log("info", "The platform's receipt leaves out what was sent before; sending again.")
        elif self.outbox.resend_now(self.clock.uptime_ms()):
            self.log("info", "The platform asks for what it lacks; sending again.")

    def judge(self, parsed: "Parsed") -> "list[tuple[int, int, str]]":
        """(lane, number, verdict) of each lane the receipt names."""
        found = []
        for lane, (seq, chain) in sorted(parsed.fields["lanes"].items()):  # type: ignore[attr-defined]
            mark, own = self.journal.mark(lane), chain_at(self.journal, lane, seq)
            if own is None and mark.first - 1 <= seq <= mark.last:
                verdict = STALE  # given up for space this very moment: nothing to compare with, so no fork
            else:
                verdict = self.outbox.judge(mark, seq, chain, own)
            if verdict == STALE and self.outbox.is_outdated(lane, seq):
                verdict = OUTDATED
            found.append((lane, seq, verdict))
        return found

    async def outdated(self, rows: "list[tuple[int, int]]") -> None:
        """A receipt takes back what was receipted. Here that is forgotten; the platform's backup may hold it."""
        self.outdated_due_ms = self.clock.uptime_ms() + SAME_REFUSAL_MS
        self.log(
            "error", "A receipt takes back what was receipted before.", lanes=[list(row) for row in rows]
        )
        for lane, seq in rows:
            values: "dict[str, object]" = {"lane": lane, "first_seq": seq + 1}
            values["last_seq"] = self.outbox.lanes[lane].named
            await self.recorder.note("receipt.outdated", values=values)

    async def forget(self, progress: "list[tuple[int, int]]") -> None:
        """The journal forgets what the receipt covers."""
        now_ms = self.clock.uptime_ms()
        self.progress_ms = now_ms
        for lane, seq in progress:
            self.outbox.receipted(lane, seq, now_ms)
            await self.journal.ack(lane, seq)
            await self.losses.confirm(lane, seq)
        self.log("debug", "receipted", lanes=[list(row) for row in progress])

    async def fork(self) -> None:
        """The platform holds numbers we never gave: a restored backup or a cloned card. Begin a new epoch.

        What is held goes on under it with its old identity, so the platform removes what it already has.
        """
        now_ms = self.clock.uptime_ms()
        if now_ms < self.fork_due_ms:  # a failed one is not tried at each receipt: everything waits for it
            return
        self.fork_due_ms = now_ms + FORK_PAUSE_MS
        self.log(
            "error",
            "The platform has numbers this gateway never gave; a new epoch begins.",
            old=self.journal.epoch.hex(),
        )
        try:
            await self.losses.leave_epoch("receipt of a fork")
        except (StorageFullError, UnavailableError) as error:
            self.log("error", "A new epoch could not begin; the old one goes on.", cause=str(error))
