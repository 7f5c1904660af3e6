"""Dose events through pulled cables, resets and noise: none lost, none doubled, none invented.

    python -m tools.rig.doses --count 1000 --seed 1

One trial is one life of a home with a dispenser (`tools/rig/sim/dose_life.py`). `--unsafe loses` is a driver that
acknowledges before the journal has stored, `--unsafe doubles` one that takes what comes again for another event.
"""

import asyncio
import sys

from gateway.core.devices.driver import Driver
from tools.evidence.figure import Figure, Outcome
from tools.rig.command import parser_of, say
from tools.rig.sim.dose_life import EagerDispenser, NamelessDispenser, lived

UNSAFE: dict[str, type[Driver]] = {"loses": EagerDispenser, "doubles": NamelessDispenser}
CONTROL_LIVES = 24  # a loss needs a cut between acknowledging and storing, which not every life has


def outcome(trials: int, first: int, unsafe: str = "") -> Outcome:
    """Lives from seed `first` on."""
    failures: list[str] = []
    entries = doses = lost = doubled = wrong = 0
    for seed in range(first, first + trials):
        _, bill = asyncio.run(lived(seed, UNSAFE.get(unsafe)))
        entries, doses = entries + bill.entries, doses + bill.doses
        lost, doubled, wrong = lost + len(bill.lost), doubled + len(bill.doubled), wrong + len(bill.wrong)
        if bill.bad:
            found = f"lost {bill.lost[:3]}, doubled {bill.doubled[:3]}, {'; '.join(bill.wrong[:3])}"
            failures.append(f"{found}: python -m tools.rig.doses --count 1 --seed {seed}")
    reached: dict[str, int | str] = {"log entries": entries, "doses with an end": doses}
    reached |= {"lost": lost, "doubled": doubled}
    return Outcome(trials, lost + doubled + wrong, reached, tuple(failures))


def control(seed: int) -> Outcome:
    """Both unsafe drivers: one must lose, the other double. What only one of them did is no control."""
    losing, doubling = (outcome(CONTROL_LIVES, seed, name) for name in UNSAFE)
    reached = {"lost": losing.reached["lost"], "doubled": doubling.reached["doubled"]}
    both = all(isinstance(count, int) and count > 0 for count in reached.values())
    bad = losing.bad + doubling.bad if both else 0
    return Outcome(2 * CONTROL_LIVES, bad, reached, losing.failures + doubling.failures)


FIGURES = (
    Figure(
        id="D1",
        title="Dose events through pulled cables, resets and noise",
        trial="schedule of a dispenser's life",
        asked="0 lost, 0 doubled, 0 invented",
        release=1_000,
        share=20,
        modules=(
            "gateway/core",
            "gateway/hub",
            "hal/sim",
            "tools/rig/sim",
            "tools/rig/doses.py",
            "tools/simulators/dispenser.py",
            "tools/simulators/dispenser_plan.py",
            "tools/simulators/noisy_line.py",
        ),
        run=outcome,
        control=control,
        unsafe="a driver that acknowledges before it has stored must lose, one without identities must double",
        conditions="simulated: clock, line, dispenser (the reference; in half of the lives it frees what is acknowledged), "
        "broker and platform; hub, driver and rules are the product's; five sorts of line, from sound to one that loses, "
        "damages, cuts and repeats; the gateway's power and journal fail, too",
    ),
)


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 where nothing was found."""
    parser = parser_of("tools.rig.doses", __doc__, count="count", usual=100)
    parser.add_argument("--unsafe", choices=tuple(UNSAFE), help="a driver that must be found")
    options = parser.parse_args(argv)
    bad = say(outcome(options.count, options.seed, options.unsafe or ""))
    return int(not bad) if options.unsafe else int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
