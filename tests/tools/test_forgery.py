"""Forgeries: none has an effect, each genuine message has one, and without verification many get through."""

import asyncio
import random

import pytest

from tools.platform.parties import Verifier
from tools.rig.forgery.__main__ import main
from tools.rig.forgery.figures import Found, Round, forge
from tools.rig.forgery.mutations import MUTATIONS
from tools.rig.forgery.town import anything


def test_nothing_forged_altered_replayed_or_moved_has_an_effect() -> None:
    outcome = forge(1_500, 11)
    assert (outcome.bad, outcome.failures) == (0, ())
    assert all(
        int(outcome.reached[f"for {sort}"]) > 20
        for sort in ("bundle", "state", "manifest", "receipt", "keyset")
    )


def test_without_verification_many_have_one_and_each_is_named_with_its_seed() -> None:
    outcome = forge(600, 11, anything)
    assert outcome.bad > 50
    assert outcome.failures[0].startswith("seed 11, ") and "had an effect" in outcome.failures[0]


def test_what_is_genuine_has_an_effect_so_the_harness_can_see_one() -> None:
    loop = asyncio.new_event_loop()
    a_round = Round(3, Verifier().verify, Found(), loop)
    try:
        kinds = set()
        for _ in range(40):
            message = a_round.upward()
            kinds.add(message.sort)
            assert a_round.effect(message), message.sort
        assert kinds == {"bundle", "state", "manifest"}
        downward = [a_round.downward() for _ in range(20)]
        keyset = next(message for message in downward if message.sort == "keyset")
        receipt = next(message for message in downward if message.sort == "receipt")
        assert a_round.effect(receipt) and a_round.effect(keyset)
        assert not a_round.effect(keyset), "the same again has none"
    finally:
        a_round.close()
        loop.close()


@pytest.mark.parametrize("mutate", sorted(set(MUTATIONS), key=lambda each: each.__name__))
def test_each_way_of_forging_makes_another_message(mutate) -> None:  # type: ignore[no-untyped-def]
    loop = asyncio.new_event_loop()
    a_round = Round(5, Verifier().verify, Found(), loop)
    try:
        pool = [a_round.downward() for _ in range(6)] + [a_round.upward() for _ in range(6)]
        made = set()
        for seed in range(30):
            chance = random.Random(seed)
            forged = mutate(chance, chance.choice(pool), chance.choice(pool), a_round.keys)
            made.add((forged.topic, forged.data))
        assert len(made - {(each.topic, each.data) for each in pool}) > 5
    finally:
        a_round.close()
        loop.close()


def test_the_command_says_how_many_were_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--trials", "200"]) == 0
    assert capsys.readouterr().out.endswith("accepted 0\n")
    assert main(["--trials", "200", "--unsafe"]) == 0
