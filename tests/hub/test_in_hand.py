"""What a reader has in hand when memory runs short: it comes once, wherever memory was missing, and costs nothing that waits."""

from gateway.core.crc import crc8
from gateway.core.event_codec import decode_event
from gateway.core.framing import esp3
from gateway.hub.ending import MOST_TRIES, store_in
from gateway.hub.held import KEY, left
from gateway.hub.recorder import device_key
from hal.errors import StorageFullError
from hal.types import ALARM, SAFETY, TECHNICAL, Advertisement
from tests.hub.bench import DOOR, Bench
from tests.hub.shortages import assert_it_comes_once, lost
from tests.hub.small import Small, play
from tools.rig.sim.shortage import FORGETS, SAFE, Once, OnceByTelegram, Scarce
from tools.simulators import enocean_air as air

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.sim.journal import SimJournal


def test_what_is_said_once_comes_once_wherever_memory_was_missing_for_it():
    play(lambda: assert_it_comes_once(Once, SAFE))


def test_control_it_is_lost_where_nobody_keeps_what_a_reader_had_in_hand():
    async def scene() -> None:
        gone, points = await lost(Once, FORGETS)
        assert gone > points // 4

    play(scene)


# --- on the line of a transceiver ------------------------------------------------------------------------------------


class Line:
    """A home with a smoke detector and a switch on the line of a transceiver."""

    def __init__(self) -> None:
        scene = OnceByTelegram()
        self.hall, self.switch = scene.hall, scene.kitchen
        self.bench = scene.home()
        self.line = self.bench.world.serial_line(scene.port)

    def smoke(self, code: bytes) -> bytes:
        return air.telegram(self.hall, air.smoke(code))

    def press(self) -> bytes:
        return air.telegram(self.switch, air.rocker(2))

    async def begin(self) -> None:
        await self.bench.start()
        self.bench.platform.receipting = False

    async def again(self) -> None:
        """The process ends, and another begins."""

        async def anew() -> "SimJournal":
            self.bench.journal = self.bench.open_journal()
            return self.bench.journal

        await self.bench.clock.run(self.bench.app.stop(False, anew))
        await self.bench.build().start()
        await self.bench.clock.settle()

    def kinds(self) -> "list[str]":
        held = self.bench.journal.peek(SAFETY, 0, 65_536) + self.bench.journal.peek(ALARM, 0, 65_536)
        return [decode_event(entry.event).kind for entry in held]


def test_a_telegram_that_was_found_behind_noise_is_kept_too():
    async def scene() -> None:
        home = Line()
        await home.begin()
        header = bytes([0, 32, 0, 1])
        home.line.send(b"\x55" + header + bytes([crc8(header)]) + home.smoke(air.SMOKE))
        await home.bench.clock.settle()
        short = Scarce(1)
        short.over(home.bench.app.intake, "take")
        await home.bench.clock.advance(
            esp3.GAP_MS + 50
        )  # the line is quiet: it looks behind the false beginning
        assert home.bench.app.recorder.is_frozen and home.kinds() == []
        await home.again()
        assert home.kinds() == ["smoke.detected"]
        await home.bench.end()

    play(scene)


def test_of_a_batch_only_what_was_not_taken_is_read_again_and_what_came_behind_it():
    async def scene() -> None:
        home = Line()
        await home.begin()
        short = Scarce(3)  # the press went through: two points
        short.over(home.bench.app.intake, "take")
        home.line.send(home.press() + home.smoke(air.SMOKE))
        await home.bench.clock.settle()
        assert home.bench.app.recorder.is_frozen
        home.bench.app.telegrams.inbox.append(home.smoke(air.NO_SMOKE))
        unread = home.bench.app.telegrams.unread()
        assert [telegram.payload for telegram in unread] == [air.SMOKE, air.NO_SMOKE]
        await home.again()
        assert sorted(home.kinds()) == ["button.pressed", "smoke.cleared", "smoke.detected"]
        await home.bench.end()

    play(scene)


