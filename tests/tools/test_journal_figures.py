"""Bytes on the card: what is asked is reached, and each control is found."""

import pytest

from tools.bench.journal import written
from tools.bench.journal_figures import FIGURES
from tools.evidence.figure import Figure


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.id)
def test_a_few_events_cost_no_more_than_is_asked(figure: Figure) -> None:
    outcome = figure.run(300, 1)
    assert (outcome.trials, outcome.bad) == (300, 0), outcome
    assert 100 < int(outcome.reached["bytes_an_event"]) <= int(outcome.reached["limit_bytes"])


@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: figure.id)
def test_each_control_costs_half_as_much_again_as_is_allowed(figure: Figure) -> None:
    assert figure.control is not None
    found = figure.control(1)
    assert not figure.ok(found)
    assert int(found.reached["bytes_an_event"]) > 1.5 * int(found.reached["limit_bytes"])


def test_a_counter_that_the_system_does_not_have_counts_nothing() -> None:
    assert written("no_such_counter") == 0
    assert written() > 0
