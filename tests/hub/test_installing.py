"""An installation from the first cable to the signed record; cut off anywhere it goes on, and says nothing that did not happen."""

import asyncio

from gateway.core.errors import ConfigError, DecodeError, RefusedError
from gateway.hub import installing_record as record
from gateway.hub.installing import Installing
from gateway.hub.installing_centre import RECEIVED, Centre
from gateway.hub.installing_steps import DONE
from hal.sim.faults import FULL, Fault, FaultPlan
from tests.hub.bench import DAY_UTC_MS
from tests.hub.site import NAME, TOKEN, Site, install

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import Any

OTHER = "t2"


async def refused(act: "Awaitable[Any]", kind: "type[Exception]" = RefusedError) -> str:
    text = ""
    try:
        await act
    except kind as error:
        text = str(error)
    assert text, "not refused"
    return text


def unread(message: bytes, key: bytes, verify: "Any") -> str:
    text = ""
    try:
        record.read(message, key, verify)
    except (DecodeError, RefusedError) as error:
        text = str(error)
    return text


def cuts(first: int, last: int) -> None:
    """A whole day each, with the power gone behind one act after the other.

    Signatures in portable Python take their time: the board's interpreter has one day of each group.
    """
    for number in range(first, last + 1 if hasattr(asyncio, "TaskGroup") else first + 1):

        async def scene(site: Site, at: int = number) -> None:
            site.cut_after = at
            await site.whole_day()
            assert site.asked >= at, "there are fewer acts than that"

        install(scene)


def test_the_whole_day_ends_with_a_signed_record_that_the_other_side_bears_out():
    async def scene(site: Site) -> None:
        fields = await site.whole_day()
        assert fields["technician"] == NAME
        assert [row["name"] for row in fields["devices"]] == ["Front door", "Smoke"]
        assert [row["room"] for row in fields["rooms"]] == ["hall", "kitchen"]
        assert fields["plug"]["cut"] == 1
        assert not site.hour.open
        facts = site.installing.facts()
        assert facts["departed"] and facts["record"] is not None
        assert site.asked == 15, "the cuts below go behind each of them"

    install(scene)


def test_a_power_cut_behind_any_of_the_first_three_acts_takes_nothing_back():
    cuts(1, 3)


def test_a_power_cut_behind_any_of_the_second_three_acts_takes_nothing_back():
    cuts(4, 6)


def test_a_power_cut_behind_any_of_the_third_three_acts_takes_nothing_back():
    cuts(7, 9)


def test_a_power_cut_behind_any_of_the_fourth_three_acts_takes_nothing_back():
    cuts(10, 12)


def test_a_power_cut_behind_any_of_the_last_three_acts_takes_nothing_back():
    cuts(13, 15)


class ReceiptIsEnough(Centre):
    """The negative control: done when the platform's machine has it."""

    def is_done(self) -> bool:
        return self.state() in (RECEIVED, "accepted")


class Careless(Installing):
    def centre_with(self) -> Centre:
        return ReceiptIsEnough(self.recorder, self.memory, self.word_of)


def test_control_an_installation_that_ends_on_the_receipt_alone_is_found_by_the_same_judge():
    async def scene(site: Site) -> None:
        site.answers = False
        text = await refused(site.whole_day(), AssertionError)
        assert "nobody at the response centre" in text
        assert site.installing.memory.record() is not None, "it did finish"

    install(scene, kind=Careless)


def test_without_anybody_at_the_response_centre_it_cannot_finish():
    async def scene(site: Site) -> None:
        site.answers = False
        text = await refused(site.whole_day())
        assert text.endswith("it lacks: centre"), text
        assert site.steps()["centre"]["why"] == "centre_received"
        assert site.installing.memory.record() is None
        assert "installation.completed" not in site.platform.kinds()
        assert site.hour.open

    install(scene)


