"""Pairing: no bond is weaker than what was asked for, and none is replaced in silence (hazard H3, figure F18)."""

from gateway.core.devices.driver import GattDriver
from gateway.hub.air import Visitor
from gateway.hub.waking import stop
from hal.sim.central import SimCentral, SimConnection
from hal.types import BOND_AUTHENTICATED, BOND_WEAK
from tests.hub.small import PLACEMENT, Small, play
from tests.hub.visits import ADDRESS, Loose, Open, Scale, Visit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


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
        bench = Visit(Small(), kind, passkey, LaxCentral, passkey=label)
        task = await bench.begin()
        await bench.measure(97)
        row = (kind.name, label, passkey)
        assert bench.peripheral.connected == (bond is not None), row
        assert bench.measured() == ([97] if bond is not None else []), row
        assert bench.device.bond == bond, row
        assert bench.bonded == ([] if bond is None else [bond]), row
        assert bench.small.kinds(2) == ([] if bond is not None else ["device.denied"]), row
        await stop(task)

    for row in table:
        play(scene, *row)


class LaxCentral(SimCentral):
    """A stack that pairs as well as it can and leaves the judging to others."""

    async def connect(
        self, address: str, *, pair: bool = False, passkey: "int | None" = None, timeout_ms: int = 20_000
    ) -> SimConnection:
        peripheral = self._world.peripheral(address)
        asked = passkey if peripheral is not None and peripheral.passkey is not None else None
        return await super().connect(address, pair=pair, passkey=asked, timeout_ms=timeout_ms)


class Trusting(Visitor):
    """The unsafe variant: takes every bond."""

    def check_bond(self, connection: "Any") -> None:
        self.device.bond = connection.bond


def test_the_check_of_weak_bonds_sees_one():
    async def scene() -> None:
        bench = Visit(Small(), Scale, central=LaxCentral)
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
        task = await bench.begin()
        await bench.measure(97)
        assert bench.measured() == [97] and bench.device.bond == BOND_WEAK
        await stop(task)

    play(scene)


def test_a_device_that_has_forgotten_its_bond_is_not_paired_anew_in_silence():
    async def scene() -> None:
        bench = Visit(Small(), secure=True)
        task = await bench.begin()
        bench.peripheral.forget_bonds()
        bench.small.world.drop(ADDRESS)
        for _ in range(5):
            bench.near.set()
            await bench.small.clock.advance(40_000)
        assert bench.peripheral.pairings == 1 and not bench.peripheral.connected
        assert "no longer knows our bond" in bench.device.link
        assert bench.small.kinds(2) == ["device.denied"], "said once, however often it is tried"
        await bench.central.forget(ADDRESS)  # what the technician does
        bench.near.set()
        await bench.small.clock.advance(40_000)
        await bench.measure(97)
        assert bench.peripheral.pairings == 2 and bench.measured() == [97]
        begun, over = bench.small.events(2)
        assert (begun.kind, over.kind) == ("device.denied", "device.admitted")
        assert begun.placement == over.placement == PLACEMENT
        assert begun.incident == over.incident is not None
        await stop(task)

    play(scene)


def test_a_device_that_may_not_be_read_is_said_once_and_its_end_too_across_restarts():
    async def scene() -> None:
        small, kinds = Small(), ["device.denied"]
        for label, passkey in ((123456, 654321), (123456, 654321), (123456, 123456), (123456, 123456)):
            visit = Visit(small, Scale, passkey, passkey=label)
            task = await visit.begin()
            if label == passkey and kinds[-1] == "device.denied":
                kinds.append("device.admitted")
            assert small.kinds(2) == kinds, (label, passkey)
            await stop(task)
            small.restart()
        assert len({event.incident for event in small.events(2)}) == 1

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
