"""Corners of the way into the journal and of what makes it forget: forks that fail, words of others, memory that ran out."""

from gateway.core import wire
from gateway.core.devices.driver import Driver, Reading
from gateway.core.event_codec import decode_event, encode_event
from gateway.core.model import Event, Observation
from gateway.core.rules.recording import Recording
from gateway.hub.ending import store_in, tell_unstored
from gateway.hub.inward import ANCHOR_STATE, FORK_PAUSE_MS, KEYSET_STATE, ROOTS_STATE
from gateway.hub.overrun import OWED_LIMIT, Notice, Work
from gateway.hub.parts import PartFailedError
from gateway.hub.recorder import FAILURES_LIMIT, RETRY_MS, again_bytes
from hal.sim.ed25519 import Ed25519
from hal.sim.faults import ERROR, FULL, Fault, FaultPlan
from hal.types import ALARM, LANES, MEASUREMENT, SAFETY, TECHNICAL, Entry, Message
from tests.hub.bench import GATEWAY, TENANT, Bench
from tests.hub.bench import play as play_whole
from tests.hub.small import PLACEMENT, Small, begun, play

STATE_KEY = "device.5.counter"


class Thing(Driver):
    """Anything in the home."""

    name = "thing"


def said(kind: str, **values: object) -> Reading:
    return Reading([Observation(kind, values)])


def held(bench: Bench) -> int:
    return sum([bench.journal.mark(lane).last - bench.journal.mark(lane).first + 1 for lane in LANES])


# --- what comes from the platform -----------------------------------------------------------------------------------


