"""`trygg run` on a disk that somebody else fills: alarms are stored, the status says it in plain words, no restart helps or is needed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools.simulators.mosquitto import find_mosquitto

ROOT = Path(__file__).resolve().parents[2]
MOUNT = 'mount -t tmpfs -o size=12m none "$1/hub" && exec "$2" -m tests.system.run_disk_program "$1"'


@pytest.mark.long
@pytest.mark.timeout(300)
def test_alarms_are_stored_on_a_full_disk_and_delivered_without_a_restart(tmp_path: Path) -> None:
    own_mounts = ["unshare", "--user", "--map-root-user", "--mount"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*own_mounts, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this machine gives no mount namespace to its users (unshare --user --mount)")
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    (tmp_path / "hub").mkdir()
    program = [*own_mounts, "sh", "-c", MOUNT, "sh", str(tmp_path), sys.executable]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    facts = json.loads(done.stdout)
    assert facts["alarms_stored"] == facts["alarms_made"] > 5
    assert facts["alarms_delivered"] == facts["alarms_made"] + 1
    assert facts["given_up_lanes"] == [4], "door by day and diagnostics go first"
    assert facts["lamp"] == "fault"
    assert "the disk is full of other things. Alarms are stored" in facts["said"]["en"]
    assert "Disken er full av annet. Alarmer lagres" in facts["said"]["nb"]
    assert "events (information) because the store was full" in facts["said"]["en"]
    assert facts["same_process"]
