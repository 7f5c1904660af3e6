"""Who is paired in a window, and what becomes of bonds and of a hub that stops meanwhile."""

from gateway.core.errors import ConfigError, RefusedError
from gateway.core.pairing import SETTLE_MS
from gateway.hub.pairing import AGAIN_MS, PAIR_TIMEOUT_MS
from gateway.hub.waking import stop
from hal.errors import UnavailableError
from hal.sim.central import SimCentral, SimConnection
from hal.sim.peripheral import SimPeripheral
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK
from tests.hub.rooms import STRANGER, Room
from tests.hub.small import play
from tests.hub.visits import ADDRESS, SERVICE, Loose, Scale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def test_a_device_that_is_not_configured_is_found_by_its_service_where_it_is_the_only_one():
    async def scene(others: "tuple[str, ...]") -> None:
        room = Room(Loose)
        await room.open()
        await room.hear()  # the one in use has its bond
        stranger = SimPeripheral(STRANGER, {"2a9d": b""}, secure=True)
        room.visit.small.world.add_peripheral(stranger)
        await room.open(driver="loose")
        assert room.visit.scans[-1] == SERVICE, "strangers are heard who offer it, and no others"
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
        assert room.visit.scans[-1] == ""
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
        await room.clock.advance(PAIR_TIMEOUT_MS + AGAIN_MS)
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
            {"address": ADDRESS, "bond": BOND_WEAK, "key": "", "device": "Thing"},
            {"address": STRANGER, "bond": BOND_AUTHENTICATED, "key": "", "device": None},
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


class Stuck(SimCentral):
    """A stack that makes every bond, and while it is stuck deletes none."""

    stuck = True

    async def connect(self, address: str, **options: "Any") -> SimConnection:
        options["least"], options["passkey"] = BOND_WEAK, None
        return await super().connect(address, **options)

    async def forget(self, address: str) -> None:
        if self.stuck:
            raise UnavailableError("the daemon of the radio does not answer")
        await super().forget(address)


UNDELETED = "A bond that does not count could not be deleted."


def test_a_bond_that_cannot_be_deleted_as_pairing_ends_is_not_used_and_keeps_nobody_waiting():
    async def scene() -> None:
        room = Room(Scale, central=Stuck, secure=True)
        visit = room.visit
        visiting = await visit.begin(heard=False, paired=False)
        await room.open()
        assert visit.device.is_waited_for
        await room.hear()
        assert room.facts("state", "reason", "bond") == ["refused", "weak", BOND_NONE]
        assert [row[0] for row in visit.small.logged if row[1] == UNDELETED] == ["warning"]
        assert not visit.device.is_waited_for, "the window is over all the same"
        visit.near.set()
        await room.clock.advance(60_000)
        assert not visit.peripheral.connected and not visit.device.is_paired
        stored = [{"address": ADDRESS, "bond": BOND_WEAK, "key": "", "device": "Thing"}]
        assert await room.pairing.bonds() == stored, "a person sees it"
        await stop(visiting)
        visit.central.stuck = False  # type: ignore[attr-defined]
        await room.pairing.forget("Thing")
        assert await room.pairing.bonds() == []
        await room.end()

    play(scene)


def test_control_a_bond_that_can_be_deleted_is_gone_when_pairing_has_ended():
    async def scene() -> None:
        room = Room(Scale, central=Stuck, secure=True)
        room.visit.central.stuck = False  # type: ignore[attr-defined]
        await room.open()
        await room.hear()
        assert room.facts("state", "reason") == ["refused", "weak"] and room.visit.peripheral.pairings == 1
        assert await room.pairing.bonds() == [] and UNDELETED not in room.visit.small.messages()
        await room.end()

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
