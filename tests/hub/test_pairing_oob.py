"""Pairing by the data on a label or NFC tag: taken, refused, and never replaced by something weaker."""

from gateway.core.errors import ConfigError, RefusedError
from hal.errors import PairingError
from hal.sim.central import SimCentral
from hal.types import BOND_AUTHENTICATED, BOND_NONE
from tests.hub.rooms import Room, refused
from tests.hub.small import play
from tests.hub.visits import Loose, Scale

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.sim.central import SimConnection

DATA = bytes(range(0xA0, 0xC0))
HEX, OTHER = "".join(["%02x" % byte for byte in DATA]), "5b" * 32


class Deaf(SimCentral):
    """A stack that has no way to take the data of a label."""

    @property
    def takes_oob(self) -> bool:
        return False


class Falling(SimCentral):
    """Control: falls back to Just Works where out of band fails."""

    async def connect(self, address: str, **options: "Any") -> "SimConnection":
        try:
            return await super().connect(address, **options)
        except PairingError:
            options["oob"], options["least"] = None, BOND_NONE
            return await super().connect(address, **options)


def test_a_device_is_paired_by_the_data_on_its_label_and_that_is_told_to_nobody():
    async def scene(data: str) -> None:
        for kind in (Loose, Scale):
            room = Room(kind, oob=DATA)
            await room.open(device="Thing", oob=data)
            assert room.pairing.window.oob == DATA  # type: ignore[union-attr]
            await room.hear()
            assert room.facts("state", "bond") == ["bonded", BOND_AUTHENTICATED]
            assert room.visit.device.bond == BOND_AUTHENTICATED and room.told()[-1] == "pairing.bonded"
            assert room.pairing.window.oob is None, "it is held no longer than the window"  # type: ignore[union-attr]
            shown = str([event.values for event in room.visit.small.events()]) + str(room.visit.small.logged)
            for secret in (HEX, HEX[:32], HEX[32:], repr(DATA)[2:20]):
                assert secret not in shown + str(room.pairing.facts())
            await room.end()

    play(scene, HEX)
    play(scene, HEX.upper())


def test_other_data_a_device_without_any_and_one_with_a_code_are_refused_each_with_its_reason():
    async def scene(told: str, device: "dict[str, Any]", reason: str) -> None:
        for kind in (Loose, Scale):  # also where Just Works would do for the driver
            room = Room(kind, **device)
            await room.open(device="Thing", oob=told)
            await room.hear()
            assert room.facts("state", "reason", "bond", "question") == ["refused", reason, BOND_NONE, ""]
            assert (room.visit.bonds, room.visit.peripheral.pairings) == ({}, 0)
            assert room.told()[-1] == "pairing.refused"
            await room.hear()
            assert room.facts("state") == ["refused"]
            await room.end()

    play(scene, OTHER, {"oob": DATA}, "oob")
    play(scene, HEX, {}, "no_oob")
    play(scene, HEX, {"passkey": 314_159}, "no_oob")
    play(scene, HEX, {"compares": 271_828}, "no_oob")


def test_without_its_data_a_device_that_has_some_is_not_paired():
    async def scene() -> None:
        room = Room(Loose, oob=DATA)
        await room.open()
        await room.hear()
        assert room.facts("state", "reason") == ["refused", "refused"] and room.visit.bonds == {}
        await room.end()

    play(scene)


def test_a_stack_without_a_way_for_it_refuses_before_anything_is_opened():
    async def scene() -> None:
        room = Room(Loose, oob=DATA, central=Deaf)
        said = refused(room, RefusedError, device="Thing", oob=HEX)
        assert "takes no data of a label" in said and "--code" in said
        assert room.pairing.facts() == {} and room.visit.peripheral.pairings == 0

    play(scene)


def test_what_is_no_such_data_opens_nothing_and_is_not_repeated():
    async def scene() -> None:
        room = Room(Loose, oob=DATA)
        for wrong in (HEX[:-1], HEX + "0", HEX[:-2] + "0x", HEX[:-1] + " ", "a0 " * 22, "\u0661" * 64):
            said = refused(room, ConfigError, device="Thing", oob=wrong)
            assert "64 hexadecimal digits" in said and wrong not in said
        assert "not both" in refused(room, ConfigError, device="Thing", oob=HEX, code="314159")
        assert room.pairing.facts() == {}

    play(scene)


def test_control_a_central_that_falls_back_to_just_works_is_seen_by_the_hub():
    async def scene() -> None:
        room = Room(Loose, central=Falling)
        await room.open(device="Thing", oob=HEX)
        await room.hear()
        assert room.visit.peripheral.pairings == 1, "it did fall back"
        assert room.facts("state", "reason") == ["refused", "weak"]
        assert room.visit.bonds == {}, "and what it made is deleted"
        await room.end()

    play(scene)
