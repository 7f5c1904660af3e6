"""Events from frame to receipt: order, forgetting, and what a bad broker or platform can do."""

import asyncio

from gateway.core import wire
from gateway.core.outbox import PROGRESS
from gateway.hub.uplink import Delivery
from hal.types import LANES
from tests.hub.bench import DAY_UTC_MS, Bench, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.outbox import Flight


def held(bench: Bench) -> int:
    """How many events the journal still holds."""
    return sum([bench.journal.mark(lane).last - bench.journal.mark(lane).first + 1 for lane in LANES])


def kinds_logged(bench: Bench) -> "list[object]":
    return [fields["kind"] for _, message, fields in bench.logged if message == "stored"]


def test_a_door_at_night_is_an_alarm_and_a_smoke_detector_is_heard_first():
    async def scene(bench: Bench):
        bench.door(True, 1)
        bench.smoke(True, 1)
        await bench.clock.advance(2_000)
        assert bench.platform.kinds(1) == ["door.night_exit"]
        assert bench.platform.kinds(0) == ["smoke.detected"]
        assert "door.opened" in bench.platform.kinds(4)
        bench.door(False, 2)
        await bench.clock.advance(2_000)
        assert bench.platform.kinds(1) == ["door.night_exit", "door.night_return"]
        exit_event, return_event = [event for lane, _, event in bench.platform.order if lane == 1]
        assert exit_event.incident is not None and exit_event.incident == return_event.incident
        assert not bench.platform.refused and not bench.platform.faults
        assert held(bench) == 0

    play(scene)


def test_a_door_by_day_is_no_alarm():
    async def scene(bench: Bench):
        bench.door(True, 1)
        await bench.clock.advance(2_000)
        assert bench.platform.kinds(1) == []
        assert "door.opened" in bench.platform.kinds(4)

    play(scene, utc_ms=DAY_UTC_MS)


def test_an_unknown_clock_counts_as_night_and_the_event_says_so():
    async def scene(bench: Bench):
        bench.door(True, 1)
        await bench.clock.advance(6_000)
        event = next(event for lane, _, event in bench.platform.order if lane == 1)
        assert event.kind == "door.night_exit" and event.provenance & 4 and event.utc_ms is None
        assert "clock.untrusted" in bench.platform.kinds(2)
        bench.clock.set_utc(DAY_UTC_MS)
        await bench.clock.advance(6_000)
        assert "clock.trusted" in bench.platform.kinds(2)
        bench.door(False, 2)
        await bench.clock.advance(2_000)
        boots = bench.platform.bundles[-1].get("boots", {})
        assert boots == {} or bench.app.boot in boots

    play(scene, utc_ms=None)


def test_nothing_is_forgotten_on_a_puback_alone():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        before = held(bench)
        bench.door(True, 1)
        await bench.clock.advance(2_000)
        assert "door.night_exit" in bench.platform.kinds(1)
        assert held(bench) > before
        bench.platform.receipting = True
        await bench.platform.send_receipt()
        await bench.clock.advance(2_000)
        assert held(bench) == 0

    play(scene)


class ForgetOnPuback(Delivery):
    """The negative control: what many gateways do."""

    def after_puback(self, flight: "Flight") -> None:
        mark = self.journal.mark(flight.lane)
        if mark.first <= flight.last:
            self.outbox.forget(self.outbox.lanes[flight.lane], flight.last)
            self.acking = asyncio.create_task(self.journal.ack(flight.lane, flight.last))


def lost_with(delivery: "type[Delivery] | None") -> "list[object]":
    """How many stored events a broker that acknowledges and loses costs."""
    lost = []

    async def scene(bench: Bench):
        bench.broker.losing = True
        bench.door(True, 1)
        await bench.clock.advance(2_000)
        bench.broker.losing = False
        bench.broker.drop_connections()
        await bench.clock.advance(10_000)
        await bench.platform.start()
        await bench.clock.advance(400_000)
        seen = [event.kind for _, _, event in bench.platform.order]
        lost.extend([kind for kind in kinds_logged(bench) if kind not in seen])

    play(scene, delivery=delivery)
    return lost


def test_a_broker_that_acknowledges_and_loses_costs_nothing():
    assert lost_with(None) == []


def test_the_harness_sees_the_loss_of_a_gateway_that_forgets_on_puback():
    assert "door.night_exit" in lost_with(ForgetOnPuback)


def test_a_broker_that_forwards_nothing_is_a_fault_within_90_s():
    async def scene(bench: Bench):
        bench.broker.losing = True
        bench.door(True, 1)
        await bench.clock.advance(90_000)
        assert "path.unreceipted" in kinds_logged(bench)
        bench.broker.losing = False
        await bench.clock.advance(400_000)
        assert "path.receipted" in bench.platform.kinds(2)
        assert "door.night_exit" in bench.platform.kinds(1)

    play(scene)


