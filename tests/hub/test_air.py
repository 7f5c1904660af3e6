"""Bluetooth LE: the loop that listens through the loss of its adapter, and never keeps an alarm waiting."""

from gateway.core.devices.bthome import Bthome
from gateway.core.devices.driver import GattDriver
from gateway.hub.air import QUIET_SCAN_MS, RESTART_SCAN_MS, Listener
from gateway.hub.parts import PartFailedError
from gateway.hub.recorder import FAILURES_LIMIT, RETRY_FULL_MS, RETRY_MS
from gateway.hub.waking import ended, stop
from hal.receptions import BUFFERED
from hal.sim.faults import ERROR, FULL, Fault, FaultPlan
from hal.sim.scanner import SimScanner
from tests.hub.small import Small, begun, play

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from hal.sim.world import World
    from hal.types import Advertisement

DOOR, SMOKE, METER = "C0:00:00:00:00:01", "C0:00:00:00:00:02", "C0:00:00:00:00:03"


class Meter(GattDriver):
    """Connectable: only heard here."""

    name = "meter"


def listener_of(small: Small, kind: "type[Listener]" = Listener) -> Listener:
    """A door, a smoke detector and a connectable meter in the home."""
    devices = [
        small.device(Bthome, "Door", 1, address=DOOR),
        small.device(Bthome, "Smoke", 2, address=SMOKE),
        small.device(Meter, "Meter", 3, address=METER),
    ]
    return kind(SimScanner(small.world), devices, small.intake, small.clock)


def stranger(number: int) -> str:
    return "C5:00:00:00:" + ":".join(["%02X" % part for part in (number >> 8, number & 255)])


def door(small: Small, is_open: bool, packet: int) -> None:
    small.world.advertise(DOOR, {"fcd2": bytes([0x44, 0x00, packet, 0x1A, int(is_open)])})


def smoke(small: Small, detected: bool, packet: int) -> None:
    small.world.advertise(SMOKE, {"fcd2": bytes([0x44, 0x00, packet, 0x29, int(detected)])})


def test_an_adapter_that_is_missing_at_the_start_is_said_once_and_so_is_its_return():
    async def scene() -> None:
        small = Small()
        small.world.lose_adapter()
        task = await begun(listener_of(small).run, small.clock)
        await small.clock.advance(10 * RESTART_SCAN_MS)
        assert small.kinds() == ["adapter.lost"]
        assert small.events()[0].values["reason"].startswith("no Bluetooth adapter")  # type: ignore[attr-defined]
        small.world.restore_adapter()
        await small.clock.advance(RESTART_SCAN_MS)
        assert small.kinds() == ["adapter.lost", "adapter.restored"]
        lost, restored = small.events()
        assert lost.incident is not None and lost.incident == restored.incident
        door(small, True, 1)
        await small.clock.settle()
        assert "door.opened" in small.kinds(4)
        await stop(task)

    play(scene)


class HangingScanner(SimScanner):
    """Each scan hears `lasting` advertisements, then nothing, and no error says so."""

    lasting = 1

    def __init__(self, world: "World") -> None:
        super().__init__(world)
        self.starts = 0
        self.left = 0

    async def start(
        self, *, active: bool = False, known: "Collection[str] | None" = None, offering: str = ""
    ) -> None:
        self.starts += 1
        self.left = self.lasting
        await super().start(active=active, known=known, offering=offering)

    def hear(self, advertisement: "Advertisement") -> None:
        if self.left:
            self.left -= 1
            super().hear(advertisement)


def test_a_scan_that_hangs_in_silence_is_begun_anew():
    async def scene() -> None:
        small = Small()
        listener = listener_of(small)
        scanner = listener.scanner = HangingScanner(small.world)
        task = await begun(listener.run, small.clock)
        for packet in range(4):
            smoke(small, packet % 2 == 0, packet)
            await small.clock.advance(QUIET_SCAN_MS - 1)
            assert scanner.starts == packet + 1, "not before its time"
            await small.clock.advance(2)
            assert scanner.starts == packet + 2
        assert small.kinds(0) == 2 * ["smoke.detected", "smoke.cleared"]
        assert small.kinds(2) == [], "a quiet home is no fault"
        small.world.adapter_present = False  # what hangs may not come back
        await small.clock.advance(QUIET_SCAN_MS)
        assert small.kinds(2) == ["adapter.lost"]
        small.world.restore_adapter()
        await small.clock.advance(RESTART_SCAN_MS)
        assert small.kinds(2) == ["adapter.lost", "adapter.restored"]
        await stop(task)
        assert small.clock.sleepers == 0

    play(scene)


def test_an_adapter_that_goes_away_is_started_again():
    async def scene() -> None:
        small = Small()
        listener = listener_of(small)
        task = await begun(listener.run, small.clock)
        for turn in range(3):
            small.world.lose_adapter()
            await small.clock.advance(3 * RESTART_SCAN_MS)
            small.world.restore_adapter()
            await small.clock.advance(RESTART_SCAN_MS)
            smoke(small, turn % 2 == 0, turn)
            await small.clock.settle()
        assert small.kinds(2) == 3 * ["adapter.lost", "adapter.restored"]
        assert small.kinds(0) == ["smoke.detected", "smoke.cleared", "smoke.detected"]
        await stop(task)

    play(scene)


def test_an_adapter_lost_before_a_restart_and_back_after_it_is_restored():
    async def scene() -> None:
        small = Small()
        small.world.lose_adapter()
        task = await begun(listener_of(small).run, small.clock)
        await stop(task)
        small.world.restore_adapter()
        small.restart()
        task = await begun(listener_of(small).run, small.clock)
        assert small.kinds(2) == ["adapter.lost", "adapter.restored"]
        assert small.events()[0].incident == small.events()[1].incident
        await stop(task)

    play(scene)


