"""SIGKILL of hub, broker and platform at random moments under load: nothing lost, nothing twice.

    python -m tools.rig.kills --n 20 [--seed S] [--unsafe] [--json]

Ground truth from both ends: every entry of the virtual dispenser's own log, and every event the hub said it had
stored. Compared with what lies in the platform's store at the end. `--unsafe` runs the same with a hub that
forgets on the broker's PUBACK; it must lose, or the harness proves nothing.
"""

import argparse
import asyncio
import contextlib
import json
import random
import shutil
import sqlite3
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.core import event_codec
from gateway.core.devices import dispenser_events
from gateway.core.errors import DecodeError
from tools.demo.process import Child
from tools.demo.show import Show, ShowError
from tools.demo.stage import Brokerage, Stage, own_brokerage
from tools.evidence.folders import FolderError, writable
from tools.home.scenario import load
from tools.rig.counts import positive
from tools.simulators.certificates import Authority
from tools.simulators.mosquitto import Mosquitto

SHORTEST_LIFE_S, LONGEST_LIFE_S = 0.4, 2.0
LONGEST_DEATH_S = 0.6
SETTLE_S = 60.0  # without anything that arrives
UNSAFE_SETTLE_S = 5.0  # what such a hub has lost does not come however long one waits
UNSAFE_HUB = "tools.rig.unsafe_hub"
# What an entry of the dispenser's log becomes; the last where it cannot be read.
ENTRY_KINDS = frozenset(dispenser_events.EVENTS.values()) | {"problem.detected"}
LOG_LOST = "device.log_lost"  # names a number as well, and says that entries did not come


@dataclass
class Verdict:
    """What came of a run."""

    kills: int
    seed: int
    stored: int = 0
    verified: int = 0
    lost: list[str] = field(default_factory=list)
    log_missing: int = 0  # entries of the dispenser's own log that never came, and that the hub never stored
    has_store: bool = True
    twice: int = 0
    killed: dict[str, int] = field(default_factory=dict)

    @property
    def lost_count(self) -> int:
        """Events stored by the hub and not at the platform, and dispenser entries that never came so far; each once."""
        return len(self.lost) + self.log_missing

    @property
    def shows_loss(self) -> bool:
        """Whether something was lost on its way: where nothing ever arrived, no hub has lost it."""
        return bool(self.verified and self.lost_count)


@dataclass
class Found:
    """What lies in the platform's store."""

    identities: set[str]
    log_numbers: list[tuple[int, int]]


def read_store(path: Path) -> Found | None:
    """Identities, and (placement, log number) of every entry that is no copy; None where there is no store.

    A platform that is killed as it begins leaves a file without tables.
    """
    if not path.exists():
        return None
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as store:
        if store.execute("SELECT 1 FROM sqlite_master WHERE name='event'").fetchone() is None:
            return None
        rows = store.execute("SELECT identity, event, is_copy FROM event").fetchall()
    found = Found({bytes(identity).hex() for identity, _, _ in rows}, [])
    for _, event, is_copy in rows:
        if is_copy:
            continue
        try:
            decoded = event_codec.decode_event(event)
        except DecodeError:
            continue
        number = decoded.values.get("log_number")
        if isinstance(number, int) and decoded.kind != LOG_LOST:
            found.log_numbers.append((decoded.placement, number))
    return found


class KillRun:
    """One run. `broker_kind` is mosquitto (default settings), strict (persistence, saved at each change) or amqtt."""

    def __init__(self, folder: Path, kills: int, seed: int, *, unsafe: bool, broker_kind: str) -> None:
        self.kills = kills
        self.random = random.Random(seed)
        self.verdict = Verdict(kills, seed)
        # A hub that is killed before its journal has deleted what it forgot sends it again: that would hide the control.
        self.mortals = ("broker", "platform") if unsafe else ("hub", "broker", "platform")
        self.settle_s = UNSAFE_SETTLE_S if unsafe else SETTLE_S
        self.mosquitto: Mosquitto | None = None
        if broker_kind == "amqtt":
            brokerage = own_brokerage(folder)
        else:
            authority = Authority(folder / "certificates")
            strict = broker_kind == "strict"
            options = ["autosave_on_changes true", "autosave_interval 1"] if strict else []
            self.mosquitto = Mosquitto(
                folder / "broker", tls=authority.server("127.0.0.1"), persistence=strict, options=options
            )
            hub, platform = authority.client("home-1"), authority.client("platform")
            brokerage = Brokerage(self.mosquitto.url, hub, platform, own=False)
        self.stage = Stage(folder, brokerage, extra={"storage": {"capacity_mb": 256}})
        if unsafe:
            self.stage.hub_module = UNSAFE_HUB
        seconds = kills * (SHORTEST_LIFE_S + LONGEST_LIFE_S) * 2 + 120
        self.show = Show(self.stage, load("load"), "load", seconds, lambda _event: None, lambda _note: None)

    async def run(self) -> Verdict:
        """Start, kill, settle, compare."""
        show = self.show
        if self.mosquitto is not None:
            self.mosquitto.start()
        try:
            await show.start()
            for name in self.victims():
                await asyncio.sleep(self.random.uniform(SHORTEST_LIFE_S, LONGEST_LIFE_S))
                await self.kill(name)
            await self.settle()
        finally:
            await show.end()
            if self.mosquitto is not None:
                self.mosquitto.stop()
        return self.judge()

    def victims(self) -> list[str]:
        """Who dies, in turn: each of the three gets its share, in an order of chance."""
        names: list[str] = []
        while len(names) < self.kills:
            names += self.random.sample(self.mortals, len(self.mortals))
        return names[: self.kills]

    async def kill(self, name: str) -> None:
        """One of the three dies, and comes back after a moment."""
        self.verdict.killed[name] = self.verdict.killed.get(name, 0) + 1
        death_s = self.random.uniform(0, LONGEST_DEATH_S)
        if name == "broker" and self.mosquitto is not None:
            self.mosquitto.kill()
            await asyncio.sleep(death_s)
            self.mosquitto.start()
            return
        child: Child = getattr(self.show, name)
        await child.kill()
        await asyncio.sleep(death_s)
        await child.start()

    async def settle(self) -> None:
        """No more harm, no more acts: everything gets the time to arrive, the dispenser's own log included."""
        loop = asyncio.get_running_loop()
        self.show.home.interrupt()
        await self.show.ended.wait()
        end, least = loop.time() + self.settle_s, None
        while loop.time() < end and (left := self.outstanding()):
            if least is None or left < least:  # a busy machine is slow, and loses nothing by that
                least, end = left, loop.time() + self.settle_s
            await asyncio.sleep(0.5)
        await self.show.until_held_is(0)
        await self.show.hub.stop()
        await asyncio.sleep(1)

    def outstanding(self) -> int:
        """How much the hub has stored that is not at the platform yet; at least 1 where there is no platform."""
        found = read_store(self.stage.folder / "platform.db")
        if found is None:
            return len(self.show.tally.stored) + 1
        return sum(identity not in found.identities for identity in self.show.tally.stored)

    def judge(self) -> Verdict:
        """Compare both ends."""
        found = read_store(self.stage.folder / "platform.db")
        newest = max(self.show.logged.values(), default=0)
        return compared(self.verdict, self.show.tally.stored, newest, found)


