"""Driver and reference dispenser over bad lines, pulled cables and power cuts: each entry once, in order, or it is said."""

from gateway.core.devices.dispenser_events import OUTCOMES
from gateway.core.devices.dispenser_messages import BEAT, COMMANDS, Frame, encode_frame, encode_payload
from hal.sim.faults import SeededNumbers
from tests.core.dispenser_bench import UTC_AT_START_MS, Bench, Hub, Numbers
from tools.simulators.dispenser import DispenserDevice, Dose
from tools.simulators.noisy_line import NoisyLine

LINES: "dict[str, dict[str, int]]" = {
    "perfect": {},
    "a byte at a time": {"piece": 1},
    "lossy": {"lost": 300},
    "damaged": {"damaged": 200, "cut": 100, "noise": 200, "piece": 30},
    "repeating": {"repeated": 500, "piece": 5},
    "all of it": {"lost": 150, "damaged": 100, "cut": 50, "repeated": 150, "noise": 100, "piece": 9},
}
FATES = ("stored", "stored", "stored", "full", "dies_before", "dies_after")
MINUTE_MS = 60_000


class ThriftyDevice(DispenserDevice):
    """Frees an entry as soon as it is acknowledged, as a small memory must."""

    def received(self, data: bytes, now_ms: int) -> bytes:
        out = super().received(data, now_ms)
        for number in range(self.log.first, self.log.acknowledged + 1):
            del self.log.held[number]
        return out


def thrifty() -> ThriftyDevice:
    return ThriftyDevice({}, Numbers(), 0, UTC_AT_START_MS)


def line(name: str, seed: int) -> NoisyLine:
    return NoisyLine(seed, **LINES[name])


def troubled(bench: Bench, seed: int, count: int) -> None:
    """Log `count` events while cables are pulled, power is cut, and the hub fills up and dies; then let it settle."""
    numbers = SeededNumbers(seed)
    for turn in range(count):
        bench.device.log_event(("lid.opened", "lid.closed")[turn % 2], bench.now_ms)
        bench.hub.fate = FATES[numbers.below(len(FATES))]
        bench.run(numbers.below(3000))
        happening = numbers.below(20)
        if happening == 0:
            bench.pull()
            bench.run(numbers.below(20_000))
            bench.plug()
        elif happening == 1:
            bench.device.power_cut(bench.now_ms, numbers.below(5000), keeps_clock=numbers.below(2) == 0)
        elif happening == 2:
            bench.restart_hub()
    bench.hub.fate = "stored"
    bench.run(5 * MINUTE_MS)


def test_every_entry_arrives_once_and_in_order_over_every_line() -> None:
    for name in sorted(LINES):
        for seed in range(4):
            device = thrifty() if seed % 2 else None
            bench = Bench(line(name, seed), line(name, seed + 500), device=device)
            troubled(bench, seed, 40)
            clock_sets = len(bench.hub.numbers()) - 40  # the hub gives the time after a power cut
            assert bench.hub.numbers() == list(range(1, 41 + clock_sets)), (name, seed)
            assert bench.device.log.newest == 40 + clock_sets, (name, seed)
            assert bench.device.log.acknowledged == bench.device.log.newest, (name, seed)
            assert "device.log_lost" not in bench.hub.kinds(), (name, seed)
            if name != "perfect" and name != "a byte at a time":
                assert bench.to_hub.faults and bench.to_device.faults, (name, seed)


def test_the_same_seed_gives_the_same_run() -> None:
    runs = []
    for _ in range(2):
        bench = Bench(line("all of it", 7), line("all of it", 8))
        troubled(bench, 7, 20)
        runs.append((bench.to_hub.faults, bench.to_device.faults, bench.hub.kinds(), bench.now_ms))
    assert runs[0] == runs[1]


class ForgetfulDevice(DispenserDevice):
    """Negative control: forgets an entry when it has sent it, as if sending were delivering."""

    def send_entry(self, number: int, flags: int) -> bytes:
        data = super().send_entry(number, flags)
        for held in range(self.log.first, number + 1):
            del self.log.held[held]
        self.base = number + 1
        return data


def test_negative_control_a_device_that_forgets_at_sending_loses_and_the_driver_says_so() -> None:
    lost = said = 0
    for seed in range(8):
        device = ForgetfulDevice({}, Numbers(), 0, UTC_AT_START_MS)
        bench = Bench(line("lossy", seed), line("lossy", seed + 500), device=device)
        bench.run(MINUTE_MS)  # the first contact: what was gone before it is not this home's
        for turn in range(20):
            device.log_event(("lid.opened", "lid.closed")[turn % 2], bench.now_ms)
            bench.run(5000)
        bench.run(5 * MINUTE_MS)
        arrived = bench.hub.numbers()
        assert arrived == sorted(arrived)
        lost += device.log.newest - len(arrived)
        said += sum([event.values["count"] for event in bench.hub.events if event.kind == "device.log_lost"])
    assert lost > 0
    assert said == lost


