"""Memory that is missing at each point of an intake, one after the other, on both interpreters."""

from tools.rig.sim.shortage import Scarce, Trial


async def tried(kind: "type[Trial]", point: int, ways: str) -> "tuple[Trial, Scarce]":
    """A trial with memory missing at `point`; 0 is nowhere."""
    trial, scarce = kind(ways), Scarce(point)

    def enough() -> None:
        scarce.fails_at = 0

    await trial.play(scarce.over_all, enough)
    return trial, scarce


async def assert_it_comes_once(kind: "type[Trial]", ways: str) -> None:
    """Wherever memory was missing, what happened is in the journal once."""
    trial, scarce = await tried(kind, 0, ways)
    assert trial.came == 1 and trial.restarts == 0 and scarce.points > 40
    restarts = 0
    for point in range(1, scarce.points + 1):
        trial, _ = await tried(kind, point, ways)
        assert trial.came == 1, "point " + str(point) + ": " + str(trial.came) + " alarms came"
        restarts += trial.restarts
    assert restarts > scarce.points // 2, "a lack of memory that nobody meets shows nothing"


async def lost(kind: "type[Trial]", ways: str) -> "tuple[int, int]":
    """At how many points it was lost, and how many there are."""
    _, scarce = await tried(kind, 0, ways)
    gone = 0
    for point in range(1, scarce.points + 1):
        trial, _ = await tried(kind, point, ways)
        gone += trial.came == 0
    return gone, scarce.points
