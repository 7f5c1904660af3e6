"""F4: SIGKILLs of hub, broker and platform as real processes under load."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from tools.evidence.figure import Figure, Outcome, UnavailableError
from tools.rig.kills import KillRun, Verdict

CONTROL_KILLS = 6
LEAST_KILLS = 100  # of one system: a run takes as long to begin and to settle as ten kills do
SETTINGS = ("mosquitto", "strict")
ABREAST = 2  # systems with each of the settings that live at once: most of a life is waiting


async def kill(kills: int, seed: int, broker_kind: str, *, unsafe: bool = False) -> Verdict:
    """One run. Raises UnavailableError without Mosquitto."""
    if shutil.which("mosquitto") is None:
        raise UnavailableError("mosquitto is not installed: apt-get install mosquitto")
    with tempfile.TemporaryDirectory(prefix="trygg-kills-") as name:
        return await KillRun(Path(name), kills, seed, unsafe=unsafe, broker_kind=broker_kind).run()


async def abreast(trials: int, seed: int) -> list[tuple[Verdict, str]]:
    """Half of the kills with Mosquitto as it comes, half with every change saved; each half in systems of its own."""
    count = len(SETTINGS) * (ABREAST if trials >= len(SETTINGS) * ABREAST * LEAST_KILLS else 1)
    shares = [(trials + count - 1 - number) // count for number in range(count)]
    settings = [SETTINGS[number % len(SETTINGS)] for number in range(count)]
    runs = [
        kill(share, seed + number, each)
        for number, (share, each) in enumerate(zip(shares, settings, strict=True))
        if share
    ]
    return list(zip(await asyncio.gather(*runs), settings, strict=False))


def kills(trials: int, seed: int) -> Outcome:
    """So many kills."""
    return gathered(trials, asyncio.run(abreast(trials, seed)))


def gathered(trials: int, verdicts: list[tuple[Verdict, str]]) -> Outcome:
    """What the runs found together. A run that stored nothing, or a platform without a store, shows nothing: it is bad."""
    bad = sum(badness(verdict) for verdict, _ in verdicts)
    reached: dict[str, int | str] = {
        "events stored": sum(verdict.stored for verdict, _ in verdicts),
        "events at the platform": sum(verdict.verified for verdict, _ in verdicts),
    }
    failures = [
        f"--n {verdict.kills} --seed {verdict.seed} --broker {settings}: {said(verdict)}"
        for verdict, settings in verdicts
        if badness(verdict)
    ]
    return Outcome(trials, bad, reached, tuple(failures))


def badness(verdict: Verdict) -> int:
    """Events lost or doubled; 1 where there was nothing to lose or nowhere to arrive."""
    return verdict.lost_count + verdict.twice or int(not verdict.has_store or not verdict.stored)


def said(verdict: Verdict) -> str:
    """One failure in words."""
    if not verdict.has_store:
        return f"the platform never made its store, lost {verdict.lost_count}"
    if not verdict.stored:
        return "the hub stored nothing"
    return f"lost {verdict.lost_count}, twice {verdict.twice}"


def control(seed: int) -> Outcome:
    """A hub that forgets on the broker's PUBACK."""
    return seen(asyncio.run(kill(CONTROL_KILLS, seed, "mosquitto", unsafe=True)))


def seen(verdict: Verdict) -> Outcome:
    """What the control found: a platform that never worked has not shown that a hub forgets."""
    return Outcome(verdict.kills, verdict.lost_count if verdict.shows_loss else 0)


FIGURES = (
    Figure(
        id="F4",
        title="SIGKILL of hub, broker and platform under load",
        trial="kill",
        asked="0 of 10,000 kills lose or double an event",
        release=10_000,
        share=0,
        modules=(
            "gateway",
            "hal/bumble",
            "hal/linux",
            "hal/buffer.py",
            "hal/errors.py",
            "hal/receptions.py",
            "hal/types.py",
            "tools/platform",
            "tools/rig/kill_figures.py",
            "tools/rig/kills.py",
            "tools/demo/process.py",
            "tools/demo/stage.py",
        ),
        run=kills,
        control=control,
        unsafe="forgets on the broker's PUBACK",
        conditions=(
            "real processes, mutual TLS on loopback, virtual radio and dispenser, Mosquitto with default and with strict "
            "settings; two or four such systems at once; 20 kills and the control are tests of `make check`"
        ),
        least=len(SETTINGS) * ABREAST * LEAST_KILLS,
    ),
)
