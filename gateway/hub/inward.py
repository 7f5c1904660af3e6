"""What comes from the platform: keysets, receipts, and what others here take. All else is refused, in words, and counted."""

from gateway.core import cbor, wire
from gateway.core.checks import FORWARD, KEYSET, OTHERWISE, Checks, Waiting
from gateway.core.errors import DecodeError, RefusedError
from gateway.core.outbox import FORK, OUTDATED, PROGRESS, STALE, UNCHANGED
from gateway.hub.claim import Claim, chain_at
from gateway.hub.parts import PartFailedError
from gateway.hub.waking import Wake
from hal.errors import CorruptDataError, HalError, StorageFullError, UnavailableError
from hal.types import LANES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Protocol

    from gateway.core.config import Config
    from gateway.core.outbox import Outbox
    from gateway.core.trust import Trust
    from gateway.core.wire import Parsed, Topic
    from gateway.hub.losses import Losses
    from gateway.hub.recorder import Log, Recorder
    from hal.interfaces import Clock, Journal
    from hal.types import Message

    Verify = Callable[[bytes, bytes, bytes], Awaitable[bool]]

    class Taker(Protocol):
        """Takes messages of one sort, whose role has its name; `group` is where they wait for their check."""

        group: int

        def examine(self, parsed: Parsed) -> bool:
            """Whether something comes of it if its signature holds; costs little. Raises RefusedError."""
            ...

        async def act(self, parsed: Parsed) -> None:
            """Do what it says; its signature holds. Raises RefusedError, HalError."""
            ...


KEYSET_STATE, ROOTS_STATE = "trust.keyset", "trust.roots"
ANCHOR_STATE = "trust.anchor"  # tenant and root keys of the configuration under which those two were accepted
SAME_REFUSAL_MS = 600_000  # one refusal of a kind is an event at most this often; all are counted
FORK_PAUSE_MS = 600_000  # between two new epochs, whether the first came about or not
REFUSALS_LIMIT = 64  # kinds of refusal told apart: a broker that means ill invents more
OTHER = "other"
KEPT_EARLY = ("config",)  # beside receipts: what a broker retains and may hand out before the keyset
MOST_WAITING_BYTES = 1024  # of a receipt that waits for its check: ours are a third of it


