"""Taking a gateway out of its home, step by step: each step may be begun again, and is noted when it is over.

| step            | does                                                                                                    |
|-----------------|---------------------------------------------------------------------------------------------------------|
| `traces`        | writes down every key, bond, number and name there is, to look for it afterwards                        |
| `events`        | nothing waits for a receipt, or all of it stands exported and verified on the medium                    |
| `history`       | what gateway and devices have been through, without anything of the home                                |
| `journal`       | erased, with its log and what was set aside                                                             |
| `bonds`         | deleted by the radio's own stack, and the file erased                                                   |
| `keys`          | identity, keys and codes of devices, TLS key and certificate                                            |
| `network`       | profiles of Wi-Fi                                                                                       |
| `configuration` | the home's layer keeps who the gateway is and where it delivers                                         |
| `rest`          | everything else in the folder of the data: state of the installation, one-time codes, last good, logs   |
| `logs`          | of the system, on the gateway itself                                                                    |
| `fill`          | where asked for: the free space of the file system is written over                                      |
| `identity`      | a new one is made                                                                                       |
| `scan`          | the traces are looked for in every folder, and in images that were given                                |
| `end`           | the list of the traces is erased, what stays of the facts kept, everything looked through once more     |

Before anything is erased that could not be had again, `events` holds: the journal is empty, or the export is there byte for byte.
Whoever is stopped anywhere (a kill, a power cut) goes on with the same command.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.core.config import Config
from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon import rehome_history, wiring
from gateway.daemon.toml_text import dump
from gateway.daemon.typed_codes import label_code
from hal.errors import HalError
from hal.interfaces import Journal
from hal.linux.clock import SystemClock
from hal.linux.keystore import FileKeyStore
from tools.authority.folder import write
from tools.move import erase, export, finished, network, scan, store, traces
from tools.move.places import Places, bare_layer
from tools.move.progress import Progress

LOG_COMMANDS = (("journalctl", "--rotate"), ("journalctl", "--vacuum-time=1s"))
HEADER = "# Of no home: written by trygg rehome. Add the devices of the next one.\n"
MISSING = 127  # exit status of a program that is not there


STEPS = (
    "traces",
    "events",
    "history",
    "journal",
    "bonds",
    "keys",
    "network",
    "configuration",
    "rest",
    "logs",
    "fill",
    "identity",
    "scan",
    "end",
)


@dataclass
class Asked:
    """What the command line asks for. export: absolute. images: looked through, too. end_all_the_same: what was found stays."""

    export: Path | None = None
    images: Sequence[Path] = ()
    fill: bool = False
    without_radio: bool = False
    end_all_the_same: bool = False


@dataclass
class Around:
    """What is not a file of the gateway, and where a test stops the work."""

    programs: network.Programs = network.run_program
    etc: Path = Path("/etc")
    say: Callable[[str], None] = print
    pause: Callable[[str], None] = lambda _where: None
    eraser: Callable[[Callable[[Path], None]], erase.Eraser] = erase.Eraser
    clock_ns: Callable[[], int] = time.monotonic_ns
    steps: Sequence[str] = STEPS


def beside(path: Path, name: str) -> Path:
    """Where the copy of a store that was set aside lies: beside the export, and named after both."""
    return path.with_name(f"{path.name}.{name}")


class FoundError(Exception):
    """Something of the home is still there; the work is not over."""


class Moving:
    """One gateway that leaves. `config` is the configuration as it is now, also after it has become that of no home."""

    def __init__(self, config: Config, places: Places, asked: Asked, around: Around | None = None) -> None:
        self.config = config
        self.places = places
        self.asked = asked
        self.around = around or Around()
        self.progress = Progress(places.progress)
        self.eraser = self.around.eraser(lambda path: self.around.pause(f"erased {path.name}"))
        self.report: dict[str, Any] = {}

    @property
    def has_wiped(self) -> bool:
        """Whether something of the home is gone by now."""
        return "journal_goes" in self.progress.facts

    def run(self) -> dict[str, Any]:
        """Do what is not done yet; facts for a report.

        Raises:
            RefusedError, ConfigError: it cannot go on, with what to do. FoundError: traces are left. HalError, OSError.
        """
        began_ns = self.around.clock_ns()
        if not self.progress.is_begun:
            self.progress.keep()
        if "scan" not in self.progress.done:
            # Of the move before, and never of this one: it says nothing true any more, and names the identity that goes. Whether the
            # work was begun does not tell: whoever sent the hub away has kept facts already.
            self.eraser.file(self.places.mark)
        for name in self.around.steps:
            if name not in self.progress.done:
                self.around.pause(f"before {name}")
                getattr(self, "step_" + name)()
                if name != "end":
                    self.progress.end(name)
                    self.around.pause(f"after {name}")
        return self.report | {"took_ms": (self.around.clock_ns() - began_ns) // 1_000_000}

    def leave_to_people(self, said: str) -> None:
        """Something that could not be wiped from here, and is for a person."""
        known: list[str] = self.progress.facts.get("left", [])
        if said not in known:
            self.progress.know(left=[*known, said])

    # --- before ------------------------------------------------------------------------------------------------

    def step_traces(self) -> None:
        """In the folder of the data itself: it is erased with what it names, and holds nothing that was not there."""

        async def look() -> list[scan.Trace]:
            if not self.places.journal.exists():
                return traces.collect(self.places, self.config, None)
            async with store.opened(self.config, self.places.work, self.eraser) as journal:
                return traces.collect(self.places, self.config, journal)

        found = asyncio.run(look())
        write(self.places.traces, scan.to_bytes(found))
        self.progress.know(traces=len(found))

    def step_events(self) -> None:
        """Where it cannot go on nothing was wiped, so the hub may start again and deliver."""
        try:
            if self.places.journal.exists():
                asyncio.run(self.see_to_events())
        except (RefusedError, ConfigError, HalError, OSError):
            self.eraser.tree(self.places.work)
            raise

    async def see_to_events(self) -> None:
        """Nothing waits, or it is exported. Raises RefusedError."""
        async with store.opened(self.config, self.places.work, self.eraser) as journal:
            waits = store.count_held(journal)
            asides = [each.name for each in journal.set_aside()]
            if self.asked.export is None:
                self.refuse_waiting(waits, asides)
                return
            await self.write_export(journal, self.asked.export)
        copies = {}
        for name in asides:
            data, copy = self.places.journal.with_name(name).read_bytes(), beside(self.asked.export, name)
            write(copy, data)
            copies[name] = hashlib.sha256(data).hexdigest()
            if not export.stands(copy, copies[name]):
                raise RefusedError(f"{copy} is not what was written: take another medium")
        self.progress.know(copies=copies)

    def refuse_waiting(self, waits: int, asides: list[str]) -> None:
        """Raises RefusedError where something is only here."""
        if asides:
            raise RefusedError(
                "a damaged store waits to be read again: start the hub once and let it deliver, or give --export"
            )
        if waits:
            raise RefusedError(
                f"{waits} events are not delivered: start the hub and let them go, or give --export"
            )

    async def write_export(self, journal: Journal, path: Path) -> None:
        """Export, and keep what proves it. Raises ConfigError, RefusedError."""
        if self.places.holds(path):
            raise ConfigError(
                "--export", str(path), "a file on another medium than what is wiped", "command line"
            )
        if not (self.places.keys / "identity.key").exists():
            raise RefusedError("the identity that has to sign the export is not there")
        made = await export.export(self.config, journal, path)
        self.progress.know(export={"path": made.path, "sha256": made.sha256, "events": made.events})

    def check_events(self) -> None:
        """What is not delivered is not only here. Raises RefusedError."""
        row = self.progress.facts.get("export")
        if row is not None:
            path = self.asked.export or Path(row["path"])
            parts = {path: row["sha256"]}
            parts |= {
                beside(path, name): each for name, each in self.progress.facts.get("copies", {}).items()
            }
            for part, sha256 in parts.items():
                if not export.stands(part, sha256):
                    raise RefusedError(
                        f"the export {part} is not what it was: put it back, or name where it is with --export"
                    )
        elif self.places.journal.exists() and not self.progress.facts.get("journal_goes"):

            async def look() -> None:
                async with store.opened(self.config, self.places.work, self.eraser) as journal:
                    self.refuse_waiting(
                        store.count_held(journal), [each.name for each in journal.set_aside()]
                    )

            asyncio.run(look())

    def step_history(self) -> None:
        row = rehome_history.read(self.places.history)
        if "homes_before" not in self.progress.facts:
            self.progress.know(homes_before=len(row["homes"]))
        row = rehome_history.ended(row)
        rehome_history.write(self.places.history, row)
        self.own(self.places.history)

    # --- wiping ------------------------------------------------------------------------------------------------

    def step_journal(self) -> None:
        self.check_events()
        self.progress.know(journal_goes=True)
        for path in self.places.journal_files():
            self.eraser.file(path)

    def step_bonds(self) -> None:
        if self.places.backend == "bluez" and not self.asked.without_radio:
            if self.places.this_machine:
                self.progress.know(bonds=asyncio.run(self.forget_bonds()))
            elif self.places.bluetooth is None:
                self.leave_to_people(
                    "bonds in the store of BlueZ: run it on the gateway, or name the folder with --bluetooth"
                )
        elif self.places.backend == "bluez":
            self.leave_to_people("bonds in the store of BlueZ: no radio was there")
        if self.places.bluetooth is not None:
            for adapter in sorted(self.places.bluetooth.glob("*")):
                self.eraser.contents(adapter, keep={adapter / "settings"})
        self.eraser.file(self.places.bonds)

    async def forget_bonds(self) -> int:
        """By the stack that keeps them; how many. Raises RefusedError."""
        try:
            async with wiring.radio(self.config, SystemClock()) as (_, central, _):
                assert central is not None
                known = await central.bonds()
                for each in sorted(known):
                    await central.forget(each)
                if left := await central.bonds():
                    raise RefusedError(
                        f"{len(left)} bonds could not be deleted: try again, or take the radio along"
                    )
        except HalError as error:
            raise RefusedError(
                f"bonds cannot be deleted without the radio: see to it, or give --without-radio ({error})"
            ) from error
        return len(known)

    def step_keys(self) -> None:
        self.check_events()
        self.eraser.contents(self.places.keys)
        for path in self.places.tls:
            self.eraser.file(path)

    def step_network(self) -> None:
        if self.places.network is None:
            self.leave_to_people(
                "Wi-Fi of the machine: run it on the gateway, or name the folder of its profiles with --network"
            )
            return
        programs = self.around.programs if self.places.this_machine else None
        self.progress.know(networks=network.forget(self.places.network, self.eraser, programs))
        if self.places.this_machine:
            for path in network.others(self.around.etc):
                self.leave_to_people(f"a Wi-Fi in {path}, which another program keeps: delete it by hand")

    def step_configuration(self) -> None:
        """The new layer takes the name of the old one at once; the old one's bytes keep a second name until they are erased."""
        layer = self.places.layer
        old, fresh = layer.with_name(layer.name + ".leaving"), layer.with_name(layer.name + ".new")
        if not old.exists():
            write(fresh, (HEADER + dump(bare_layer(layer))).encode(), layer.stat().st_mode & 0o777)
            self.own(fresh, layer)
            os.link(layer, old)
            self.around.pause("linked the layer")
        if layer.samefile(old):
            fresh.replace(layer)
            erase.sync_folder(layer.parent)
            self.around.pause("replaced the layer")
        self.eraser.file(old)

    def step_rest(self) -> None:
        self.eraser.contents(self.places.data, self.places.kept)

    def step_logs(self) -> None:
        if not self.places.this_machine:
            self.leave_to_people("the system's log of the machine: run it on the gateway")
            return
        for command in LOG_COMMANDS:
            status, _said = self.around.programs(command)
            if status:
                why = "no journalctl here" if status == MISSING else f"journalctl ended with {status}"
                self.leave_to_people(f"the system's log, with names of devices ({why}): delete it by hand")
                return

    def step_fill(self) -> None:
        if self.asked.fill:
            self.progress.know(filled_bytes=erase.fill(self.places.work))

    # --- after -------------------------------------------------------------------------------------------------

    def step_identity(self) -> None:
        public = FileKeyStore(self.places.keys).public_key
        for path in (self.places.keys, *sorted(self.places.keys.iterdir())):
            self.own(path)
        code = label_code(self.config.hub.tenant, self.config.hub.id, public)
        self.progress.know(public_key=public.hex(), label=code)

    def step_scan(self) -> None:
        if "filled_bytes" not in self.progress.facts:  # asked for only when something was found
            self.step_fill()
        try:
            known = scan.from_bytes(self.places.traces.read_bytes())
        except (OSError, ValueError, TypeError) as error:
            raise RefusedError("the list of what to look for is gone, so nothing can be shown") from error
        found = self.look(known, {self.places.work}, self.asked.images)
        self.progress.know(
            looked={"files": found.files, "bytes": found.read_bytes, "traces": len(known)},
            found=[each._asdict() for each in found.hits],
        )
        if found.hits and not self.asked.end_all_the_same:
            raise FoundError

    def look(self, known: list[scan.Trace], skip: set[Path], images: Sequence[Path] = ()) -> scan.Scanner:
        return scan.look_everywhere(known, self.places.folders(), self.places.flat(), images, skip)

    def step_end(self) -> None:
        """The list goes last; what it named is looked for once more, in everything that is left and in what says that it is over."""
        known = scan.from_bytes(self.places.traces.read_bytes()) if self.places.traces.exists() else []
        self.eraser.file(self.places.traces)
        self.around.pause("erased the list")
        finished.write(self.places, self.progress.facts)
        self.own(self.places.mark)
        self.around.pause("kept the facts")
        again = self.look(known, {self.places.progress})  # which is erased, and names where the export lies
        if again.hits and not self.asked.end_all_the_same:
            self.places.mark.unlink()
            write(self.places.traces, scan.to_bytes(known))
            self.progress.know(found=[each._asdict() for each in again.hits])
            raise FoundError
        self.around.pause("looked once more")
        history = rehome_history.read(self.places.history)
        known_devices = finished.devices(history, self.progress.facts.get("homes_before", 0))
        self.report = {**self.progress.facts, "devices": known_devices}
        self.eraser.tree(self.places.work)

    def own(self, path: Path, like: Path | None = None) -> None:
        """Let a file that we made belong to whom the data belongs: root does this, and the hub is another."""
        if os.geteuid() == 0:
            seen = (like or self.places.data).stat()
            os.chown(path, seen.st_uid, seen.st_gid)
