"""Seeded lives of a dispenser: through noise, pulled cables and resets each dose event arrives once, and none is invented.

A failure prints its seed; `python -m tools.rig.doses --count 1 --seed N` has it again.
"""

import asyncio

from tools.rig.sim.dose_life import LINES, EagerDispenser, NamelessDispenser, lived

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.devices.driver import Driver
    from tools.rig.sim.dose_life import DoseBill, DoseLife

SEEDS = 10


def live(seed: int, driver_class: "type[Driver] | None" = None) -> "tuple[DoseLife, DoseBill]":
    return asyncio.run(lived(seed, driver_class))


def test_no_dose_event_is_lost_doubled_or_invented():
    told = []
    for seed in range(1, 1 + SEEDS):
        life, bill = live(seed)
        assert not bill.bad, "seed " + str(seed) + ": " + repr((bill.lost, bill.doubled, bill.wrong))
        assert bill.entries > 20 and bill.doses > 0, seed
        faults = life.seen_faults
        assert (faults > 0) == bool(LINES[seed % len(LINES)]), "the line of seed " + str(seed)
        told += life.told
    for name in (
        "pull_or_plug",
        "reset",
        "kill",
        "collect",
        "take_early",
        "withdraw",
        "refill",
        "the power went",
    ):
        assert name in told, name


def test_a_driver_that_acknowledges_before_it_has_stored_is_found():
    assert sum([len(live(seed, EagerDispenser)[1].lost) for seed in (5, 7, 9, 11, 13, 15, 17)]) > 0


def test_a_driver_that_takes_a_repetition_for_another_event_is_found():
    assert sum([len(live(seed, NamelessDispenser)[1].doubled) for seed in (2, 3)]) > 0
