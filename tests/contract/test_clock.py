"""What every clock promises (`hal.interfaces.Clock`), and when Linux believes its time of day."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hal.linux.clock import EARLIEST_UTC_MS, HOLD_MS, STEP_MS, SystemClock, synchronised
from hal.linux.last_time import NOTE_MS, LastTime
from tests.contract.backends import CLOCKS
from tests.contract.machine_hosts import ClockHost

NOW_MS = 1_795_000_000_000
DAY_MS = 86_400_000


@pytest.fixture(params=CLOCKS)
def host(request: pytest.FixtureRequest) -> ClockHost:
    return CLOCKS[request.param]()


def test_uptime_begins_near_zero_counts_milliseconds_and_never_goes_back(host: ClockHost) -> None:
    async def program() -> None:
        first = host.clock.uptime_ms()
        assert isinstance(first, int)
        assert 0 <= first < 1000
        await host.elapse(20)
        second = host.clock.uptime_ms()
        assert first + 20 <= second < first + 5000
        host.learn(NOW_MS)
        host.forget()
        assert host.clock.uptime_ms() >= second  # whatever becomes of the time of day

    asyncio.run(program())


def test_the_time_of_day_is_none_until_it_is_known_and_when_it_is_lost(host: ClockHost) -> None:
    async def program() -> None:
        assert host.clock.utc_ms() is None
        host.learn(NOW_MS)
        first = host.clock.utc_ms()
        assert isinstance(first, int)
        assert NOW_MS <= first < NOW_MS + 5000
        await host.elapse(10)
        second = host.clock.utc_ms()
        assert second is not None
        assert first + 9 <= second < first + 5000
        host.forget()
        assert host.clock.utc_ms() is None

    asyncio.run(program())


def test_a_sleep_lasts_at_least_as_long_as_asked(host: ClockHost) -> None:
    async def program() -> None:
        for duration_ms in (1, 5, 10):
            began = host.clock.uptime_ms()
            task = asyncio.create_task(host.clock.sleep_ms(duration_ms))
            await host.elapse(duration_ms)
            await task
            assert host.clock.uptime_ms() - began >= duration_ms

    asyncio.run(program())


def test_a_sleep_of_nothing_lets_others_run(host: ClockHost) -> None:
    async def program() -> None:
        order: list[str] = []

        async def other() -> None:
            order.append("other")

        task = asyncio.create_task(other())
        await host.clock.sleep_ms(0)
        order.append("sleeper")
        await task
        await host.clock.sleep_ms(-5)
        assert order == ["other", "sleeper"]

    asyncio.run(program())


def test_a_sleep_can_be_cancelled_and_the_clock_goes_on(host: ClockHost) -> None:
    async def program() -> None:
        task = asyncio.create_task(host.clock.sleep_ms(3_600_000))
        await host.elapse(5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        other = asyncio.create_task(host.clock.sleep_ms(1))
        await host.elapse(1)
        await other

    asyncio.run(program())


# --- Linux ---------------------------------------------------------------------------------------------------------


class Wall:
    """A time of day that a test sets, with or without something that keeps it."""

    def __init__(self, utc_ms: int, kept: bool) -> None:
        self.utc_ms = utc_ms
        self.kept = kept
        self.counted_ms = 0

    def clock(self, **options: int) -> SystemClock:
        return SystemClock(
            is_synchronised=lambda: self.kept,
            wall_ns=lambda: self.utc_ms * 1_000_000,
            boot_ns=lambda: self.counted_ms * 1_000_000,
            look_again_ms=0,
            **options,
        )

    def pass_time(self, duration_ms: int) -> None:
        self.utc_ms += duration_ms
        self.counted_ms += duration_ms


def test_a_kept_clock_that_says_less_than_the_software_is_old_is_not_believed() -> None:
    for utc_ms in (0, EARLIEST_UTC_MS - 1):
        assert Wall(utc_ms, kept=True).clock().utc_ms() is None
    assert Wall(EARLIEST_UTC_MS, kept=True).clock().utc_ms() == EARLIEST_UTC_MS


def test_a_right_clock_stays_trusted_without_network_until_somebody_sets_it() -> None:
    wall = Wall(NOW_MS, kept=True)
    clock = wall.clock()
    assert clock.utc_ms() == NOW_MS
    wall.kept = False
    wall.utc_ms = NOW_MS + STEP_MS // 2
    assert clock.utc_ms() == NOW_MS + STEP_MS // 2
    for jump_ms in (-2 * STEP_MS, 2 * STEP_MS, 20 * 365 * DAY_MS):
        wall.utc_ms = NOW_MS + jump_ms
        assert clock.utc_ms() is None
    wall.utc_ms = NOW_MS
    assert clock.utc_ms() == NOW_MS


@pytest.mark.parametrize("years", [-20, -1, 1, 20])
def test_a_kept_clock_that_jumps_is_believed_only_when_it_stays(years: int) -> None:
    """A time server that lies for a while moves nothing; one that had lied is left behind."""
    wall = Wall(NOW_MS, kept=True)
    clock = wall.clock(floor_ms=EARLIEST_UTC_MS)
    assert clock.utc_ms() == NOW_MS
    jump_ms = years * 365 * DAY_MS
    wall.utc_ms += jump_ms
    for _ in range(9):
        assert clock.utc_ms() == wall.utc_ms - jump_ms, "as the crystal counts"
        wall.pass_time(HOLD_MS // 10)
    wall.utc_ms -= jump_ms
    assert clock.utc_ms() == wall.utc_ms, "the lie is over"
    wall.utc_ms += jump_ms
    clock.utc_ms()
    wall.pass_time(HOLD_MS)
    if jump_ms > 0:
        assert clock.utc_ms() == wall.utc_ms
    else:
        assert clock.utc_ms() is None, "it stays before the floor: one of the two is wrong"


def test_a_clock_that_wanders_from_lie_to_lie_is_never_believed() -> None:
    wall = Wall(NOW_MS, kept=True)
    clock = wall.clock()
    assert clock.utc_ms() == NOW_MS
    wall.utc_ms += 365 * DAY_MS
    for number in range(1, 50):
        wall.pass_time(HOLD_MS // 2)
        wall.utc_ms += 2 * STEP_MS
        assert clock.utc_ms() == NOW_MS + number * HOLD_MS // 2


def test_no_time_before_the_last_that_was_believed_is_believed() -> None:
    wall = Wall(NOW_MS, kept=True)
    clock = wall.clock(floor_ms=NOW_MS + DAY_MS)
    assert clock.utc_ms() is None
    wall.pass_time(DAY_MS)
    assert clock.utc_ms() == wall.utc_ms


def test_the_last_time_is_kept_an_hour_apart_and_never_goes_back(tmp_path: Path) -> None:
    last = LastTime(tmp_path)
    assert last.utc_ms == 0
    assert last.note(NOW_MS) and not last.note(NOW_MS + NOTE_MS - 1) and not last.note(NOW_MS - DAY_MS)
    assert last.note(NOW_MS + NOTE_MS)
    assert LastTime(tmp_path).utc_ms == NOW_MS + NOTE_MS
    assert last.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "soon", "-5", "9" * 15, "1" * 40, "\xff"])
def test_a_kept_time_that_makes_no_sense_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "last-time").write_bytes(text.encode("latin-1"))
    assert LastTime(tmp_path).utc_ms == 0


def test_the_machines_clock_is_brought_forwards_and_never_back(tmp_path: Path) -> None:
    last = LastTime(tmp_path)
    last.note(NOW_MS)
    given: list[int] = []
    assert last.restore(lambda: 0, given.append, lambda: False) and given == [NOW_MS * 1_000_000]
    assert not last.restore(lambda: NOW_MS * 1_000_000, given.append, lambda: False) and len(given) == 1


def test_a_clock_that_is_kept_is_never_set_by_what_a_lie_left_behind(tmp_path: Path) -> None:
    last = LastTime(tmp_path)
    last.note(NOW_MS + 20 * 365 * DAY_MS)
    given: list[int] = []
    assert not last.restore(lambda: NOW_MS * 1_000_000, given.append, lambda: True) and given == []


def test_a_right_clock_before_a_floor_that_a_lie_left_is_untrusted_and_never_runs_on_the_lie(
    tmp_path: Path,
) -> None:
    lie_ms = 20 * 365 * DAY_MS
    wall = Wall(NOW_MS + lie_ms, kept=True)  # set by the lie at the start, and put right a moment later
    clock = wall.clock(floor_ms=NOW_MS + lie_ms)
    assert clock.utc_ms() == wall.utc_ms
    wall.utc_ms = NOW_MS
    clock.utc_ms()
    wall.pass_time(HOLD_MS)
    for _ in range(3):
        assert clock.utc_ms() is None
        wall.pass_time(HOLD_MS)


def test_a_clock_that_nothing_ever_kept_is_not_trusted_unless_told_to() -> None:
    wall = Wall(NOW_MS, kept=False)
    assert wall.clock().utc_ms() is None
    assert SystemClock(trust="always", wall_ns=lambda: NOW_MS * 1_000_000).utc_ms() == NOW_MS
    assert SystemClock(trust="always", wall_ns=lambda: 0).utc_ms() is None


def test_training_shifts_the_time_of_day_and_not_the_uptime() -> None:
    clock = Wall(NOW_MS, kept=True).clock(offset_ms=-5 * DAY_MS)
    assert clock.utc_ms() == NOW_MS - 5 * DAY_MS
    assert clock.uptime_ms() < 1000


def test_the_kernel_is_asked_at_most_once_in_its_time() -> None:
    asked: list[int] = []

    def ask() -> bool:
        asked.append(1)
        return False

    clock = SystemClock(is_synchronised=ask, wall_ns=lambda: NOW_MS * 1_000_000, look_again_ms=60_000)
    for _ in range(10):
        assert clock.utc_ms() is None
    assert len(asked) == 1


@pytest.mark.parametrize("ask", [synchronised])
def test_the_real_kernel_answers(ask: Callable[[], bool]) -> None:
    assert ask() in (True, False)
    assert SystemClock(trust="always").utc_ms() == pytest.approx(time.time() * 1000, abs=5000)


def test_a_misspelt_trust_is_refused() -> None:
    with pytest.raises(ValueError, match="found 'kernal', expected 'kernel' or 'always'"):
        SystemClock(trust="kernal")
