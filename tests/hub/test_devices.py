"""Placements: random, kept as long as the device is the same one, and nothing left behind when it goes."""

from gateway.core import cbor
from gateway.core.devices.driver import Driver
from gateway.core.rules.leaving import InUse, left_behind
from gateway.hub.devices import PLACEMENT, Device, device_key, fingerprint, fresh_placement, place
from tests.hub.bench import DOOR, SMOKE
from tests.hub.small import Small, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Remembering(Driver):
    """Keeps what it was given at the start."""

    name = "remembering"

    def __init__(self, context: "Any") -> None:
        super().__init__(context)
        self.found = context.stored("cursor")


class Other(Remembering):
    """Another driver."""

    name = "other"


KINDS = {"remembering": Remembering, "other": Other}


def configured(small: Small, *rows: "dict[str, Any]") -> "list[Any]":
    """Device configurations from the few keys that matter here."""
    return [small.device(Remembering, **row).config for row in rows]


async def placed(small: Small, *rows: "dict[str, Any]") -> "list[Device]":
    """Put the devices of a configuration into use, as a start does; every door has a rule of the night."""
    devices, changes = place(configured(small, *rows), small.journal, small.crypto, lambda name: KINDS[name])
    stored = {key: small.journal.state(key) or b"" for key in small.journal.state_keys("")}
    placements = [device.placement for device in devices]
    changes.update(dict.fromkeys(left_behind(stored, InUse(placements, placements, True))[1]))
    await small.journal.append([], changes)
    return devices


PLANNED = cbor.encode([9, 0])
HALL = {"name": "Front door", "driver": "remembering", "address": DOOR}
KITCHEN = {"name": "Smoke", "driver": "remembering", "address": SMOKE}


def test_a_placement_is_kept_across_restarts_and_never_0_or_shared():
    async def scene() -> None:
        small = Small()
        first = [device.placement for device in await placed(small, HALL, KITCHEN)]
        for _ in range(3):
            small.restart()
            assert [device.placement for device in await placed(small, KITCHEN, HALL)] == first[::-1]
        assert len(set(first)) == 2 and 0 not in first and max(first) < 1 << 32

    play(scene)


def test_a_placement_is_never_0():
    given = [bytes(4), bytes(4), b"\x00\x00\x00\x07"]

    class Chosen:
        def random(self, size: int) -> bytes:
            return given.pop(0)

    assert fresh_placement(Chosen()) == 7  # type: ignore[arg-type]


def test_another_address_driver_or_port_is_another_device():
    changes = [{"address": SMOKE}, {"driver": "other"}, {"address": None, "port": "/dev/ttyS1"}]

    async def scene(change: "dict[str, Any]") -> None:
        small = Small()
        before = (await placed(small, HALL))[0]
        await small.journal.append([], {device_key(before.placement, "cursor"): b"old"})
        row = dict(HALL)
        row.update(change)
        after = (await placed(small, row))[0]
        assert after.placement != before.placement, change
        assert after.driver.found is None, "the new device got the old one's counters"  # type: ignore[attr-defined]
        assert small.journal.state_keys(device_key(before.placement, "")) == []

    for change in changes:
        play(scene, change)


def test_another_name_for_people_or_room_or_key_is_the_same_place():
    async def scene() -> None:
        small = Small()
        before = (await placed(small, HALL))[0].placement
        row = dict(HALL)
        row.update({"room": "porch", "key": "k1", "interval_s": 5})
        assert (await placed(small, row))[0].placement == before
        row["name"] = "Back door"
        assert (await placed(small, row))[0].placement != before, "a new name is a device put into use"

    play(scene)


def test_a_device_that_is_gone_leaves_nothing_behind_and_others_keep_all():
    async def scene() -> None:
        small = Small()
        door, smoke = await placed(small, HALL, KITCHEN)
        kept = {}
        for device in (door, smoke):
            number = str(device.placement)
            kept[device.placement] = [
                device_key(device.placement, "cursor"),
                device_key(device.placement, Device.KEPT),
                "night." + number,
                "dose." + number + ".7",
                "incident." + number + ".device.silent",
            ]
        await small.journal.append([], {key: PLANNED for keys in kept.values() for key in keys})
        await small.journal.append(
            [],
            {
                key: device.kept()
                for device in (door, smoke)
                for key in [device_key(device.placement, Device.KEPT)]
            },
        )
        await placed(small, KITCHEN)
        left = small.journal.state_keys("")
        assert [key for key in left if key in kept[door.placement]] == []
        assert sorted([key for key in left if key in kept[smoke.placement]]) == sorted(kept[smoke.placement])
        assert small.journal.state(PLACEMENT + "Front door") is None
        again = (await placed(small, HALL, KITCHEN))[0]
        assert again.placement != door.placement, "a device taken out and put back is a new placement"

    play(scene)


def test_what_is_kept_of_a_placement_that_nobody_has_goes_and_one_that_begins_like_it_stays():
    async def scene() -> None:
        small = Small()
        door = (await placed(small, HALL))[0]
        number = str(door.placement)
        own = {"device." + number + ".cursor": b"\x01", "night." + number: b"\x01"}
        near = {"device." + number + "7.cursor": b"\x01", "night." + number + "7": b"\x01"}
        hub = {"incident.0.path.lost": b"12345678", "dated.7": b"\x01", "dropped.4": b"\x01"}
        for state in (own, near, hub):
            await small.journal.append([], state)
        await placed(small, HALL)
        assert small.journal.state_keys("") == sorted(list(own) + list(hub) + [PLACEMENT + "Front door"])
        await placed(small)
        assert small.journal.state_keys("") == sorted(hub)

    play(scene)


def test_a_driver_finds_its_own_state_and_the_bond_and_name_are_taken_up():
    async def scene() -> None:
        small = Small()
        door = (await placed(small, HALL))[0]
        door.bond, door.described = 2, {"maker": "Trygg"}
        state = {
            device_key(door.placement, "cursor"): b"12",
            device_key(door.placement, Device.KEPT): door.kept(),
        }
        await small.journal.append([], state)
        small.restart()
        again = (await placed(small, HALL))[0]
        assert again.driver.found == b"12"  # type: ignore[attr-defined]
        assert (again.bond, again.described) == (2, {"maker": "Trygg"})

    play(scene)


def test_the_fingerprint_tells_address_and_driver_apart():
    small = Small()
    rows = [
        HALL,
        KITCHEN,
        {"name": "x", "driver": "other", "address": DOOR},
        {"name": "y", "port": "/dev/ttyS1"},
    ]
    prints = [fingerprint(config) for config in configured(small, *rows)]
    assert len(set(prints)) == 4 and all([len(item) == 8 for item in prints])


def test_a_driver_knows_the_time_zone_of_the_home():
    small = Small()
    devices, _ = place(
        configured(small, HALL), small.journal, small.crypto, lambda name: KINDS[name], "Europe/Oslo"
    )
    assert [device.driver.context.zone for device in devices] == ["Europe/Oslo"]
