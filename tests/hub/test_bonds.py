"""Bonds: none is weaker than what was asked for, none is made or replaced in silence (hazard H3, figure F18)."""

from gateway.core.devices.driver import GattDriver
from gateway.core.pairing import WINDOW_MS
from gateway.hub.air import Visitor
from gateway.hub.devices import Device
from gateway.hub.waking import stop
from hal.sim.central import SimCentral, SimConnection
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK
from tests.hub.small import PLACEMENT, Small, play
from tests.hub.visits import ADDRESS, Loose, Open, Scale, Visit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DENIED = ("device.denied", "device.admitted")
PAIRED = ("device.unpaired", "device.paired")


def told(visit: Visit, kinds: "tuple[str, ...]") -> "list[str]":
    """Which of these kinds were told, in order."""
    return [kind for kind in visit.small.kinds(2) if kind in kinds]


def test_a_bond_is_as_strong_as_driver_and_passkey_ask_or_the_device_is_not_read():
    table = [
        # driver, passkey of the label, passkey configured, bond expected or None for refused
        (Open, None, None, 0),
        (Loose, None, None, BOND_WEAK),
        (Loose, 123456, 123456, BOND_AUTHENTICATED),
        (Scale, 123456, 123456, BOND_AUTHENTICATED),
        (Scale, None, None, None),  # Just Works is not what the driver asks for
        (Loose, None, 123456, None),  # nor what a configured passkey asks for
        (Loose, 123456, 654321, None),
        (Loose, 123456, None, None),
    ]

    async def scene(
        kind: "type[GattDriver]", label: "int | None", passkey: "int | None", bond: "int | None"
    ) -> None:
        bench = Visit(Small(), kind, passkey, passkey=label)
        task = await bench.begin()
        await bench.measure(97)
        row = (kind.name, label, passkey)
        assert bench.peripheral.connected == (bond is not None), row
        assert bench.measured() == ([97] if bond is not None else []), row
        assert (bench.device.bond or 0) == (bond or 0), row
        assert bench.central._bonds.get(ADDRESS, (0, 0))[1] == (bond or 0), row
        await stop(task)

    for row in table:
        play(scene, *row)


class LaxCentral(SimCentral):
    """A stack that uses every stored bond, whatever was asked for."""

    async def connect(self, address: str, **options: "Any") -> SimConnection:
        options["least"], options["passkey"] = BOND_NONE, None
        return await super().connect(address, **options)


def test_a_stored_bond_that_is_too_weak_is_not_used_whatever_the_stack_does():
    async def scene() -> None:
        first = Visit(Small(), Loose)
        await first.pair()
        bench = Visit(Small(), Scale, central=LaxCentral, bonds=first.bonds)
        task = await bench.begin(paired=False)
        assert not bench.peripheral.connected and not bench.device.is_paired
        await stop(task)

    play(scene)


class Trusting(Visitor):
    """The unsafe variant: takes every bond."""

    async def is_paired(self) -> bool:
        return True

    def check_bond(self, connection: "Any") -> None:
        self.device.bond = connection.bond


def test_the_check_of_weak_bonds_sees_one():
    async def scene() -> None:
        first = Visit(Small(), Loose)
        await first.pair()
        bench = Visit(Small(), Scale, central=LaxCentral, bonds=first.bonds)
        bench.peripheral._keys = first.peripheral._keys
        visitor = bench.visitor
        bench.visitor = Trusting(
            visitor.device,
            visitor.central,
            visitor.near,
            visitor.intake,
            visitor.clock,
            lambda: 0,
            lambda: None,
        )
        task = await bench.begin(paired=False)
        await bench.measure(97)
        assert bench.measured() == [97] and bench.device.bond == BOND_WEAK
        await stop(task)

    play(scene)


def test_nothing_is_paired_outside_a_window_and_that_is_said_once():
    async def scene() -> None:
        bench = Visit(Small(), secure=True)
        task = await bench.begin(paired=False)
        for _ in range(20):
            bench.near.set()
            await bench.small.clock.advance(30_000)
        assert bench.peripheral.pairings == 0 and not bench.peripheral.connected
        assert bench.small.kinds(2) == ["device.unpaired"], "said once, however often it is heard"
        assert await bench.pair() == "bonded"
        bench.near.set()
        await bench.small.clock.advance(30_000)
        await bench.measure(97)
        assert bench.peripheral.pairings == 1 and bench.measured() == [97]
        begun, over = [event for event in bench.small.events(2) if event.kind in PAIRED]
        assert (begun.kind, over.kind) == PAIRED
        assert begun.placement == over.placement == PLACEMENT
        assert begun.incident == over.incident is not None
        await stop(task)

    play(scene)


def test_who_has_just_put_a_device_in_place_has_time_to_pair_it_before_anybody_is_told():
    async def scene() -> None:
        bench = Visit(Small(), secure=True)
        task = await bench.begin(paired=False)
        await bench.small.clock.advance(WINDOW_MS - 1_000)
        bench.near.set()
        await bench.small.clock.settle()
        assert await bench.pair() == "bonded"
        await bench.small.clock.advance(60_000)
        assert told(bench, PAIRED) == []
        await stop(task)

    play(scene)


