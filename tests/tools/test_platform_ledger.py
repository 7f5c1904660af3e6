"""Rules of receiving for numbers (the table in tools/platform/ledger.py), and ledgers that break one, caught."""

import pytest

from tests.tools.platform_parties import Bench, SimGateway, causes
from tools.platform.books import EpochBook, LaneBook, Taken
from tools.platform.ledger import Ledger


def holes(bench: Bench) -> list[tuple[int, int, str]]:
    return bench.store.ask("SELECT first_seq, last_seq, cause FROM hole ORDER BY first_seq").fetchall()


def test_next_numbers_move_the_mark(bench: Bench, gateway: SimGateway) -> None:
    first = bench.bundle(gateway, 1, 10)
    assert (first.fresh, first.duplicates, first.moved, first.answer) == (10, 0, True, True)
    second = bench.bundle(gateway, 11, 30)
    assert (second.fresh, second.moved, second.answer, causes(second)) == (20, True, False, [])
    book = bench.ledger.book(gateway.tenant, gateway.name)
    lanes = bench.ledger.receipt_lanes(book)
    assert lanes is not None
    assert lanes[3] == [30, gateway.chain(30)]
    assert lanes[0] == [0, gateway.chain(0, 0)]


def test_numbers_beyond_a_gap_are_acted_on_and_wait_for_their_receipt(
    bench: Bench, gateway: SimGateway
) -> None:
    bench.bundle(gateway, 1, 10)
    beyond = bench.bundle(gateway, 21, 30)
    assert (beyond.fresh, beyond.moved, bench.mark(gateway)) == (10, False, 10)
    filled = bench.bundle(gateway, 11, 20)
    assert (filled.fresh, filled.moved, bench.mark(gateway)) == (10, True, 30)
    assert causes(beyond) == causes(filled) == []


@pytest.mark.parametrize(
    "order", [[(11, 15), (26, 30), (16, 25)], [(21, 25), (16, 30), (11, 20)], [(26, 30), (9, 28)]]
)
def test_bundles_of_other_sizes_fill_gaps_exactly_once(
    bench: Bench, gateway: SimGateway, order: list[tuple[int, int]]
) -> None:
    fresh = bench.bundle(gateway, 1, 10).fresh
    for first, last in order:
        taken = bench.bundle(gateway, first, last)
        fresh += taken.fresh
        assert causes(taken) == []
    assert (fresh, bench.mark(gateway)) == (30, 30)
    assert bench.store.counts() == {"events": 30, "copies": 0, "lost": 0}


def test_what_is_stored_is_a_duplicate_by_number_and_chain(bench: Bench, gateway: SimGateway) -> None:
    bench.bundle(gateway, 1, 10)
    again = bench.bundle(gateway, 1, 10)
    assert (again.fresh, again.duplicates, again.repeated, again.moved) == (0, 10, True, False)
    partly = bench.bundle(gateway, 6, 15)
    assert (partly.fresh, partly.duplicates, partly.repeated, partly.moved) == (5, 5, False, True)
    assert bench.store.ask("SELECT count(*) FROM message").fetchone() == (2,)


def test_one_number_with_two_contents_is_a_fork_and_both_are_kept(bench: Bench, gateway: SimGateway) -> None:
    bench.bundle(gateway, 1, 20)
    clone = gateway.clone()
    clone.lanes[3] = clone.lanes[3][:15]
    clone.append(10)
    forked = bench.bundle(clone, 11, 25)
    assert causes(forked) == ["fork"]
    assert forked.faults[0].details["seq"] == 16
    assert (forked.fresh, forked.duplicates, bench.mark(gateway)) == (10, 5, 20)
    assert bench.store.ask("SELECT count(*) FROM event WHERE seq=16").fetchone() == (2,)
    assert causes(bench.bundle(clone, 11, 25)) == []  # reported once
    assert bench.bundle(gateway, 21, 30).moved  # the line that was receipted goes on
    assert bench.mark(gateway) == 30