def test_a_broker_that_is_gone_costs_nothing_and_is_said():
    async def scene(bench: Bench):
        bench.broker.stop()
        bench.door(True, 1)
        await bench.clock.advance(100_000)
        assert "path.lost" in kinds_logged(bench)
        bench.broker.start()
        await bench.platform.start()
        await bench.clock.advance(200_000)
        assert bench.platform.kinds(1) == ["door.night_exit"]
        assert "path.restored" in bench.platform.kinds(2)
        assert held(bench) == 0

    play(scene)


def test_a_power_cut_keeps_every_stored_event_and_the_series_goes_on():
    async def scene(bench: Bench):
        bench.broker.stop()
        bench.door(True, 1)
        bench.smoke(True, 1)
        await bench.clock.advance(2_000)
        epoch = bench.journal.epoch
        await bench.cut()
        bench.broker.start()
        await bench.platform.start()
        await bench.build().start()
        await bench.clock.advance(100_000)
        assert bench.journal.epoch == epoch
        assert bench.platform.kinds(0) == ["smoke.detected"]
        assert bench.platform.kinds(1) == ["door.night_exit"]
        assert bench.platform.kinds(2).count("hub.started") == 2
        bench.smoke(True, 1)
        await bench.clock.advance(2_000)
        assert bench.platform.kinds(0) == ["smoke.detected"]

    play(scene)


def test_a_stale_retained_receipt_of_another_epoch_forgets_nothing():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        bench.door(True, 1)
        await bench.clock.advance(2_000)
        before = held(bench)
        lanes = {lane: [1_000, b"x" * 16] for lane in LANES}
        stale = bench.platform.receipt(lanes, epoch=b"otherone")
        await bench.platform.uplink.publish(bench.platform.topic("receipt"), stale, retain=True)
        await bench.clock.advance(2_000)
        assert held(bench) == before

    play(scene)


def test_a_gateway_without_epoch_and_chain_would_forget_all_on_a_stale_receipt() -> None:
    """The control: numbers alone, as after a restored backup or a swapped card, let everything go undelivered."""

    async def scene(bench: Bench) -> None:
        bench.platform.receipting = False
        bench.door(True, 1)
        await bench.clock.advance(2_000)
        assert held(bench) > 0
        lasts = {lane: [bench.journal.mark(lane).last, b"x" * 16] for lane in LANES}
        credulous = bench.app.inward
        credulous.judge = lambda parsed: [  # numbers count, chain values do not
            (lane, seq, PROGRESS) for lane, (seq, _) in sorted(parsed.fields["lanes"].items()) if seq
        ]
        stale = bench.platform.receipt(
            lasts, epoch=bench.journal.epoch
        )  # a fixed epoch is the same in every life
        await bench.platform.uplink.publish(bench.platform.topic("receipt"), stale, retain=True)
        await bench.clock.advance(2_000)
        assert held(bench) == 0, "the control lost nothing: the test above proves nothing"

    play(scene)


def test_a_receipt_with_a_wrong_chain_begins_a_new_epoch_and_loses_nothing():
    async def scene(bench: Bench):
        bench.platform.receipting = False
        bench.door(True, 1)
        await bench.clock.advance(2_000)
        epoch = bench.journal.epoch
        forked = bench.platform.receipt({1: [1, b"x" * 16]}, epoch=epoch)
        await bench.platform.uplink.publish(bench.platform.topic("receipt"), forked, retain=True)
        await bench.clock.advance(2_000)
        assert bench.journal.epoch != epoch
        bench.platform.receipting = True
        await bench.clock.advance(400_000)
        assert bench.platform.kinds(1) == ["door.night_exit"], bench.platform.kinds(1)
        assert "epoch.begun" in bench.platform.kinds(2)
        assert held(bench) == 0

    play(scene)


def test_forged_and_misplaced_receipts_are_refused_counted_and_said_once():
    async def scene(bench: Bench):
        platform = bench.platform
        platform.receipting = False
        bench.door(True, 1)
        await bench.clock.advance(2_000)
        before = held(bench)
        mark = bench.journal.mark(1)
        good = {1: [mark.last, mark.chain]}
        forged = bytearray(platform.receipt(good, epoch=bench.journal.epoch))
        forged[-1] ^= 1
        wrong_key = platform.receipt(good, epoch=bench.journal.epoch, seed=b"z" * 32)
        elsewhere = platform.receipt(good, epoch=bench.journal.epoch, gateway="hub-2")
        for message in (bytes(forged), wrong_key, elsewhere, bytes(forged)):
            await platform.uplink.publish(platform.topic("receipt"), message)
        await bench.clock.advance(2_000)
        assert bench.journal.mark(1).first == mark.first
        assert sum(bench.app.inward.refused.values()) == 4
        assert kinds_logged(bench).count("message.refused") == 3
        assert held(bench) == before + 3

    play(scene)