def test_pieces_that_come_while_others_are_taken_stay_and_no_others():
    async def scene() -> None:
        home = Line()
        await home.begin()
        line = home.bench.app.telegrams
        line.inbox, line.pieces = [b"1", b"2", b"3"], 2
        line.let_go()
        assert line.inbox == [b"3"] and line.unread() == []
        await home.bench.end()

    play(scene)


def test_more_than_ten_frames_of_a_device_are_read_in_their_order():
    async def scene() -> None:
        home = Line()
        await home.begin()
        home.bench.app.recorder.freeze()
        codes = [air.SMOKE if number % 2 == 0 else air.NO_SMOKE for number in range(11)]
        home.bench.app.telegrams.inbox.append(b"".join([home.smoke(code) for code in codes]))
        await home.again()
        hall = home.bench.app.devices[0]
        assert hall.driver.observer.states == {"smoke": 1}, "the last one said smoke"
        assert home.bench.journal.state_keys(device_key(hall.placement, KEY)) == []
        await home.bench.end()

    play(scene)


async def tried_twice(fails: str) -> "tuple[int, int, dict[str, int]]":
    """Two telegrams in hand at an end of which `fails` finds no memory at first: openings, rows, and what the detector's driver then holds."""
    home = Line()
    await home.begin()
    recorder = home.bench.app.recorder
    if fails == "events":
        recorder.waiting.alarms.append(recorder.made([recorder.own("hub.stopped")]))
    recorder.freeze()
    home.bench.app.telegrams.inbox.append(home.smoke(air.NO_SMOKE) + home.smoke(air.SMOKE))
    opened: "list[int]" = []

    async def anew() -> "SimJournal":
        opened.append(1)
        journal = home.bench.open_journal()
        if len(opened) == 1:
            break_once(journal, fails)
        return journal

    await home.bench.clock.run(home.bench.app.stop(False, anew))
    app = home.bench.build()
    hall = app.devices[0]
    rows = len(home.bench.journal.state_keys(device_key(hall.placement, KEY)))
    await app.start()
    await home.bench.end()
    return len(opened), rows, hall.driver.observer.states  # type: ignore[attr-defined]


def test_another_try_of_the_end_keeps_the_same_frames_under_the_same_keys():
    async def scene() -> None:
        for fails in ("events", "rows", "close"):
            opened, rows, states = await tried_twice(fails)
            assert opened == 2 - (fails == "close"), fails
            assert rows == 2 and states == {"smoke": 1}, fails

    play(scene)


def break_once(journal: "Any", fails: str) -> None:
    """Let an append of events, one of rows that were stored all the same, or the end of it find no memory."""
    append, close = journal.append, journal.close

    async def appended(events: "Any", state: "Any" = None) -> "Any":
        if fails == "events" and events:
            raise MemoryError
        entries = await append(events, state)
        if fails == "rows" and not events:
            raise MemoryError
        return entries

    async def closed() -> None:
        await close()
        if fails == "close":
            raise MemoryError

    journal.append, journal.close = appended, closed


def test_a_copy_of_a_press_that_was_told_is_no_frame_to_keep():
    async def scene() -> None:
        bench = Bench()
        await bench.start()
        bench.platform.receipting = False
        press = {"fcd2": bytes([0x44, 0x3A, 0x01])}
        bench.world.advertise(DOOR, press)
        await bench.clock.advance(100)
        short = Scarce(1)
        short.over(bench.app.supervision, "heard")
        bench.world.advertise(DOOR, press)
        await bench.clock.settle()
        assert bench.app.recorder.is_frozen and bench.app.listener.held is not None
        assert left(bench.app.recorder, bench.app.in_hand()) == []
        await bench.end()

    play(scene)


def test_nothing_is_kept_of_an_end_that_memory_did_not_bring():
    async def scene() -> None:
        bench = Bench()
        await bench.start()
        bench.app.listener.held = Advertisement(DOOR, -70, 5, {"fcd2": bytes([0x44, 0x00, 9, 0x1A, 1])})
        assert len(bench.app.in_hand()) == 1

        opened: "list[int]" = []

        async def anew() -> "SimJournal":
            opened.append(1)
            return bench.open_journal()

        await bench.clock.run(bench.app.stop(False, anew))
        assert opened == [], "a frame was kept"
        await bench.platform.stop()

    play(scene)


