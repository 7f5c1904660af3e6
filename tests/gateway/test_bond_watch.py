"""What the radio sees of keys, as people and the platform are told it."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from gateway.core.event_codec import decode_event
from gateway.core.pairing import KEY_REASONS, LEGACY, SHORT, STUCK, UNSEEN
from gateway.daemon import doctor_hub
from gateway.daemon.bond_watch import AGAIN_MS, LOOK_MS, UNSEEN_MS, BondWatch
from gateway.daemon.commands import devices as device_words
from gateway.daemon.commands.pair import bond_words
from gateway.daemon.doctor import Complaint
from gateway.daemon.texts import Texts
from gateway.hub import status
from hal.sim.peripheral import SimPeripheral
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK, TECHNICAL
from tests.hub.bench import HOME, Bench, play

OXIMETER, STRANGER = "C0:00:00:00:00:03", "C0:00:00:00:00:09"
NAME = "Oximeter"
WITH_OXIMETER = {**HOME, "device": [*HOME["device"], {"name": NAME, "driver": "plx", "address": OXIMETER}]}
EN, NB = Texts("en"), Texts("nb")


class Home:
    """A hub with an oximeter whose bond is authenticated, and the watch over its keys."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.watch = BondWatch(bench.app, bench.log, self.survey)
        self.looks = 0

    async def survey(self) -> None:
        self.looks += 1
        await self.bench.app.machine.central.bonds()

    async def begin(self) -> None:
        self.device.hold(BOND_AUTHENTICATED)
        self.bench.app.parts.start("bonds", self.watch.look)
        self.bench.app.parts.start("bonds told", self.watch.run)
        await self.bench.clock.advance(1_000)

    @property
    def device(self) -> Any:
        return self.bench.app.pairing.named(NAME)

    @property
    def row(self) -> dict[str, Any]:
        return next(row for row in status.devices(self.bench.app) if row["name"] == NAME)

    def told(self) -> list[tuple[str, int, dict[str, object]]]:
        found = []
        for entry in self.bench.journal.peek(TECHNICAL, 0, 1 << 20, 1_000):
            event = decode_event(entry.event)
            if event.kind in ("pairing.refused", "pairing.bonded_weak"):
                found.append((event.kind, event.placement, dict(event.values)))
        return found


def bond_complaints(home: Home) -> list[Complaint]:
    found = doctor_hub.of_devices(status.devices(home.bench.app), EN, Path("/keys"))
    codes = ("device.bond_weak", "device.key_short", "device.bond_stuck", "device.unpaired")
    return [each for each in found if each.device == NAME and each.code in codes]


def at_home(scene: Callable[[Home], Coroutine[object, object, None]]) -> None:
    async def program(bench: Bench) -> None:
        bench.broker.stop()  # so that events stay to be looked at
        home = Home(bench)
        await home.begin()
        await scene(home)
        assert bench.app.parts.alive()

    play(program, tree=WITH_OXIMETER)


@pytest.mark.parametrize(("word", "shown"), [("whole", 2), (LEGACY, 1), (UNSEEN, 1), (SHORT, 1)])
def test_a_bond_is_shown_no_stronger_than_its_key_and_read_all_the_same(word: str, shown: int) -> None:
    async def scene(home: Home) -> None:
        size = {UNSEEN: 0, SHORT: 7}.get(word, 16)
        home.watch.tell(OXIMETER, word, size)
        assert (home.row["bond"], home.row["key"]) == (shown, {"word": word, "bytes": size})
        assert (NAME in status.status(home.bench.app)["devices_weak"]) == (shown == BOND_WEAK)
        assert home.bench.app.outward.devices[-1].shown_bond == shown
        assert (home.device.bond, home.device.is_paired) == (BOND_AUTHENTICATED, True)
        await home.bench.clock.advance(1_000)
        assert bool(home.told()) == (word == SHORT)
        home.watch.tell(OXIMETER, "", 0)
        assert home.row["key"] is None and home.row["bond"] == BOND_AUTHENTICATED

    at_home(scene)


def test_the_platform_learns_of_it_by_the_manifest() -> None:
    async def scene(home: Home) -> None:
        before = home.bench.app.outward.revision
        home.watch.tell(OXIMETER, UNSEEN, 0)
        await home.bench.clock.advance(1_000)
        assert home.bench.app.outward.revision == before + 1
        home.watch.tell(OXIMETER, UNSEEN, 0)
        await home.bench.clock.advance(1_000)
        assert home.bench.app.outward.revision == before + 1, "the same again is no news"

    at_home(scene)


def test_a_stored_bond_with_a_short_key_is_told_once_with_what_to_do_and_read_meanwhile() -> None:
    async def scene(home: Home) -> None:
        for _ in range(2):
            home.watch.tell(OXIMETER, SHORT, 7)
            home.watch.tell(STRANGER, SHORT, 7)
            await home.bench.clock.advance(1_000)
        values = {"reason": KEY_REASONS[SHORT], "bond": BOND_WEAK}
        placement, weak = home.device.placement, "pairing.bonded_weak"
        assert home.told() == [(weak, placement, {**values, "driver": "plx"}), (weak, 0, values)]
        assert (home.row["bond"], home.row["paired"]) == (BOND_WEAK, True)
        (complaint,) = bond_complaints(home)
        assert (complaint.code, complaint.kind) == ("device.key_short", weak)
        assert "7 bytes" in complaint.text and "trygg pair --forget" in complaint.text
        home.watch.tell(OXIMETER, "whole", 16)  # the control: paired anew, by a whole key
        assert bond_complaints(home) == []

    at_home(scene)


