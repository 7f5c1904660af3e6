"""The kit asks the running hub to leave: it waits for the last receipt, tells how many are left, and never stops what waits."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import RefusedError
from gateway.daemon.control import NAME, ControlServer
from gateway.daemon.rehome import is_begun
from tools.move.farewell import Farewell
from tools.move.progress import Progress


class Hub:
    """The verbs of a hub: at each look one more event has its receipt. late: comes in after everything was delivered."""

    def __init__(self, waiting: int, *, late: int = 0, clears: bool = True, ends: bool = True) -> None:
        self.waiting, self.late = waiting, late
        self.clears, self.ends = clears, ends
        self.asked: list[str] = []
        self.stopped = asyncio.Event()
        self.is_begun: Callable[[], bool] = lambda: False
        self.begun_at_end = True

    def leave(self) -> dict[str, object]:
        self.asked.append("leave")
        return {}

    def state(self) -> dict[str, object]:
        held, self.waiting = self.waiting, max(0, self.waiting - 1)
        return {"held": {"safety": 0, "technical": held}}

    def clear(self) -> dict[str, object]:
        self.asked.append("clear")
        if not self.clears:
            raise RefusedError("not connected to the broker: connect again")
        return {}

    def end(self, undelivered: bool = False) -> dict[str, object]:
        self.asked.append(f"end {undelivered}")
        if self.late and not undelivered:
            self.waiting, self.late = self.late, 0
            raise RefusedError("1 events wait for their receipt: nothing is ended before they have it")
        self.begun_at_end = self.is_begun()
        if self.ends:
            self.stopped.set()
        return {}

    def cancel(self) -> dict[str, object]:
        self.asked.append(f"cancel, begun {self.is_begun()}")
        return {}


def said(folder: Path, hub: Hub, *, wait_s: float = 100, may_export: bool = False) -> Any:
    """What `say` gave, or raised, the counts that were told, and the progress."""
    counts: list[int] = []
    clock = [0.0]
    gone = threading.Event()

    def sleep(duration: float) -> None:
        clock[0] += duration
        if hub.stopped.is_set():
            gone.wait(10)

    progress = Progress(folder / "rehome" / "progress.json")
    farewell = Farewell(folder, progress, counts.append, sleep, lambda: clock[0])

    hub.is_begun = lambda: is_begun(folder)

    async def work() -> Any:
        handlers = {
            "leave": hub.leave,
            "leave_state": hub.state,
            "leave_clear": hub.clear,
            "leave_end": hub.end,
            "leave_cancel": hub.cancel,
        }
        server = ControlServer(folder / NAME, handlers)
        await server.__aenter__()
        ending = asyncio.create_task(hub.stopped.wait())
        saying = asyncio.create_task(asyncio.to_thread(farewell.say, wait_s, may_export=may_export))
        await asyncio.wait({ending, saying}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if hub.stopped.is_set():
            await server.__aexit__(None, None, None)
            gone.set()
            return await saying
        try:
            return await saying
        finally:
            await server.__aexit__(None, None, None)

    try:
        return asyncio.run(work()), counts, progress
    except RefusedError as error:
        return error, counts, progress


def test_where_no_hub_runs_nothing_is_said(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "rehome" / "progress.json")
    assert not Farewell(tmp_path, progress, print).say(1, may_export=False)
    assert not progress.is_begun


def test_it_waits_for_the_last_receipt_and_then_clears_and_ends(tmp_path: Path) -> None:
    hub = Hub(3)
    done, counts, progress = said(tmp_path, hub)
    assert done is True and counts == [3, 2, 1, 0]
    assert hub.asked == ["leave", "clear", "end False"]
    assert progress.facts == {"told": True, "cleared": True} and progress.is_begun


def test_what_waits_for_too_long_stops_it_and_the_hub_goes_on(tmp_path: Path) -> None:
    hub = Hub(1000)
    error, _, progress = said(tmp_path, hub, wait_s=3)
    assert isinstance(error, RefusedError) and "are not delivered: see trygg status" in str(error)
    assert hub.asked == ["leave", "cancel, begun False"] and not is_begun(tmp_path)
    assert not progress.is_begun


def test_with_an_export_the_hub_ends_with_what_it_holds(tmp_path: Path) -> None:
    hub = Hub(1000)
    done, _, progress = said(tmp_path, hub, wait_s=3, may_export=True)
    assert done is True and hub.asked == ["leave", "end True"]
    assert progress.facts == {"told": False, "cleared": False}


def test_topics_that_could_not_be_cleared_are_left_to_the_platform(tmp_path: Path) -> None:
    done, _, progress = said(tmp_path, Hub(0, clears=False))
    assert done is True and progress.facts == {"told": True, "cleared": False}


def test_what_comes_at_the_last_moment_is_not_ended_over(tmp_path: Path) -> None:
    hub = Hub(0, late=1)
    error, _, progress = said(tmp_path, hub)
    assert isinstance(error, RefusedError) and "1 events wait" in str(error)
    assert hub.asked == ["leave", "clear", "end False", "cancel, begun False"]
    assert not is_begun(tmp_path) and progress.facts == {}, "its hub may start again"
    assert said(tmp_path, Hub(1))[0] is True, "the same command again"


def test_a_hub_that_does_not_stop_is_told_of(tmp_path: Path) -> None:
    hub = Hub(0, ends=False)
    error, _, _ = said(tmp_path, hub)
    assert isinstance(error, RefusedError) and "does not stop" in str(error)
    assert hub.asked[-1] == "cancel, begun False" and not is_begun(tmp_path)


def test_the_move_is_begun_only_when_the_hub_has_agreed_to_end(tmp_path: Path) -> None:
    hub = Hub(0)
    assert said(tmp_path, hub)[0] is True
    assert not hub.begun_at_end and is_begun(tmp_path)


def test_whoever_breaks_it_off_leaves_a_hub_that_listens_again(tmp_path: Path) -> None:
    hub, asked = Hub(1000), []

    class Interrupted(Farewell):
        def asked(self, command: str, **arguments: bool) -> Any:
            asked.append(command)
            if command == "leave_state":
                raise KeyboardInterrupt
            return {}

    async def work() -> None:
        async with ControlServer(tmp_path / NAME, {"leave": hub.leave}):
            progress = Progress(tmp_path / "rehome" / "progress.json")
            await asyncio.to_thread(broken_off, Interrupted(tmp_path, progress, print))

    def broken_off(farewell: Farewell) -> None:
        with pytest.raises(KeyboardInterrupt):
            farewell.say(1, may_export=True)

    asyncio.run(work())
    assert asked == ["leave", "leave_state", "leave_cancel"]
