"""The simulated gateway of `tools/rig/sim`, under the names that these tests know it by."""

from tools.rig.sim.bench import (
    DAY_UTC_MS,
    DOOR,
    GATEWAY,
    HOME,
    NIGHT_UTC_MS,
    OXIMETER,
    SMOKE,
    TENANT,
    Bench,
    Seeded,
    play,
)

__all__ = (
    "DAY_UTC_MS",
    "DOOR",
    "GATEWAY",
    "HOME",
    "NIGHT_UTC_MS",
    "OXIMETER",
    "SMOKE",
    "TENANT",
    "Bench",
    "Seeded",
    "play",
)
