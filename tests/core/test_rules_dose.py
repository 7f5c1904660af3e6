"""How a dose ends: late is the dispenser's `dose.wrong_time`, missed its `dose.missed`, and silence is neither (D2, H7)."""

from gateway.core.rules.dose import GRACE_MS, RECHECK_MS
from gateway.core.rules.incidents import dose_incident
from tests.core.rule_home import DISPENSER, HOUR_MS, MINUTE_MS, NOON_UTC_MS, RuleHome, kinds

END_UTC_MS = NOON_UTC_MS + 30 * MINUTE_MS


def planned() -> RuleHome:
    """A home whose dispenser has planned dose 7 until half past twelve; its rule is there unasked."""
    home = RuleHome([], NOON_UTC_MS)
    home.say(DISPENSER, "dose.planned", dose_id=7, window_end_utc_ms=END_UTC_MS)
    return home


def test_a_late_dose_is_what_the_dispenser_calls_it_and_ends_the_wait():
    home = planned()
    home.wait(29 * MINUTE_MS)
    assert kinds(home.say(DISPENSER, "dose.wrong_time", dose_id=7)) == ["dose.wrong_time"]
    assert home.wait(5 * HOUR_MS) == []


def test_a_dose_collected_after_its_window_is_told_late_after_the_doubt_and_never_as_missed():
    home = planned()
    doubt = home.wait(30 * MINUTE_MS + GRACE_MS + MINUTE_MS)
    assert kinds(doubt) == ["dose.unconfirmed"]
    told = home.say(DISPENSER, "dose.wrong_time", dose_id=7)
    assert kinds(told) == ["dose.wrong_time", "dose.accounted"]
    assert {event.incident for event in doubt + told} == {dose_incident(DISPENSER, 7)}
    assert "dose.missed" not in kinds(home.told)


def test_a_missed_dose_is_the_dispensers_word_alone():
    home = planned()
    home.wait(30 * MINUTE_MS)
    assert kinds(home.say(DISPENSER, "dose.missed", dose_id=7)) == ["dose.missed"]
    assert home.wait(5 * HOUR_MS) == []


def test_no_confirmation_from_a_silent_dispenser_stays_unconfirmed_also_after_a_restart():
    home = planned()
    home.fault(DISPENSER, "device.silent")
    home.restart(10 * MINUTE_MS)
    assert kinds(home.wait(24 * HOUR_MS)) == ["dose.unconfirmed"]
    home.restart()
    assert home.wait(24 * HOUR_MS) == []
    assert "dose.missed" not in kinds(home.told)


def test_a_dose_whose_window_ends_while_the_clock_is_unknown_is_judged_when_it_is_known():
    home = planned()
    home.restart(HOUR_MS, clock=False)
    assert home.wait(HOUR_MS) == []
    home.utc_ms = END_UTC_MS + HOUR_MS
    assert kinds(home.wait(RECHECK_MS + MINUTE_MS)) == ["dose.unconfirmed"]