def test_two_technicians_do_not_work_at_once_and_one_may_take_over():
    async def scene(site: Site) -> None:
        of = site.installing
        since_ms = (await of.take(NAME, TOKEN))["holder_utc_ms"]
        await site.clock.advance(60_000)
        assert (await of.take(NAME, TOKEN))["holder_utc_ms"] == since_ms == DAY_UTC_MS + 3_000
        assert "held by Kari" in await refused(of.take("Ola", OTHER))
        for act in (of.ring(OTHER), of.pull(OTHER), of.undo(OTHER), of.finish("Ola", OTHER)):
            assert "held by Kari" in await refused(act)
        assert (await of.take("Ola", OTHER, True))["holder"] == "Ola"
        assert "held by Ola" in await refused(of.ring(TOKEN))
        await of.close()
        assert "open the time" in await refused(of.take(NAME, TOKEN))
        assert "open the time" in await refused(of.ring(OTHER))
        for holder, token in (("", TOKEN), ("x" * 65, TOKEN), (NAME, "")):
            site.hour.open = True
            await refused(of.take(holder, token), ConfigError)

    install(scene)


def test_what_was_added_is_taken_back_and_what_was_there_stays():
    async def scene(site: Site) -> None:
        await site.installing.take(NAME, TOKEN)
        lamp = {"name": "Bad", "driver": "bthome", "address": "C0:00:00:00:00:09", "room": "bath"}
        await site.installing.add(lamp, "", TOKEN)
        await site.renew()
        assert "device:Bad:found" in site.steps()
        text = await refused(site.installing.add(dict(lamp), "", TOKEN))
        assert "of this name already" in text
        assert "not added" in await refused(site.installing.remove("Smoke", TOKEN))
        await refused(site.installing.add({"name": "Hall", "driver": "bthome"}, "", TOKEN), ConfigError)
        await site.walk()
        await site.installing.undo(TOKEN)
        await site.renew()
        assert [device.config.name for device in site.app.devices] == ["Front door", "Smoke"]
        assert site.steps()["walk"]["state"] != DONE and site.installing.memory.added() == []
        await site.whole_day()
        site.hour.open = True
        await site.installing.take(NAME, TOKEN)
        await site.installing.undo(TOKEN)
        assert len(site.app.devices) == 2, "what is finished stays"
        assert site.installing.record()["sha256"]

    install(scene)


def test_a_power_cut_while_a_device_is_added_leaves_it_in_or_out_and_undo_knows_it():
    async def scene(site: Site) -> None:
        class Cut(Exception):  # noqa: N818  no error: the power goes
            pass

        async def dies(*_given: object) -> None:
            raise Cut

        await site.installing.take(NAME, TOKEN)
        lamp = {"name": "Bad", "driver": "bthome", "address": "C0:00:00:00:00:09", "room": "bath"}
        add = site.add
        for is_written in (False, True):
            if is_written:
                await add(lamp, "")
            site.add = dies  # type: ignore[method-assign]
            try:
                await site.installing.add(lamp, "", TOKEN)
                raise AssertionError("the power has not gone")
            except Cut:
                pass
            await site.cut()
            await site.again()
            assert ("device:Bad:found" in site.steps()) == is_written
            assert site.installing.memory.added() == ["Bad"]
            await site.installing.undo(TOKEN)
            await site.renew()
            assert "device:Bad:found" not in site.steps()

    install(scene)


def test_a_device_whose_key_is_wrong_or_whose_room_nobody_named_says_so():
    async def scene(site: Site) -> None:
        await site.installing.take(NAME, TOKEN)
        address = "C0:00:00:00:00:09"
        row = {"name": "Bad", "driver": "bthome", "address": address, "key": "bad", "room": "bath"}
        site.keystore.add_key("bad", b"k" * 16)
        await site.add(row, "")
        await site.add({"name": "Loft", "driver": "bthome", "address": "C0:00:00:00:00:0A"}, "")
        await site.renew()
        assert site.steps()["device:Bad:found"]["why"] == "not_heard"
        assert site.steps()["device:Loft:found"]["why"] == "no_room"
        site.world.advertise(address, {"fcd2": bytes([0x41]) + bytes(range(12))})
        await site.clock.advance(2_000)
        step = site.steps()["device:Bad:found"]
        assert (step["state"], step["why"]) == ("failed", "wrong_key") and "label" in step["action"]

    install(scene)


