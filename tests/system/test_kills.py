"""SIGKILLs under load: a share of `make kills`, and the control that must lose."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tools.rig.kills import KillRun, Verdict

KILLS = 20


def run(folder: Path, kills: int, seed: int, *, unsafe: bool) -> Verdict:
    """One run with Mosquitto at its default settings, or the embedded broker where it is not installed."""
    kind = "mosquitto" if shutil.which("mosquitto") else "amqtt"
    return asyncio.run(KillRun(folder, kills, seed, unsafe=unsafe, broker_kind=kind).run())


@pytest.mark.long
@pytest.mark.timeout(240)
def test_twenty_sigkills_lose_and_double_nothing(tmp_path: Path) -> None:
    verdict = run(tmp_path, KILLS, 20_261_122, unsafe=False)
    assert verdict.lost_count == 0, verdict
    assert verdict.twice == 0, verdict
    assert verdict.stored > 10 * KILLS, "there was load"
    assert set(verdict.killed) == {"hub", "broker", "platform"}


@pytest.mark.long
@pytest.mark.timeout(240)
def test_the_harness_reports_the_loss_of_a_hub_that_forgets_on_puback(tmp_path: Path) -> None:
    verdict = run(tmp_path, 4, 20_261_122, unsafe=True)
    assert verdict.lost_count > 0, verdict
