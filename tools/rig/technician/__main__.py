"""`make technician`: a technician's whole day on this machine, as a person would do it; exit status 0 where all of it went as it should.

    python -m tools.rig.technician [--language nb|en] [--pictures DIR] [--folder DIR] [--json]

Needs root (mounts of its own), Mosquitto, mtools and Chromium.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tools.rig.technician import browser, media
from tools.rig.technician.browser import NotShownError
from tools.rig.technician.day import Day
from tools.rig.technician.machine import MissingMachineError
from tools.rig.technician.office import FailedCommandError
from tools.rig.technician.workbench import NotAsItShouldError
from tools.simulators.mosquitto import MosquittoError, find_mosquitto

WORDS = {
    "nb": {
        "end": "Dagen gikk som den skal: {count} handlinger, {clicks} trykk på siden, 0 spor igjen av hjemmet."
    },
    "en": {
        "end": "The day went as it should: {count} acts, {clicks} presses at the page, 0 traces left of the home."
    },
}


def missing() -> str:
    """What is not on this machine; empty where all is."""
    lacks = media.missing()
    lacks += ["mosquitto"] if find_mosquitto() is None else []
    lacks += ["chromium"] if browser.program() is None else []
    return ", ".join(lacks)


def main(argv: list[str] | None = None) -> int:
    """0 all went as it should, 1 something did not, 2 it cannot be done on this machine."""
    parser = argparse.ArgumentParser(prog="python -m tools.rig.technician", description=__doc__)
    parser.add_argument("--language", choices=("nb", "en"), default="nb")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="keep what the page shows")
    parser.add_argument(
        "--folder", type=Path, metavar="DIR", help="keep everything there (default: a temporary one)"
    )
    parser.add_argument("--json", action="store_true", help="the facts alone, as one JSON object")
    options = parser.parse_args(argv)
    lacks = missing()
    if lacks:
        print(f"technician: not installed here: {lacks}", file=sys.stderr)
        return 2

    def say(line: str) -> None:
        if not options.json:
            print(line, flush=True)

    with tempfile.TemporaryDirectory(prefix="trygg-day-", dir="/var/tmp") as temporary:
        folder = (options.folder or Path(temporary)).resolve() / "day"
        folder.mkdir(parents=True)
        day = Day(folder, options.language, say, options.pictures)
        try:
            facts = day.run()
        except (MissingMachineError, MosquittoError) as error:
            print(f"technician: {error}", file=sys.stderr)
            return 2
        except (FailedCommandError, NotAsItShouldError, NotShownError) as error:
            print(f"technician: {error}", file=sys.stderr)
            return 1
    if options.json:
        print(json.dumps(asdict(facts), ensure_ascii=False))
    else:
        say(WORDS[options.language]["end"].format(count=len(facts.acts), clicks=facts.found["clicks"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
