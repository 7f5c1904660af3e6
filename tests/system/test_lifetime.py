"""A child of a rig ends with it, and one that was started without that goes on."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tools.simulators.lifetime import with_parent

RIG = """
import subprocess, sys
from tools.simulators.lifetime import with_parent
command = [sys.executable, "-c", "import os, time; os.write(1, b'lives'); time.sleep(60)"]
subprocess.Popen(with_parent(command) if sys.argv[1] == "with" else command, start_new_session=True).wait()
"""
LIMIT_S = {"with": 10.0, "without": 0.5}


@pytest.mark.parametrize("manner", ["with", "without"])
def test_the_child_of_a_killed_rig(manner: str) -> None:
    if with_parent([]) == []:
        pytest.skip("setpriv is not installed: apt-get install util-linux")
    reading, writing = os.pipe()
    with subprocess.Popen([sys.executable, "-c", RIG, manner], stdout=writing, process_group=0) as rig:
        os.close(writing)
        assert os.read(reading, 100) == b"lives"
        child = int(next(iter(children(rig.pid))))
        rig.kill()
    try:
        has_ended = (
            bool(select.select([reading], [], [], LIMIT_S[manner])[0]) and os.read(reading, 100) == b""
        )
        assert has_ended == (manner == "with")
    finally:
        os.close(reading)
        if manner == "without":
            os.kill(child, signal.SIGKILL)


def children(pid: int) -> list[str]:
    """Process ids of its children."""
    return Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
