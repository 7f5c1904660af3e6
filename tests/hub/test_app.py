"""The whole hub from start to stop: what a run takes up from the last one, and what it leaves to the next."""

import asyncio

from gateway.core.event_codec import identity_of
from gateway.hub.parts import PartFailedError
from gateway.hub.waking import stop
from hal.sim.faults import FULL, POWER_CUT_AFTER, Fault, FaultPlan
from hal.sim.peripheral import SimPeripheral
from hal.types import BOND_AUTHENTICATED, BOND_WEAK, LANES, TECHNICAL
from tests.hub.bench import HOME, OXIMETER, Bench, play
from tools.rig.sim.stand_in import CutJournal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def held(bench: Bench) -> int:
    return sum([bench.journal.mark(lane).last - bench.journal.mark(lane).first + 1 for lane in LANES])


def stored(bench: Bench) -> "list[str]":
    """Kinds of what was ever stored."""
    return [fields["kind"] for _, message, fields in bench.logged if message == "stored"]


def with_oximeter() -> "dict[str, Any]":
    """The home, with a pulse oximeter."""
    tree = dict(HOME)
    tree["device"] = HOME["device"] + [{"name": "Oximeter", "driver": "plx", "address": OXIMETER}]
    return tree


def oximeter(passkey: "int | None" = None) -> SimPeripheral:
    served = {
        "2a60": bytes(2),
        "2a5f": b"",
        "2a19": b"\x50",
        "2a29": b"Trygg",
        "2a24": b"Ox 1",
        "2a25": b"0042",
    }
    return SimPeripheral(OXIMETER, served, secure=True, passkey=passkey)


async def near(bench: Bench) -> None:
    """The oximeter is paired where it is not yet, heard and connected."""
    if not bench.app.pairing.named("Oximeter").is_paired:
        await bench.pair("Oximeter")
    bench.world.advertise(OXIMETER, service_uuids=("1822",))
    await bench.clock.advance(3_000)


# --- start and stop ---------------------------------------------------------------------------------------------


def test_the_first_word_is_that_it_started_and_the_last_that_it_stopped():
    async def scene(bench: Bench):
        bench.options = {"started": {"clock_offset_ms": 7_000}}
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(3_000)
        started = [event for _, _, event in bench.platform.order if event.kind == "hub.started"]
        assert started[-1].values == {"software": "trygg test", "clock_offset_ms": 7_000}
        assert [event.placement for event in started] == [0, 0] and started[0].boot != started[1].boot
        stopping = asyncio.create_task(bench.app.stop())
        await bench.clock.advance(2_000)
        await stopping
        assert bench.platform.order[-1][2].kind == "hub.stopped", "the uplink got a moment"
        assert bench.broker.clients() == ["platform"] and bench.clock.sleepers == 0
        bench.build()  # refused while the journal is in use

    play(scene)


def test_a_stop_without_a_broker_is_not_held_up_and_loses_nothing():
    async def scene(bench: Bench):
        bench.broker.stop()
        bench.door(True, 1)
        await bench.clock.advance(1_000)
        began_ms = bench.clock.uptime_ms()
        stopping = asyncio.create_task(bench.app.stop())
        await bench.clock.settle(100)
        await stopping
        assert bench.clock.uptime_ms() == began_ms
        bench.broker.start()
        await bench.platform.start()
        await bench.build().start()
        await bench.clock.advance(60_000)
        assert bench.platform.kinds(1) == ["door.night_exit"] and "hub.stopped" in bench.platform.kinds(
            TECHNICAL
        )
        assert held(bench) == 0

    play(scene)


def test_a_stop_waits_two_seconds_at_most_for_a_platform_that_is_mute():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        bench.door(True, 1)
        await bench.clock.advance(1_000)
        stopping = asyncio.create_task(bench.app.stop())
        await bench.clock.advance(1_900)
        assert not stopping.done()
        await bench.clock.advance(200)
        await bench.clock.settle(100)
        await stopping

    play(scene)


def test_it_stops_at_any_moment_after_its_start():
    async def scene(bench: Bench, turns: int) -> None:
        await bench.cut()
        await bench.build().start()
        bench.door(turns % 2 == 0, turns % 256)
        for _ in range(turns):
            await asyncio.sleep(0)
        stopping = asyncio.create_task(bench.app.stop())
        for _ in range(60):
            await bench.clock.advance(50)
        assert stopping.done(), turns
        await stopping
        bench.build()

    async def all_turns(bench: Bench):
        for turns in (0, 1, 2, 3, 5, 8, 13, 21, 34, 55):
            await scene(bench, turns)

    play(all_turns)


