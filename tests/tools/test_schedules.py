"""The set checker: each verdict can fail. And small runs of the harnesses that rest on it, with their controls."""

import json
from typing import Any

import pytest

from gateway.core import event_codec
from gateway.core.model import Event
from hal.types import Entry, GivenUp, chain_next, chain_start
from tools.evidence.figure import Figure
from tools.rig import clocks, mute_brokers, schedules, silences
from tools.rig.long_life import Kind, LongLife
from tools.rig.quick_clock import run_quickly
from tools.rig.sim.total_queue import Arrival, History, Verdict, content_of, identity_of
from tools.rig.troubles import PHASES

EPOCH, NEXT_EPOCH = b"epoch--1", b"epoch--2"


class Put:
    """A journal in the open, and a platform that has what it is handed."""

    def __init__(self) -> None:
        self.history = History()
        self.entries: dict[tuple[int, int], Entry] = {}
        self.lasts = dict.fromkeys(range(5), 0)
        self.chains = {lane: chain_start(EPOCH, lane) for lane in range(5)}
        self.uptime_ms = 0

    def event(self, kind: str = "oximetry.measured", **fields: Any) -> bytes:
        self.uptime_ms += 1
        return event_codec.encode_event(Event(kind, 7, 1, self.uptime_ms, **fields))

    def append(self, lane: int = 3, event: bytes | None = None, *, answered: bool = True) -> Entry:
        """One event, of which somebody learned that it is stored, or nobody."""
        event = self.event() if event is None else event
        self.lasts[lane] += 1
        self.chains[lane] = chain_next(self.chains[lane], event)
        entry = Entry(lane, self.lasts[lane], event, self.chains[lane])
        contents = self.history.asked([(lane, event)])
        if answered:
            self.history.answered(EPOCH, contents, [entry])
        return entry

    def arrive(self, entry: Entry, *, platform: int = 1, epoch: bytes = EPOCH, is_copy: bool = False) -> None:
        identity = identity_of(entry.event, entry.chain)
        self.history.arrived(Arrival(platform, epoch, entry.lane, entry.seq, identity, entry.event, is_copy))

    def tell_dropped(self, lane: int, first: int, last: int) -> None:
        values: dict[str, object] = {"lane": lane, "first_seq": first, "last_seq": last}
        self.arrive(self.append(2, self.event("journal.dropped", values=values)))


def verdicts(put: Put) -> dict[str, int]:
    """What the checker finds, by name, where there is anything."""
    verdict = Verdict(put.history)
    counted = {name: len(getattr(verdict, name)) for name in Verdict.MUST_BE_EMPTY}
    counted.update(
        {name: getattr(verdict, name) for name in ("recovered", "overtaken", "given_up", "by_number")}
    )
    assert verdict.bad == sum(counted[name] for name in Verdict.MUST_BE_EMPTY)
    return {name: count for name, count in counted.items() if count}


@pytest.fixture
def put() -> Put:
    return Put()


def test_what_was_promised_and_arrived_once_in_order_is_fine(put: Put) -> None:
    for lane in (0, 3, 3, 4):
        put.arrive(put.append(lane))
    assert verdicts(put) == {}


def test_what_was_promised_and_never_arrived_is_lost(put: Put) -> None:
    put.arrive(put.append())
    put.append()
    assert verdicts(put) == {"lost": 1}


def test_what_nobody_asked_for_is_unexpected(put: Put) -> None:
    put.arrive(Entry(3, 1, put.event(), b"c" * 16))
    assert verdicts(put) == {"unexpected": 1}


def test_another_event_under_a_promised_identity_is_unexpected_and_so_is_another_lane(put: Put) -> None:
    first, second = put.append(), put.append()
    put.arrive(Entry(3, 1, put.event(), first.chain))
    put.arrive(Entry(4, 2, second.event, second.chain))
    assert verdicts(put) == {"unexpected": 2}


def test_what_is_acted_on_twice_is_a_duplicate_and_a_copy_is_none(put: Put) -> None:
    entry = put.append()
    put.arrive(entry)
    put.arrive(entry, is_copy=True)
    assert verdicts(put) == {}
    put.arrive(entry)
    assert verdicts(put) == {"duplicated": 1}


