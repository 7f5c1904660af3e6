"""Trying out an alarm: one kind of one device is marked, its way to the receipt is followed, and everything else stays real."""

from gateway.core.devices.driver import Reading
from gateway.core.errors import ConfigError, RefusedError
from gateway.core.model import Observation
from gateway.hub.ringing import DELIVERED, HEARD, LONGEST_S, OVER, WAITING, Ringing
from hal.types import SAFETY
from tests.hub.small import Small, play
from tests.hub.visits import Loose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SMOKE, CLEAR, PRESS = "smoke.detected", "smoke.cleared", "button.pressed"


class Bell:
    """A hub with one device, and the technician's exercise."""

    def __init__(self) -> None:
        self.small = Small()
        self.device = self.small.device(Loose)
        self.name = self.device.config.name
        self.ringing = Ringing(self.small.recorder, [self.device])

    async def say(self, kind: str) -> None:
        await self.small.intake.take(self.device, Reading([Observation(kind, {})]))

    def state(self) -> object:
        return self.ringing.facts()["state"]

    def marks(self) -> "list[tuple[str, bool]]":
        return [(event.kind, event.exercise) for event in self.small.events(SAFETY)]


def refused(ringing: Ringing, error: "type[Exception]", **given: "Any") -> str:
    try:
        ringing.begin(**given)
    except error as caught:
        return str(caught)
    raise AssertionError("not refused")


def test_it_is_followed_from_the_button_to_the_receipt_and_what_else_comes_is_real():
    async def scene() -> None:
        bell = Bell()
        assert bell.ringing.facts() == {}
        assert bell.ringing.begin(bell.name, SMOKE)["state"] == WAITING
        await bell.say(PRESS)
        assert bell.state() == WAITING, "another alarm is none of it"
        await bell.say(SMOKE)
        facts = bell.ringing.facts()
        assert facts["state"] == HEARD and len(str(facts["identity"])) == 32
        await bell.say(CLEAR)
        assert bell.marks() == [(PRESS, False), (SMOKE, True), (CLEAR, True)]
        await bell.small.journal.ack(SAFETY, 1)
        assert bell.state() == HEARD, "the receipt is of the one before"
        await bell.small.journal.ack(SAFETY, 2)
        assert bell.state() == DELIVERED
        await bell.small.journal.append([(SAFETY, b"x")])
        assert bell.state() == DELIVERED

    play(scene)


def test_when_the_time_is_over_it_says_so_and_an_alarm_is_real_again():
    async def scene() -> None:
        bell = Bell()
        bell.ringing.begin(bell.name, SMOKE, "10")
        await bell.small.clock.advance(10_001)
        assert bell.state() == OVER
        await bell.say(SMOKE)
        assert bell.marks() == [(SMOKE, False)] and bell.state() == OVER

    play(scene)


def test_an_alarm_of_before_is_not_taken_for_the_one_that_is_tried():
    async def scene() -> None:
        bell = Bell()
        await bell.say(PRESS)
        await bell.small.journal.ack(SAFETY, 1)
        bell.ringing.begin(bell.name, SMOKE)
        assert bell.state() == WAITING

    play(scene)


def test_a_receipt_of_another_epoch_says_nothing():
    async def scene() -> None:
        bell = Bell()
        bell.ringing.begin(bell.name, SMOKE)
        await bell.say(SMOKE)
        await bell.small.recorder.begin_epoch("a test")
        await bell.small.journal.ack(SAFETY, 1)
        assert bell.state() == HEARD, "it may be this one or not: nothing is claimed"

    play(scene)


def test_what_cannot_be_tried_is_refused_with_the_reason():
    bell = Bell()
    assert "one of " + bell.name in refused(bell.ringing, ConfigError, device="Nobody", kind=SMOKE)
    for seconds in ("0", str(LONGEST_S + 1), "-1", "soon", ""):
        assert "1 to 120" in refused(bell.ringing, ConfigError, device=bell.name, kind=SMOKE, seconds=seconds)
    for kind in (CLEAR, "dose.missed", "door.opened", "nonsense"):
        assert "smoke.detected" in refused(bell.ringing, RefusedError, device=bell.name, kind=kind)
    assert bell.ringing.facts() == {}
    bell.ringing.begin(bell.name, SMOKE)
    assert "not over" in refused(bell.ringing, RefusedError, device=bell.name, kind=PRESS)


def test_what_comes_after_the_alarm_that_was_tried_is_real_again():
    async def scene() -> None:
        for kind, end in ((PRESS, ""), (SMOKE, CLEAR)):
            bell = Bell()
            bell.ringing.begin(bell.name, kind)
            await bell.say(kind)
            if end:
                await bell.say(end)
            await bell.small.clock.advance(20_000)
            await bell.say(kind)
            assert [marked for told, marked in bell.marks() if told == kind] == [True, False], kind

    play(scene)


def test_who_calls_it_off_has_nothing_marked_any_more():
    async def scene() -> None:
        bell = Bell()
        assert bell.ringing.cancel() == {}
        bell.ringing.begin(bell.name, SMOKE)
        assert bell.ringing.cancel()["state"] == OVER
        await bell.say(SMOKE)
        assert bell.marks() == [(SMOKE, False)]

    play(scene)
