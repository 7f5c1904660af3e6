"""`make esp-demo`: the firmware on the unix interpreter, Mosquitto with mutual TLS, the platform that verifies.

Three acts: the board is killed in the middle and starts again; then a broker that is not ours, one of another name and one whose
certificate has run out. Each refusal is shown in plain words, with what had left the board until then: no byte of a message.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from gateway.daemon.wording import norwegian
from tools.demo.process import Child
from tools.demo.tally import Tally
from tools.mpy.interpreter import MissingToolError, find_interpreter
from tools.rig.esp.stage import GATEWAY, EspStage
from tools.simulators.certificates import Authority
from tools.simulators.mosquitto import Mosquitto, MosquittoError
from tools.simulators.tls_records import APPLICATION, RecordCounter

ROOT = Path(__file__).resolve().parent.parent.parent.parent
HEAP = "4M"  # the interpreter keeps what it compiles in the heap; a board has it in flash
REFUSALS = ("authority", "host", "expired")
WAIT_S = 15.0
KINDS = {"door.night_exit", "smoke.detected", "oximetry.measured", "dose.collected", "dose.missed"}


class Demo:
    """One run; `facts` is what came of it."""

    def __init__(self, folder: Path, language: str) -> None:
        self.stage = EspStage(folder)
        self.tally = Tally()
        self.language = language
        self.causes: list[str] = []
        self.ends: list[dict[str, Any]] = []
        self.kinds: set[str] = set()

    def board(self, seconds: int) -> Child:
        """The firmware as a process."""
        interpreter = find_interpreter().command
        arguments = [
            "-X",
            f"heapsize={HEAP}",
            "-m",
            "tests.firmware.live_home",
            str(self.stage.flash),
            str(seconds),
        ]
        log = self.stage.folder / "board.log"
        environment = {"MICROPYPATH": f"{ROOT}:.frozen"}
        return Child("board", arguments, self.board_said, log, program=interpreter, environment=environment)

    def board_said(self, line: dict[str, Any]) -> None:
        self.tally.hub_said(line)
        if "summary" in line:
            self.ends.append(line["summary"])
        if line.get("level") in ("warning", "error") and "cause" in line:
            self.causes.append(str(line["cause"]))

    def platform_said(self, line: dict[str, Any]) -> None:
        if self.tally.platform_said(line):
            self.kinds.add(line["kind"])
            say(
                self.language,
                "event",
                lane=line["lane"],
                seq=line["seq"],
                kind=line["kind"],
                device=line["device"],
            )

    # --- acts ---------------------------------------------------------------------------------------------------------

    async def deliver(self, seconds: int) -> dict[str, Any]:
        """The board lives, is killed in the middle, and lives again until everything is receipted."""
        server = self.stage.authority.server("127.0.0.1")
        with Mosquitto(self.stage.folder / "broker", tls=server) as broker:
            self.stage.configure(broker.url)
            log = self.stage.folder / "platform.log"
            platform = Child("platform", self.stage.platform_arguments(broker.url), self.platform_said, log)
            await platform.start()
            board = self.board(seconds)
            try:
                await board.start()
                await asyncio.sleep(seconds / 2)
                stored = len(self.tally.stored)
                await board.kill()
                say(self.language, "killed", stored=stored)
                await board.start()
                await self.ended(board, seconds + 90)
                await asyncio.sleep(1)
            finally:
                await board.kill()
                await platform.stop()
        tally = self.tally
        return {
            "sent": tally.sent(),
            "verified": len(tally.verified),
            "stored_before_kill": stored,
            "duplicates_removed": tally.duplicates_removed,
            "lost": len(tally.lost()),
            "out_of_order": tally.inversions,
            "held": self.ends[-1]["held"] if self.ends else None,
            "missing_kinds": sorted(KINDS - self.kinds),
        }

    async def ended(self, board: Child, limit_s: float) -> None:
        """Until the board has said its summary."""
        for _ in range(int(limit_s * 4)):
            if self.ends or not board.running:
                break
            await asyncio.sleep(0.25)
        await asyncio.sleep(0.25)

    async def refuse(self, case: str) -> dict[str, Any]:
        """The board meets a broker that it must not believe."""
        authority = self.stage.authority
        if case == "authority":
            authority = Authority(self.stage.folder / "foreign")
        hosts = ("broker.example",) if case == "host" else ("127.0.0.1",)
        server = authority.server(*hosts, valid_days=-1 if case == "expired" else 30)
        self.causes.clear()
        with Mosquitto(self.stage.folder / case, tls=server) as broker:
            async with RecordCounter(broker.port) as counter:
                self.stage.configure(f"mqtts://127.0.0.1:{counter.port}")
                board = self.board(60)
                await board.start()
                for _ in range(int(WAIT_S * 4)):
                    if self.causes:
                        break
                    await asyncio.sleep(0.25)
                await board.kill()
        cause = next((cause for cause in self.causes if "certificate of" in cause), "").partition(" (")[0]
        texts = {"en": cause, "nb": norwegian(cause)}
        say(self.language, "refused", text=texts[self.language], records=counter.records[APPLICATION])
        return {
            "connections": counter.opened,
            "application_records": counter.records[APPLICATION],
            **texts,
        }


WORDS = {
    "nb": {
        "event": "{kind:22} bane {lane}, nummer {seq}: {device}",
        "killed": "-- kortet mistet strømmen; {stored} hendelser var lagret --",
        "refused": "-- avvist: {text}; poster med innhold sendt: {records} --",
        "end": "{sent} hendelser lagret, {verified} kom fram verifisert, {lost} tapt",
    },
    "en": {
        "event": "{kind:22} lane {lane}, number {seq}: {device}",
        "killed": "-- the board lost its power; {stored} events were stored --",
        "refused": "-- refused: {text}; records of content sent: {records} --",
        "end": "{sent} events stored, {verified} arrived verified, {lost} lost",
    },
}
AS_JSON = [False]


def say(language: str, name: str, **facts: Any) -> None:
    """A line for people."""
    if not AS_JSON[0]:
        print(WORDS[language][name].format(**facts), flush=True)


def is_well(facts: dict[str, Any]) -> bool:
    """Whether the run shows what it is there to show."""
    delivered = facts["delivered"]
    nothing_lost = delivered["lost"] == delivered["out_of_order"] == delivered["held"] == 0
    refused = all(
        row["application_records"] == 0 and row["connections"] and row["en"] and row["nb"] != row["en"]
        for row in facts["refused"].values()
    )
    complete = delivered["sent"] == delivered["verified"] > delivered["stored_before_kill"] > 0
    return nothing_lost and complete and refused and not delivered["missing_kinds"]


async def run(folder: Path, seconds: int, language: str) -> dict[str, Any]:
    """All acts."""
    demo = Demo(folder, language)
    facts: dict[str, Any] = {"gateway": GATEWAY, "delivered": await demo.deliver(seconds)}
    say(language, "end", **facts["delivered"])
    facts["refused"] = {case: await demo.refuse(case) for case in REFUSALS}
    return facts


def main(argv: list[str] | None = None) -> int:
    """Entry point: 0 where everything held, 1 where something did not, 2 where it cannot run here."""
    parser = argparse.ArgumentParser(prog="python -m tools.rig.esp.demo", description=__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="that something happens in the home, twice")
    parser.add_argument("--language", choices=("nb", "en"), default="nb")
    parser.add_argument("--json", action="store_true", help="the facts alone, as one JSON object")
    parser.add_argument("--folder", type=Path, help="keep everything there (default: a temporary one)")
    options = parser.parse_args(argv)
    AS_JSON[0] = options.json
    try:
        find_interpreter()
        with tempfile.TemporaryDirectory() as temporary:
            folder = options.folder or Path(temporary) / "esp"
            facts = asyncio.run(run(folder, options.seconds, options.language))
    except (MissingToolError, MosquittoError) as error:
        print(f"esp-demo: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(facts))
    return 0 if is_well(facts) else 1


if __name__ == "__main__":
    sys.exit(main())
