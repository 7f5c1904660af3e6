"""State of a store that was set aside: what is believed of it, and that nothing in it keeps a hub from starting."""

from gateway.core import cbor
from gateway.core.devices.registry import driver
from gateway.core.event_codec import encode_event
from gateway.hub.recorder import RETRY_FULL_MS, Work, device_key
from gateway.hub.taking import TAKEN, Known, fit, take_up
from hal.sim.faults import FULL, Fault, FaultPlan
from hal.types import ALARM, ASIDE_STATE, SAFETY, SetAside
from tests.hub.bench import HOME, SMOKE, Bench, play
from tests.hub.small import PLACEMENT, Small
from tests.hub.small import play as play_small

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.model import Event

COUNTER = device_key(PLACEMENT, "counter")
STATES = device_key(PLACEMENT, "states")
KEPT = device_key(PLACEMENT, "hub")
PLACE = "placement.Smoke"
KEYS = ["dated.9", "dose.9.1", "trust.roots", "manifest", "night.9", "again.x", "odd"]
KEYS_OF_A_DEVICE = [
    "hub",
    "heard",
    "counter",
    "states",
    "storm.smoke.detected",
    "storm.door.night_exit.part",
    "exercise.smoke.detected",
]
# what state may be instead of itself; None stands for others each time
BYTES = (
    b"\x00",
    b"\x18",
    b"\xff" * 12,
    b"\x82\x01\x02",
    b"\xa0",
    b"\x63abc",
    b"\x80",
    b"\x20",
    b"\x83\x01\x20\x00",
    cbor.encode([(1 << 64) - 1, 0, 0]),
    None,
)


async def damage(bench: Bench, lost: "Callable[[str], bool] | None" = None) -> None:
    """The power goes, and the next process finds a store that does not open."""
    await bench.cut()
    bench.medium.damage("a page does not read back", lost)
    await bench.build().start()
    await bench.clock.advance(5_000)


def events(bench: Bench, lane: int) -> "list[Event]":
    """What arrived in a lane, each once."""
    seen: "list[bytes]" = []
    found = []
    for at, _, event in bench.platform.order:
        if at == lane and event.kind in bench.platform.kinds(lane):
            mark = event.identity or b""
            if not mark or mark not in seen:
                found.append(event)
            seen.append(mark)
    return found


def placements(bench: Bench) -> "list[int]":
    return [device.placement for device in bench.app.devices]


def test_an_open_alarm_is_ended_by_the_device_that_began_it_and_nothing_begins_anew():
    async def scene(bench: Bench):
        bench.smoke(True, 1)
        bench.door(True, 1)
        await bench.clock.advance(3_000)
        before = (placements(bench), bench.app.outward.revision, bench.app.trust.version)
        await damage(bench)
        assert (placements(bench), bench.app.outward.revision, bench.app.trust.version) == before
        bench.smoke(True, 2)
        await bench.clock.advance(3_000)
        bench.smoke(False, 3)
        bench.door(False, 2)
        await bench.clock.advance(3_000)
        for lane, kinds in (
            (SAFETY, ["smoke.detected", "smoke.cleared"]),
            (ALARM, ["door.night_exit", "door.night_return"]),
        ):
            assert bench.platform.kinds(lane) == kinds
            assert len({event.incident for event in events(bench, lane)}) == 1
        assert bench.journal.state_keys(TAKEN) == [], "deleted with the last entry"

    play(scene)


def test_where_some_state_is_missing_an_alarm_that_goes_on_is_told_anew_rather_than_muted():
    async def scene(bench: Bench):
        bench.smoke(True, 1)
        await bench.clock.advance(3_000)
        before = placements(bench)
        await damage(bench, lambda key: key.startswith("incident."))
        assert placements(bench) == before, "which device is which does no harm"
        bench.smoke(True, 2)
        await bench.clock.advance(3_000)
        assert len([event for event in events(bench, SAFETY) if event.kind == "smoke.detected"]) == 2

    play(scene)


def test_an_open_alarm_whose_event_does_not_read_back_is_told_again_once_with_its_incident():
    async def scene(bench: Bench):
        bench.broker.stop()
        bench.smoke(True, 1)
        bench.door(True, 1)
        await bench.clock.advance(3_000)
        (key,) = [key for key in bench.journal.state_keys("incident.") if "smoke" in key]
        incident = bench.journal.state(key)
        await bench.cut()
        bench.medium.store.lanes[SAFETY].entries.clear()  # type: ignore[union-attr]
        bench.medium.damage()
        await bench.build().start()
        await bench.clock.advance(1_000)
        bench.broker.start()
        await bench.platform.start()
        await bench.clock.advance(60_000)
        (again,) = events(bench, SAFETY)
        assert (again.kind, again.incident, again.provenance & 8) == ("smoke.detected", incident, 8)
        assert "told again" in str(again.values["reason"]) and again.identity is not None
        assert bench.platform.kinds(ALARM) == ["door.night_exit"], "that one reads back"
        bench.smoke(False, 2)
        await bench.clock.advance(3_000)
        assert events(bench, SAFETY)[-1].incident == incident
        await damage(bench)
        assert bench.platform.kinds(SAFETY) == ["smoke.detected", "smoke.cleared"]

    play(scene)