def test_a_device_that_was_never_heard_is_not_one_that_fell_silent():
    async def scene(site: Site) -> None:
        await site.installing.take(NAME, TOKEN)
        row = {
            "name": "Loft",
            "driver": "bthome",
            "address": "C0:00:00:00:00:0A",
            "room": "loft",
            "interval_s": 30,
        }
        await site.add(row, "")
        await site.renew()
        await site.clock.advance(600_000)
        placement = next(each.placement for each in site.app.devices if each.config.name == "Loft")
        assert site.app.recorder.engine.incidents.is_open(placement, "device.silent")
        step = site.steps()["device:Loft:found"]
        assert (step["state"], step["why"]) == ("failed", "not_heard")
        site.world.advertise("C0:00:00:00:00:0A", {"fcd2": bytes([0x40, 0x00, 1, 0x01, 90])})
        await site.clock.advance(2_000)
        assert site.steps()["device:Loft:found"]["state"] == DONE
        await site.clock.advance(900_000)
        assert site.steps()["device:Loft:found"]["why"] == "silent"

    install(scene)


def test_an_alarm_is_tried_as_an_exercise_and_a_test_that_brings_nothing_fails():
    async def scene(site: Site) -> None:
        await site.installing.take(NAME, TOKEN)
        await site.listen(2)
        step = "device:Smoke:tested"
        assert site.steps()[step]["facts"]["kinds"] == ["smoke.detected"]
        await site.installing.test("Smoke", "", TOKEN)
        assert site.steps()[step]["why"] == "test_waits"
        await site.clock.advance(121_000)
        assert site.steps()[step]["why"] == "test_over"
        site.platform.receipting = False
        await site.installing.test("Smoke", "smoke.detected", TOKEN)
        site.smoke(True, 5)
        await site.clock.advance(2_000)
        assert site.steps()[step]["why"] == "test_unreceipted"
        site.platform.receipting = True
        site.smoke(False, 6)
        await site.clock.advance(90_000)
        assert site.steps()[step]["state"] == DONE
        await site.installing.test("Front door", "", TOKEN)
        await site.clock.advance(121_000)
        assert site.steps()["device:Front door:tested"]["why"] == "test_over"
        await refused(site.installing.test("Nobody", "", TOKEN), ConfigError)
        await refused(site.installing.test("Smoke", "smoke.cleared", TOKEN))

    install(scene)


def test_a_full_disk_while_finishing_leaves_nothing_half_done():
    async def scene(site: Site) -> None:
        await site.installing.take(NAME, TOKEN)
        for _ in range(4):
            if site.missing():
                await site.once()
        faults: "Any" = site.journal
        faults._faults = FaultPlan([Fault("journal", "append", 1, FULL)])
        text = await refused(site.installing.finish(NAME, TOKEN))
        assert "not finished, and nothing is lost" in text, text
        assert site.installing.memory.record() is None and site.hour.open and site.missing() == []
        faults._faults = None
        await site.installing.finish(NAME, TOKEN)
        await site.clock.advance(3_000)
        site.judge()

    install(scene)


def test_while_anything_is_missing_it_is_refused_and_says_what():
    async def scene(site: Site) -> None:
        await site.installing.take(NAME, TOKEN)
        for _ in range(4):
            if site.missing():
                await site.once()
        await refused(site.installing.finish(" ", TOKEN), ConfigError)
        kept = {key: site.journal.state(key) for key in site.installing.memory.all_keys()}
        for key in sorted(kept):
            if key in ("install.holder", "install.begun", "install.added") or ".found." in key:
                continue  # what is heard is found again at the next look
            await site.app.recorder.keep({key: None})
            missing = site.missing()
            assert len(missing) == 1, (key, missing)
            assert missing[0] in await refused(site.installing.finish(NAME, TOKEN))
            await site.app.recorder.keep({key: kept[key]})
        assert site.installing.memory.record() is None
        await site.installing.finish(NAME, TOKEN)

    install(scene)


def test_the_record_that_is_told_is_the_one_that_was_signed_and_none_that_was_altered_holds():
    async def scene(site: Site) -> None:
        await site.whole_day()
        told: "Any" = site.installing.record()
        message = bytes.fromhex(told["cose"])
        key, verify = site.keystore.public_key, site.platform.ed25519.verify
        assert record.told(record.read(message, key, verify)) == told["record"]
        for at in (5, len(message) // 2, len(message) - 1):
            other = bytearray(message)
            other[at] ^= 1
            assert unread(bytes(other), key, verify), "it was altered"
        assert "another gateway" in unread(message, bytes(32), verify)
        assert unread(message, key, verify) == ""

    install(scene)
