"""The figure of dose events: how many schedules a release asks for, and that what is lost, doubled or invented counts."""

from tools.evidence.figure import Outcome
from tools.rig import doses


def test_a_release_asks_for_a_thousand_schedules_and_judges_lost_doubled_and_invented() -> None:
    (figure,) = doses.FIGURES
    assert (figure.id, figure.release, figure.asked) == ("D1", 1_000, "0 lost, 0 doubled, 0 invented")
    good = figure.run(3, 11)
    assert good.bad == 0 and good.reached["lost"] == good.reached["doubled"] == 0
    assert int(good.reached["log entries"]) > 30 and int(good.reached["doses with an end"]) > 5


def test_control_what_an_unsafe_driver_loses_or_doubles_is_bad() -> None:
    lost: Outcome = doses.outcome(8, 1, "loses")
    doubled: Outcome = doses.outcome(4, 1, "doubles")
    assert lost.bad >= int(lost.reached["lost"]) and doubled.bad >= int(doubled.reached["doubled"]) > 0
    assert lost.failures == () or "tools.rig.doses --count 1 --seed" in lost.failures[0]