def test_a_fault_of_ours_leaves_nothing_in_hand():
    async def scene() -> None:
        bench = Bench()
        await bench.start()

        def fault(*given: "Any") -> None:
            raise ValueError

        bench.app.intake.hearers.append(fault)
        bench.smoke(True, 1)
        await bench.clock.settle()
        assert bench.app.listener.held is None and not bench.app.recorder.is_frozen
        await bench.end()

    play(scene)


# --- at the end -------------------------------------------------------------------------------------------------------


def test_a_frame_that_no_journal_takes_is_named():
    async def scene() -> None:
        bench = Bench()
        await bench.start()
        scarce = Scarce(1)
        scarce.over(bench.app.intake, "take")
        bench.smoke(True, 1)
        await bench.clock.settle()
        opened = []

        async def anew() -> "SimJournal":
            opened.append(1)
            raise MemoryError

        await bench.clock.run(bench.app.stop(False, anew))
        lost = "What a device said last is lost: it is neither read nor kept."
        assert [fields["devices"] for _, message, fields in bench.logged if message == lost] == [["Smoke"]]
        assert len(opened) == MOST_TRIES
        await bench.platform.stop()

    play(scene)


def test_a_stop_with_nothing_in_hand_opens_no_journal_anew():
    async def scene() -> None:
        bench = Bench()
        await bench.start()
        bench.door(True, 1)
        await bench.clock.settle()

        opened: "list[int]" = []

        async def anew() -> "SimJournal":
            opened.append(1)
            return bench.open_journal()

        await bench.clock.run(bench.app.stop(False, anew))
        assert opened == []
        await bench.platform.stop()

    play(scene)


class Refusing:
    """A journal that takes events and no state alone, as one whose room is used up; `openings` times it has no memory at all."""

    def __init__(self, bench: Bench, openings: int) -> None:
        self.bench = bench
        self.openings = openings
        self.opened = 0

    async def anew(self) -> "SimJournal":
        self.opened += 1
        journal: "Any" = self.bench.open_journal()
        append = journal.append

        async def refuse(events: "Any", state: "Any" = None) -> "Any":
            if not events:
                raise StorageFullError("no room")
            if self.opened <= self.openings:
                raise MemoryError
            return await append(events, state)

        journal.append = refuse
        return journal  # type: ignore[no-any-return]


def test_a_frame_that_finds_no_room_costs_no_alarm_that_waits_its_tries():
    async def scene() -> None:
        bench = Bench()
        await bench.start()
        bench.platform.receipting = False

        async def no_memory(*given: "Any") -> "Any":
            raise MemoryError

        bench.journal.append = no_memory  # type: ignore[method-assign]
        bench.smoke(True, 1)
        await bench.clock.settle()
        bench.door(True, 1)  # it is heard by nobody any more: a frame in hand
        bench.app.listener.held = Advertisement(DOOR, -70, 5, {"fcd2": bytes([0x44, 0x00, 9, 0x1A, 1])})
        refusing = Refusing(bench, MOST_TRIES - 1)
        await bench.clock.run(bench.app.stop(False, refusing.anew))
        kinds = [decode_event(entry.event).kind for entry in bench.open_journal().peek(SAFETY, 0, 65_536)]
        assert kinds == ["smoke.detected"] and refusing.opened == MOST_TRIES
        await bench.platform.stop()

    play(scene)


def test_a_reading_that_is_stored_and_was_not_taken_from_what_waits_is_not_stored_again():
    async def scene() -> None:
        small = Small()
        work = small.recorder.made([small.recorder.own("hub.stopped")])
        await small.recorder.store(work)
        small.recorder.waiting.held.append(work)  # memory was missing to take it out
        await store_in(small.recorder, small.recorder.journal)
        assert small.kinds(TECHNICAL) == ["hub.stopped"] and small.recorder.waiting.all() == []

    play(scene)