class EagerHub(Hub):
    """Negative control: acknowledges before it has stored."""

    eager = True


def test_negative_control_a_hub_that_acknowledges_before_storing_loses() -> None:
    lost = 0
    for seed in range(8):
        bench = Bench(hub=EagerHub(), device=thrifty())
        troubled(bench, seed, 40)
        lost += bench.device.log.newest - len(bench.hub.numbers())
    assert lost > 0


def test_an_entry_arrives_within_one_exchange_on_a_good_line() -> None:
    bench = Bench()
    bench.run(1000)
    before_ms = bench.now_ms
    bench.device.log_event("dose.missed", bench.now_ms, dose_id=1, cause="not_collected")
    bench.run(1)
    assert bench.hub.kinds()[-1] == "dose.missed" and bench.now_ms <= before_ms + 1
    assert bench.device.log.acknowledged == 1


def test_a_long_backlog_is_read_in_one_go_after_the_cable_comes_back() -> None:
    bench = Bench()
    bench.run(1000)
    bench.pull()
    for turn in range(300):
        bench.device.log_event(("lid.opened", "lid.closed")[turn % 2], bench.now_ms)
        bench.run(50_000)
    bench.plug()
    bench.run(1000)
    assert bench.hub.numbers() == list(range(1, 301))


def test_a_full_device_gives_up_its_oldest_and_the_hub_says_which() -> None:
    bench = Bench(device=DispenserDevice({}, Numbers(), 0, UTC_AT_START_MS, capacity=10))
    bench.run(1000)
    bench.pull()
    for turn in range(25):
        bench.device.log_event(("lid.opened", "lid.closed")[turn % 2], bench.now_ms)
    bench.plug()
    bench.run(1000)
    assert bench.hub.numbers() == list(range(16, 26))
    values = bench.hub.events[-11].values
    assert values == {"reason": "overwritten", "first_seq": 1, "last_seq": 15, "count": 15}


def test_three_days_of_doses_with_a_cable_pull_and_a_power_cut_give_each_dose_one_outcome() -> None:
    bench = Bench(line("all of it", 3), line("all of it", 4))
    step_ms, window_ms = 6 * 60 * MINUTE_MS, 60 * MINUTE_MS
    doses = []
    for dose_id in range(1, 13):
        at_ms = UTC_AT_START_MS + dose_id * step_ms
        doses.append(Dose(dose_id, at_ms, at_ms + window_ms))
    bench.device.set_plan(doses, bench.now_ms)
    for dose_id in range(1, 13):
        bench.run_to(dose_id * step_ms + 20 * MINUTE_MS)
        if dose_id == 5:
            bench.pull()
        if dose_id == 7:
            bench.device.power_cut(bench.now_ms, 10 * MINUTE_MS)
        if dose_id == 8:
            bench.plug()
        if dose_id % 4:
            bench.run_to(dose_id * step_ms + 45 * MINUTE_MS)
            bench.device.collect(("resident", "carer")[dose_id % 2], bench.now_ms)
    bench.run(120 * MINUTE_MS)
    outcomes: "dict[object, str]" = {}
    for event in bench.hub.events:
        if event.kind in OUTCOMES:
            assert event.values["dose_id"] not in outcomes, event
            outcomes[event.values["dose_id"]] = event.kind
    for dose_id in range(1, 13):
        assert outcomes[dose_id] == ("dose.collected" if dose_id % 4 else "dose.missed"), dose_id
    kinds = bench.hub.kinds()
    assert kinds.count("dose.planned") == kinds.count("dose.dispensed") == 12
    assert len(outcomes) == 12 and "device.log_lost" not in kinds


def test_no_frame_of_any_type_makes_the_device_move_medicine() -> None:
    device = DispenserDevice({}, Numbers(), 0, UTC_AT_START_MS)
    device.set_plan([Dose(1, UTC_AT_START_MS + MINUTE_MS, UTC_AT_START_MS + 2 * MINUTE_MS)], 0)
    device.due(0)
    before = (device.doses.remaining, device.log.newest)
    numbers = SeededNumbers(4)
    payloads = [
        b"\xa0",
        b"\xa1\x01\x01",
        b"\xa1\x01\x82\x01\x01",
        encode_payload(BEAT, device.beat(0)),
        b"\xa1\x01\x0a",
    ]
    for kind in range(256):
        for payload in payloads + [numbers.take(8)]:
            for flags in (0, 2, 0xFE):
                if kind == COMMANDS["set_time"]:
                    continue
                device.received(encode_frame(Frame(kind, 1, device.boot, flags, payload)), 1)
    assert (device.doses.remaining, device.log.newest) == before
    assert [dose.state for dose in device.doses.by_id.values()] == ["planned"]
