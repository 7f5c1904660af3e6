"""Any order, loss, repetition, cut and restart on the way: nothing receipted that is not there, nothing twice, all at the end."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.event_codec import decode_event
from tests.tools.platform_parties import Bench, SimGateway
from tests.tools.test_platform_ledger import ReceiptsGaps
from tools.platform.ledger import Ledger

EVENTS = 12
RESTART, STATE, NEW_EPOCH = "restart", "state", "new epoch"

bundles = st.tuples(st.integers(1, EVENTS), st.integers(1, EVENTS)).map(sorted)
schedules = st.lists(st.one_of(bundles, st.sampled_from([RESTART, STATE, NEW_EPOCH])), max_size=15)


class Home:
    """A gateway that forgets on receipts only, as far as they go, and its platform."""

    def __init__(self, ledger: type[Ledger]) -> None:
        self.bench = Bench(ledger=ledger)
        self.kind = ledger
        self.gateway = SimGateway()
        self.gateway.append(EVENTS)
        self.verified = 0
        self.forgotten = 0
        self.said = 0  # different events the gateway ever had

    def play(self, step: Any) -> None:
        """One thing that happens."""
        if step == RESTART:
            self.bench.restart(self.kind)
        elif step == STATE:
            self.bench.take("state", self.gateway.state({3: self.forgotten + 1}))
        elif step == NEW_EPOCH:
            self.lose_the_number_series()
        else:
            first, last = max(step[0], self.forgotten + 1), step[1]
            if first <= last:
                self.verified += self.bench.bundle(self.gateway, first, last).fresh
        self.forgotten = max(self.forgotten, self.receipted())
        self.check()

    def lose_the_number_series(self) -> None:
        """A new epoch: what is held goes on under it with its old identity."""
        held = [
            self.gateway.event(identity=self.identities()[seq - 1])
            for seq in range(self.forgotten + 1, EVENTS + 1)
        ]
        self.said += self.forgotten
        self.gateway.begin_epoch()
        self.gateway.lanes[3] = held
        self.gateway.append(EVENTS - len(held))
        self.forgotten = 0

    def identities(self) -> list[bytes]:
        """Of what the gateway holds and held in this epoch."""
        return [
            decode_event(event).identity or self.gateway.chain(seq)
            for seq, event in enumerate(self.gateway.lanes[3], 1)
        ]

    def receipted(self) -> int:
        """How far a receipt of this epoch goes; one of another epoch is ignored."""
        book = self.bench.ledger.book(self.gateway.tenant, self.gateway.name)
        is_ours = book.current is not None and book.current.epoch == self.gateway.epoch
        return self.bench.mark(self.gateway) if is_ours else 0

    def check(self) -> None:
        """Everything that a receipt covers is stored."""
        mark = self.bench.mark(self.gateway)
        if mark > 0:
            book = self.bench.ledger.book(self.gateway.tenant, self.gateway.name)
            assert book.current is not None
            query = "SELECT count(*) FROM event WHERE epoch=? AND seq<=?"
            stored = self.bench.store.ask(query, book.current.key, mark).fetchone()[0]
            assert stored == mark, "receipted and not stored"

    def finish(self) -> None:
        """The gateway sends the rest again; then everything is there once."""
        self.play([self.forgotten + 1, EVENTS])
        assert self.forgotten == EVENTS, "never receipted"
        assert self.verified == self.said + EVENTS, "lost or twice"
        assert self.bench.store.lost() == 0


def play(schedule: list[Any], ledger: type[Ledger]) -> None:
    home = Home(ledger)
    try:
        for step in schedule:
            home.play(step)
        home.finish()
    finally:
        home.bench.close()


@settings(max_examples=200)
@given(schedules)
def test_every_schedule_ends_with_everything_once(schedule: list[Any]) -> None:
    play(schedule, Ledger)


def test_control_a_ledger_that_receipts_gaps_is_caught() -> None:
    @settings(max_examples=200, database=None, report_multiple_bugs=False, print_blob=False)
    @given(schedules)
    def all_schedules(schedule: list[Any]) -> None:
        play(schedule, ReceiptsGaps)

    with pytest.raises(AssertionError, match="receipted and not stored"):
        all_schedules()
