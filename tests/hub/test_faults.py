"""Seeded lives of a home: whatever fails in whatever order, nothing that was stored is lost, doubled or out of order.

A failure prints its seed; `live(seed)` has it again.
"""

from tests.hub.schedule import live
from tests.hub.test_delivery import ForgetOnPuback

SEEDS = 36
GROUPS = 6


def check_group(group: int) -> None:
    """A share of the seeds, so that no single test takes long."""
    for seed in range(1 + group, 1 + SEEDS, GROUPS):
        life, bill = live(seed)
        told = "seed " + str(seed) + ": " + ", ".join(life.told)
        assert not bill.lost, "lost " + repr(bill.lost) + ", " + told
        assert not bill.wrong, "; ".join(bill.wrong) + ", " + told
        assert bill.events >= 10, told


def test_lives_of_the_first_group():
    check_group(0)


def test_lives_of_the_second_group():
    check_group(1)


def test_lives_of_the_third_group():
    check_group(2)


def test_lives_of_the_fourth_group():
    check_group(3)


def test_lives_of_the_fifth_group():
    check_group(4)


def test_lives_of_the_sixth_group():
    check_group(5)


def test_the_schedule_reaches_every_kind_of_trouble():
    told = []
    for seed in range(1, 11):
        told += live(seed)[0].told
    for name in ("turn_broker", "drop", "lose", "repeat", "mute", "kill", "empty_platform", "the power went"):
        assert name in told, name


def test_the_checker_sees_what_a_gateway_loses_that_forgets_on_puback():
    lost = 0
    for seed in range(1, 6):
        lost += len(live(seed, ForgetOnPuback, faulty=False)[1].lost)
    assert lost > 0
