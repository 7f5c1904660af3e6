"""What each module takes of a board's heap while its code lies in flash, for the table of `make firmware`: an estimate.

The modules are imported by the board's own interpreter, and what is in them is counted as objects of 32 bits (`words.py`). Held against
a unix port of 32 bits with the same modules frozen (docs/firmware.md, "Memory") it is a few per cent off as a whole, and more for a module.
"""

import ast
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.mpy.interpreter import find_interpreter

COUNTS = "tools/firmware/words.py"
# What a board with four peripherals loads: its entry, and what that asks for by name.
HOME = (
    "firmware/live.py",
    "gateway/core/devices/bthome.py",
    "gateway/core/devices/plx.py",
    "gateway/core/devices/dispenser.py",
    "gateway/core/registry.py",
    "gateway/core/rules/night_window.py",
    "hal/esp32/ble_central.py",
    "hal/esp32/ble_scanner.py",
    "hal/esp32/crypto.py",
    "hal/esp32/flash_journal.py",
    "hal/esp32/keystore.py",
    "hal/esp32/mqtt.py",
    "hal/esp32/sha512_viper.py",
    "hal/esp32/uart.py",
)


def module_of(path: str) -> str:
    """`gateway/core/cbor.py` as it is imported."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def heap_of(root: Path, paths: list[str]) -> dict[str, int | None]:
    """Estimated bytes of the heap by path; None where only a board can import it. Raises MissingToolError."""
    modules = {module_of(path): path for path in paths}
    found = counted(root, *in_order(root, modules))
    return {path: found[name] for name, path in modules.items()}


def loaded_by_home(root: Path, paths: list[str]) -> set[str]:
    """Paths of what a board with four peripherals has loaded. Raises MissingToolError."""
    loaded = set(counted(root, "--loaded", *map(module_of, HOME)))
    return {path for path in paths if module_of(path) in loaded}


def counted(root: Path, *words: str) -> Any:
    """The answer of `words.py`."""
    command = [find_interpreter().command, "-X", "heapsize=64M", str(root / COUNTS), *words]
    environment = os.environ | {"MICROPYPATH": f"{root}:.frozen"}
    return json.loads(subprocess.check_output(command, cwd=root, env=environment, text=True))


def in_order(root: Path, modules: dict[str, str]) -> list[str]:
    """Each module behind those that it imports: what they made is theirs."""
    ordered: dict[str, None] = {}
    under_way: set[str] = set()

    def place(name: str) -> None:
        if name in under_way or name not in modules:
            return
        under_way.add(name)
        for wanted in imported(ast.parse((root / modules[name]).read_text("utf-8")).body):
            place(wanted)
        ordered[name] = None

    for name in sorted(modules):
        place(name)
    return list(ordered)


def imported(body: list[ast.stmt]) -> Iterator[str]:
    """Names that a module imports when it is loaded, and what may be modules among what it takes from them."""
    for statement in body:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom):
            yield str(statement.module)
            yield from (f"{statement.module}.{alias.name}" for alias in statement.names)
        elif isinstance(statement, ast.If):
            named = statement.test.id if isinstance(statement.test, ast.Name) else ""
            yield from imported(statement.orelse if named == "TYPE_CHECKING" else statement.body)
        elif isinstance(statement, ast.Try):
            yield from imported(statement.body)
