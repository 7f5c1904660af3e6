"""The window over a simulated radio: who is paired, what is kept, what is told, and what a person is asked."""

from gateway.core.errors import ConfigError, RefusedError
from gateway.core.pairing import WINDOW_MS
from gateway.hub.pairing import COMPARE_MS
from gateway.hub.waking import stop
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK
from tests.hub.rooms import LABEL, STRANGER, Room, refused
from tests.hub.small import play
from tests.hub.visits import ADDRESS, Loose, Open, Scale


def test_a_device_of_the_configuration_is_paired_with_the_code_on_its_label():
    async def scene() -> None:
        room = Room(Loose, passkey=LABEL)
        assert room.pairing.facts() == {} and not room.pairing.is_open()
        await room.open(device="Thing", code="314159")
        assert (
            room.facts("state", "device", "driver") == ["open", "Thing", "loose"] and room.pairing.is_open()
        )
        await room.hear(STRANGER)
        assert room.facts("state") == ["open"]
        await room.hear()
        assert room.facts("state", "bond", "configured") == ["bonded", BOND_AUTHENTICATED, True]
        assert room.visit.device.bond == BOND_AUTHENTICATED and room.visit.near.is_set()
        assert not room.visit.peripheral.connected, "the visitor connects, not the technician"
        events = [event for event in room.visit.small.events(2) if event.kind.startswith("pairing.")]
        assert {event.placement for event in events} == {room.visit.device.placement}
        assert room.told() == ["pairing.opened", "pairing.heard", "pairing.begun", "pairing.bonded"]
        assert room.visit.scans == ["", ""], "its address is known: nobody need be asked for a name"
        await room.end()

    play(scene)


def test_the_code_of_the_configuration_is_entered_where_none_is_given():
    async def scene() -> None:
        room = Room(Loose, LABEL, passkey=LABEL)
        await room.open()
        await room.hear()
        assert room.facts("state", "bond") == ["bonded", BOND_AUTHENTICATED]
        await room.end()

    play(scene)


def test_just_works_is_taken_where_the_driver_allows_it_and_told_as_weak():
    async def scene() -> None:
        for kind, state, reason in ((Loose, "bonded", ""), (Scale, "refused", "weak")):
            room = Room(kind)
            await room.open()
            await room.hear()
            assert room.facts("state", "reason") == [state, reason], kind.name
            bond = BOND_WEAK if state == "bonded" else BOND_NONE
            assert (room.visit.device.bond or 0) == bond
            assert room.told()[-1] == ("pairing.bonded_weak" if bond else "pairing.refused")
            assert len(room.visit.bonds) == (1 if bond else 0)
            await room.end()

    play(scene)


def test_an_impostor_without_the_code_gets_no_bond():
    async def scene() -> None:
        room = Room(Loose)
        await room.open(device="Thing", code="314159")
        await room.hear()
        assert room.facts("state", "reason") == ["refused", "weak"] and room.visit.bonds == {}
        assert room.visit.peripheral.pairings == 0
        await room.end()

    play(scene)


def test_a_wrong_code_is_asked_for_again_and_the_third_closes_the_window():
    async def scene() -> None:
        room = Room(Loose, passkey=LABEL)
        await room.open(device="Thing", code="000001")
        await room.hear()
        assert room.facts("state", "question", "wrong_codes") == ["open", "code", 1]
        await room.hear()
        assert room.facts("wrong_codes") == [1], "the same code is not tried again"
        room.pairing.answer(code="000002")
        await room.clock.settle()
        await room.hear()
        assert room.facts("question", "wrong_codes") == ["code", 2]
        room.pairing.answer(code="000003")
        await room.hear()
        assert room.facts("state", "reason", "wrong_codes") == ["refused", "passkey", 3]
        assert room.visit.bonds == {} and not room.pairing.is_open()
        shown = str([event.values for event in room.visit.small.events()]) + str(room.visit.small.logged)
        for code in ("000001", "000002", "000003", "314159"):
            assert code not in shown and code not in str(room.pairing.facts()), "a code is told to nobody"
        await room.end()

    play(scene)


def test_the_right_code_after_a_wrong_one_pairs():
    async def scene() -> None:
        room = Room(Loose, passkey=LABEL)
        await room.open(device="Thing", code="000001")
        await room.hear()
        room.pairing.answer(code="314159")
        await room.hear()
        assert room.facts("state", "bond") == ["bonded", BOND_AUTHENTICATED]
        await room.end()

    play(scene)


def test_numbers_are_compared_by_the_person_who_opened_the_window():
    async def scene(says: "bool | None") -> None:
        room = Room(Scale, compares=271_828)
        await room.open()
        await room.hear()
        assert room.facts("state", "question", "compare") == ["pairing", "number", 271_828]
        if says is None:
            await room.clock.advance(COMPARE_MS)
        else:
            room.pairing.answer(yes=says)
            await room.clock.settle()
        if says:
            assert room.facts("state", "bond") == ["bonded", BOND_AUTHENTICATED]
        else:
            assert room.facts("state", "reason", "question") == ["refused", "number", ""]
            assert room.visit.bonds == {}
        await room.end()

    for says in (True, False, None):
        play(scene, says)