def test_it_runs_until_told_to_stop_or_until_a_part_gives_up():
    async def scene(bench: Bench):
        async def dead() -> None:
            raise PartFailedError("for good")

        told = asyncio.Event()
        running = asyncio.create_task(bench.app.until(told))
        await bench.clock.advance(10_000)
        assert not running.done()
        bench.app.parts.start("ghost", dead)
        await bench.clock.advance(5_000)
        assert await running is False
        assert "hub.stopped" not in stored(bench), "nobody told it to stop"
        await bench.build().start()
        running = asyncio.create_task(bench.app.until(told))
        told.set()
        await bench.clock.advance(5_000)
        assert await running is True and "hub.stopped" in stored(bench)
        bench.build()

    play(scene)


# --- what the last run left -------------------------------------------------------------------------------------


def identities(bench: Bench) -> "list[bytes]":
    """Identities of all that is at the platform, one for each stored number."""
    return [identity_of(event, chain) for event, chain, _ in bench.platform.stored.values()]


def test_a_store_that_was_set_aside_is_journalled_again_once_with_its_old_identities():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        bench.door(True, 1)
        bench.smoke(True, 1)
        await bench.clock.advance(2_000)
        old = bench.journal.epoch
        before = identities(bench)
        assert len(before) >= 4
        await bench.cut()
        bench.medium.damage("a page does not read back")
        await bench.build().start()
        bench.platform.receipting = True
        await bench.clock.advance(120_000)
        assert bench.journal.epoch != old and held(bench) == 0
        aside = [event for _, _, event in bench.platform.order if event.kind == "journal.set_aside"]
        assert [event.values for event in aside] == [
            {"reason": "a page does not read back", "count": len(before)}
        ]
        assert bench.platform.kinds(1) == ["door.night_exit"] and bench.platform.kinds(0) == [
            "smoke.detected"
        ]
        seen = identities(bench)
        assert [seen.count(identity) for identity in before] == [2] * len(before), (
            "arrived twice, told apart by nothing"
        )
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(60_000)
        assert stored(bench).count("journal.set_aside") == 0
        assert len([1 for _, _, event in bench.platform.order if event.kind == "journal.set_aside"]) == 1

    play(scene)


class CutBench(Bench):
    """The power goes at an append of the next process, and the machine stands still."""

    nth = 0

    def open_journal(self) -> CutJournal:
        faults = FaultPlan([Fault("journal", "append", self.nth, POWER_CUT_AFTER)] if self.nth else [])
        return CutJournal(self.medium, random=self.crypto.random, faults=faults)


def test_a_power_cut_while_a_store_is_journalled_again_costs_nothing():
    async def run(nth: int) -> None:
        bench = CutBench()
        await bench.start()
        bench.broker.stop()
        for number in range(300):
            bench.door(number % 2 == 0, number % 256)
            await bench.clock.advance(10)
        before = {
            kind: stored(bench).count(kind) for kind in ("door.opened", "door.closed", "door.night_exit")
        }
        await bench.cut()
        bench.medium.damage()
        bench.nth = nth
        starting = asyncio.create_task(bench.build().start())
        for _ in range(20):
            await bench.clock.advance(1_000)
        assert bench.journal.dead.is_set(), nth
        await stop(starting)
        await bench.cut()
        bench.nth = 0
        bench.broker.start()
        await bench.platform.stop()
        await bench.platform.start()
        await bench.build().start()
        for _ in range(40):
            await bench.clock.advance(10_000)
        kinds = bench.platform.kinds()
        assert {kind: kinds.count(kind) for kind in before} == before, nth
        assert held(bench) == 0 and bench.journal.set_aside() == []
        await bench.end()

    for nth in range(1, 7):
        asyncio.run(run(nth))


def test_two_stores_set_aside_one_after_the_other_lose_nothing():
    async def scene(bench: Bench):
        bench.broker.stop()
        for packet in (1, 2):
            bench.smoke(packet == 1, packet)
            await bench.clock.advance(1_000)
            await bench.cut()
            bench.medium.damage("cause " + str(packet))
            await bench.build().start()
            await bench.clock.advance(1_000)
        assert bench.journal.set_aside() == [] and len(bench.medium.asides) == 2
        bench.broker.start()
        await bench.platform.start()
        await bench.clock.advance(120_000)
        assert bench.platform.kinds(0) == ["smoke.detected", "smoke.cleared"], "one of each life"
        reasons = [
            event.values["reason"]
            for _, _, event in bench.platform.order
            if event.kind == "journal.set_aside"
        ]
        assert set(reasons) == {"cause 1", "cause 2"}

    play(scene)


