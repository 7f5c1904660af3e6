"""A real file system that is really full: alarms are stored, lanes yield, and space that comes back is used."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOUNT = 'mount -t tmpfs -o size=6m none "$1" && exec "$2" -m tests.system.journal_disk_program "$1"'


@pytest.mark.timeout(180)
def test_a_full_disk_costs_no_alarm_and_no_restart(tmp_path: Path) -> None:
    own_mounts = ["unshare", "--user", "--map-root-user", "--mount"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*own_mounts, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("this machine gives no mount namespace to its users (unshare --user --mount)")
    program = [*own_mounts, "sh", "-c", MOUNT, "sh", str(tmp_path), sys.executable]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["free_bytes"] == 0
    assert facts["alarms_on_a_full_disk"] == 100
    assert facts["measurements_last"] == 2000 + 100 + 2000
    assert facts["given_up"] > 0
    assert facts["cramped"] == [True, False], "said while it lasts, and noticed at its end without an append"
    assert facts["alarms_until_full"] > 1000
    assert facts["measurements_left"] == 0  # all of them, before an alarm was refused
    assert facts["number_after_space_is_back"] == facts["alarms_until_full"] + 1
    assert facts["after_a_restart"] == [100, facts["alarms_until_full"] + 1, 4100 + 1000]