def test_an_alarm_told_again_from_a_damaged_store_makes_no_true_one_a_repetition():
    async def scene(bench: Bench):
        bench.smoke(True, 1)
        await bench.clock.advance(3_000)
        await bench.cut()
        bench.medium.store.lanes[SAFETY].entries.clear()  # type: ignore[union-attr]
        bench.medium.damage()
        await bench.build().start()
        await bench.clock.advance(5_000)
        for packet in (2, 3):
            bench.smoke(packet == 3, packet)
            await bench.clock.advance(3_000)
        told = [
            (event.kind, event.provenance & 8, event.values.get("repeat")) for event in events(bench, SAFETY)
        ]
        assert told[-3:] == [
            ("smoke.detected", 8, None),
            ("smoke.cleared", 0, None),
            ("smoke.detected", 0, None),
        ]

    play(scene)


async def start_over(bench: Bench, state: "dict[str, bytes]") -> None:
    """A start over a store that was set aside with this state, as far as to what time alone brings."""
    store = bench.medium.store
    store.state = {}  # type: ignore[union-attr]  # nothing of a start before
    bench.journal = bench.open_journal()
    bench.journal.set_aside = lambda: [aside("one", state)]  # type: ignore[method-assign]
    taken = take_up(bench.journal, bench.log)
    fit(taken, bench.journal, bench.app.config.devices, bench.crypto, driver, bench.log)
    bench.medium.cut()
    store.state = dict(taken)  # type: ignore[union-attr,arg-type]
    app = bench.build()
    await app.inward.restore()
    app.outward.revise()
    app.watch()
    moment, engine = app.recorder.moment(), app.recorder.engine
    for wait_ms in (0, 600_000):
        moment.uptime_ms += wait_ms
        for event in engine.due(moment):
            encode_event(event)
        engine.take_changes()
    assert engine.failed == []
    bench.medium.cut()


def test_bytes_that_nothing_proves_never_keep_the_hub_from_starting():
    async def scene(bench: Bench):
        bench.smoke(True, 1)
        bench.door(True, 1)
        await bench.clock.advance(3_000)
        await bench.cut()
        good = dict(bench.medium.store.state)  # type: ignore[union-attr]
        value = 7
        for key in sorted(good) + KEYS + [device_key(placements(bench)[0], key) for key in KEYS_OF_A_DEVICE]:
            for item in BYTES:
                value = (value * 1_103_515_245 + 12_345) % 2_147_483_648
                state = dict(good)
                state[key] = item or value.to_bytes(4, "big") * 5
                await start_over(bench, state)
            state[key] = b""
            await start_over(bench, state)
        bench.medium.store.state = good  # type: ignore[union-attr]
        bench.build()

    play(scene)


def aside(name: str, state: "dict[str, bytes]", whole: bool = True) -> SetAside:
    return SetAside(name, "why", [], None, state, whole)


def taken_from(small: Small, *asides: SetAside) -> "dict[str, bytes]":
    """What is taken up, without the marks."""
    small.journal.set_aside = lambda: list(asides)  # type: ignore[method-assign]
    taken = take_up(small.journal, small.log)
    assert [TAKEN + each.name in taken for each in asides] == len(asides) * [True]
    return {key: item for key, item in taken.items() if not key.startswith(TAKEN)}


def number(value: int) -> bytes:
    return value.to_bytes(4, "big")


def test_counters_never_go_down_whichever_store_they_stand_in():
    async def scene() -> None:
        for held, older, newer, expected in (
            (None, 7, 5, 7),
            (None, 5, 7, 7),
            (None, 7, None, 7),
            (9, 7, 8, None),
            (6, 7, 5, 7),
        ):
            small = Small()
            if held is not None:
                await small.journal.append([], {COUNTER: number(held)})
            asides = [
                aside("one", {} if older is None else {COUNTER: number(older)}),
                aside("two", {} if newer is None else {COUNTER: number(newer)}),
            ]
            taken = taken_from(small, *asides)
            assert taken == ({} if expected is None else {COUNTER: number(expected)}), (held, older, newer)

    play_small(scene)


