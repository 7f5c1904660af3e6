"""The thread that writes the journal: takes what has gathered, commits it once, tells the loop."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hal.errors import CorruptDataError, StorageFullError
from hal.linux import journal_file
from hal.linux.journal_errors import from_sqlite
from hal.linux.journal_space import GROW_PAGES, PAGE_BYTES, Blocks, Events, Space, State, needed
from hal.linux.journal_store import Outcome, Store, Work
from hal.types import Entry, GivenUp, LaneMark

# What one transaction takes. An alarm in it, or behind it, waits about a millisecond for the others.
GROUP_WORKS = 64
GROUP_EVENTS = 256

# Bringing the log into the file takes syncs of its own; it is done early, when nobody waits.
CHECKPOINT_GROUPS = 200

ASK_AGAIN_IDLE_S = 5.0  # how often a full disk is asked for more where nothing is appended


class Mirror:
    """What the loop's thread knows of the tables after a commit."""

    __slots__ = ("cramped", "epoch", "given_up", "marks")

    def __init__(self, store: Store) -> None:
        self.epoch = store.epoch
        self.cramped = store.space.cramped
        self.marks: tuple[LaneMark, ...] = tuple(store.marks)
        self.given_up: tuple[GivenUp, ...] = tuple(row for _, row in store.given_up)


class Opened:
    """What opening found: the mirror, all state, why stores were set aside, and a connection to read with."""

    def __init__(self, store: Store, reader: sqlite3.Connection) -> None:
        self.mirror = Mirror(store)
        self.state = store.states()
        self.reasons = store.reasons()
        self.reader = reader


class Request:
    """One call on its way: what to do, how many events it has and what they need, what it sets, whom to tell."""

    __slots__ = ("events", "future", "need_bytes", "state", "work")

    def __init__(
        self,
        work: Work,
        future: "asyncio.Future[list[Entry]]",
        events: Events = (),
        state: State | None = None,
        grows_bytes: int = 0,
    ) -> None:
        """`grows_bytes`: by how much it makes what is held larger."""
        self.work = work
        self.future = future
        self.events = len(events)
        self.state = state or {}
        self.need_bytes = needed(events, self.state) + grows_bytes


Publish = Callable[[Mirror, Sequence[Request], Sequence[Outcome | Exception]], None]