def test_answers_that_nobody_asked_for_are_refused():
    async def scene() -> None:
        room = Room(Loose)
        for answer in ({"yes": True}, {"code": "123456"}):
            for opened in (False, True):
                if opened:
                    await room.open()
                try:
                    room.pairing.answer(**answer)  # type: ignore[arg-type]
                    raise AssertionError("it was taken")
                except RefusedError:
                    pass
                room.pairing.cancel()
                await room.clock.settle()
        await room.end()

    play(scene)


def test_a_window_ends_after_three_minutes_whatever_is_going_on():
    async def scene() -> None:
        for heard in (False, True):
            room = Room(Scale, compares=271_828)
            await room.open()
            room.pairing.window.until_ms = room.clock.uptime_ms() + 10_000  # type: ignore[union-attr]
            room.pairing.wake.call()
            await room.clock.settle()
            if heard:
                await room.hear()
                assert room.facts("state") == ["pairing"]
            await room.clock.advance(10_000)
            assert room.facts("state") == ["expired"] and room.visit.bonds == {}
            assert room.told()[-1] == "pairing.expired" and not room.visit.peripheral.connected
            await room.hear()
            assert room.facts("state") == ["expired"], "nothing is paired after its time"
            await room.end()

    play(scene)


def test_the_time_is_three_minutes():
    async def scene() -> None:
        room = Room(Loose)
        await room.open()
        assert room.facts("left_ms") == [WINDOW_MS]
        await room.clock.advance(WINDOW_MS - 1)
        assert room.pairing.is_open()
        await room.clock.advance(1)
        assert not room.pairing.is_open()
        await room.end()

    play(scene)


def test_a_person_may_call_it_off_also_in_the_middle():
    async def scene() -> None:
        for heard in (False, True):
            room = Room(Scale, compares=271_828)
            await room.open()
            if heard:
                await room.hear()
            room.pairing.cancel()
            await room.clock.settle()
            assert room.facts("state") == ["cancelled"] and room.visit.bonds == {}
            assert room.told()[-1] == "pairing.cancelled" and not room.visit.peripheral.connected
            room.pairing.cancel()  # no error
            await room.open()  # and another may be opened
            await room.end()

    play(scene)


def test_one_window_at_a_time_and_only_for_what_can_be_paired():
    async def scene() -> None:
        room = Room(Loose)
        assert "one of Thing" in refused(room, ConfigError, device="Nobody")
        assert "a device, or a driver" in refused(room, ConfigError)
        assert "a device, or a driver" in refused(room, ConfigError, device="Thing", driver="loose")
        for code in ("12345", "1234567", "12345x", "12 456"):
            said = refused(room, ConfigError, device="Thing", code=code)
            assert "six digits" in said and code not in said
        await room.open()
        assert "open already" in refused(room, RefusedError, device="Thing")
        await room.hear()
        assert "paired already" in refused(room, RefusedError, device="Thing")
        await room.end()
        assert "not paired" in refused(Room(Open), RefusedError, device="Thing")
        none = Room(Loose)
        none.pairing.central = None
        assert "no Bluetooth radio" in refused(none, RefusedError, device="Thing")

    play(scene)


def test_a_weak_bond_is_made_stronger_with_the_code_and_the_link_that_used_it_ends():
    async def scene() -> None:
        room = Room(Loose, secure=True)
        visiting = await room.visit.begin()
        assert room.visit.device.bond == BOND_WEAK and room.visit.peripheral.connected
        room.visit.peripheral.passkey = LABEL  # the label is found
        await room.open(device="Thing", code="314159")
        assert not room.visit.peripheral.connected, "a peripheral that is connected does not advertise"
        room.visit.near.set()
        await room.clock.advance(30_000)
        assert not room.visit.peripheral.connected, "and nobody connects meanwhile"
        await room.hear()
        assert room.facts("state", "bond") == ["bonded", BOND_AUTHENTICATED]
        assert room.visit.bonds[ADDRESS][1] == BOND_AUTHENTICATED
        room.visit.near.set()
        await room.clock.advance(30_000)
        assert room.visit.peripheral.connected
        await stop(visiting)
        await room.end()

    play(scene)


def test_a_stale_bond_is_deleted_once_in_the_window_and_what_follows_is_no_weaker():
    async def scene(impostor: bool) -> None:
        room = Room(Loose, passkey=LABEL)
        await room.open(device="Thing", code="314159")
        await room.hear()
        room.visit.peripheral.forget_bonds()
        if impostor:
            room.visit.peripheral.passkey = None
        # A hub whose journal is new knows only what the stack has stored.
        room.visit.device.bond, room.visit.device.floor = None, BOND_NONE
        await room.open()
        await room.hear()
        assert room.facts("state") == ["open"] and room.visit.bonds == {}, "deleted, and waited for"
        await room.hear()
        assert room.facts("state", "bond") == ["refused", BOND_NONE], (
            "no code, and the bond was authenticated"
        )
        assert room.visit.bonds == {}
        await room.end()

    for impostor in (True, False):
        play(scene, impostor)
