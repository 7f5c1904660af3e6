"""Make an image, or boot it and run a command: `python -m tools.rig.vm [--kind wifi] [COMMAND]`.

Without a command the image is made where it is not there. Exit status 0 fine, 1 the image cannot be made or the command
failed.
"""

import argparse
import sys
import sysconfig
import time
from pathlib import Path

from tools.rig.vm.image import ImageError, build
from tools.rig.vm.machine import Machine, MachineError
from tools.rig.vm.recipes import BLUEZ, RECIPES


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m tools.rig.vm", description=__doc__)
    parser.add_argument(
        "--kind", choices=RECIPES, default=BLUEZ.name, help="sort of machine (default: vm, with BlueZ)"
    )
    parser.add_argument("command", nargs="?", help="shell command to run in the machine")
    arguments = parser.parse_args()
    began = time.monotonic()
    try:
        image = build(RECIPES[arguments.kind])
        print(
            f"virtual machine, made in {time.monotonic() - began:.0f} s: {', '.join(image.versions.splitlines())}"
        )
        if arguments.command:
            machine = Machine(image, Path(sysconfig.get_path("purelib")))
            try:
                machine.start()
                print(machine.run(arguments.command, limit_s=600.0))
            finally:
                machine.stop()
    except (ImageError, MachineError) as error:
        print(f"vm: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
