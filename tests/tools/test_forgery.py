"""Forgeries: none has an effect, each genuine message has one, and without verification many get through."""

import asyncio
import random

import pytest

from hal.sim.ed25519 import Ed25519
from tools.platform.parties import Verifier
from tools.rig.forgery.__main__ import main
from tools.rig.forgery.figures import Found, Round, forge
from tools.rig.forgery.mutations import MUTATIONS, ORDER, SMALL, stretch
from tools.rig.forgery.replays import DOWN, LAST, UP
from tools.rig.forgery.town import Genuine, anything


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


class Watched(Round):
    """Notes of each genuine message before a replay whether it had an effect."""

    def __init__(self, seed: int, found: Found, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(seed, Verifier().verify, found, loop)
        self.had_effect: list[bool] = []
        self.is_judging = False

    def deliver(self, message: Genuine) -> None:
        if self.is_judging:
            super().deliver(message)
            return
        end = self.gateway if message.at == "gateway" else self.platform
        before = end.standing()
        super().deliver(message)
        self.had_effect.append(end.standing() != before)

    def effect(self, message: Genuine, *, is_signed: bool = False) -> bool:
        self.is_judging = True
        try:
            return super().effect(message, is_signed=is_signed)
        finally:
            self.is_judging = False


@pytest.mark.parametrize("make", [*DOWN, *LAST, *UP], ids=lambda each: each.__name__)
def test_a_replay_has_no_effect_where_what_came_before_it_had_one(make) -> None:  # type: ignore[no-untyped-def]
    loop = asyncio.new_event_loop()
    try:
        for seed in range(6):
            a_round = Watched(seed, Found(), loop)
            assert not a_round.effect(make(a_round), is_signed=True), seed
            assert all(a_round.had_effect), seed
            a_round.close()
    finally:
        loop.close()


@pytest.mark.parametrize("name", ["keyset_of_a_lower_version", "keyset_of_the_same_version"])
def test_a_gateway_that_takes_any_version_is_found_by_the_replays(name: str) -> None:
    loop = asyncio.new_event_loop()
    a_round = Round(4, Verifier().verify, Found(), loop)
    try:
        message = next(make for make in DOWN if make.__name__ == name)(a_round)
        a_round.gateway.trust.version, a_round.gateway.trust.held = 0, None
        assert a_round.effect(message, is_signed=True)
    finally:
        a_round.close()
        loop.close()


def test_a_platform_that_keeps_no_uptimes_is_found_by_a_recorded_state() -> None:
    loop = asyncio.new_event_loop()
    a_round = Round(4, Verifier().verify, Found(), loop)
    try:
        message = next(make for make in UP if make.__name__ == "state_again")(a_round)
        for book in a_round.platform.receiver.ledger.books.values():
            for epoch in book.epochs.values():
                epoch.uptimes.clear()
        assert a_round.effect(message, is_signed=True)
    finally:
        a_round.close()
        loop.close()


def test_the_portable_verifier_refuses_what_the_tricks_make() -> None:
    loop = asyncio.new_event_loop()
    a_round = Round(6, Ed25519().verify, Found(), loop)
    try:
        genuine = a_round.downward()
        for mutate in MUTATIONS:
            forged = mutate(random.Random(mutate.__name__), genuine, genuine, a_round.keys)
            if forged.data != genuine.data:
                assert not a_round.effect(forged), mutate.__name__
        assert a_round.effect(genuine)
    finally:
        a_round.close()
        loop.close()


def test_a_stretched_scalar_is_the_same_scalar_to_whoever_does_not_look() -> None:
    loop = asyncio.new_event_loop()
    a_round = Round(6, Verifier().verify, Found(), loop)
    try:
        genuine = a_round.downward()
        forged = stretch(random.Random(1), genuine, genuine, a_round.keys)
        scalars = [int.from_bytes(data[-32:], "little") for data in (genuine.data, forged.data)]
        assert scalars[0] != scalars[1]
        assert scalars[0] % ORDER == scalars[1] % ORDER
    finally:
        a_round.close()
        loop.close()


def test_points_of_small_order_are_each_another_encoding() -> None:
    assert len(set(SMALL)) == len(SMALL) == 14
    assert all(len(point) == 32 for point in SMALL)


def test_a_failure_replays_with_the_seed_of_its_round_however_long_the_run_was() -> None:
    loop = asyncio.new_event_loop()
    try:
        for run_of in (120, 500):
            found = Found()
            a_round = Round(521, anything, found, loop)
            a_round.run(run_of)
            a_round.close()
            shown = forge(run_of, 521, anything).failures
            assert shown == tuple(found.failures) and shown
    finally:
        loop.close()
