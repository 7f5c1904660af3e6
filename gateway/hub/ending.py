"""The end of a run: what is under way goes out, the parts end, and what waits is handed to the next run.

Where memory is short each step may be the next to find none. None of them stands before the last: an alarm that was made and
waits is tried again in the journal that is opened anew, with what the steps before have let go.
"""

import gc

from gateway.hub.held import Rows
from gateway.hub.parts import PartFailedError
from hal.errors import HalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.hub.app import App
    from gateway.hub.held import InHand
    from gateway.hub.recorder import Recorder
    from hal.interfaces import Journal

    Anew = Callable[[], Awaitable[Journal]]

FLUSH_MS = 2_000
MOST_TRIES = 3  # of what waits, where memory is short


async def end(app: "App", told: bool, anew: "Anew | None") -> None:
    """Say that it stops as told, give the uplink a moment, end the parts, close the journal.

    `anew` opens the journal again, for what waits where a part gave up or memory was short. Then nothing is said, and
    nobody is waited for either: the parts would go on with what they remember.
    """
    recorder = app.recorder
    try:
        try:
            if not recorder.is_frozen:
                await spared(recorder, lambda: say(app, told))
            await spared(recorder, app.parts.stop)
            await spared(recorder, app.delivery.ended)
        finally:
            await spared(recorder, app.machine.journal.close)
    finally:
        if anew is not None and (recorder.is_frozen or not told):
            await hand_on(app, anew)
        tell_unstored(recorder)
        app.machine.indicator.show("stopped")


async def spared(recorder: "Recorder", step: "Callable[[], Awaitable[None]]") -> None:
    """Take one step of the end; a lack of memory ends this one, and none behind it."""
    try:
        await step()
    except MemoryError:
        recorder.freeze()
        gc.collect()


async def say(app: "App", told: bool) -> None:
    """Journal that the hub stops, and let the platform have what is under way."""
    try:
        if told and not app.has_left:
            await app.supervise.keep_rhythms()
            await app.dispositions.keep()
            await app.recorder.note("hub.stopped", state=app.last_words())
            await app.recorder.settle()
        await flush(app)
    except PartFailedError as error:
        app.log("error", "The stop could not be journalled.", cause=str(error))


async def flush(app: "App") -> None:
    """Let what is under way be receipted, for at most two seconds; the journal keeps the rest."""
    clock, delivery = app.machine.clock, app.delivery
    end_ms = clock.uptime_ms() + FLUSH_MS
    while delivery.uplink.connected and clock.uptime_ms() < end_ms and not app.recorder.is_frozen:
        if all([mark.first > mark.last for mark in delivery.marks()]):
            return
        await clock.sleep_ms(50)


def waits(recorder: "Recorder") -> bool:
    """Whether anything is not stored."""
    of = recorder.waiting
    return bool(of.alarms or of.routine or of.held or of.cut_short)


async def hand_on(app: "App", anew: "Anew") -> None:
    """What the journal took no more, most of all an alarm, goes into the one that the next start will find.

    So does what a reader had in hand.
    """
    recorder, rows = app.recorder, Rows()
    for _ in range(MOST_TRIES):
        gc.collect()
        try:
            rows.find(recorder, frames(app))
            if not waits(recorder) and not rows.names:
                return
            journal = await anew()
            try:
                is_whole = await hand_to(app, journal, rows)
            finally:
                await journal.close()
            if is_whole:
                return
        except MemoryError:
            recorder.freeze()
        except Exception as error:  # noqa: BLE001  whatever it is, what is not stored is named after this
            recorder.log(
                "error", "The journal took nothing when it was opened again, either.", cause=str(error)
            )
            break
    tell_unread(app, rows)


async def hand_to(app: "App", journal: "Journal", rows: Rows) -> bool:
    """Works first: an alarm that is made goes before a frame that may be one. Whether memory sufficed.

    Raises:
        PartFailedError: the journal takes nothing either.
        MemoryError: there was none for a frame.
    """
    is_whole = True
    try:
        await store_in(app.recorder, journal)
    except MemoryError:
        is_whole = False
        gc.collect()
    try:
        await rows.keep(journal, app.machine.clock.utc_ms())
    except HalError as error:
        told = "What a device said last found no room in the store."
        app.log("error", told, devices=rows.names, cause=str(error))
    return is_whole


def frames(app: "App") -> "list[InHand]":
    """What readers have in hand. Nothing of it stands before the end, least of all a fault of ours."""
    try:
        return app.in_hand() if app.recorder.is_frozen else []
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  whatever it is, alarms that are made go on
        app.log("error", "What a device said last cannot be told apart.", cause=type(error).__name__)
        return []


def tell_unread(app: "App", rows: Rows) -> None:
    """What a reader had in hand goes with the memory."""
    try:
        if rows.names:
            told = "What a device said last is lost: it is neither read nor kept."
            app.log("error", told, devices=rows.names)
    except MemoryError:
        pass


async def store_in(recorder: "Recorder", journal: "Journal") -> None:
    """Store what waits in `journal`, which was opened anew: alarms first, until it takes no more.

    Raises:
        PartFailedError: this one takes nothing either.
        MemoryError: there was none for some of it; the rest is stored.
    """
    recorder.journal = journal
    is_short = False
    for work in recorder.waiting.all():
        try:
            is_stored = await recorder.tried_alone(work, [])
        except MemoryError:
            is_short = True
            continue
        if is_stored:
            recorder.waiting.forget(work)
        elif is_stored is not None:
            break
    if is_short:
        raise MemoryError


def tell_unstored(recorder: "Recorder") -> None:
    """What never found room goes with the memory, and the log is the last who can say so."""
    try:
        kinds = [event.kind for work in recorder.waiting.all() for event in work.events]
        if kinds:
            recorder.log(
                "error", "The store took nothing to the end: events are lost with the memory.", kinds=kinds
            )
    except MemoryError:
        pass