def compared(
    verdict: Verdict, stored: dict[str, dict[str, Any]], newest: int, found: Found | None
) -> Verdict:
    """`stored`: what the hub logged, by identity. `newest`: number of the dispenser's newest entry. `found`: the platform's end."""
    verdict.has_store = found is not None
    found = found or Found(set(), [])
    verdict.stored = len(stored)
    verdict.verified = len(found.identities)
    verdict.lost = [identity for identity in stored if identity not in found.identities]
    verdict.twice = len(found.log_numbers) - len(set(found.log_numbers))
    missing = len(set(range(1, newest + 1)) - {number for _, number in found.log_numbers})
    # An entry that the hub had stored is among `lost` already. Its line does not tell its number, but whose it is: so
    # an event counts once at most, and whatever is lost counts as one at least.
    dispensers = {placement for placement, _ in found.log_numbers}
    counted = sum(is_entry(stored[identity], dispensers) for identity in verdict.lost)
    verdict.log_missing = max(0, missing - counted)
    return verdict


def is_entry(line: dict[str, Any], dispensers: set[int]) -> bool:
    """Whether the hub's line tells of an entry of a dispenser's log; any device may be one where none is known."""
    placement = line.get("placement")
    return line.get("kind") in ENTRY_KINDS and (
        placement in dispensers or (not dispensers and placement != 0)
    )


def say(verdict: Verdict, as_json: bool) -> None:
    """The result; its last line says `lost N`."""
    if as_json:
        rows: dict[str, Any] = {
            key: getattr(verdict, key) for key in ("kills", "seed", "stored", "verified", "killed", "twice")
        }
        print(json.dumps({**rows, "lost": verdict.lost_count}))
        return
    killed = ", ".join(f"{name} {count}" for name, count in sorted(verdict.killed.items()))
    print(
        f"SIGKILLs: {killed}; stored {verdict.stored}, at the platform {verdict.verified}; seed {verdict.seed}"
    )
    if not verdict.has_store:
        print("the platform never made its store: see platform.log in the folder that --keep names")
    print(f"duplicates after removal {verdict.twice}")
    print(f"lost {verdict.lost_count}")


def kept(named: Path | None) -> Path:
    """The folder of a run: one that is named, or one that goes away. Raises FolderError."""
    if named is None:
        return Path(tempfile.mkdtemp(prefix="trygg-kills-"))
    return writable(named, "name another folder with --keep")


def main(argv: list[str] | None = None) -> int:
    """Exit status 0 where nothing was lost or doubled; with --unsafe, 0 where the loss was seen. 2: usage."""
    parser = argparse.ArgumentParser(prog="python -m tools.rig.kills", description=__doc__)
    parser.add_argument("--n", type=positive, default=20, help="how many kills")
    parser.add_argument("--seed", type=int, default=None, help="replay a run")
    parser.add_argument("--unsafe", action="store_true", help="a hub that forgets on PUBACK: must lose")
    parser.add_argument("--broker", choices=("mosquitto", "strict", "amqtt"), default=None)
    parser.add_argument("--keep", type=Path, help="keep all files in this folder")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(argv)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    kind = options.broker or ("mosquitto" if shutil.which("mosquitto") else "amqtt")
    try:
        folder = kept(options.keep)
    except FolderError as error:
        print(f"kills: {error}", file=sys.stderr)
        return 2
    try:
        verdict = asyncio.run(KillRun(folder, options.n, seed, unsafe=options.unsafe, broker_kind=kind).run())
    except ShowError as error:
        print(f"kills: {error}", file=sys.stderr)
        return 1
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    say(verdict, options.json)
    if options.unsafe:
        return int(not verdict.shows_loss)
    return int(bool(verdict.lost_count or verdict.twice or not verdict.has_store))


if __name__ == "__main__":
    sys.exit(main())