def test_a_fork_without_a_common_number_shows_in_the_chain(bench: Bench, gateway: SimGateway) -> None:
    clone = gateway.clone()
    clone.lanes[3] = clone.lanes[3][:15]
    clone.append(15)
    bench.bundle(gateway, 1, 20)
    forked = bench.bundle(clone, 21, 30)
    assert causes(forked) == ["fork"]
    assert forked.faults[0].details["seq"] == 20
    assert (forked.fresh, bench.mark(gateway)) == (10, 20)


def test_a_gap_filled_by_another_line_is_a_fork(bench: Bench, gateway: SimGateway) -> None:
    clone = gateway.clone()
    clone.lanes[3] = clone.lanes[3][:12]
    clone.append(18)
    bench.bundle(gateway, 1, 10)
    bench.bundle(clone, 21, 30)
    filled = bench.bundle(gateway, 11, 20)
    assert causes(filled) == ["fork"]
    assert bench.mark(gateway) == 20
    assert bench.bundle(gateway, 21, 30).moved
    assert bench.mark(gateway) == 30


def test_a_lane_that_does_not_begin_with_its_epoch_is_never_receipted(
    bench: Bench, gateway: SimGateway
) -> None:
    taken = bench.bundle(gateway, 1, 10, before=b"\0" * 16)
    assert causes(taken) == ["fork"]
    assert (taken.fresh, taken.moved, bench.mark(gateway)) == (10, False, 0)


def test_given_up_numbers_are_a_hole_the_mark_moves_over(bench: Bench, gateway: SimGateway) -> None:
    bench.bundle(gateway, 1, 10)
    taken = bench.bundle(gateway, 21, 30, given_up=(11, 20))
    assert (causes(taken), bench.mark(gateway)) == (["lost.given_up"], 30)
    assert holes(bench) == [(11, 20, "given_up")]
    assert bench.store.counts()["lost"] == 10


def test_given_up_numbers_wait_for_those_before_them(bench: Bench, gateway: SimGateway) -> None:
    bench.bundle(gateway, 1, 5)
    assert causes(bench.bundle(gateway, 21, 30, given_up=(11, 20))) == []
    assert bench.mark(gateway) == 5
    assert causes(bench.bundle(gateway, 6, 10)) == ["lost.given_up"]
    assert bench.mark(gateway) == 30


def test_given_up_numbers_that_came_before_all_the_same_are_not_lost(
    bench: Bench, gateway: SimGateway
) -> None:
    bench.bundle(gateway, 1, 15)
    bench.bundle(gateway, 21, 30, given_up=(11, 20))
    assert (bench.mark(gateway), holes(bench)) == (30, [(16, 20, "given_up")])
    late = bench.bundle(gateway, 16, 18)
    assert (late.fresh, late.moved, causes(late)) == (3, False, [])
    assert bench.store.counts()["lost"] == 2


@pytest.mark.parametrize("declared", [(0, 20), (15, 11), (11, 19), (11, 21)])
def test_a_declared_hole_that_is_not_just_before_the_bundle_means_nothing(
    bench: Bench, gateway: SimGateway, declared: tuple[int, int]
) -> None:
    bench.bundle(gateway, 1, 10)
    bench.bundle(gateway, 21, 30, given_up=declared)
    assert (bench.mark(gateway), holes(bench)) == (10, [])


def test_a_platform_that_lost_its_store_goes_on_from_what_the_gateway_holds(
    bench: Bench, gateway: SimGateway
) -> None:
    bench.bundle(gateway, 21, 25)
    assert bench.mark(gateway) == 0
    taken = bench.take("state", gateway.state({3: 21}))
    assert (causes(taken), taken.answer, bench.mark(gateway)) == (["lost.at_platform"], True, 25)
    assert bench.bundle(gateway, 26, 30).moved
    assert holes(bench) == [(1, 20, "platform")]


