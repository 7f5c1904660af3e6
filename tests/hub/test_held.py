"""What a device says once, while memory is short: it is read at the next start, once, and never keeps a hub from starting."""

from gateway.core import cbor
from gateway.core.devices.enocean_telegram import decode_telegram
from gateway.core.event_codec import decode_event
from gateway.core.framing import esp3
from gateway.hub.ending import MOST_TRIES
from gateway.hub.held import KEY, MOST_STARTS, frame_of, row_of
from gateway.hub.recorder import device_key
from hal.types import SAFETY, Advertisement, Notification
from tests.hub.bench import HOME, SMOKE, Bench
from tests.hub.small import play
from tools.rig.sim.shortage import FORGETS, SAFE, Once, Scarce, Trial
from tools.simulators import enocean_air as air

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from hal.sim.journal import SimJournal

SENDER = "01:82:5D:01"
SMOKES = Advertisement(SMOKE, -70, 5, {"fcd2": bytes([0x44, 0x00, 1, 0x29, 1])})
UNREADABLE = "What a device said before the start cannot be read."
READ = "What a device said before the start is read now."


async def once(point: int, ways: str) -> "tuple[Trial, Scarce]":
    """Smoke that is said once, with memory missing at `point`; 0 is nowhere."""
    trial, scarce = Once(ways), Scarce(point)

    def enough() -> None:
        scarce.fails_at = 0

    await trial.play(scarce.over_all, enough)
    return trial, scarce


def test_what_is_said_once_comes_once_wherever_memory_was_missing_for_it():
    async def scene() -> None:
        trial, scarce = await once(0, SAFE)
        assert trial.came == 1 and trial.restarts == 0 and scarce.points > 40
        restarts = 0
        for point in range(1, scarce.points + 1):
            trial, _ = await once(point, SAFE)
            assert trial.came == 1, "point " + str(point) + ": " + str(trial.came) + " alarms came"
            restarts += trial.restarts
        assert restarts > scarce.points // 2, "a lack of memory that nobody meets shows nothing"

    play(scene)


def test_control_it_is_lost_where_nobody_keeps_what_a_reader_had_in_hand():
    async def scene() -> None:
        _, scarce = await once(0, FORGETS)
        lost = []
        for point in range(1, scarce.points + 1):
            trial, _ = await once(point, FORGETS)
            if trial.came == 0:
                lost.append(point)
        assert len(lost) > scarce.points // 4

    play(scene)


# --- as bytes ---------------------------------------------------------------------------------------------------------


def shown(frame: "Any") -> "list[object]":
    """What is in a frame."""
    if isinstance(frame, Advertisement):
        said = [frame.service_data, frame.service_uuids, frame.manufacturer_data, frame.name]
        return [frame.address, frame.rssi_dbm, frame.received_ms] + said
    if isinstance(frame, Notification):
        return [frame.characteristic, frame.value, frame.received_ms]
    data = [frame.rorg, frame.payload, frame.sender, frame.status]
    return data + [frame.destination, frame.rssi_dbm, frame.level, frame.optional]


def test_each_sort_of_frame_comes_back_as_it_was_at_the_moment_of_the_start():
    telegram = decode_telegram(esp3.decode(air.telegram(SENDER, air.rocker(2), level=3)))
    for frame in (
        SMOKES,
        Advertisement(SMOKE, -1, 5, {}, ("fcd2", "180f"), {0x0059: b"\x01", 76: b""}, "Røyk"),
        Advertisement(SMOKE, -1, 5, {}, (), {}, ""),
        Notification("2a35", b"\x1e\x00", 5),
        telegram,
    ):
        row = cbor.decode(cbor.encode(row_of(frame)))
        assert shown(frame_of(row, SMOKE, 5)) == shown(frame)  # type: ignore[arg-type]


# --- at the start -----------------------------------------------------------------------------------------------------


class Kept:
    """A home whose last run kept `item` of the smoke detector."""

    def __init__(self) -> None:
        self.bench = Bench()
        self.key = ""

    async def begin(self, item: bytes) -> None:
        """Let the journal hold it, and no run be under way."""
        await self.bench.start()
        self.bench.platform.receipting = False
        smoke = next(device for device in self.bench.app.devices if device.config.name == "Smoke")
        self.key = device_key(smoke.placement, KEY + "0")
        await self.bench.app.recorder.keep({self.key: item})
        await self.bench.cut()

    def alarms(self) -> int:
        """How many of smoke are stored."""
        held = self.bench.journal.peek(SAFETY, 0, 65_536)
        return [decode_event(entry.event).kind for entry in held].count("smoke.detected")

    def said(self, message: str) -> int:
        """How often the log says it."""
        return [each for _, each, _ in self.bench.logged].count(message)


def test_a_frame_goes_with_the_append_of_what_it_said():
    async def scene() -> None:
        kept = Kept()
        await kept.begin(cbor.encode([0] + row_of(SMOKES)))
        await kept.bench.build().start()
        assert (kept.alarms(), kept.said(READ)) == (1, 1)
        assert kept.bench.journal.state(kept.key) is None
        await kept.bench.cut()
        await kept.bench.build().start()
        assert (kept.alarms(), kept.said(READ)) == (1, 1)
        await kept.bench.end()

    play(scene)


def test_a_frame_that_says_nothing_new_goes_too():
    async def scene() -> None:
        kept = Kept()
        quiet = Advertisement(SMOKE, -70, 5, {"fcd2": bytes([0x44, 0x00, 1, 0x29, 0])})
        await kept.begin(cbor.encode([0] + row_of(quiet)))
        await kept.bench.build().start()
        assert kept.alarms() == 0 and kept.bench.journal.state(kept.key) is None
        await kept.bench.end()

    play(scene)


def test_what_is_no_frame_is_told_and_does_not_keep_the_hub_from_its_start():
    async def scene() -> None:
        for item in (
            b"",
            b"\xff",
            cbor.encode([]),
            cbor.encode([0, 1]),
            cbor.encode([0, 3, b"", b""]),
            cbor.encode(7),
        ):
            kept = Kept()
            await kept.begin(item)
            await kept.bench.build().start()
            assert kept.said(UNREADABLE) == 1, item
            assert kept.bench.journal.state(kept.key) is None and kept.bench.app.parts.alive()
            await kept.bench.end()

    play(scene)


def test_one_that_no_start_comes_to_the_end_of_is_left_after_three():
    async def scene() -> None:
        kept = Kept()
        await kept.begin(cbor.encode([0] + row_of(SMOKES)))
        for _ in range(MOST_STARTS):
            app = kept.bench.build()
            short = Scarce(1)
            short.over(app.intake, "take")
            try:
                await app.start()
                raise AssertionError("the start did not meet the lack")
            except MemoryError:
                pass
            await kept.bench.cut()
        await kept.bench.build().start()
        assert kept.said(UNREADABLE) == 1 and kept.bench.app.parts.alive()
        assert kept.bench.journal.state(kept.key) is None
        await kept.bench.end()

    play(scene)


def test_what_is_kept_goes_with_its_device():
    async def scene() -> None:
        kept = Kept()
        await kept.begin(cbor.encode([0] + row_of(SMOKES)))
        kept.bench.tree = dict(HOME)
        kept.bench.tree["device"] = HOME["device"][:1]
        await kept.bench.build().start()
        assert kept.bench.journal.state(kept.key) is None and kept.alarms() == 0
        await kept.bench.end()

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

        async def anew() -> "SimJournal":
            raise AssertionError("there is nothing to keep")

        await bench.clock.run(bench.app.stop(False, anew))
        await bench.platform.stop()

    play(scene)
