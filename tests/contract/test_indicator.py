"""What every lamp promises (`hal.interfaces.Indicator`)."""

from pathlib import Path

import pytest

from hal.esp32.indicator import PATTERNS as BOARD_PATTERNS
from hal.linux.indicator import PATTERNS
from tests.contract.backends import INDICATORS
from tests.contract.machine_hosts import FileIndicatorHost, IndicatorHost

GATEWAY = ("ok", "starting", "offline", "fault", "pairing", "identify", "storage_full", "stopped")
ANSWERS = ("heard", "delivered")
STATES = (*GATEWAY, "quiet", *ANSWERS)


@pytest.fixture(params=INDICATORS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> IndicatorHost:
    return INDICATORS[request.param](tmp_path)


def test_the_state_that_was_shown_last_is_seen(host: IndicatorHost) -> None:
    for state in (*STATES, "ok", "ok", "fault"):
        host.indicator.show(state)
        assert host.seen() == state


def test_a_lamp_that_is_not_there_is_no_error(host: IndicatorHost) -> None:
    host.indicator.show("ok")
    host.smash()
    host.indicator.show("fault")
    host.indicator.show("ok")


# --- Linux ---------------------------------------------------------------------------------------------------------


def test_every_state_has_a_pattern_of_its_own() -> None:
    assert sorted(PATTERNS) == sorted(BOARD_PATTERNS) == sorted(STATES), "a board's lamp knows the same"
    assert len({PATTERNS[state] for state in (*GATEWAY, *ANSWERS)}) == len(GATEWAY) + len(ANSWERS)
    assert PATTERNS["quiet"] == PATTERNS["ok"] == ("none", 0, 0), "dark"
    assert PATTERNS["offline"][0] == "default-on", "a steady light: nothing blinks at night"


def test_the_lamp_of_the_kernel_gets_trigger_and_times(tmp_path: Path) -> None:
    host = FileIndicatorHost(tmp_path)
    host.indicator.show("fault")
    assert (host.led / "trigger").read_text() == "timer"
    assert (host.led / "delay_on").read_text() == "200"
    assert (host.led / "delay_off").read_text() == "1800"
    host.indicator.show("ok")
    assert (host.led / "trigger").read_text() == "none"


def test_the_same_state_again_writes_nothing(tmp_path: Path) -> None:
    host = FileIndicatorHost(tmp_path)
    host.indicator.show("ok")
    (host.led / "trigger").write_text("untouched")
    host.indicator.show("ok")
    assert (host.led / "trigger").read_text() == "untouched"
