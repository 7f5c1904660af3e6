"""Time of day in the harness of clocks: how the product's clock stands in it, and what its control must find."""

import asyncio

import pytest

from hal.linux.clock import HOLD_MS
from hal.sim.clock import SimClock
from tools.evidence.figure import Outcome
from tools.rig import clocks, schedules
from tools.rig.kept_clock import KeptClock
from tools.rig.sim.bench import NIGHT_UTC_MS
from tools.rig.troubles import YEARS_20_MS


@pytest.fixture
def machine() -> SimClock:
    return SimClock(utc_ms=NIGHT_UTC_MS)


def pass_time(machine: SimClock, duration_ms: int) -> None:
    asyncio.run(machine.advance(duration_ms))


@pytest.mark.parametrize("jump_ms", [YEARS_20_MS, 3_600_000])
def test_a_time_server_that_lies_is_believed_only_when_its_time_has_stayed(
    machine: SimClock, jump_ms: int
) -> None:
    clock = KeptClock(machine)
    assert clock.utc_ms() == NIGHT_UTC_MS
    machine.set_utc(NIGHT_UTC_MS + jump_ms)
    pass_time(machine, 1_000)
    assert clock.utc_ms() == NIGHT_UTC_MS + 1_000
    pass_time(machine, HOLD_MS)
    assert clock.utc_ms() == NIGHT_UTC_MS + jump_ms + HOLD_MS + 1_000
    assert clock.uptime_ms() == HOLD_MS + 1_000


def test_there_is_no_time_where_nobody_keeps_it_or_before_the_last_that_was_believed(
    machine: SimClock,
) -> None:
    assert KeptClock(machine, NIGHT_UTC_MS + 1).utc_ms() is None
    machine.untrust()
    assert KeptClock(machine).utc_ms() is None


def test_a_gateway_that_starts_again_keeps_the_last_time_that_it_believed() -> None:
    life, verdict = schedules.live(8, 1_000, schedules.KINDS["judged"])
    assert verdict.bad == 0
    assert life.starts > 1 and life.floor_ms > NIGHT_UTC_MS


def test_the_figure_of_clocks_has_lives_of_both_kinds_and_loses_nothing() -> None:
    found = clocks.jumps(1_200, 5)
    assert found.bad == 0 and int(found.reached["lives"]) >= 2


@pytest.mark.parametrize("seed", [1, 6])
def test_control_hubs_that_rely_on_the_time_of_day_lose_and_invert_by_far(seed: int) -> None:
    control = clocks.FIGURES[0].control
    assert control is not None
    found = control(seed)
    assert min(int(found.reached["lost"]), int(found.reached["inverted"])) > 100
    assert found.bad == int(found.reached["lost"]) + int(found.reached["inverted"])


@pytest.mark.parametrize(("lost", "inverted"), [(0, 9), (9, 0)])
def test_control_one_of_two_that_is_not_found_out_counts_as_nothing_found(lost: int, inverted: int) -> None:
    assert clocks.both(Outcome(5, 9, {"lost": lost}), Outcome(5, 9, {"inverted": inverted})).bad == 0