def test_a_full_store_does_not_prevent_a_start():
    async def scene(bench: Bench):
        bench.broker.stop()
        for number in range(200):
            bench.smoke(number % 2 == 0, number % 256)
            await bench.clock.advance(10)
        assert bench.app.recorder.full
        in_lane_0 = bench.journal.mark(0).last
        await bench.cut()
        bench.tree = with_oximeter()  # a new device wants state of its own
        bench.broker.start()
        await bench.platform.start()
        await bench.build().start()
        await bench.clock.advance(300_000)
        assert not bench.app.recorder.waiting.has() and held(bench) == 0
        assert len(bench.platform.kinds(0)) >= in_lane_0
        assert bench.journal.state("placement.Oximeter") is not None

    play(scene, capacity_bytes=6_000)


# --- the configuration ------------------------------------------------------------------------------------------


def test_a_configuration_with_a_fault_is_said_until_a_good_one_is_used():
    async def scene(bench: Bench):
        for fault in ("hub.toml: hub.id: found nothing", "hub.toml: hub.id: found nothing", ""):
            await bench.cut()
            bench.options = {"fault": fault}
            await bench.build().start()
            await bench.clock.advance(5_000)
        rows = [event for _, _, event in bench.platform.order if event.kind.startswith("configuration.")]
        assert [event.kind for event in rows] == ["configuration.fault", "configuration.accepted"]
        assert rows[0].values == {"reason": "hub.toml: hub.id"}
        assert rows[0].incident == rows[1].incident is not None

    play(scene)


def test_the_manifest_follows_what_a_device_says_and_its_bond_and_survives_a_restart():
    async def scene(bench: Bench):
        await bench.cut()
        bench.tree, bench.options = with_oximeter(), {"passkeys": {"Oximeter": 123_456}}
        bench.world.add_peripheral(oximeter(123_456))
        await bench.build().start()
        await bench.clock.advance(3_000)
        assert bench.app.devices[2].driver.context.zone == "Europe/Oslo", "devices show local time"
        before = bench.platform.manifests[-1]
        assert "bond" not in before["devices"][2] and "maker" not in before["devices"][2]
        await near(bench)
        after = bench.platform.manifests[-1]
        row = after["devices"][2]
        assert (row["maker"], row["model"], row["serial_number"]) == ("Trygg", "Ox 1", "0042")
        assert row["bond"] == BOND_AUTHENTICATED and after["revision"] > before["revision"]
        assert not bench.watchdog.bites and bench.app.parts.alive()
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(3_000)
        assert bench.platform.manifests[-1] == after, "a restart is no change"

    play(scene)


def test_a_bond_with_a_device_that_says_nothing_of_itself_survives_a_restart_too():
    async def scene(bench: Bench):
        await bench.cut()
        bench.tree = with_oximeter()
        bench.world.add_peripheral(SimPeripheral(OXIMETER, {"2a5f": b""}, secure=True))
        await bench.build().start()
        await bench.clock.advance(3_000)
        await near(bench)
        bonded = bench.platform.manifests[-1]
        assert bonded["devices"][2]["bond"] == BOND_WEAK
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(3_000)
        assert bench.platform.manifests[-1] == bonded

    play(scene)


def test_a_bundle_names_the_manifest_it_was_made_under():
    async def scene(bench: Bench):
        revision = bench.app.outward.revision
        assert revision >= 1 and bench.platform.manifests[-1]["revision"] == revision
        assert {bundle["manifest"] for bundle in bench.platform.bundles} == {revision}

    play(scene)


def test_hub_notes_that_find_no_room_at_the_start_come_later():
    async def run() -> None:
        bench = Bench(faults=FaultPlan([Fault("journal", "append", nth, FULL) for nth in (1, 2, 3)]))
        await bench.platform.start()
        await bench.build().start()
        await bench.clock.advance(60_000)
        assert bench.platform.kinds(TECHNICAL)[0] == "hub.started"
        assert bench.journal.state("placement.Front door") is not None
        assert held(bench) == 0
        await bench.end()

    asyncio.run(run())


def test_a_start_that_is_cancelled_leaves_nothing_running():
    async def scene(bench: Bench):
        for turns in range(0, 12, 3):
            await bench.cut()
            starting = asyncio.create_task(bench.build().start())
            for _ in range(turns):
                await asyncio.sleep(0)
            await stop(starting)
            await bench.app.parts.stop()
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(3_000)
        assert bench.app.parts.alive()

    play(scene)
