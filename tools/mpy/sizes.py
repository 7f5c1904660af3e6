"""Compiles what a board would hold and measures it."""

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Folders and files that are frozen into a board.
FROZEN = ("gateway/__init__.py", "gateway/core", "gateway/hub", "hal", "firmware")
BOARD_ARCH = "xtensawin"  # of the ESP32 and its S3; code that is not native is the same for all
# Below these only CPython goes: interfaces are types, the other backends are Linux.
NOT_FROZEN = ("hal/interfaces.py", "hal/provisioning.py", "hal/linux", "hal/bumble")


@dataclass(frozen=True)
class Size:
    """A file before and after compilation, in bytes; `error` is the compiler's word where it refused."""

    path: str
    source: int
    compiled: int
    error: str = ""


def portable_files(root: Path) -> list[str]:
    """Python files of the portable folders, relative to `root`, sorted."""
    found: list[Path] = []
    for part in FROZEN:
        path = root / part
        found += path.rglob("*.py") if path.is_dir() else [path]
    names = sorted(path.relative_to(root).as_posix() for path in found if path.exists())
    return [name for name in names if not (name + "/").startswith(tuple(part + "/" for part in NOT_FROZEN))]


def measure(compiler: str, root: Path, paths: Sequence[str]) -> list[Size]:
    """Compile each file; a file that does not compile has an error."""
    sizes = []
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "out.mpy"
        for path in paths:
            command = [compiler, f"-march={BOARD_ARCH}", "-o", str(target), "-s", path, str(root / path)]
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            source = (root / path).stat().st_size
            if ran.returncode:
                sizes.append(Size(path, source, 0, (ran.stderr or ran.stdout).strip()))
            else:
                sizes.append(Size(path, source, target.stat().st_size))
    return sizes