def test_a_state_before_the_bundle_is_waited_for_until_it_says_why(bench: Bench, gateway: SimGateway) -> None:
    bench.bundle(gateway, 1, 5)
    assert bench.take("state", gateway.state({3: 21})).faults == []  # the bundle may yet say: given up
    assert bench.mark(gateway) == 5
    taken = bench.bundle(gateway, 21, 30, given_up=(11, 20))
    assert (causes(taken), bench.mark(gateway)) == (["lost.at_platform", "lost.given_up"], 30)
    assert holes(bench) == [(6, 10, "platform"), (11, 20, "given_up")]


def test_where_the_gateway_holds_nothing_the_mark_goes_to_its_last(bench: Bench, gateway: SimGateway) -> None:
    taken = bench.take("state", gateway.state({3: 31}))
    assert (causes(taken), bench.mark(gateway)) == (["lost.at_platform"], 30)
    gateway.append()
    assert bench.bundle(gateway, 31, 31).moved


def test_a_hole_blamed_on_the_platform_is_renamed_when_the_gateway_says_it_gave_it_up(
    bench: Bench, gateway: SimGateway
) -> None:
    bench.bundle(gateway, 1, 10)
    bench.bundle(gateway, 21, 25)
    bench.take("state", gateway.state({3: 21}))
    assert holes(bench) == [(11, 20, "platform")]
    bench.bundle(gateway, 21, 30, given_up=(11, 20))
    assert holes(bench) == [(11, 20, "given_up")]


# --- negative controls: a ledger that breaks a rule must be caught by what the tests above look at -----------------


class ReceiptsGaps(Ledger):
    """Moves the mark to the last number that came, whatever is missing before it."""

    def advance(self, taken: Taken, epoch: EpochBook, lane: LaneBook) -> None:
        for seq, _, chain in self.shelf.contents(epoch.key, lane.number, lane.seq + 1, 10_000):
            self.move(epoch, lane, seq, chain)


class IgnoresChains(Ledger):
    """Takes a number as stored whatever its content."""

    def held(self, epoch: EpochBook, lane: LaneBook, first: int, last: int) -> set[tuple[int, bytes]]:
        return {
            (seq, chain) for seq in range(first, min(last, lane.highest) + 1) for chain in self.every_chain
        }

    every_chain: tuple[bytes, ...] = ()


def test_control_a_ledger_that_receipts_gaps_tells_the_gateway_to_forget_what_never_came(
    gateway: SimGateway,
) -> None:
    safe, unsafe = Bench(), Bench(ledger=ReceiptsGaps)
    for bench in (safe, unsafe):
        bench.bundle(gateway, 1, 10)
        bench.bundle(gateway, 21, 30)
    assert [unreceipted_and_missing(bench, gateway) for bench in (safe, unsafe)] == [0, 10]
    safe.close()
    unsafe.close()


def unreceipted_and_missing(bench: Bench, gateway: SimGateway) -> int:
    """How many numbers a receipt covers that are neither stored nor declared lost."""
    mark = bench.mark(gateway)
    stored = bench.store.ask("SELECT count(DISTINCT seq) FROM event WHERE seq<=?", mark).fetchone()[0]
    return int(mark - stored - bench.store.lost())


def test_control_without_chains_a_clone_passes_for_a_repeat(gateway: SimGateway) -> None:
    clone = gateway.clone()
    clone.lanes[3] = []
    clone.append(10)
    control = type(
        "Control", (IgnoresChains,), {"every_chain": tuple(clone.chain(seq) for seq in range(1, 11))}
    )
    safe, unsafe = Bench(), Bench(ledger=control)
    for bench in (safe, unsafe):
        bench.bundle(gateway, 1, 10)
    assert (causes(safe.bundle(clone, 1, 10)), safe.store.counts()["events"]) == (["fork"], 20)
    assert (causes(unsafe.bundle(clone, 1, 10)), unsafe.store.counts()["events"]) == ([], 10)
    safe.close()
    unsafe.close()
