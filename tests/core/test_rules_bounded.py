"""No rule mutes, changes or delays lane 0 (H10), and no rule grows without bound. Hypothesis looks further: tests/gateway."""

from gateway.core.event_codec import decode_event, encode_event
from gateway.core.model import Observation
from gateway.core.rules.engine import Rule
from gateway.core.rules.follower import read_state
from gateway.core.rules.storm import read_kept
from tests.core.rule_checks import CONTROLS, NIGHT, POOL, drawn, faults_of, play
from tests.core.rule_home import DOOR, MINUTE_MS, RuleHome, kinds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.core.model import Event
    from gateway.core.rules.engine import Moment

LIVES, STEPS = 12, 60


def test_lives_under_every_set_of_rules_lose_nothing_of_lane_0() -> None:
    for seed in range(LIVES):
        rules = [POOL[index] for index in range(len(POOL)) if drawn(seed, 9)[index] % 2]
        assert play(rules, drawn(seed + 100, STEPS)) == [], seed
    assert play(list(POOL), drawn(7, 2 * STEPS)) == []


def test_control_a_rule_that_swallows_delays_or_changes_is_caught_by_the_same_check() -> None:
    for control in CONTROLS:
        found = []
        for seed in range(8):
            found += play([NIGHT], drawn(seed, STEPS), control)  # type: ignore[arg-type]
        assert found, control


def test_control_each_thing_that_may_be_wrong_is_seen_in_a_single_answer() -> None:
    home = RuleHome([NIGHT])
    said = Observation("smoke.detected", {"part": "x"})
    moment = home.moment()
    told = home.engine.observe(DOOR, said, moment)
    assert faults_of(said, DOOR, moment, told) == []
    assert faults_of(said, DOOR, moment, []) == ["it is not among what was told"]
    other = home.engine.observe(DOOR, Observation("water.detected", {}), moment)
    assert faults_of(said, DOOR, moment, other + told) == ["another event of its lane stands before it"]
    for name, value, word in (
        ("values", {}, "it says something else"),
        ("provenance", 2, "it is marked otherwise"),
        ("exercise", True, "it is marked otherwise"),
        ("uptime_ms", 60_000, "it has another time"),
    ):
        kept = getattr(told[0], name)
        setattr(told[0], name, value)
        assert faults_of(said, DOOR, moment, told) == [word], name
        setattr(told[0], name, kept)


def test_no_rule_asks_to_be_called_at_once_again() -> None:
    home = RuleHome(list(POOL), medical_device_functions=True)
    for kind in ("door.opened", "door.closed", "door.opened"):
        home.say(DOOR, kind)
    for fault in ("device.silent", "device.back"):
        for _ in range(200):
            home.wait(MINUTE_MS)
            at = home.engine.next_due_ms()
            assert at is None or at > home.uptime_ms, "time alone keeps the hub busy"
        home.fault(DOOR, fault)


def test_a_sensor_that_names_ever_new_contacts_fills_neither_memory_nor_store() -> None:
    home = RuleHome(list(POOL), medical_device_functions=True)
    for number in range(500):
        assert kinds(home.say(DOOR, "door.opened", part="door_" + str(number)))[0] == "door.opened"
    sizes = [len(home.journal[key]) for key in home.journal if key.startswith("rule.")]
    assert sizes and max(sizes) < 2_000


class Broken(Rule):
    """A rule with a fault of ours: it fails where `at` says, and counts how often it was asked."""

    at = ""
    asked = 0

    def observe(self, event: "Event", moment: "Moment") -> "list[Event]":
        return self.answer("observe")

    def due(self, moment: "Moment") -> "list[Event]":
        return self.answer("due")

    def next_due_ms(self) -> "int | None":
        return 0 if self.at == "due" else None

    def answer(self, where: str) -> "list[Event]":
        self.asked += 1
        if where == self.at:
            raise ValueError("x" * 1_000)
        return []

    @property
    def changes(self) -> "dict[str, bytes | None]":
        if self.at == "changes":
            raise ValueError("not to be kept")
        return {}

    @changes.setter
    def changes(self, taken: "dict[str, bytes | None]") -> None:
        return


def broken(at: str) -> "tuple[RuleHome, Broken]":
    """A home whose first rule fails there."""
    home = RuleHome([NIGHT])
    rule = Broken(DOOR, b"broken..")
    rule.at = at
    home.engine.rules.insert(0, rule)
    return home, rule


def test_a_rule_that_fails_loses_no_word_of_a_device_nor_of_another_rule_and_is_reported_once() -> None:
    for at in ("observe", "due", "changes"):
        home, rule = broken(at)
        for number in range(3):
            told = home.say(DOOR, "door.opened" if number % 2 == 0 else "door.closed")
            assert kinds(told)[0].startswith("door.") and len(told) >= 2, at
            assert [event for event in told if event.kind.startswith("door.night")], at
            home.wait(MINUTE_MS)
        assert rule.asked >= 3 and "night.11" in home.journal, "it goes on"
        (report,) = [event for event in home.told if event.kind == "part.restarted"]
        assert (report.placement, report.rule, report.values["part"]) == (DOOR, b"broken..", "rule Broken")
        assert str(report.values["reason"]).startswith("ValueError: ")
        assert decode_event(encode_event(report)) == report, at


def test_a_rule_that_fails_whenever_its_time_comes_does_not_keep_the_hub_busy() -> None:
    home, rule = broken("due")
    home.wait(10 * MINUTE_MS)
    at = home.engine.next_due_ms()
    assert at is not None and at > home.uptime_ms
    assert rule.asked == 10


def test_a_rule_that_fails_where_it_is_only_asked_loses_no_word_either() -> None:
    for asked in ("has_told", "next_due_ms"):
        home, rule = broken("nothing")

        def fail(*_given: object) -> None:
            raise ValueError("a fault of ours")

        setattr(rule, asked, fail)
        for number in range(4):
            told = home.say(DOOR, "door.opened" if number % 2 == 0 else "door.closed")
            assert kinds(told)[0].startswith("door."), asked
            assert home.engine.next_due_ms() is None or home.engine.next_due_ms() >= 0  # type: ignore[operator]
        assert kinds(home.told).count("part.restarted") == 1, asked


class Scarce:
    """Stored bytes for whose reading there is no memory."""

    def __len__(self) -> int:
        raise MemoryError


def goes_on(work: "Callable[[], object]") -> bool:
    """Whether a lack of memory is taken for an answer."""
    try:
        work()
    except MemoryError:
        return False
    return True


def test_where_memory_is_short_no_rule_and_no_reader_of_state_goes_on_without_its_answer() -> None:
    home, rule = broken("nothing")

    def starve() -> None:
        raise MemoryError

    scarce: "Any" = Scarce()
    for work in (
        lambda: home.engine.asked(rule, starve),
        lambda: read_state(scarce),
        lambda: read_kept(scarce, 1),
    ):
        assert not goes_on(work)
    assert rule not in home.engine.failed, "it is no fault of the rule"
    assert goes_on(lambda: home.engine.asked(rule, rule.next_due_ms)), "control: an answer is one"
    assert read_state(b"\xff") == ({}, []) and read_kept(b"\xff", 1) == [], "nor is damage a lack of memory"
