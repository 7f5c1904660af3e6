"""`make firmware`: every frozen module compiled for a board, a table of code and memory, and a bundle that the flash tool takes.

    python -m tools.firmware [--march xtensawin] [--out build/firmware.zip] [--json]

Without ESP-IDF no image is made: the bundle holds modules, not an operating system. docs/firmware.md says what is missing.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.firmware import partitions
from tools.firmware.aioble import CopyError, read_copy, read_lock
from tools.firmware.bundle import write_bundle
from tools.firmware.memory import heap_of, loaded_by_home
from tools.mpy.interpreter import MissingToolError, compiler_format, find_compiler
from tools.mpy.sizes import portable_files

ROOT = Path(__file__).resolve().parent.parent.parent
FLASH_MIB = 16
MARCHES = ("xtensawin", "rv32imc")  # ESP32 and ESP32-S3; ESP32-C3
AGENT = "firmware/agent.py"  # whoever has its line has the board


class BuildError(Exception):
    """A module that does not compile."""


def modules(root: Path, *, with_agent: bool = False) -> list[str]:
    """What firmware/manifest.py freezes; the agent only where it is asked for."""
    return [
        path
        for path in portable_files(root)
        if path != "firmware/manifest.py" and (with_agent or path != AGENT)
    ]


def compile_modules(root: Path, march: str, paths: list[str]) -> dict[str, bytes]:
    """Each module's bytes under its name in the bundle. Raises BuildError, MissingToolError."""
    return compile_sources(march, {path: root / path for path in paths})


def compile_sources(march: str, sources: dict[str, Path]) -> dict[str, bytes]:
    """The same of sources by the name that they have on the board."""
    compiler, made = find_compiler(), {}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "out.mpy"
        for name, source in sources.items():
            command = [compiler, f"-march={march}", "-O2", "-s", name, "-o", str(target), str(source)]
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            if ran.returncode:
                raise BuildError(f"{name} does not compile: {(ran.stderr or ran.stdout).strip()}")
            made["modules/" + name.removesuffix(".py") + ".mpy"] = target.read_bytes()
    return made


def compile_aioble(folder: Path, march: str) -> dict[str, bytes]:
    """The library that the simulated radio is held against, where a copy is the one that was chosen. Raises CopyError, BuildError."""
    read_copy(folder, read_lock())
    return compile_sources(march, {"aioble/" + name: folder / name for name in read_lock()["files"]})


def build(
    root: Path,
    out: Path,
    march: str,
    *,
    with_agent: bool = False,
    aioble: Path | None = None,
    flash_mib: int = FLASH_MIB,
) -> dict[str, Any]:
    """Compile, check the partition table, write the bundle; returns its manifest."""
    path = root / partitions.TABLES[flash_mib]
    partitions.check(partitions.read(path), flash_mib << 20)
    files = compile_modules(root, march, modules(root, with_agent=with_agent))
    if aioble is not None:
        files.update(compile_aioble(aioble, march))
    files["partitions.csv"] = path.read_bytes()
    version: dict[str, str] = {}
    exec((root / "firmware/__init__.py").read_text(encoding="utf-8"), version)  # noqa: S102  one assignment, ours
    facts = {
        "version": version["VERSION"],
        "mpy": compiler_format(find_compiler()),
        "march": march,
        "flash_bytes": flash_mib << 20,
        "agent": with_agent,
        "aioble": read_lock()["version"] if aioble is not None else None,
    }
    return write_bundle(out, files, facts)


def folder_of(name: str) -> str:
    """The part of the firmware that a module belongs to."""
    parts = name.removeprefix("modules/").split("/")
    return "/".join(parts[:3] if parts[:2] == ["gateway", "core"] and len(parts) > 3 else parts[:-1][:2])


@dataclass(frozen=True)
class Memory:
    """Estimated bytes of a board's heap by source; `home` are those that one with four peripherals loads. `missing`: why there are none."""

    heap: dict[str, int | None]
    home: frozenset[str] = frozenset()
    missing: str = ""


