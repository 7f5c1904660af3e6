"""A new epoch of the flash journal: all that is held is written anew into the other half, and counts with one frame."""

import asyncio

from hal.esp32.journal_frames import SECTOR
from hal.esp32.journal_space import make_room
from hal.esp32.journal_store import Store
from hal.esp32.journal_words import Words
from hal.types import ALARM, SAFETY, YIELD_ORDER, Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

AT_ONCE = 8  # entries between two moments in which other tasks run


async def renew(
    store: Store,
    epoch: bytes,
    again: "Callable[[Entry], bytes]",
    events: "Sequence[tuple[int, bytes]]",
    state: "Mapping[str, bytes | None] | None",
) -> "tuple[Store, list[Entry]]":
    """The store of the new epoch, and the entries of `events`. Until then nothing of the old one has changed.

    Raises StorageFullError, CorruptDataError, UnavailableError, as the interface has it.
    """
    words = Words()
    words.state = dict(store.words.state)
    for key, value in (state or {}).items():
        words.state.pop(key, None)
        if value is not None:
            words.state[key] = bytes(value)
    words.asides = list(store.words.asides)
    fresh = Store(store.sectors, epoch, words, store.txn)
    fresh.planned = fresh.picture_sectors
    done = False
    try:
        txn = fresh.next_txn()
        await copy_held(store, fresh, again, txn)
        make_room(fresh, events, durable=False)
        entries = fresh.append(events, txn=txn)
        fresh.picture(store.control)
        done = True
    finally:
        for stream in (store if done else fresh).lanes + ([] if done else [fresh.control]):
            stream.drop()
    fresh.planned = 0
    return fresh, entries


async def copy_held(store: Store, fresh: Store, again: "Callable[[Entry], bytes]", txn: int) -> None:
    """Every entry that is held, lane by lane, least urgent first: so those give way when the rest does not fit."""
    buffer = bytearray(SECTOR)
    count = 0
    for lane in YIELD_ORDER + (ALARM, SAFETY):
        stream = store.lanes[lane]
        start = store.acked[lane] + 1
        if start >= stream.next:
            continue
        for seq, event, chain, _ in stream.entries(stream.index_of(start), buffer):
            if seq >= start:
                moved = [(lane, again(Entry(lane, seq, event, chain)))]
                make_room(fresh, moved, urgent=True, durable=False)
                fresh.append(moved, txn=txn)
                count += 1
                if count % AT_ONCE == 0:
                    await asyncio.sleep(0)