class Inward:
    """Acts on verified messages; `progress_ms` is when a receipt last moved anything."""

    def __init__(
        self,
        config: "Config",
        journal: "Journal",
        clock: "Clock",
        trust: "Trust",
        verify: "Verify",
        outbox: "Outbox",
        recorder: "Recorder",
        losses: "Losses",
        log: "Log",
    ) -> None:
        """`verify` is `ed25519_verify` of the machine's primitives."""
        self.config = config
        self.journal = journal
        self.clock = clock
        self.trust = trust
        self.verify = verify
        self.outbox = outbox
        self.recorder = recorder
        self.losses = losses
        self.log = log
        self.refused: "dict[str, int]" = {}
        self.noted: "dict[str, int]" = {}
        self.anchor = cbor.encode([config.hub.tenant, trust.roots_held()])
        self.early: "dict[str, bytes]" = {}  # by sort what came before the keyset which names its key
        self.takers: "dict[str, Taker]" = {}  # by sort
        self.progress_ms = clock.uptime_ms()
        self.fork_due_ms = 0
        self.outdated_due_ms = 0
        self.checks: "Checks | None" = (
            None  # where messages wait for their check, on a machine that is slow at it
        )
        self.wake = Wake(clock)
        self.begun = 0  # signature checks, since the start
        self.connection = 0  # the number of the one to the broker that stands, or stood last
        self.settled: "Callable[[], None]" = lambda: None  # called when one that waited was looked at
        self.receipts = 0  # how many moved anything and came when they were published

    async def restore(self) -> None:
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
            found = self.trust.examine(keyset) if keyset is not None else None
            if found is not None:
                await self.check(found[0], found[1])
                self.trust.install(found[0], found[1])
        except (DecodeError, RefusedError) as error:  # such as another tenant's: the platform sends ours
            self.log("warning", "The keyset of the last run is of no use.", cause=error.reason)

    async def take(self, message: "Message") -> bool:
        """One message of a `down` topic; a refused one is counted and said, never fatal. False where it waits.

        Raises:
            MemoryError: what it asks for may be half done; the recorder is frozen, and the process ends.
        """
        sort, settled = "unknown", True
        try:
            where = wire.parse_topic(message.topic)
            sort = where.sort
            settled = await self.act(where, message.payload, message.retained)
        except (DecodeError, RefusedError) as error:
            await self.refuse(sort, error.reason)
        except MemoryError:
            self.recorder.freeze()
            raise
        if self.checks is not None:
            await self.clock.sleep_ms(0)  # a flood is handed over without a pause: others have their turn
        return settled

    async def act(self, where: "Topic", payload: bytes, retained: bool) -> bool:
        """Do what a message asks, or let it wait (False). Raises DecodeError, RefusedError."""
        if where.tenant != self.config.hub.tenant or where.gateway != self.config.hub.id:
            raise RefusedError("the topic is another gateway's")
        if not payload:
            return True  # a retained topic was cleared
        if where.sort not in ("keyset", "receipt") and where.sort not in self.takers:
            # Nothing we subscribed to: some brokers do send it; it has no effect and is no event.
            self.count(where.sort, "this gateway takes no such message")
            return True
        return await self.handle(where.sort, payload, retained)

    async def handle(self, sort: str, payload: bytes, retained: bool) -> bool:
        """Settle a message now, or let it wait for its check (False). Raises DecodeError, RefusedError."""
        if self.checks is None:
            await self.settle(sort, payload, retained)
            return True
        group = self.group(sort, payload, retained)
        if group is not None:
            self.checks.put(Waiting(group, sort, payload, retained, self.connection))
            self.wake.call()
        return group is None

    async def settle(self, sort: str, payload: bytes, retained: bool) -> None:
        """Check and act. Raises DecodeError, RefusedError."""
        if sort == "keyset":
            await self.keyset(payload)
        elif sort == "receipt":
            await self.receipt(payload, retained)
        else:
            await self.order(sort, payload)

    def group(self, sort: str, payload: bytes, retained: bool) -> "int | None":
        """Among which others a message waits, or None: nothing comes of it. Raises DecodeError, RefusedError."""
        if sort == "keyset":
            return None if self.trust.examine(payload) is None else KEYSET
        if sort in self.takers:
            return None if self.open(sort, payload) is None else self.takers[sort].group
        if len(payload) > MOST_WAITING_BYTES:
            raise RefusedError("a receipt of more than " + str(MOST_WAITING_BYTES) + " bytes")
        claim = self.examine(payload, retained)
        if claim is None:
            return None
        return FORWARD if claim.says(PROGRESS) and not claim.says(FORK) and not claim.outdated else OTHERWISE

    async def run(self) -> None:
        """The part that looks at what waits for its check, one after the other."""
        assert self.checks is not None
        while True:
            waiting = self.checks.next(self.clock.uptime_ms())
            if waiting is None:
                due_ms = self.checks.next_due_ms()
                await self.wake.wait(due_ms)
                continue
            try:
                await self.look_at(waiting, self.checks)
            except CorruptDataError as error:
                raise PartFailedError(str(error))  # the journal's: a fresh start sets it aside
            except HalError as error:
                self.log("warning", "A message could not be acted on.", sort=waiting.sort, cause=str(error))
            self.settled()

    async def look_at(self, waiting: Waiting, checks: Checks) -> None:
        """Settle one that waited: the world has moved on since it came. Raises HalError."""
        begun = self.begun
        try:
            # What came over a connection that is gone says nothing of whether the platform answers now.
            retained = waiting.retained or waiting.connection != self.connection
            await self.settle(waiting.sort, waiting.data, retained)
            if self.begun != begun:
                checks.checked(waiting, True)
        except (DecodeError, RefusedError) as error:
            if self.begun != begun:
                checks.checked(waiting, False)
            await self.refuse(waiting.sort, error.reason)

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
        found = self.trust.examine(data)
        if found is None:
            return
        parsed, root = found
        await self.check(parsed, root)
        self.trust.install(parsed, root)
        kept: "dict[str, bytes | None]" = {
            KEYSET_STATE: data,
            ROOTS_STATE: cbor.encode(self.trust.roots_held()),
            ANCHOR_STATE: self.anchor,
        }
        await self.recorder.keep(kept)
        self.log("info", "Keyset accepted.", version=self.trust.version)
        early, self.early = self.early, {}
        for sort in sorted(early):
            try:
                await self.handle(sort, early[sort], True)
            except (DecodeError, RefusedError) as error:  # the keyset itself was good
                await self.refuse(sort, error.reason)

    async def check(self, parsed: "Parsed", key: bytes) -> None:
        """Check a signature, which may take a second. Raises RefusedError."""
        signed = wire.signed(parsed, key)
        self.begun += 1
        if self.checks is not None:
            self.checks.begin(self.clock.uptime_ms())
        wire.hold(await self.verify(key, signed, parsed.sign1.signature))

    async def receipt(self, data: bytes, retained: bool) -> None:
        """Forget what the platform stored. The order of checks is by cost: ids, kid, epoch, progress, chain, signature.

        A retained receipt counts like any other, and says nothing of whether the platform answers now.

        Raises:
            DecodeError, RefusedError: nothing is forgotten.
        """
        claim = self.examine(data, retained)
        if claim is None:
            return
        standing = self.standing()
        await self.check(claim.parsed, claim.key)
        if self.standing() != standing:  # events were given up, or an epoch begun, while it was checked
            claim = self.examine(data, retained)
        if claim is not None:
            await self.act_on(claim)

    def open(self, sort: str, data: bytes) -> "tuple[Parsed, bytes] | None":
        """A message for one of `takers` and the key that must have signed it, or None: nothing comes of it.

        Raises:
            DecodeError, RefusedError: with the rule that refused it.
        """
        parsed = wire.parse(sort, data)
        wire.check_address(parsed, self.config.hub.tenant, self.config.hub.id)
        if sort in KEPT_EARLY and parsed.sign1.kid not in self.trust.keys:
            self.early[sort] = data
            if not self.trust.keys:
                return None
        key = self.trust.check_key(parsed, sort, self.clock.utc_ms())
        return (parsed, key) if self.takers[sort].examine(parsed) else None

    async def order(self, sort: str, data: bytes) -> None:
        """Let one of `takers` do what a message says. Raises DecodeError, RefusedError."""
        found = self.open(sort, data)
        if found is None:
            return
        await self.check(found[0], found[1])
        if self.open(sort, data) is not None:  # still: a check may take a second
            await self.takers[sort].act(found[0])

    def standing(self) -> "list[object]":
        """What the verdicts on a receipt depend on."""
        marks = [self.journal.mark(lane) for lane in LANES]
        return [self.journal.epoch] + [(mark.first, mark.last) for mark in marks]

    def examine(self, data: bytes, retained: bool) -> "Claim | None":
        """What a receipt would do if its signature holds, or None: nothing. Raises DecodeError, RefusedError."""
        parsed = wire.parse("receipt", data)
        wire.check_address(parsed, self.config.hub.tenant, self.config.hub.id)
        if parsed.sign1.kid not in self.trust.keys:
            self.early["receipt"] = data  # a broker hands out retained messages in any order
            if not self.trust.keys:
                return None
        key = self.trust.check_key(parsed, wire.RECEIPT_ROLE, self.clock.utc_ms())
        if parsed.fields["epoch"] != self.journal.epoch:
            self.log("info", "A receipt of another epoch is ignored.")
            return None
        verdicts = self.judge(parsed)
        outdated = [] if retained else [(lane, seq) for lane, seq, verdict in verdicts if verdict == OUTDATED]
        if self.clock.uptime_ms() < self.outdated_due_ms:
            outdated = []
        if not outdated and all([verdict in (STALE, OUTDATED) for _, _, verdict in verdicts]):
            return None
        return Claim(parsed, key, retained, verdicts, outdated)

    async def act_on(self, claim: "Claim") -> None:
        """Do what a receipt says whose signature holds."""
        verdicts, retained = claim.verdicts, claim.retained
        if claim.outdated:
            await self.outdated(claim.outdated)
        is_first = not self.outbox.answered
        for lane, seq, verdict in verdicts:
            if verdict in (PROGRESS, UNCHANGED):
                self.outbox.named(lane, seq)
                self.outbox.answered = self.outbox.answered or not retained
        if claim.says(FORK):
            await self.fork()
        elif claim.says(PROGRESS):
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
        self.outbox.receipt_ends([self.journal.mark(lane) for lane in LANES], now_ms)
        for lane, seq in progress:
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