class Writer(threading.Thread):
    """Owns the store while it is open. `publish` is called in the loop's thread, in order of the commits."""

    def __init__(
        self, path: Path, capacity_bytes: int, loop: asyncio.AbstractEventLoop, publish: Publish
    ) -> None:
        super().__init__(name="journal", daemon=True)
        self._path = path
        self._capacity_bytes = capacity_bytes
        self._loop = loop
        self._publish = publish
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._groups = 0
        self._serving = False
        self._doing = "opening it"
        self._damage: CorruptDataError | None = None  # met while nobody waited
        self._opening: asyncio.Future[Opened] = loop.create_future()
        self._closing: asyncio.Future[None] = loop.create_future()
        self._random: Callable[[int], bytes]
        self._scripts: Sequence[str]
        self._store: Store
        self._space: Space

    # --- from the loop's thread --------------------------------------------------------------------------------

    async def open(self, random: Callable[[int], bytes], scripts: Sequence[str]) -> Opened:
        """Start the thread, and let it open the store."""
        self._random, self._scripts = random, scripts
        self.start()
        try:
            return await self._opening
        except asyncio.CancelledError:
            self._requests.put(None)
            raise

    def put(self, request: Request) -> None:
        """Hand over; the outcome comes by `publish`."""
        self._requests.put(request)

    async def close(self) -> None:
        """Finish what was handed over, close the store and end the thread."""
        self._requests.put(None)
        await asyncio.shield(self._closing)

    # --- in this thread ----------------------------------------------------------------------------------------

    def run(self) -> None:
        try:
            file = journal_file.open_file(self._path, self._random, self._scripts)
        except Exception as error:  # noqa: BLE001  whatever it is, it belongs to who opens
            self._tell(self._opening, error)
            return
        try:
            self._begin(file)
            self._serve()
            self._alone(Store.forget_all)
        except Exception as error:  # noqa: BLE001  as above
            self._refuse(from_sqlite(error, self._doing) if isinstance(error, sqlite3.Error) else error)
        finally:
            file.close()
            self._tell(self._closing, None)

    def _begin(self, file: journal_file.OpenedFile) -> None:
        self._space = Space(file.writer, Blocks(self._path, file.descriptor), self._capacity_bytes)
        self._store = Store(file.writer, self._space)
        if file.set_aside:
            self._store.transact([lambda store: store.note_set_aside(file.set_aside)])
        self._space.take()
        self._serving, self._doing = True, "keeping it in order"
        self._tell(self._opening, Opened(self._store, file.reader))

    def _refuse(self, error: Exception) -> None:
        """Tell everyone, until the end, what stopped this thread."""
        self._tell(self._opening, error)
        while self._serving and (request := self._requests.get()) is not None:
            self._tell(request.future, error)

    def _serve(self) -> None:
        while True:
            try:
                request = self._requests.get(timeout=self._idle_s())
            except queue.Empty:
                self._tidy()
                continue
            group, last = self._gather(request)
            if group:
                self._write(group)
            if last:
                return
            if self._requests.empty() or self._groups % GROUP_WORKS == 0:
                self._tidy()

    def _idle_s(self) -> float | None:
        """How long to wait for work before there is something to tidy."""
        forget_s = self._store.forget_in_s()
        if not self._space.cramped:
            return forget_s
        return ASK_AGAIN_IDLE_S if forget_s is None else min(forget_s, ASK_AGAIN_IDLE_S)

    def _gather(self, request: Request | None) -> tuple[list[Request], bool]:
        """What has come so far, up to a limit; and whether the end has come."""
        group: list[Request] = []
        events = 0
        while request is not None:
            group.append(request)
            events += request.events
            if len(group) >= GROUP_WORKS or events >= GROUP_EVENTS:
                return group, False
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _write(self, group: list[Request]) -> None:
        outcomes: list[Outcome | Exception]
        try:
            need_pages = sum(request.need_bytes for request in group) // PAGE_BYTES + 1
            self._space.ensure(need_pages)
            outcomes = (
                self._transact([request.work for request in group], need_pages)
                if self._damage is None
                else [self._damage] * len(group)
            )
        except Exception as error:  # noqa: BLE001  nobody may wait for ever
            outcomes = [error] * len(group)
        for outcome in outcomes:
            if isinstance(outcome, CorruptDataError):
                journal_file.note_damage(self._path, str(outcome))
        self._groups += 1
        self._call(self._publish, Mirror(self._store), group, outcomes)

    def _transact(self, works: list[Work], need_pages: int) -> list[Outcome | Exception]:
        """One transaction; where that fails, one for each work, so that none fails for another."""
        try:
            return list(self._store.transact(works))
        except StorageFullError:  # of the disk, or more than was reckoned
            self._space.ensure(2 * need_pages + GROW_PAGES)
            self._space.checkpoint()
        except Exception as error:  # noqa: BLE001  a fault of ours is told to the caller; the thread goes on
            if len(works) == 1:
                return [error]
        return [self._alone(work) for work in works]

    def _alone(self, work: Work) -> Outcome | Exception:
        try:
            return self._store.transact([work])[0]
        except Exception as error:  # noqa: BLE001  as above
            return error

    def _tidy(self) -> None:
        """What can wait until nobody does."""
        was_cramped = self._space.cramped
        if self._store.forget_due():
            self._forget()
        if self._groups >= CHECKPOINT_GROUPS:
            self._groups = 0
            self._space.checkpoint()
        if self._store.log_grew:
            self._store.log_grew = not self._space.cut_log()
        self._space.ensure(GROW_PAGES // 2, ahead=True)
        if self._space.cramped != was_cramped:
            self._call(self._publish, Mirror(self._store), [], [])

    def _forget(self) -> None:
        """Forget a piece. A damaged page is told with the next append, which need not touch it; all else is tried again."""
        outcome = self._alone(Store.forget_step)
        if isinstance(outcome, CorruptDataError):
            self._damage = outcome
            journal_file.note_damage(self._path, str(outcome))
        if isinstance(outcome, Exception):
            self._store.put_off_forgetting()

    # --- to the loop's thread ----------------------------------------------------------------------------------

    def _tell(self, future: "asyncio.Future[Any]", result: object) -> None:
        self._call(settle, future, result)

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:  # the loop is closed: nobody waits any more
            self._requests.put(None)


def settle(future: "asyncio.Future[Any]", result: object) -> None:
    """Give a future its result or error, unless who waited has gone."""
    if not future.done():
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)