def test_others_are_not_listened_to_and_a_connectable_one_is_told_to_be_near():
    async def scene() -> None:
        small = Small()
        listener = listener_of(small)
        task = await begun(listener.run, small.clock)
        small.world.advertise("C0:00:00:00:00:99", {"fcd2": bytes.fromhex("4400011a01")})
        small.world.advertise(DOOR, {"180f": b"\x64"})
        await small.clock.settle()
        assert small.kinds() == [] and not listener.connectable[METER].is_set()
        small.world.advertise(METER, service_uuids=("1822",))
        await small.clock.settle()
        assert listener.connectable[METER].is_set()
        await stop(task)

    play(scene)


def test_strangers_take_no_room_from_an_alarm_and_show_that_the_radio_hears():
    async def scene() -> None:
        small = Small()
        listener = listener_of(small)
        task = await begun(listener.run, small.clock)
        smoke(small, True, 1)
        for number in range(3 * BUFFERED):
            small.world.advertise(stranger(number), {"fcd2": bytes.fromhex("4400011a01")})
        await small.clock.settle()
        assert small.kinds(0) == ["smoke.detected"] and listener.scanner.dropped == 0
        for _ in range(3):
            await small.clock.advance(QUIET_SCAN_MS - 1)
            small.world.advertise(stranger(0))
        assert "The radio heard nothing; listening anew." not in small.messages()
        await stop(task)

    play(scene)


class Open(Listener):
    """Listens to whoever is there, as the radio gives it."""

    async def listen(self) -> None:
        await self.scanner.start()
        await super().listen()


async def smoke_in_a_crowd(kind: "type[Listener]", heard: "list[str]") -> None:
    """A smoke detector is heard, then a crowd, all before the loop that listens has its turn."""
    small = Small()
    task = await begun(listener_of(small, kind).run, small.clock)
    smoke(small, True, 1)
    for number in range(BUFFERED):
        small.world.advertise(stranger(number), {"fcd2": bytes.fromhex("4400011a01")})
    await small.clock.settle()
    heard += small.kinds(0)
    await stop(task)


def test_an_alarm_is_heard_in_a_crowd():
    heard: "list[str]" = []
    play(smoke_in_a_crowd, Listener, heard)
    assert heard == ["smoke.detected"]


def test_the_check_of_crowds_sees_an_alarm_that_is_pushed_out():
    heard: "list[str]" = []
    play(smoke_in_a_crowd, Open, heard)
    assert heard == []


def test_an_event_has_the_moment_of_its_reception():
    async def scene() -> None:
        small = Small()
        held = small.hold()
        task = await begun(listener_of(small).run, small.clock)
        held.go.clear()
        smoke(small, True, 1)
        await small.clock.advance(700)
        door(small, True, 1)
        await small.clock.advance(4_000)
        held.go.set()
        await small.clock.settle()
        opened = next(event for event in small.events() if event.kind == "door.opened")
        assert opened.uptime_ms == 700
        assert opened.utc_ms == (small.clock.utc_ms() or 0) - 4_000
        await stop(task)

    play(scene)


class Patient(Listener):
    """The obvious loop: it waits until what it heard is stored."""

    async def hear(self, advertisement: "Advertisement") -> None:
        device = self.broadcasting[advertisement.address]
        reading = device.driver.advertised(advertisement)  # type: ignore[attr-defined]
        await self.intake.take(device, reading, advertisement.received_ms)


async def smoke_behind_a_full_store(kind: "type[Listener]", heard: "list[str]") -> None:
    """A door finds no room, then a smoke detector is heard; what lane 0 holds a moment later."""
    small = Small(faults=FaultPlan([Fault("journal", "append", 1, FULL)]))
    task = await begun(listener_of(small, kind).run, small.clock)
    door(small, True, 1)
    smoke(small, True, 1)
    await small.clock.settle()
    heard += small.kinds(0)
    if heard:
        assert small.recorder.full and small.kinds(4) == []
        await small.clock.advance(RETRY_FULL_MS)
        await small.recorder.settle()
        assert small.kinds(4) == ["door.opened"] and not small.recorder.full
    await stop(task)


def test_an_alarm_does_not_wait_behind_what_finds_no_room():
    heard: "list[str]" = []
    play(smoke_behind_a_full_store, Listener, heard)
    assert heard == ["smoke.detected"]


def test_the_check_of_waiting_alarms_sees_one():
    heard: "list[str]" = []
    play(smoke_behind_a_full_store, Patient, heard)
    assert heard == []


def test_a_journal_that_fails_is_no_fault_of_the_radio():
    async def scene() -> None:
        faults = FaultPlan([Fault("journal", "append", nth, ERROR) for nth in range(1, 20)])
        small = Small(faults=faults)
        listener = listener_of(small)
        task = await begun(listener.run, small.clock)
        for packet in range(FAILURES_LIMIT):
            smoke(small, packet % 2 == 0, packet)
            await small.clock.settle()
        assert not task.done() and "The radio does not listen; trying again." not in small.messages()
        storing = await begun(small.recorder.run, small.clock)
        await small.clock.advance(FAILURES_LIMIT * RETRY_MS)
        said = ""
        try:
            await ended(storing)
        except PartFailedError as error:
            said = str(error)
        assert "the journal takes nothing any more" in said
        await stop(task)

    play(scene)
