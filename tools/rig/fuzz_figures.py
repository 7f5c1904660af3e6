"""F7, for `tools.evidence`: whatever bytes a reader of ours gets, it neither fails nor takes long.

The targets and the harness are those of `tests/gateway/fuzz`, run as a process: every decoder and driver of a device, and every
message of the wire. Inputs are divided evenly over the targets.
"""

import json
import subprocess
import sys
from pathlib import Path

from tools.evidence.figure import Figure, Outcome

ROOT = Path(__file__).resolve().parents[2]
TARGETS = 40  # about: how many inputs each gets is worked out with it, and what was tried is counted
LEAST = 200  # inputs of one target: its seeds and every beginning of them alone are more
SHOWN = 20
CONTROL_INPUTS = 200


def fuzzed(inputs: int, seed: int, *options: str) -> Outcome:
    """Run every target with so many inputs.

    Raises:
        RuntimeError: the harness itself failed.
    """
    command = [sys.executable, "-m", "tests.gateway.fuzz", "--json", "--inputs", str(inputs)]
    done = subprocess.run(
        [*command, "--seed", str(seed), *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    findings = [finding for row in rows for finding in row["findings"]]
    if not rows or done.returncode != (1 if findings else 0):
        raise RuntimeError(f"the fuzzing did not come to its end: {done.stderr[-500:]}")
    slowest = max(row["slowest_ms"] for row in rows)
    reached: dict[str, int | str] = {"targets": str(len(rows)), "slowest of a slice": f"{slowest} ms"}
    return Outcome(sum(row["inputs"] for row in rows), len(findings), reached, tuple(findings[:SHOWN]))


def run(trials: int, seed: int) -> Outcome:
    """Inputs over every target."""
    return fuzzed(max(LEAST, trials // TARGETS), seed)


def control(seed: int) -> Outcome:
    """A reader that trusts a length."""
    return fuzzed(CONTROL_INPUTS, seed, "--unsafe")


FIGURES = (
    Figure(
        id="F7",
        title="Inputs on which a reader fails or takes over 100 ms",
        trial="input",
        asked="0 of 100,000,000",
        release=100_000_000,
        share=20_000,
        modules=(
            "gateway/core",
            "gateway/daemon/plugin_guard.py",
            "docs/examples",
            "hal/sim",
            "hal/types.py",
            "tests/core",
            "tests/gateway/fuzz",
        ),
        run=run,
        control=control,
        unsafe="trusts a length that it is sent",
        conditions="seeded mutations of vectors, of their beginnings, and chance; every decoder and driver of a device and every message "
        "of the wire, by equal shares; CPython. `python -m tests.gateway.fuzz.guided` is the same under atheris, guided by branches",
    ),
)
