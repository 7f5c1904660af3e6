"""The command lines of the harnesses of simulated time: a run of nothing is refused, and what was found is said last."""

import pytest

from tools.evidence.figure import Outcome
from tools.rig import clocks, command, months, mute_brokers, silences


@pytest.mark.parametrize(
    ("harness", "option"),
    [(clocks, "--events"), (months, "--days"), (mute_brokers, "--count"), (silences, "--count")],
)
def test_a_run_of_nothing_is_refused(harness, option, capsys):
    with pytest.raises(SystemExit) as ended:
        harness.main([option, "0"])
    assert ended.value.code == 2
    assert "found 0, expected 1 or more" in capsys.readouterr().err


def test_what_was_found_is_summed_and_said_last_after_what_replays_it(capsys):
    found = Outcome(3, 1, {"latest, ms": 7}, ("seed 5: late",))
    assert command.say(found, Outcome(2, 0)) == 1
    assert capsys.readouterr().out.splitlines() == ["seed 5: late", "latest, ms 7", "5 done, bad 1"]


def test_a_command_fails_on_what_it_found_and_its_unsafe_variant_on_finding_nothing(capsys):
    assert mute_brokers.main(["--count", "1", "--seed", "100"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 done, bad 0"
    assert mute_brokers.main(["--count", "1", "--seed", "100", "--unsafe"]) == 0
