"""The window over a simulated radio: who is paired, what is kept, what is told, and what a person is asked."""

from gateway.core.errors import ConfigError, RefusedError
from gateway.core.pairing import SETTLE_MS, WINDOW_MS
from gateway.hub.pairing import COMPARE_MS, PAIR_TIMEOUT_MS
from gateway.hub.waking import stop
from hal.sim.peripheral import SimPeripheral
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK
from tests.hub.small import Small, begun, play
from tests.hub.visits import ADDRESS, SERVICE, Loose, Open, Scale, Visit

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any

LABEL, STRANGER = 314_159, "C0:00:00:00:00:09"


class Room:
    """A visit whose technician stands there; `with room.open():` is not needed, `end` stops the part."""

    def __init__(self, *arguments: "Any", **options: "Any") -> None:
        self.visit = Visit(Small(), *arguments, **options)
        self.pairing, self.clock = self.visit.pairing, self.visit.small.clock
        self.task: "asyncio.Task[None] | None" = None

    async def open(self, **how: str) -> None:
        """The part runs and a window is open; nobody is heard yet."""
        if self.task is None:
            self.task = await begun(self.pairing.run, self.clock)
        self.pairing.open(**(how or {"device": "Thing"}))
        await self.clock.settle()

    async def hear(self, address: str = ADDRESS, name: "str | None" = None) -> None:
        self.visit.hear(address, name)
        await self.clock.settle()

    async def end(self) -> None:
        if self.task is not None:
            await stop(self.task)
        assert self.clock.sleepers == 0

    def facts(self, *names: str) -> "list[object]":
        facts = self.pairing.facts()
        return [facts[name] for name in names]

    def told(self) -> "list[str]":
        return [kind for kind in self.visit.small.kinds(2) if kind.startswith(("pairing.", "bond."))]


def refused(room: Room, error: "type[Exception]", **how: str) -> str:
    try:
        room.pairing.open(**how)
    except error as found:
        return str(found)
    raise AssertionError("it was opened: " + repr(how))


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
        assert room.visit.scans == [False, False], "its address is known: nobody need be asked for a name"
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
        await room.hear()
        assert room.facts("state", "bond") == ["bonded", BOND_AUTHENTICATED]
        assert room.visit.bonds[ADDRESS][1] == BOND_AUTHENTICATED
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


def test_a_device_that_is_not_configured_is_found_by_its_service_where_it_is_the_only_one():
    async def scene(others: "tuple[str, ...]") -> None:
        room = Room(Loose)
        await room.open()
        await room.hear()  # the one in use has its bond
        stranger = SimPeripheral(STRANGER, {"2a9d": b""}, secure=True)
        room.visit.small.world.add_peripheral(stranger)
        await room.open(driver="loose")
        assert room.visit.scans[-1] is True, "names are asked for"
        await room.hear()
        assert room.facts("state") == ["open"], "the one in use is not the one that is looked for"
        await room.hear(STRANGER, "Vekt 7")
        for other in others:
            await room.hear(other)
        assert room.facts("state", "advertised_name") == ["heard", "Vekt 7"]
        await room.clock.advance(SETTLE_MS)
        if others:
            assert room.facts("state", "reason") == ["refused", "several"] and stranger.pairings == 0
        else:
            assert room.facts("state", "bond", "configured") == ["bonded", BOND_WEAK, False]
            assert room.facts("address", "driver", "device") == [STRANGER, "loose", ""]
            placements = [event.placement for event in room.visit.small.events(2)][-4:]
            assert placements == [0, 0, 0, 0], "it is no device of this home yet"
        assert room.visit.scans[-1] is False
        await room.end()

    play(scene, ())
    play(scene, ("C0:00:00:00:00:0A",))


def test_a_driver_names_the_device_of_it_that_is_not_paired():
    async def scene() -> None:
        room = Room(Loose)
        await room.open(driver="loose")
        await room.hear(STRANGER)
        await room.hear()
        assert room.facts("state", "device", "address") == ["bonded", "Thing", ADDRESS]
        await room.end()

    play(scene)


def test_a_device_that_goes_out_of_reach_on_the_way_is_waited_for():
    async def scene() -> None:
        room = Room(Loose)
        await room.open()
        room.visit.peripheral.leave()
        await room.hear()
        assert room.facts("state") == ["pairing"]
        await room.clock.advance(PAIR_TIMEOUT_MS + 1_000)
        assert room.facts("state") == ["open"]
        room.visit.peripheral.return_()
        await room.hear()
        assert room.facts("state") == ["bonded"]
        await room.end()

    play(scene)


def test_bonds_are_listed_and_one_is_deleted_with_its_link():
    async def scene() -> None:
        room = Room(Loose, secure=True)
        visiting = await room.visit.begin()
        assert room.visit.peripheral.connected
        room.visit.bonds[STRANGER] = (7, BOND_AUTHENTICATED)
        assert await room.pairing.bonds() == [
            {"address": ADDRESS, "bond": BOND_WEAK, "device": "Thing"},
            {"address": STRANGER, "bond": BOND_AUTHENTICATED, "device": None},
        ]
        await room.pairing.forget("Thing")
        await room.clock.settle()
        assert not room.visit.peripheral.connected and room.visit.device.bond == BOND_NONE
        assert room.told()[-1] == "bond.forgotten" and not room.visit.device.is_paired
        assert (await room.pairing.forget(STRANGER.lower()))["bond"] == BOND_AUTHENTICATED
        assert room.visit.bonds == {}
        for name, error in (("Nobody", ConfigError), ("Thing", RefusedError)):
            try:
                await room.pairing.forget(name)
                raise AssertionError("it was deleted twice")
            except error:
                pass
        await stop(visiting)

    play(scene)


def test_the_hub_stops_in_the_middle_of_a_pairing_without_a_trace():
    async def scene() -> None:
        room = Room(Scale, compares=271_828)
        await room.open()
        await room.hear()
        assert room.facts("state") == ["pairing"]
        await room.end()
        assert not room.visit.peripheral.connected and room.visit.bonds == {}

    play(scene)


def test_the_service_of_a_driver_is_what_its_devices_advertise():
    assert Scale.service == SERVICE
