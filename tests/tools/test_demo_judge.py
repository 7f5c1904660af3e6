"""The judge of the demonstration: a person's alarm and a technical fault are told apart, and what looks like both is found."""

from collections import Counter
from typing import Any

import pytest

from gateway.core.model import Decimal
from gateway.core.registry import KINDS
from gateway.core.rules.incidents import OPENING
from tools.demo import account, words
from tools.demo.judge import ORDERLY, judge, shortfalls
from tools.home.scenario import FOLDER, Expect, Measured, load

DOOR, DETECTOR, DISPENSER = 1, 2, 3
NAMES = {0: "hub", DOOR: "Front door", DETECTOR: "Detector", DISPENSER: "Dispenser"}

Event = dict[str, Any]


class Home:
    """Events in the order in which a platform prints them."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def tell(
        self, kind: str, placement: int, incident: str | None = None, lane: int | None = None, **values: Any
    ) -> Event:
        event: Event = {
            "kind": kind,
            "lane": KINDS[kind][1] if lane is None else lane,
            "epoch": "e1",
            "seq": len(self.events) + 1,
            "placement": placement,
            "device": NAMES[placement],
            "incident": incident,
            "values": values,
            "boot": 1,
            "uptime_ms": 1000 * len(self.events),
            "utc_ms": 1_795_309_502_000 + 1000 * len(self.events),
        }
        self.events.append(event)
        return event


def expect(alarms: int, *faults: str, kinds: tuple[str, ...] = (), over: bool = False) -> Expect:
    return Expect(alarms, frozenset(kinds), over, Counter(faults))


def reasons(home: Home, expected: Expect) -> list[str]:
    return [name for name, _ in shortfalls(judge(home.events), expected)]


@pytest.fixture
def home() -> Home:
    """A door at night that is opened twice, smoke that ends, and two faults."""
    made = Home()
    made.tell("hub.started", 0)
    made.tell("battery.low", DOOR, "b1")
    made.tell("door.night_exit", DOOR, "d1")
    made.tell("door.night_return", DOOR, "d1")
    made.tell("door.night_exit", DOOR, "d1", repeat=1)
    made.tell("smoke.detected", DETECTOR, "s1")
    made.tell("dispenser.jammed", DISPENSER, "j1")
    made.tell("door.night_return", DOOR, "d1", repeat=1)
    made.tell("smoke.cleared", DETECTOR, "s1")
    made.tell("dispenser.released", DISPENSER, "j1")
    made.tell("hub.stopped", 0)
    return made


MET = expect(2, "battery.low", "dispenser.jammed", kinds=("door.night_exit", "smoke.detected"), over=True)


def test_an_alarm_is_an_incident_and_its_repetitions_and_ends_are_none_of_their_own(home: Home) -> None:
    verdict = judge(home.events)
    assert sorted(verdict.alarms) == ["d1", "s1"]
    assert verdict.fault_counts() == Counter(["battery.low", "dispenser.jammed"])
    assert all(alarm.over for alarm in verdict.alarms.values())
    assert shortfalls(verdict, MET) == []


def test_a_press_of_a_button_has_no_incident_and_each_is_an_alarm() -> None:
    home = Home()
    home.tell("button.pressed", DOOR)
    home.tell("button.pressed", DOOR)
    assert len(judge(home.events).alarms) == 2


def test_an_exercise_calls_nobody_and_the_same_told_as_real_does() -> None:
    home = Home()
    home.tell("smoke.detected", DETECTOR, "s1")["exercise"] = True
    assert judge(home.events).alarms == {}
    home.tell("smoke.detected", DETECTOR, "s2", again="exercise")
    assert list(judge(home.events).alarms) == ["s2"]


def test_parts_of_one_sensor_end_each_by_itself() -> None:
    home = Home()
    home.tell("door.night_exit", DOOR, "d1", part="window")
    home.tell("door.night_exit", DOOR, "d1", part="door")
    home.tell("door.night_return", DOOR, "d1", part="door")
    assert reasons(home, expect(1, over=True)) == ["alarm_stands"]
    home.tell("door.night_return", DOOR, "d1", part="window")
    assert reasons(home, expect(1, over=True)) == []


def test_an_alarm_that_a_registry_does_not_know_is_an_alarm_all_the_same() -> None:
    home = Home()
    home.tell("smoke.detected", DETECTOR, "s1")["kind"] = "kind-4711"
    assert len(judge(home.events).alarms) == 1


# --- negative controls: the same home, altered, must be found -----------------------------------------------------


@pytest.mark.parametrize("kind", ["battery.low", "dispenser.jammed", "dispenser.released", "hub.started"])
@pytest.mark.parametrize("lane", [0, 1])
def test_a_technical_event_in_an_alarm_lane_is_found(home: Home, kind: str, lane: int) -> None:
    next(event for event in home.events if event["kind"] == kind)["lane"] = lane
    assert "wrong_lane" in reasons(home, MET)
    assert len(judge(home.events).alarms) == 2, "and makes no alarm"


@pytest.mark.parametrize("kind", ["smoke.detected", "door.night_exit"])
def test_an_alarm_in_the_technical_lane_is_found(home: Home, kind: str) -> None:
    next(event for event in home.events if event["kind"] == kind)["lane"] = 2
    found = reasons(home, MET)
    assert "wrong_lane" in found and "alarms_differ" in found and "alarm_missing" in found


@pytest.mark.parametrize("incident", ["s1", "d1"])
def test_a_run_that_lacks_an_alarm_is_found_whether_or_not_its_end_came(home: Home, incident: str) -> None:
    home.events = [event for event in home.events if event["incident"] != incident]
    assert reasons(home, MET) == ["alarms_differ", "alarm_missing"]


def test_an_end_or_a_repetition_of_what_never_came_is_found(home: Home) -> None:
    home.events = [event for event in home.events if event["kind"] != "door.night_exit" or event["values"]]
    assert reasons(home, MET).count("never_told") == 3, "two ends and a repetition"


def test_a_fault_in_the_incident_of_an_alarm_is_found(home: Home) -> None:
    next(event for event in home.events if event["kind"] == "battery.low")["incident"] = "d1"
    assert reasons(home, MET) == ["joined", "faults_differ"]


def test_events_of_one_dose_share_their_incident_without_being_confused() -> None:
    home = Home()
    home.tell("dose.unconfirmed", DISPENSER, "dose", dose_id=1)
    home.tell("dose.missed", DISPENSER, "dose", dose_id=1)
    assert reasons(home, expect(1, "dose.unconfirmed")) == []


def test_an_alarm_too_many_a_fault_too_many_and_one_that_stands_are_found(home: Home) -> None:
    home.tell("water.detected", DETECTOR, "w1")
    home.tell("tamper.detected", DETECTOR, "t1")
    assert reasons(home, MET) == ["alarms_differ", "alarm_stands", "faults_differ"]


def test_what_does_not_decode_is_found_in_every_lane(home: Home) -> None:
    home.tell("smoke.detected", DETECTOR)["kind"] = None
    assert reasons(home, MET) == ["wrong_lane"]


# --- measurements -------------------------------------------------------------------------------------------------

CUFF = 4
NAMES[CUFF] = "Cuff"
WANTED = (
    Measured("Cuff", "blood_pressure.measured", {"systolic_mmhg": "138", "questionable": "True"}),
    Measured("Cuff", "measurement.failed", {"reason": "no_value"}),
)


def morning() -> Home:
    """What `WANTED` asks for, and a stream of somebody else."""
    home = Home()
    home.tell("blood_pressure.measured", CUFF, systolic_mmhg=138, diastolic_mmhg=88, questionable=True)
    home.tell("measurement.failed", CUFF, reason="no_value", systolic_mmhg="NaN")
    for number in range(account.STREAM):
        home.tell("oximetry.measured", DETECTOR, spo2_pct=Decimal(970 + number, -1))
    home.tell("dose.collected", DISPENSER, "d1", dose_id=1)
    return home


def read(home: Home, *measured: Measured) -> list[str]:
    expected = Expect(0, frozenset(), False, Counter(), measured)
    return [name for name, _ in shortfalls(judge(home.events), expected)]


def test_every_reading_that_is_listed_arrived_and_a_dose_is_none() -> None:
    home = morning()
    assert read(home, *WANTED) == []
    assert [event["kind"] for event in judge(home.events).readings][:2] == [each.kind for each in WANTED]
    assert len(judge(home.events).readings) == 2 + account.STREAM


@pytest.mark.parametrize(
    ("index", "change"),
    [
        (0, {"systolic_mmhg": 139}),
        (0, {"systolic_mmhg": Decimal(1380, -1)}),
        (0, {"questionable": False}),
        (1, {"reason": "unsuccessful"}),
    ],
)
def test_a_reading_in_other_digits_or_for_another_reason_is_found(index: int, change: Event) -> None:
    home = morning()
    home.events[index]["values"] |= change
    assert read(home, *WANTED) == ["reading_missing", "reading_extra"]


def test_a_reading_that_is_lost_or_comes_twice_or_from_another_device_is_found() -> None:
    lost, twice, other = morning(), morning(), morning()
    del lost.events[0]
    assert read(lost, *WANTED) == ["reading_missing"]
    twice.tell("measurement.failed", CUFF, reason="no_value")
    assert read(twice, *WANTED) == ["reading_extra"]
    other.events[1]["device"] = "Detector"
    assert read(other, *WANTED) == ["reading_missing"]


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "nb",
            (
                "Målinger: 7",
                "Cuff: Blodtrykk målt: enheten merker målingen som usikker, overtrykk 138 mmHg, undertrykk 88 mmHg",
                "Cuff: Målingen mislyktes: apparatet fant ingen verdi",
                "Detector: Oksygenmetning målt, 5 ganger",
            ),
        ),
        (
            "en",
            (
                "Measurements: 7",
                "systolic pressure 138 mmHg, diastolic pressure 88 mmHg",
                "Cuff: The measurement failed: the device found no value",
                "Detector: Oximetry measured, 5 times",
            ),
        ),
    ],
)
def test_the_account_lists_readings_in_their_digits_and_counts_streams(
    language: str, said: tuple[str, ...]
) -> None:
    verdict = judge(morning().events)
    text = "\n".join(account.lines(verdict, language, "Europe/Oslo"))
    assert all(each in text for each in said), text
    assert text.count("97.") == 0, "a stream has no line for each"
    counted = account.counts(verdict)["measurements"]
    assert counted == {"blood_pressure.measured": 1, "measurement.failed": 1, "oximetry.measured": 5}


# --- what is said of it -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "nb",
            ["Personlige alarmer: 2", "Tekniske feil: 2", "Hva det betyr: ", "Hva du gjør: ", "Avsluttet."],
        ),
        ("en", ["Personal alarms: 2", "Technical faults: 2", "What it means: ", "What to do: ", "Over."]),
    ],
)
def test_the_account_names_both_in_the_language_of_the_view(
    home: Home, language: str, said: list[str]
) -> None:
    text = "\n".join(account.lines(judge(home.events), language, "Europe/Oslo"))
    for each in said:
        assert each in text
    assert f"{words.kind(language, 'battery.low')} (battery.low): Front door" in text
    marked = {"nb": "2 hendelser merket som gjentakelse", "en": "2 events marked as repetition"}[language]
    assert marked in text, "what is not shown is counted"
    assert "02:05:04  Front door" in text and text.count(words.kind(language, "door.night_exit")) == 1


def test_an_account_counts_what_was_marked_and_says_nothing_where_nothing_was(home: Home) -> None:
    assert account.counts(judge(home.events))["marked_repetitions"] == 2
    home.tell("battery.low", DOOR, "b1", repeat=2)
    assert account.counts(judge(home.events))["marked_repetitions"] == 3
    assert account.lines(judge(home.events), "en", "Europe/Oslo")[-1] == (
        "  1 event marked as repetition and not shown here."
    )
    plain = [event for event in home.events if "repeat" not in event["values"]]
    assert "marked" not in "\n".join(account.lines(judge(plain), "en", "Europe/Oslo"))


@pytest.mark.parametrize("language", ["nb", "en"])
def test_each_shortfall_has_its_words(home: Home, language: str) -> None:
    home.tell("battery.low", DOOR, "x1", lane=0)
    home.tell("tamper.detected", DOOR, "d1")
    home.tell("smoke.cleared", DETECTOR, "nobody")
    home.tell("water.detected", DETECTOR, "w1")
    home.tell("weight.measured", DISPENSER, weight_kg=70)
    reading = Measured("Dispenser", "weight.measured", {"weight_kg": "71"})
    expected = Expect(1, frozenset(["gas.detected"]), True, Counter(["mains.lost"]), (reading,))
    found = shortfalls(judge(home.events), expected)
    assert {name for name, _ in found} >= {
        "wrong_lane",
        "joined",
        "never_told",
        "alarms_differ",
        "alarm_missing",
        "reading_missing",
        "reading_extra",
    }
    assert all("{" not in words.say(language, name, **values) for name, values in found)


@pytest.mark.parametrize("scenario", sorted(path.stem for path in FOLDER.glob("*.toml")))
@pytest.mark.parametrize("language", ["nb", "en"])
def test_each_fault_that_a_scenario_expects_has_its_card(scenario: str, language: str) -> None:
    expected = load(scenario).expect
    for kind in [] if expected is None else expected.faults:
        assert len(account.card(kind, language)) == 2, kind


def test_what_is_orderly_begins_no_state() -> None:
    assert set(ORDERLY) <= KINDS.keys() and not set(ORDERLY) & OPENING
