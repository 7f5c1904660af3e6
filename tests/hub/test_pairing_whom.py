"""Who is paired in a window, and what becomes of bonds and of a hub that stops meanwhile."""

from gateway.core.errors import ConfigError, RefusedError
from gateway.core.pairing import SETTLE_MS
from gateway.hub.pairing import AGAIN_MS, PAIR_TIMEOUT_MS
from gateway.hub.waking import stop
from hal.sim.peripheral import SimPeripheral
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK
from tests.hub.rooms import STRANGER, Room
from tests.hub.small import play
from tests.hub.visits import ADDRESS, SERVICE, Loose, Scale


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
