"""What a device says once, while memory is short: it is read at the next start, once, and never keeps a hub from starting."""

from gateway.core import cbor
from gateway.core.devices.enocean_telegram import decode_telegram
from gateway.core.event_codec import decode_event
from gateway.core.framing import esp3
from gateway.hub.held import KEY, MOST_STARTS, UNKNOWN, encode, frame_of, rows_of
from gateway.hub.parts import PartFailedError
from gateway.hub.recorder import device_key
from hal.errors import DeniedError, StorageFullError
from hal.types import SAFETY, Advertisement
from tests.hub.bench import HOME, NIGHT_UTC_MS, SMOKE, Bench
from tests.hub.small import play
from tools.rig.sim.shortage import Scarce
from tools.simulators import enocean_air as air

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


SENDER = "01:82:5D:01"
SMOKES = Advertisement(SMOKE, -70, 5, {"fcd2": bytes([0x44, 0x00, 1, 0x29, 1])})
UNREADABLE = "What a device said before the start cannot be read."
READ = "What a device said before the start is read now."


# --- as bytes ---------------------------------------------------------------------------------------------------------


def shown(frame: "Any") -> "list[object]":
    """What is in a frame."""
    if isinstance(frame, Advertisement):
        said = [frame.service_data, frame.service_uuids, frame.manufacturer_data, frame.name]
        return [frame.address, frame.rssi_dbm, frame.received_ms] + said
    data = [frame.rorg, frame.payload, frame.sender, frame.status]
    return data + [frame.destination, frame.rssi_dbm, frame.level, frame.optional]


def test_each_sort_of_frame_comes_back_as_it_was_at_the_moment_of_the_start():
    telegram = decode_telegram(esp3.decode(air.telegram(SENDER, air.rocker(2), level=3)))
    for frame in (
        SMOKES,
        Advertisement(SMOKE, -1, 5, {}, ("fcd2", "180f"), {0x0059: b"\x01", 76: b""}, "Røyk"),
        Advertisement(SMOKE, -1, 5, {}, (), {}, ""),
        telegram,
    ):
        row: "Any" = cbor.decode(encode(frame, 7, 2))
        assert row[:2] == [2, 7] and shown(frame_of(row, SMOKE, 5)) == shown(frame)
    assert cbor.decode(encode(telegram, None))[:2] == [0, UNKNOWN]  # type: ignore[index]


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
        await kept.begin(encode(SMOKES, None))
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
        await kept.begin(encode(quiet, None))
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
        await kept.begin(encode(SMOKES, None))
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
        await kept.begin(encode(SMOKES, None))
        kept.bench.tree = dict(HOME)
        kept.bench.tree["device"] = HOME["device"][:1]
        await kept.bench.build().start()
        assert kept.bench.journal.state(kept.key) is None and kept.alarms() == 0
        await kept.bench.end()

    play(scene)


def test_a_journal_that_fails_at_the_start_leaves_the_frame_for_the_next():
    async def scene() -> None:
        kept = Kept()
        await kept.begin(encode(SMOKES, None))
        app = kept.bench.build()
        append = kept.bench.journal.append

        async def denied(events: "Any", state: "Any" = None) -> "Any":
            if state and kept.key in state:
                raise DeniedError("the file is read-only")
            return await append(events, state)

        kept.bench.journal.append = denied  # type: ignore[method-assign]
        try:
            await app.start()
            raise AssertionError("a journal that takes nothing was not noticed")
        except PartFailedError:
            pass
        await kept.bench.cut()
        await kept.bench.build().start()
        assert kept.alarms() == 1 and kept.said(UNREADABLE) == 0
        await kept.bench.end()

    play(scene)


def test_a_fault_of_ours_in_the_start_neither_ends_it_nor_takes_the_frame():
    async def scene() -> None:
        kept = Kept()
        await kept.begin(encode(SMOKES, None))
        app = kept.bench.build()

        def fault(*given: "Any") -> bool:
            raise ValueError

        app.intake.learn = fault
        await app.start()
        assert kept.alarms() == 0 and app.parts.alive()
        await kept.bench.cut()
        await kept.bench.build().start()
        assert kept.alarms() == 1
        await kept.bench.end()

    play(scene)


def test_it_has_the_time_at_which_it_was_kept_and_is_no_sign_of_life():
    async def scene() -> None:
        kept = Kept()
        await kept.begin(encode(SMOKES, NIGHT_UTC_MS + 1))
        await kept.bench.clock.advance(86_400_000)
        await kept.bench.build().start()
        event = decode_event(kept.bench.journal.peek(SAFETY, 0, 65_536)[0].event)
        assert event.utc_ms == NIGHT_UTC_MS + 1
        assert kept.bench.app.devices[1].heard_ms is None
        await kept.bench.end()

    play(scene)


def test_a_row_that_could_not_go_goes_with_the_next_news_of_its_device():
    async def scene() -> None:
        kept = Kept()
        await kept.begin(encode(SMOKES, None))
        app = kept.bench.build()
        learn = app.intake.learn

        def fault(*given: "Any") -> bool:
            raise ValueError

        app.intake.learn = fault  # type: ignore[method-assign]
        await app.start()
        assert kept.bench.journal.state(kept.key) is not None
        app.intake.learn = learn  # type: ignore[method-assign]
        await kept.bench.clock.advance(500)
        kept.bench.smoke(False, 2)
        await kept.bench.clock.settle()
        assert kept.bench.journal.state(kept.key) is None, "what is older would be read over it"
        await kept.bench.end()

    play(scene)


def test_a_row_is_kept_under_a_key_that_no_former_one_has():
    async def scene() -> None:
        kept = Kept()
        await kept.begin(encode(SMOKES, None))
        app = kept.bench.build()
        state = rows_of(kept.bench.journal, [(app.devices[1], SMOKES), (app.devices[1], SMOKES)], None)
        assert sorted(state) == [kept.key[:-1] + "1", kept.key[:-1] + "2"]
        await kept.bench.platform.stop()

    play(scene)


def test_a_row_goes_with_later_news_where_what_it_said_found_no_room():
    async def scene() -> None:
        kept = Kept()
        await kept.begin(encode(SMOKES, None))
        app = kept.bench.build()
        append = kept.bench.journal.append

        async def full(events: "Any", state: "Any" = None) -> "Any":
            if state and kept.key in state:
                raise StorageFullError("no room")
            return await append(events, state)

        kept.bench.journal.append = full  # type: ignore[method-assign]
        await app.start()
        assert kept.bench.journal.state(kept.key) is not None and app.devices[1].rows == [KEY + "0"]
        await kept.bench.cut()
        await kept.bench.platform.stop()

    play(scene)