def memory_of(root: Path, paths: list[str]) -> Memory:
    """The estimate, or why it cannot be made on this machine."""
    try:
        return Memory(heap_of(root, paths), frozenset(loaded_by_home(root, paths)))
    except MissingToolError as error:
        return Memory({}, missing=str(error))


def show_modules(manifest: dict[str, Any], memory: Memory) -> None:
    """Code and memory by module and by part."""
    sizes = {name: row["size"] for name, row in manifest["files"].items() if name.startswith("modules/")}
    code: Counter[str] = Counter()
    heap: Counter[str] = Counter()
    print("    code    heap   (bytes; * in a home with four peripherals)")
    for name, size in sizes.items():
        source = name.removeprefix("modules/").removesuffix(".mpy") + ".py"
        taken = memory.heap.get(source)
        mark = "*" if source in memory.home else " "
        print(f"{size:8}{'-' if taken is None else taken:>8} {mark} {source.removesuffix('.py')}")
        code[folder_of(name)] += size
        heap[folder_of(name)] += taken or 0
    print("\n" + "\n".join(f"{code[part]:8}{heap[part]:8}   {part}" for part in sorted(code)))
    print(
        f"{code.total():8}{heap.total():8}   {len(sizes)} modules, mpy {manifest['mpy']}, {manifest['march']}"
    )
    if memory.missing:
        print(f"\nno heap is shown: {memory.missing}")
    else:
        of_home = sum(memory.heap[source] or 0 for source in memory.home)
        print(
            f"\na home with four peripherals loads {len(memory.home)} modules: {of_home} bytes of the heap, estimated"
        )


def show(manifest: dict[str, Any], table: list[partitions.Partition], memory: Memory) -> None:
    """Code and memory, and the partitions."""
    sizes = {name: row["size"] for name, row in manifest["files"].items() if name.startswith("modules/")}
    show_modules(manifest, memory)
    print()
    print("\n".join(f"{row.offset:#9x} {row.size // 1024:6} KiB  {row.name}" for row in table))
    journal = next(row for row in table if row.name == "journal")
    slot = next(row for row in table if row.name == "ota_0")
    print(f"\nthe journal holds some {partitions.events_held(journal)} events of 100 bytes")
    print(
        f"our modules take {100 * sum(sizes.values()) // slot.size} % of an application slot; MicroPython is not counted"
    )


def main(argv: list[str] | None = None) -> int:
    """Entry point: 0 built, 1 does not build, 2 cannot be built here."""
    parser = argparse.ArgumentParser(prog="python -m tools.firmware", description=__doc__)
    parser.add_argument("--march", choices=MARCHES, default=MARCHES[0])
    parser.add_argument("--out", type=Path, default=Path("build/firmware.zip"))
    parser.add_argument("--with-agent", action="store_true", help="for a bench: never for a home")
    parser.add_argument("--aioble", type=Path, help="for a bench: a copy of it, see firmware/aioble.toml")
    parser.add_argument(
        "--flash", type=int, choices=sorted(partitions.TABLES), default=FLASH_MIB, help="MiB of the board"
    )
    parser.add_argument("--json", action="store_true", help="the manifest alone")
    options = parser.parse_args(argv)
    try:
        manifest = build(
            ROOT,
            options.out,
            options.march,
            with_agent=options.with_agent,
            aioble=options.aioble,
            flash_mib=options.flash,
        )
    except (BuildError, CopyError, partitions.PartitionError) as error:
        print(f"firmware: {error}", file=sys.stderr)
        return 1
    except MissingToolError as error:
        print(f"firmware: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(manifest))
    else:
        memory = memory_of(ROOT, modules(ROOT, with_agent=options.with_agent))
        show(manifest, partitions.read(ROOT / partitions.TABLES[options.flash]), memory)
        print(f"\n{options.out}: {options.out.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
