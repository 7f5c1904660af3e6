"""The figures of simulated time, for `tools.evidence`."""

from tools.evidence.figure import Figure
from tools.rig import clocks, months, mute_brokers, schedules, silences

FIGURES: tuple[Figure, ...] = (
    *mute_brokers.FIGURES,
    *schedules.FIGURES,
    *silences.FIGURES,
    *months.FIGURES,
    *clocks.FIGURES,
)
