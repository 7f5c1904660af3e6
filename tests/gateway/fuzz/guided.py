"""`python -m tests.gateway.fuzz.guided`: one target under atheris, guided by the branches it reaches.

    python -m tests.gateway.fuzz.guided --target "bthome frame" --corpus DIR --seconds 600

Inputs that reach something new stay in the corpus folder for the next run; the vectors are put there first. What
is found is printed with its input, and libFuzzer writes it to the folder beside.
"""

import argparse
import sys
from hashlib import sha256
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["gateway"]):
    from tests.gateway.fuzz.enrolment_targets import ENROLMENT_TARGETS
    from tests.gateway.fuzz.installation_targets import INSTALLATION_TARGETS
    from tests.gateway.fuzz.targets import TARGETS as DEVICE_TARGETS
    from tests.gateway.fuzz.wire_targets import WIRE_TARGETS

from gateway.core.errors import DecodeError
from tests.gateway.fuzz.harness import LONGEST, SLOWEST_MS

TARGETS = (*DEVICE_TARGETS, *WIRE_TARGETS, *ENROLMENT_TARGETS, *INSTALLATION_TARGETS)


def main() -> None:
    """Hand the target to libFuzzer; it ends the process."""
    parser = argparse.ArgumentParser(prog="python -m tests.gateway.fuzz.guided", description=__doc__)
    parser.add_argument("--target", default=TARGETS[0].name, choices=[target.name for target in TARGETS])
    parser.add_argument(
        "--corpus", type=Path, required=True, help="folder of inputs, made if it is not there"
    )
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    target = next(target for target in TARGETS if target.name == options.target)
    corpus = options.corpus / target.name.replace(" ", "-")
    corpus.mkdir(parents=True, exist_ok=True)
    for data in target.seeds:
        (corpus / sha256(data).hexdigest()[:16]).write_bytes(data)
    function = target.make()

    def one(data: bytes) -> None:
        try:
            function(bytes(data))
        except DecodeError:
            pass

    limits = [
        f"-max_total_time={options.seconds}",
        f"-max_len={LONGEST}",
        f"-timeout={max(1, SLOWEST_MS // 1000)}",
    ]
    arguments = [
        sys.argv[0],
        str(corpus),
        f"-seed={options.seed}",
        f"-artifact_prefix={options.corpus}/",
        *limits,
    ]
    atheris.Setup(arguments, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