def test_of_an_older_store_or_a_part_only_what_does_no_harm_when_old_is_believed():
    state = {
        PLACE: b"\x00\x00\x00\x05" + b"f" * 8,
        "trust.keyset": b"signed",
        "manifest": cbor.encode([3, b"digest"]),
        COUNTER: number(7),
        KEPT: cbor.encode([2, {}]),
    }
    volatile = {
        STATES: b"smoke=1",
        "incident.5.smoke.detected": b"12345678",
        "night.5": cbor.encode(["window"]),
        "dose.5.7": cbor.encode([9, 1]),
    }
    both = dict(state)
    both.update(volatile)
    strange = dict(both)
    strange.update({ASIDE_STATE + "zero": b"\x01", "again.zero": b"\x80", "odd": b"\x01"})
    small = Small()
    assert taken_from(small, aside("one", strange)) == both
    assert taken_from(small, aside("one", both, whole=False)) == state
    assert taken_from(small, aside("one", both), aside("two", {})) == state
    assert taken_from(small, aside("one", both), aside("two", {STATES: b"smoke=0"}))[STATES] == b"smoke=0"


def test_a_store_is_taken_up_once_and_what_was_deleted_since_stays_deleted():
    async def scene() -> None:
        small = Small()
        stores = [aside("one", {"night.5": cbor.encode([""]), COUNTER: number(7)})]
        taken = taken_from(small, *stores)
        taken[TAKEN + "one"] = b"\x01"
        await small.journal.append([], taken)  # type: ignore[arg-type]
        await small.journal.append([], {"night.5": None})
        assert take_up(small.journal, small.log) == {}

    play_small(scene)


def test_what_is_taken_up_is_read_until_it_is_stored_and_never_instead_of_what_came_after():
    async def scene() -> None:
        small = Small(faults=FaultPlan([Fault("journal", "append", 1, FULL)]))
        stores = [aside("one", {COUNTER: number(7), STATES: b"smoke=1", "night.5": cbor.encode([""])})]
        small.journal.set_aside = lambda: stores  # type: ignore[method-assign]
        taken = take_up(small.journal, small.log)
        known = Known(small.journal, taken)
        await small.recorder.keep(taken)  # type: ignore[arg-type]
        assert small.journal.state_keys("") == [] and known.state(COUNTER) == number(7)
        assert known.state_keys("device.") == [COUNTER, STATES]
        await small.recorder.store(Work([], {COUNTER: number(8), "night.5": None}))
        assert known.state(COUNTER) == number(8) and known.state("night.5") is None
        await small.clock.advance(RETRY_FULL_MS)
        await small.recorder.settle()
        assert small.journal.state(COUNTER) == number(8) and small.journal.state("night.5") is None
        assert small.journal.state(STATES) == b"smoke=1"
        await small.recorder.keep({STATES: b"smoke=0"})
        assert known.state(STATES) == b"smoke=0"

    play_small(scene)


def test_a_replayed_frame_does_not_pass_after_a_damaged_store():
    async def scene(bench: Bench):
        await bench.cut()
        tree = dict(HOME)
        tree["device"] = [dict(HOME["device"][1])]
        tree["device"][0]["key"], tree["rule"] = "smoke", []
        bench.tree = tree
        bench.keystore.add_key("smoke", b"k" * 16)
        await bench.build().start()
        await bench.clock.advance(1_000)
        frame = sealed("1a01", 41)
        bench.world.advertise(SMOKE, {"fcd2": frame})
        await bench.clock.advance(3_000)
        assert bench.platform.kinds(4).count("door.opened") == 1
        bench.world.advertise(SMOKE, {"fcd2": sealed("1a00", 42)})
        await bench.clock.advance(3_000)
        await damage(bench)
        await bench.clock.advance(90_000)
        bench.world.advertise(SMOKE, {"fcd2": frame})
        await bench.clock.advance(3_000)
        assert bench.platform.kinds(4).count("door.opened") == 1
        assert bench.app.devices[0].refused == {"replayed": 1}

    play(scene)


def sealed(objects: str, counter: int) -> bytes:
    """An encrypted frame of the sensor."""
    from hal.aes import ccm_seal

    tail = counter.to_bytes(4, "little")
    nonce = bytes.fromhex(SMOKE.replace(":", "")) + b"\xd2\xfc\x41" + tail
    ciphertext, tag = ccm_seal(b"k" * 16, nonce, bytes.fromhex(objects), b"", 4)
    return b"\x41" + ciphertext + tail + tag