def test_a_device_that_has_forgotten_its_bond_is_not_paired_anew_in_silence():
    async def scene() -> None:
        bench = Visit(Small(), secure=True)
        task = await bench.begin()
        assert bench.peripheral.connected
        bench.peripheral.forget_bonds()
        bench.small.world.drop(ADDRESS)
        for _ in range(8):
            bench.near.set()
            await bench.small.clock.advance(40_000)
        assert bench.peripheral.pairings == 1 and not bench.peripheral.connected
        assert told(bench, ("bond.stale", "device.denied") + PAIRED) == ["bond.stale", "device.denied"]
        assert list(bench.bonds) == [ADDRESS] and bench.device.bond == BOND_WEAK, "no stranger deletes it"
        assert await bench.pair() == "bonded"  # what the technician does
        bench.near.set()
        await bench.small.clock.advance(40_000)
        await bench.measure(97)
        assert bench.peripheral.pairings == 2 and bench.measured() == [97]
        assert told(bench, ("device.admitted",) + PAIRED) == ["device.admitted"]
        await stop(task)

    play(scene)


def test_a_device_whose_bond_a_stranger_did_not_know_is_read_again_when_it_answers_itself():
    async def scene() -> None:
        bench = Visit(Small(), secure=True)
        task = await bench.begin()
        keys = bench.peripheral._keys
        bench.peripheral.forget_bonds()  # somebody else at its address, or a link too weak for the keys
        bench.small.world.drop(ADDRESS)
        bench.near.set()
        await bench.small.clock.advance(40_000)
        assert told(bench, ("bond.stale",)) == ["bond.stale"] and not bench.peripheral.connected
        bench.peripheral._keys = keys
        bench.near.set()
        await bench.small.clock.advance(60_000)
        await bench.measure(97)
        assert bench.measured() == [97] and bench.peripheral.pairings == 1, "and no technician was needed"
        await stop(task)

    play(scene)


def test_what_comes_after_a_forgotten_bond_is_no_weaker_than_it_was_until_a_person_deletes_it():
    async def scene() -> None:
        bench = Visit(Small(), Loose, 123456, passkey=123456, secure=True)
        task = await bench.begin()
        assert bench.device.bond == BOND_AUTHENTICATED
        bench.device.passkey = None  # the configuration asks for no code any more
        bench.peripheral.forget_bonds()
        bench.peripheral.passkey = None  # and somebody answers who has no label
        bench.small.world.drop(ADDRESS)
        bench.near.set()
        await bench.small.clock.advance(40_000)
        assert bench.device.bond == bench.device.floor == BOND_AUTHENTICATED
        again = Visit(bench.small, Loose)
        again.device.restore(bench.device.kept())  # a restart does not forget it
        assert again.device.floor == BOND_AUTHENTICATED
        assert await bench.pair() == "refused"
        assert bench.pairing.facts()["reason"] == "weak" and bench.bonds == {}
        await bench.pairing.forget(bench.device.config.name)
        assert await bench.pair() == "bonded" and bench.device.bond == BOND_WEAK
        await stop(task)

    play(scene)


def test_a_device_without_the_floor_of_a_newer_version_has_that_of_its_bond():
    from gateway.core import cbor

    device = Small().device(Loose, address=ADDRESS)
    device.restore(cbor.encode([BOND_AUTHENTICATED, {}]))
    assert (device.bond, device.floor, device.least) == (BOND_AUTHENTICATED,) * 3
    device.restore(Device.NOTHING_KEPT)
    assert (device.bond, device.floor) == (None, BOND_NONE)


def test_a_bond_that_somebody_else_deleted_is_missed_and_the_device_not_read():
    async def scene() -> None:
        bench = Visit(Small())  # it asks for no encryption: the stack would connect all the same
        task = await bench.begin()
        bench.bonds.clear()
        bench.small.world.drop(ADDRESS)
        for _ in range(8):
            bench.near.set()
            await bench.small.clock.advance(40_000)
        await bench.measure(97)
        assert bench.measured() == [] and not bench.peripheral.connected
        assert told(bench, DENIED + PAIRED) == ["device.denied", "device.unpaired"]
        await stop(task)

    play(scene)


def test_a_bond_that_is_missing_is_said_once_and_its_end_too_across_restarts():
    async def scene() -> None:
        small, kinds = Small(), ["device.unpaired"]
        bonds: "dict[str, tuple[int, int]]" = {}
        for paired in (False, False, True, True):
            visit = Visit(small, Scale, 123456, passkey=123456, bonds=bonds)
            visit.peripheral._keys = [key for key, _ in bonds.values()]
            visit.visitor.new_until_ms = 0
            task = await visit.begin(paired=paired)
            if paired and len(kinds) == 1:
                kinds.append("device.paired")
            assert told(visit, PAIRED) == kinds, paired
            await stop(task)
            small.restart()
        assert len({event.incident for event in small.events(2) if event.kind in PAIRED}) == 1

    play(scene)


def test_a_bond_that_has_not_changed_is_told_once():
    async def scene() -> None:
        bench = Visit(Small())
        task = await bench.begin()
        bench.small.world.drop(ADDRESS)
        bench.near.set()
        await bench.small.clock.advance(40_000)
        assert bench.peripheral.connected and bench.bonded == [BOND_WEAK]
        await stop(task)

    play(scene)