def test_a_fork_that_finds_no_room_changes_nothing_and_is_tried_again_after_ten_minutes():
    for effect in (FULL, ERROR):

        async def scene(bench: Bench):
            bench.platform.receipting = False
            bench.door(True, 1)
            await bench.clock.advance(2_000)
            epoch, before = bench.journal.epoch, bench.journal.mark(ALARM).last
            forked = bench.platform.receipt({ALARM: [1, b"x" * 16]}, epoch=epoch)
            for number in range(3):
                await bench.platform.uplink.publish(bench.platform.topic("receipt"), forked)
                await bench.clock.advance(FORK_PAUSE_MS // 2 - 10_000)
                if number == 0:
                    assert bench.journal.epoch == epoch and bench.journal.mark(ALARM).last == before
                    tried, failed = [row for row in bench.logged if "new epoch" in row[1]]
                    assert tried[0] == failed[0] == "error" and tried[2] == {"old": epoch.hex()}
                    assert tried[1] == "The platform has numbers this gateway never gave; a new epoch begins."
                    assert failed[1] == "A new epoch could not begin; the old one goes on."
                    assert list(failed[2]) == ["cause"] and failed[2]["cause"]
                elif number == 1:
                    assert bench.journal.epoch == epoch, "not at each receipt"
            await bench.platform.uplink.publish(bench.platform.topic("receipt"), forked)
            await bench.clock.advance(2_000)
            assert bench.journal.epoch != epoch
            bench.platform.receipting = True
            await bench.clock.advance(400_000)
            assert bench.platform.kinds(ALARM) == ["door.night_exit"] and held(bench) == 0

        play_whole(scene, faults=FaultPlan([Fault("journal", "begin_epoch", 1, effect)]))


def test_words_of_another_gateway_and_of_a_sort_that_nobody_takes_forget_nothing():
    async def scene(bench: Bench):
        inward = bench.app.inward
        bench.platform.receipting = False
        bench.door(True, 1)
        await bench.clock.advance(2_000)
        lasts = {ALARM: [1, bench.journal.mark(ALARM).before]}
        good = bench.platform.receipt(lasts, epoch=bench.journal.epoch)
        before, keyset = held(bench), bench.app.trust.version
        for tenant, gateway in ((TENANT, "hub-2"), ("bergen", GATEWAY)):
            await inward.take(Message(wire.topic(tenant, gateway, "receipt"), good))
        assert inward.refused == {"receipt: the topic is another gateway's": 2}
        await inward.take(Message(wire.topic(TENANT, GATEWAY, "state"), good))
        await inward.take(Message("trygg/elsewhere", good))
        assert inward.refused["state: this gateway takes no such message"] == 1
        assert len(inward.refused) == 3 and bench.app.trust.version == keyset
        assert [key for key in inward.refused if key.startswith("unknown: ")] != []
        await bench.clock.advance(1_000)
        reasons = [event.values for _, _, event in bench.platform.order if event.kind == "message.refused"]
        assert {"sort": "receipt", "reason": "the topic is another gateway's"} in reasons
        assert [values for values in reasons if values["sort"] == "state"] == [], (
            "brokers do so: it is no event"
        )
        assert held(bench) >= before

    play_whole(scene)


def test_what_is_kept_of_a_keyset_only_in_part_trusts_nobody_and_stops_no_start():
    async def scene(bench: Bench, left_out: str, version: int) -> None:
        await bench.app.recorder.keep({left_out: None})
        await bench.cut()
        await bench.build().start()
        assert bench.journal.state(ANCHOR_STATE) == bench.app.inward.anchor
        assert bench.app.trust.version == version
        await bench.clock.advance(60_000)
        assert bench.app.trust.version == 1, "the platform's is taken"
        bench.door(True, 1)
        await bench.clock.advance(10_000)
        assert bench.platform.kinds(ALARM) == ["door.night_exit"] and held(bench) == 0

    async def without_keyset(bench: Bench) -> None:
        await scene(bench, KEYSET_STATE, 0)

    async def without_roots(bench: Bench) -> None:
        await scene(bench, ROOTS_STATE, 1)

    play_whole(without_keyset)
    play_whole(without_roots)


def test_a_root_that_a_keyset_announced_is_trusted_after_a_restart_and_one_that_it_did_not_is_not():
    async def scene(bench: Bench):
        platform, seed = bench.platform, b"n" * 32
        announced = Ed25519().public_key(seed)
        await platform.uplink.publish(platform.topic("keyset"), platform.keyset(2, next_roots=[announced]))
        await bench.clock.advance(2_000)
        assert ("info", "Keyset accepted.", {"version": 2}) in bench.logged
        await bench.cut()
        await bench.build().start()
        assert bench.app.trust.version == 2 and announced in bench.app.trust.roots_held()
        await bench.clock.advance(5_000)
        await platform.uplink.publish(platform.topic("keyset"), platform.keyset(4, seed=b"o" * 32))
        await platform.uplink.publish(platform.topic("keyset"), platform.keyset(3, seed=seed))
        await bench.clock.advance(2_000)
        assert bench.app.trust.version == 3

    play_whole(scene)


def test_a_receipt_of_another_epoch_forgets_nothing_and_is_told_in_the_log():
    async def scene(bench: Bench):
        platform = bench.platform
        platform.receipting = False
        bench.door(True, 1)
        await bench.clock.advance(2_000)
        before, mark = held(bench), bench.journal.mark(ALARM)
        entry = bench.journal.peek(ALARM, 0, 1 << 20)[-1]
        other = platform.receipt({ALARM: [mark.last, entry.chain]}, epoch=b"another.")
        await platform.uplink.publish(platform.topic("receipt"), other)
        await bench.clock.advance(100)
        assert held(bench) == before
        assert ("info", "A receipt of another epoch is ignored.", {}) in bench.logged
        good = platform.receipt({ALARM: [mark.last, entry.chain]}, epoch=bench.journal.epoch)
        await platform.uplink.publish(platform.topic("receipt"), good)
        await bench.clock.advance(100)
        assert held(bench) == before - mark.last + mark.first - 1, "control: the same for this epoch does"
        assert ("debug", "receipted", {"lanes": [[ALARM, mark.last]]}) in bench.logged

    play_whole(scene)


# --- the way in -----------------------------------------------------------------------------------------------------


def test_a_reading_of_which_nothing_is_recorded_costs_no_append_and_counts_as_heard():
    async def scene() -> None:
        small = Small(recordings={PLACEMENT: Recording("every_s", 60_000)})
        device = small.device(Thing, record="every_s:60")
        for _ in range(5):
            await small.clock.advance(1_000)
            await small.intake.take(device, said("oximetry.measured", spo2_pct=97))
            assert device.heard_ms == small.clock.uptime_ms()
        assert small.kinds() == ["oximetry.measured"] and device.frames == 5
        assert small.described == 0

    play(scene)


def test_a_link_that_becomes_weak_and_good_again_is_said_of_its_device_with_its_level():
    async def scene() -> None:
        small = Small()
        device = small.device(Thing)
        await small.intake.received(device, -95, 0)
        assert small.kinds() == [], "nobody watches it"
        small.supervision.watch(PLACEMENT, 0, 0, False)
        for rssi_dbm in (-95, -70):
            for _ in range(600):
                await small.clock.advance(30_000)
                await small.intake.received(device, rssi_dbm, small.clock.uptime_ms())
        weak, good = small.events(TECHNICAL)
        assert (weak.kind, good.kind) == ("link.weak", "link.restored") and weak.incident == good.incident
        assert weak.placement == good.placement == PLACEMENT
        assert weak.values == {"rssi_dbm": -95} and -84 <= good.values["rssi_dbm"] <= -70  # type: ignore[operator]

    play(scene)


def test_an_exercise_is_of_one_kind_of_one_placement_for_as_long_as_was_asked():
    async def scene() -> None:
        small = Small()
        small.recorder.exercise(PLACEMENT, "button.pressed", 5_000)
        for advance_ms in (0, 5_000, 1):
            await small.clock.advance(advance_ms)
            for placement in (PLACEMENT, PLACEMENT + 1):
                await small.recorder.store(small.recorder.reading(placement, said("button.pressed")))
        marked = [event.exercise for event in small.events(SAFETY)]
        assert marked == [True, False, True, False, False, False]
        small.recorder.exercise(PLACEMENT, "button.pressed")
        await small.clock.advance(120_000)
        await small.recorder.store(small.recorder.reading(PLACEMENT, said("button.pressed")))
        assert small.events(SAFETY)[-1].exercise, "two minutes where nothing else is asked for"

    play(scene)


def test_what_is_journalled_again_has_its_old_identity_and_what_cannot_be_read_goes_as_it_came():
    event = encode_event(Event("smoke.detected", 5, 1, 1))
    entry = Entry(SAFETY, 1, event, b"c" * 16)
    again = decode_event(again_bytes(entry))
    assert again.identity == entry.chain and again.provenance == 0
    assert decode_event(again_bytes(entry, 8)).provenance == 8
    for torn in (b"", b"\xff", event[:-1]):
        assert again_bytes(Entry(SAFETY, 1, torn, b"c" * 16), 8) == torn


def test_who_settles_while_another_does_leaves_it_to_that_one():
    async def scene() -> None:
        small = Small()
        journal = small.hold()
        work = small.recorder.reading(PLACEMENT, said("smoke.detected"))
        small.recorder.waiting.number(work)
        small.recorder.wait_for_room(work, at_once=True)
        journal.go.clear()
        first = await begun(small.recorder.settle, small.clock)
        await small.recorder.settle()
        assert journal.asked == 1 and small.recorder.settling, "it is not handed over twice"
        journal.go.set()
        await first
        assert small.kinds() == ["smoke.detected"] and small.recorder.waiting.all() == []
        assert small.recorder.retry_ms is None and not small.recorder.settling

    play(scene)


def test_the_log_names_what_finds_no_room_and_what_memory_loses_with_the_cause():
    async def scene() -> None:
        small = Small(faults=FaultPlan([Fault("journal", "append", nth, FULL) for nth in range(1, 1_000)]))
        for _ in range(OWED_LIMIT + 2):
            await small.recorder.note("hub.started")
        full, lost_row = small.logged[0], small.logged[-1]
        assert full[:2] == ("error", "The store is full of alarms; what comes waits for room.")
        assert list(full[2]) == ["cause"] and full[2]["cause"]
        text = "No room in the store nor in memory: events are lost."
        assert lost_row == ("error", text, {"kinds": ["hub.started"]})
        assert small.messages().count(full[1]) == 1, "once, not for each"

    play(scene)


def test_a_medium_that_fails_is_counted_in_the_log_until_the_process_begins_anew():
    async def scene() -> None:
        small = Small(faults=FaultPlan([Fault("journal", "append", nth, ERROR) for nth in range(1, 10)]))
        ended = ""
        for _ in range(FAILURES_LIMIT):
            await small.clock.advance(RETRY_MS)
            try:
                await small.recorder.settle()
                await small.recorder.offer(small.recorder.reading(PLACEMENT, said("smoke.detected")))
            except PartFailedError as error:
                ended = str(error)
        assert ended.startswith("the journal takes nothing any more: ")
        rows = [row for row in small.logged if row[1] == "The journal failed."]
        assert [row[2]["times"] for row in rows] == [1, 2, 3] and all([row[2]["cause"] for row in rows])
        assert {row[0] for row in rows} == {"error"}
        assert [work.events[0].kind for work in small.recorder.waiting.alarms][:1] == ["smoke.detected"]

    play(scene)


def test_what_a_store_that_was_opened_anew_does_not_take_stays_to_be_named():
    async def scene() -> None:
        small = Small(faults=FaultPlan([Fault("journal", "append", nth, FULL) for nth in (1, 3)]))
        for kind in ("smoke.detected", "gas.detected", "hub.stopped"):
            await small.recorder.offer(small.recorder.reading(PLACEMENT, said(kind)))
        assert small.kinds() == []
        await store_in(small.recorder, small.journal)
        assert small.kinds(SAFETY) == ["smoke.detected"], "alarms first, and none out of order"
        tell_unstored(small.recorder)
        level, message, fields = small.logged[-1]
        assert level == "error" and "lost with the memory" in message
        assert fields == {"kinds": ["gas.detected", "hub.stopped"]}

    play(scene)


# --- what memory loses ------------------------------------------------------------------------------------------------


def lost(kind: str, order: int, item: bytes) -> Work:
    """Work that memory has no room for, asked for as number `order`."""
    work = Work([Event(kind, 5, 1, 1)], {STATE_KEY: item})
    work.order = order
    return work


def test_of_lost_works_the_newest_state_is_kept_whichever_went_first():
    """A replay counter that went back would let a recorded frame pass once more."""
    for orders in ((1, 2, 3), (3, 2, 1), (2, 3, 1)):
        notice = Notice()
        for order in orders:
            notice.take(lost("door.opened", order, bytes([order])), lambda: Event("journal.overrun", 0, 1, 1))
        assert notice.state == {STATE_KEY: b"\x03"} and notice.asked(STATE_KEY) == 3
        assert notice.asked("another") == notice.order
        assert notice.events[0].values == {"count": 3, "info_count": 3}


def test_a_notice_counts_each_lane_and_is_made_once():
    notice, made = Notice(), []

    def event() -> Event:
        made.append(len(made))
        return Event("journal.overrun", 0, 1, 1)

    notice.take(Work([], {STATE_KEY: b"a"}), event)
    assert notice.events == [] and made == [], "state alone is no loss of an event"
    for kind in ("door.opened", "oximetry.measured", "hub.started", "oximetry.measured"):
        notice.take(lost(kind, 1, b"b"), event)
    assert made == [0]
    assert notice.events[0].values == {
        "count": 4,
        "info_count": 1,
        "measurement_count": 2,
        "technical_count": 1,
    }


def test_how_urgent_work_is_follows_from_its_most_important_event():
    for kinds, rank, urgent in (
        (["smoke.detected", "door.opened"], SAFETY, True),
        (["door.opened", "dose.missed"], ALARM, True),
        (["door.opened", "hub.started"], TECHNICAL, False),
        (["oximetry.measured"], MEASUREMENT, False),
        ([], 5, False),
    ):
        work = Work([Event(kind, 5, 1, 1) for kind in kinds], {})
        assert (work.rank, work.urgent) == (rank, urgent), kinds
        assert not work.under_way and work.order == 0


def test_a_receipt_that_takes_back_another_is_an_error_in_the_log_with_its_lanes():
    async def scene(bench: Bench):
        platform = bench.platform
        platform.receipting = False
        bench.door(True, 1)
        bench.door(False, 2)
        await bench.clock.advance(2_000)
        last = bench.journal.mark(ALARM).last
        chains = {entry.seq: entry.chain for entry in bench.journal.peek(ALARM, 0, 1 << 20)}
        for seq in (last, last - 1):
            receipt = platform.receipt({ALARM: [seq, chains[seq]]}, epoch=bench.journal.epoch)
            await platform.uplink.publish(platform.topic("receipt"), receipt)
            await bench.clock.advance(100)
        text = "A receipt takes back what was receipted before."
        assert ("error", text, {"lanes": [[ALARM, last - 1]]}) in bench.logged

    play_whole(scene)


def test_a_condition_of_a_device_ends_for_that_device_and_one_of_the_hub_for_the_hub():
    async def scene() -> None:
        small = Small()
        for kind, end, placement in (
            ("device.denied", "device.admitted", PLACEMENT),
            ("path.lost", "path.restored", 0),
        ):
            for holds in (False, True, True, False, False):
                await small.recorder.condition(kind, end, holds, None, placement)
            begun_event, over = [event for event in small.events(TECHNICAL) if event.kind in (kind, end)]
            assert (begun_event.kind, over.kind) == (kind, end)
            assert begun_event.placement == over.placement == placement
            assert begun_event.incident == over.incident is not None
        await small.recorder.note("hub.started")
        assert small.events(TECHNICAL)[-1].placement == 0
        logged = [fields for _, message, fields in small.logged if message == "stored"]
        chains = [entry.chain.hex() for entry in small.journal.peek(TECHNICAL, 0, 1 << 20)]
        assert [fields["identity"] for fields in logged] == chains

    play(scene)