def test_a_receipt_that_comes_before_the_keyset_is_not_lost():
    async def run():
        bench = Bench()
        await bench.build().start()
        await bench.clock.advance(1_000)
        platform = bench.platform
        await platform.uplink.connect(["trygg/v1/+/+/up/#"])
        platform.task = asyncio.create_task(platform.serve())
        bench.broker.drop_connections()
        await bench.clock.advance(100)
        await platform.uplink.connect(["trygg/v1/+/+/up/#"])
        platform.task = asyncio.create_task(platform.serve())
        await bench.clock.advance(20_000)
        assert "receipt" in bench.app.inward.early
        await platform.uplink.publish(platform.topic("keyset"), platform.keyset(), retain=True)
        await bench.clock.advance(5_000)
        assert bench.app.trust.version == 1
        assert held(bench) == 0
        await bench.end()

    asyncio.run(run())


def test_a_receipt_that_comes_before_the_next_keyset_is_not_lost_either():
    async def scene(bench: Bench):
        platform = bench.platform
        platform.receipting = False
        bench.door(True, 1)
        await bench.clock.advance(2_000)
        seed = b"n" * 32
        mark = bench.journal.mark(1)
        receipt = platform.receipt({1: [mark.last, mark.chain]}, epoch=bench.journal.epoch, seed=seed)
        await platform.uplink.publish(platform.topic("receipt"), receipt)
        await bench.clock.advance(1_000)
        assert bench.journal.mark(1).first == mark.first
        platform.receipt_key = platform.ed25519.public_key(seed)
        await platform.uplink.publish(platform.topic("keyset"), platform.keyset(2), retain=True)
        await bench.clock.advance(1_000)
        assert bench.journal.mark(1).first == mark.last + 1

    play(scene)


def test_state_goes_out_at_connect_and_each_minute():
    async def scene(bench: Bench):
        first = len(bench.platform.states)
        assert first >= 1
        await bench.clock.advance(180_000)
        assert len(bench.platform.states) == first + 3
        newest = bench.platform.states[-1]
        assert newest["keyset"] == 1 and newest["boot"] == bench.app.boot
        assert newest["lanes"][2][0] == newest["lanes"][2][2] + 1

    play(scene)


def test_the_manifest_says_what_each_placement_is_and_no_name_for_people():
    async def scene(bench: Bench):
        manifest = bench.platform.manifests[-1]
        assert [row["room"] for row in manifest["devices"]] == ["hall", "kitchen"]
        assert b"Front door" not in wire.encode_payload("manifest", "oslo", "hub-1", _as_written(manifest))

    def _as_written(manifest: "dict[str, object]") -> "dict[str, object]":
        fields = dict(manifest)
        fields["devices"] = [wire.encode_device(row) for row in manifest["devices"]]
        return fields

    play(scene)


def test_a_silent_device_is_a_technical_fault_and_its_return_ends_it():
    async def scene(bench: Bench):
        bench.door(False, 1)
        await bench.clock.advance(1_900_000)
        assert bench.platform.kinds(2).count("device.silent") == 1
        assert bench.platform.kinds(1) == []
        bench.door(False, 2)
        await bench.clock.advance(2_000)
        rows = [
            event for lane, _, event in bench.platform.order if event.kind in ("device.silent", "device.back")
        ]
        assert [event.kind for event in rows] == ["device.silent", "device.back"]
        assert rows[0].incident is not None and rows[0].incident == rows[1].incident

    play(scene)


def test_a_device_silent_before_a_restart_is_not_reported_twice():
    async def scene(bench: Bench):
        bench.door(False, 1)
        await bench.clock.advance(1_900_000)
        await bench.cut()
        await bench.build().start()
        await bench.clock.advance(1_900_000)
        assert bench.platform.kinds(2).count("device.silent") == 1
        bench.door(False, 2)
        await bench.clock.advance(100_000)
        assert bench.platform.kinds(2).count("device.back") == 1

    play(scene)


def test_an_alarm_passes_a_backlog():
    async def scene(bench: Bench):
        bench.broker.stop()
        await bench.clock.advance(1_000)
        for number in range(400):
            bench.door(number % 2 == 0, number % 256)
            await bench.clock.advance(10)
        bench.broker.start()
        await bench.platform.start()
        bench.broker.hold_pubacks()
        await bench.clock.advance(100_000)
        bench.smoke(True, 1)
        await bench.clock.advance(100)
        assert bench.platform.kinds(0) == ["smoke.detected"], "the alarm waited behind routine bundles"
        bench.broker.release_pubacks()

    play(scene, utc_ms=DAY_UTC_MS)
