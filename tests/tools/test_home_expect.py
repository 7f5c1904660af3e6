"""What a scenario expects: read, and refused where nobody could ever test it."""

from collections import Counter
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError
from tools.home.scenario import FOLDER, Measured, Scenario, load


def loaded(folder: Path, text: str) -> Scenario:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return load(str(path))


def test_an_expectation_is_read(tmp_path: Path) -> None:
    text = """
    [home]
    seconds = 12
    [expect]
    personal_alarms = 1
    kinds = ["smoke.detected"]
    over = true
    faults = ["battery.low", "tamper.detected", "tamper.detected"]
    """
    scenario = loaded(tmp_path, text)
    expect = scenario.expect
    assert scenario.seconds == 12 and expect is not None
    assert (expect.personal_alarms, expect.kinds, expect.over) == (1, {"smoke.detected"}, True)
    assert expect.faults == Counter({"battery.low": 1, "tamper.detected": 2})


def test_home_lasts_as_long_as_ever_and_expects_nothing() -> None:
    assert load("home").seconds == 40 and load("home").expect is None


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.toml")))
def test_a_scenario_that_expects_something_has_time_for_all_its_acts(name: str) -> None:
    scenario = load(name)
    if scenario.expect is not None:
        assert max(act.at_s for act in scenario.acts) < scenario.seconds


READING = """
    [[peripheral]]
    name = "Scale"
    kind = "scale"
    address = "C3:00:00:00:00:09"
    [[expect.measured]]
    device = "Scale"
    kind = "weight.measured"
    weight_kg = "72.450"
"""


def test_a_reading_is_expected_in_its_digits(tmp_path: Path) -> None:
    expect = loaded(tmp_path, READING).expect
    assert expect is not None
    assert expect.measured == (Measured("Scale", "weight.measured", {"weight_kg": "72.450"}),)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"72.450"', "72.450", "expect.measured.weight_kg: found 72.45, expected text"),
        ("weight_kg", "wait_kg", "expect.measured.wait_kg: found no such value"),
        ("weight.measured", "door.opened", "a kind of lane 3"),
        (
            'device = "Scale"',
            'device = "Scales"',
            "expect.measured.device: found 'Scales', expected one of Scale",
        ),
    ],
)
def test_a_reading_that_could_never_come_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, READING.replace(old, new))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("personal_alarms = -1", "expect.personal_alarms: found -1"),
        ("personal_alarms = true", "expect.personal_alarms: found True"),
        ("fault = []", "expect.fault: found no such key"),
        ("faults = ['smoke.detected']", "expect.faults: found 'smoke.detected'"),
        ("faults = ['no.such']", "a kind of lane 2"),
        ("kinds = ['battery.low']", "a kind of lane 0 or 1"),
    ],
)
def test_what_can_never_be_met_is_refused(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, f"[expect]\n{line}\n")
    assert said in str(caught.value) and "mine.toml" in str(caught.value)
