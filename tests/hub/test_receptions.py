"""The room between a radio and the loop that listens: who waits in it, who goes first, who goes out."""

import asyncio

from hal.errors import LinkLostError
from hal.receptions import STRANGERS, Receptions
from hal.types import Advertisement
from tests.hub.small import play

DOOR, SMOKE, SCALE, METER = [letter + "0:00:00:00:00:01" for letter in "ABCD"]
LIMIT = 4


def sent(address: str, number: int = 0, service: str = "") -> Advertisement:
    """One frame with a number in it."""
    return Advertisement(address, -60, 0, {"fcd2": bytes([number])}, (service,) if service else ())


async def taken(room: Receptions) -> "list[tuple[str, int]]":
    """All that a room holds, whose source has ended."""
    rows: "list[tuple[str, int]]" = []
    try:
        while True:
            heard = await room.get()
            rows.append((heard.address, heard.service_data["fcd2"][0]))
    except LinkLostError:
        return rows


def test_known_senders_go_before_strangers_and_each_sort_in_order() -> None:
    async def scene() -> None:
        room = Receptions(LIMIT)
        room.expect({DOOR, SMOKE}, "181d")
        for each in (sent(SCALE, 1, "181d"), sent(DOOR, 2), sent(METER, 3, "181d"), sent(SMOKE, 4)):
            room.put(each)
        room.end("over")
        assert await taken(room) == [(DOOR, 2), (SMOKE, 4), (SCALE, 1), (METER, 3)]

    play(scene)


def test_of_strangers_the_newest_few_who_offer_the_service_are_held_and_none_is_a_loss() -> None:
    async def scene() -> None:
        room = Receptions(LIMIT)
        room.expect({DOOR}, "181d")
        for number in range(STRANGERS + 3):
            room.put(sent(SCALE, number, "181d"))
            room.put(sent(METER, number, "1822"))
            room.put(sent(METER, number))
        room.end("over")
        assert await taken(room) == [(SCALE, number) for number in range(3, STRANGERS + 3)]
        assert room.dropped == 0

    play(scene)


def test_strangers_nobody_looks_for_any_more_are_let_go_and_none_comes_in() -> None:
    async def scene() -> None:
        room = Receptions(LIMIT)
        room.expect({DOOR}, "181d")
        room.put(sent(SCALE, 1, "181d"))
        room.expect({DOOR}, "")
        room.put(sent(SCALE, 2, "181d"))
        assert room.may_enter(DOOR) and not room.may_enter(SCALE)
        room.end("over")
        assert await taken(room) == []

    play(scene)


def test_whoever_has_most_in_a_full_room_gives_up_the_oldest_of_it() -> None:
    async def scene() -> None:
        room = Receptions(LIMIT)
        for address, number in ((SMOKE, 1), (DOOR, 2), (DOOR, 3), (SCALE, 4), (DOOR, 5), (METER, 6)):
            room.put(sent(address, number))
        assert room.dropped == 2
        room.put(sent(METER, 7))  # it would have most
        assert room.dropped == 3
        room.end("over")
        assert await taken(room) == [(SMOKE, 1), (SCALE, 4), (DOOR, 5), (METER, 7)]

    play(scene)


def test_a_reader_who_waits_is_woken_once_and_ends_with_the_source() -> None:
    async def scene() -> None:
        room = Receptions(LIMIT)
        room.expect({DOOR}, "")
        waiting = asyncio.create_task(room.get())
        await asyncio.sleep(0)
        room.put(sent(SCALE))
        room.put(sent(DOOR, 7))
        room.put(sent(DOOR, 8))
        assert (await waiting).service_data["fcd2"] == b"\x07"
        assert (await room.get()).service_data["fcd2"] == b"\x08"
        ending = asyncio.create_task(taken(room))
        await asyncio.sleep(0)
        room.end("over")
        assert await ending == []
        room.put(sent(DOOR))
        assert room.dropped == 1
        room.begin()
        room.put(sent(DOOR, 9))
        assert (await room.get()).service_data["fcd2"] == b"\x09"

    play(scene)