def test_a_platform_that_lost_its_store_may_act_on_it_again(put: Put) -> None:
    entry = put.append()
    put.arrive(entry, platform=1)
    put.arrive(entry, platform=2)
    assert verdicts(put) == {}


def test_an_event_that_was_asked_for_once_and_has_two_identities_is_a_duplicate(put: Put) -> None:
    entry = put.append()
    put.arrive(entry)
    put.arrive(Entry(3, 1, entry.event, b"other chain-----"), epoch=NEXT_EPOCH)
    assert verdicts(put) == {"duplicated": 1, "unexpected": 1}


def test_an_event_journalled_again_with_its_identity_is_the_same(put: Put) -> None:
    entry = put.append()
    again = event_codec.with_identity(entry.event, entry.chain, 8)
    assert content_of(again) == entry.event and identity_of(again, b"") == entry.chain
    put.history.renumbered(NEXT_EPOCH, 3, 1, entry)
    put.arrive(entry)
    put.arrive(Entry(3, 1, again, b"other chain-----"), epoch=NEXT_EPOCH, is_copy=True)
    assert verdicts(put) == {}


def test_what_took_hold_and_nobody_learned_of_it_is_recovered_once(put: Put) -> None:
    entry = put.append(answered=False)
    put.arrive(entry)
    assert verdicts(put) == {"recovered": 1}
    put.append(answered=False)  # one that is neither promised nor there is no loss
    assert verdicts(put) == {"recovered": 1}
    put.arrive(Entry(3, 9, entry.event, b"other chain-----"))
    assert verdicts(put) == {"recovered": 1, "unexpected": 1, "duplicated": 1}


def test_a_record_whose_first_append_nobody_learned_of_and_whose_second_did_return_is_one_event(
    put: Put,
) -> None:
    record = {"identity": b"i" * 16, "values": {"spo2_pct": 97}}
    put.arrive(put.append(event=put.event(**record), answered=False))
    put.arrive(put.append(event=put.event(**record)), is_copy=True)
    assert verdicts(put) == {"recovered": 1}


def test_a_later_append_under_an_earlier_number_is_an_inversion(put: Put) -> None:
    first, second = put.append(), put.append()
    put.arrive(Entry(3, 2, first.event, first.chain))
    put.arrive(Entry(3, 1, second.event, second.chain))
    assert verdicts(put) == {"inverted": 1}


def test_what_stood_beyond_a_gap_when_the_epoch_ended_is_no_inversion(put: Put) -> None:
    first, second = put.append(), put.append()
    put.arrive(second)
    again = event_codec.with_identity(first.event, first.chain)
    put.history.renumbered(NEXT_EPOCH, 3, 1, first)
    put.arrive(Entry(3, 1, again, b"other chain-----"), epoch=NEXT_EPOCH)
    assert verdicts(put) == {"overtaken": 1}


def test_what_arrives_late_under_its_own_number_is_counted_and_no_inversion(put: Put) -> None:
    first, second = put.append(), put.append()
    put.arrive(second)
    put.arrive(first)
    assert verdicts(put) == {"overtaken": 1}


def test_what_was_given_up_and_told_in_words_is_no_loss(put: Put) -> None:
    for _ in range(3):
        put.append()
    put.history.gave_up(EPOCH, [GivenUp(3, 1, 3)])
    put.tell_dropped(3, 1, 3)
    assert verdicts(put) == {"given_up": 3}


def test_what_was_given_up_and_not_told_is_untold_unless_the_platform_knows_the_number(put: Put) -> None:
    for _ in range(3):
        put.append()
    put.history.gave_up(EPOCH, [GivenUp(3, 1, 3)])
    put.tell_dropped(3, 1, 2)
    assert verdicts(put) == {"given_up": 3, "untold": 1}
    put.history.hole(EPOCH, 3, 1, 3, is_given_up=False)
    assert verdicts(put) == {"given_up": 3, "by_number": 1}


def test_what_is_told_and_was_never_given_up_is_overclaimed_and_excuses_no_loss(put: Put) -> None:
    put.append()
    put.tell_dropped(3, 1, 1)
    assert verdicts(put) == {"lost": 1, "overclaimed": 1}
    put.history.hole(EPOCH, 3, 1, 2, is_given_up=True)
    assert verdicts(put) == {"lost": 1, "overclaimed": 2}