def test_a_refused_bond_that_could_not_be_deleted_is_told_and_the_device_is_not_read() -> None:
    async def scene(home: Home) -> None:
        home.watch.tell(OXIMETER, STUCK, 0)
        await home.bench.clock.advance(1_000)
        values = {"reason": KEY_REASONS[STUCK], "driver": "plx"}
        assert home.told() == [("pairing.refused", home.device.placement, values)]
        assert (home.row["bond"], home.row["paired"]) == (BOND_NONE, False)
        assert home.device.floor == BOND_AUTHENTICATED, "no weaker one follows it"
        (complaint,) = bond_complaints(home)
        assert complaint.code == "device.bond_stuck" and "restart bluetooth" in complaint.text
        assert any("restart bluetooth" in line for line in device_words.details(home.row, NB, Path("/keys")))
        home.watch.tell(OXIMETER, "", 0)
        (complaint,) = bond_complaints(home)
        assert complaint.code == "device.unpaired"

    at_home(scene)


def test_what_is_told_of_short_keys_has_its_norwegian() -> None:
    for reason in KEY_REASONS.values():
        assert NB.reword(reason) != reason and EN.reword(reason) == reason


def test_bonds_are_looked_at_at_the_start_each_hour_and_sooner_while_something_is_missing() -> None:
    async def scene(home: Home) -> None:
        assert home.looks == 1
        await home.bench.clock.advance(LOOK_MS)
        assert home.looks == 2
        home.watch.tell(OXIMETER, UNSEEN, 0)
        await home.bench.clock.advance(UNSEEN_MS)
        assert home.looks == 3
        await home.bench.clock.advance(UNSEEN_MS)
        assert home.looks == 4
        home.watch.tell(OXIMETER, STUCK, 0)
        await home.bench.clock.advance(UNSEEN_MS)
        assert home.looks == 5
        home.bench.world.lose_adapter()
        await home.bench.clock.advance(UNSEEN_MS + 1_000)
        assert home.looks == 6
        await home.bench.clock.advance(AGAIN_MS)
        assert home.looks == 7

    at_home(scene)


def test_a_pairing_says_at_once_that_its_key_cannot_be_seen() -> None:
    async def program(bench: Bench) -> None:
        home = Home(bench)
        bench.world.add_peripheral(SimPeripheral(OXIMETER, {"2a5f": b""}, passkey=314_159))
        connect = bench.app.machine.central.connect

        async def connected(*arguments: Any, **options: Any) -> Any:
            connection = await connect(*arguments, **options)
            home.watch.tell(OXIMETER, UNSEEN, 0)
            return connection

        bench.app.machine.central.connect = connected
        facts = await bench.pair(NAME, code="314159")
        assert (facts["state"], facts["bond"], facts["key"]) == ("bonded", BOND_WEAK, UNSEEN)
        (row,) = await bench.app.pairing.bonds()
        assert (row["bond"], row["key"]) == (BOND_WEAK, UNSEEN)
        assert home.device.is_paired and home.device.bond == BOND_AUTHENTICATED

    play(program, tree=WITH_OXIMETER)


def test_people_read_what_is_known_of_a_key_and_what_to_do() -> None:
    row: dict[str, Any] = {"bond": 1, "key": {"word": UNSEEN, "bytes": 0}}
    assert device_words.bond(row, EN)[0] == "pairing: counts as weak because of its key"
    assert "systemctl start trygg-bonds.socket" in device_words.bond(row, EN)[1]
    assert "systemctl start trygg-bonds.socket" in device_words.bond(row, NB)[1]
    whole = {"bond": 2, "key": {"word": "whole", "bytes": 16}}
    assert device_words.bond(whole, EN)[1] == "key: 16 bytes, made by Secure Connections"
    short = {"bond": 1, "key": {"word": SHORT, "bytes": 7}}
    for texts in (EN, NB):
        assert "7 byte" in device_words.bond(short, texts)[1]
        assert "trygg pair --forget" in device_words.bond(short, texts)[1]
    assert bond_words(1, SHORT, EN) == EN.say("device.bonds.doubted")
    assert len(device_words.bond({"bond": 2}, EN)) == 1, "a hub from before says nothing of keys"
    assert bond_words(2, "whole", EN) == EN.say("device.bonds.2")


def test_the_doctor_says_which_bond_is_in_doubt() -> None:
    async def scene(home: Home) -> None:
        home.watch.tell(OXIMETER, LEGACY, 16)
        found = doctor_hub.of_devices(status.devices(home.bench.app), EN, Path("/keys"))
        (weak,) = [each for each in found if each.code == "device.bond_weak"]
        assert "old method" in weak.text and weak.device == NAME

    at_home(scene)