def test_an_alarm_that_is_given_up_is_lost_whatever_is_told(put: Put) -> None:
    put.append(1)
    put.history.gave_up(EPOCH, [GivenUp(1, 1, 1)])
    put.tell_dropped(1, 1, 1)
    assert verdicts(put) == {"lost": 1}


# --- the harnesses, small -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_life_of_troubles_loses_nothing(seed: int) -> None:
    life, verdict = schedules.live(seed, 1_000)
    assert verdict.bad == 0 and not life.failed, schedules.replay(seed, 1_000, "")
    assert len(verdict.arrived) > 500


def test_a_life_is_the_same_each_time() -> None:
    first, second = schedules.tell((5, 600, "")), schedules.tell((5, 600, ""))
    assert first.story == second.story and first.counts == second.counts


def test_every_phase_of_a_life_goes_by_itself() -> None:
    async def run() -> Verdict:
        life = LongLife(4, 0)
        await life.begin()
        for phase, _ in PHASES:
            await phase(life)
        assert life.starts > 1 and life.receiver.stores > 2 and len(life.epochs()) == 2
        return await life.finish()

    verdict = run_quickly(run)
    assert verdict.bad == 0 and verdict.events > 500


def test_a_platform_restored_from_a_backup_gets_all_that_is_held_and_says_what_it_lacks() -> None:
    async def run() -> tuple[LongLife, Verdict]:
        life = LongLife(3, 0, Kind(kills=False))
        life.faulty = False
        await life.begin()
        await life.burst()
        life.receiver.back_up()
        await life.burst()
        await life.pass_time(30_000)
        assert "lost.at_platform" not in life.receiver.faults
        for broker in life.homes:
            broker.stop()
        await life.burst()  # what is held while the platform goes back
        for broker in life.homes:
            broker.start()
        await life.receiver.restore(0)
        return life, await life.finish()

    life, verdict = run_quickly(run)
    assert verdict.bad == 0 and verdict.events > 100
    assert life.receiver.faults["lost.at_platform"] > 0 and "fork" not in life.receiver.faults


CAUGHT = {
    "expiry": "lost",
    "dated": "inverted",
    "puback": "lost",
    "nochain": "lost",
    "early": "lost",
    "noidentity": "duplicated",
}


@pytest.mark.parametrize("name", sorted(CAUGHT))
def test_control_what_is_unsafe_is_caught(name: str) -> None:
    seeds = iter(range(1, 9))
    assert any(schedules.tell((seed, 600, name)).counts[CAUGHT[name]] > 0 for seed in seeds)


def test_the_command_says_lost_0_last_and_tells_a_life(capsys: pytest.CaptureFixture[str]) -> None:
    assert schedules.main(["--events", "600", "--life", "600", "--seed", "9"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "lost 0"
    assert schedules.main(["--count", "1", "--life", "600", "--seed", "9", "--tell"]) == 0
    assert "the gateway starts" in capsys.readouterr().out
    assert schedules.main(["--count", "3", "--life", "600", "--unsafe", "puback"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-1] != "lost 0" and any("--count 1" in line and "--unsafe puback" in line for line in told)
    assert schedules.main(["--count", "1", "--life", "500", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["events"] >= 500


def test_a_broker_that_lies_is_found_out_in_time_in_each_variant() -> None:
    found = mute_brokers.outcome(4, 100)
    assert found.bad == 0, found.failures
    assert all(0 < int(value) <= mute_brokers.LIMIT_MS for value in found.reached.values())


def test_control_a_hub_that_forgets_on_puback_is_found_by_the_same() -> None:
    assert mute_brokers.outcome(2, 100, mute_brokers.UNSAFE).bad > 0


@pytest.mark.parametrize("figure", [*silences.FIGURES, *clocks.FIGURES], ids=lambda figure: figure.id)
def test_a_figure_of_time_is_reached_by_few_trials_and_its_control_is_not(figure: Figure) -> None:
    found = figure.run(5 if figure in silences.FIGURES else 600, 1)
    assert figure.ok(found), found.failures
    assert figure.control is not None and figure.control(1).bad > 0
