"""The Bluetooth library of the board is the one that was chosen, file by file, or none."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tools.firmware.__main__ import compile_aioble, main
from tools.firmware.aioble import CopyError, read_copy, read_lock
from tools.firmware.aioble import main as judge

FILES = {"__init__.py": b"from .core import x\n", "core.py": b"x = 1\n"}


def lock_of(files: dict[str, bytes]) -> dict[str, Any]:
    return read_lock() | {"files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}}


def put(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def test_the_lock_names_one_commit_and_whole_digests() -> None:
    lock = read_lock()
    assert len(lock["commit"]) == 40 and {"core.py", "central.py", "client.py"} <= lock["files"].keys()
    assert all(len(bytes.fromhex(digest)) == 32 for digest in lock["files"].values())


def test_a_copy_that_is_the_chosen_one_is_taken_and_what_lies_beside_it_is_left(tmp_path: Path) -> None:
    put(tmp_path, {**FILES, "server.py": b""})
    assert read_copy(tmp_path, lock_of(FILES)) == FILES


@pytest.mark.parametrize("change", ["altered", "missing"])
def test_another_copy_is_refused(tmp_path: Path, change: str) -> None:
    put(tmp_path, FILES)
    if change == "altered":
        (tmp_path / "core.py").write_bytes(b"x = 2\n")
    else:
        (tmp_path / "core.py").unlink()
    with pytest.raises(CopyError, match=r"core\.py"):
        read_copy(tmp_path, lock_of(FILES))


def test_nothing_is_built_with_another_copy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, FILES)
    assert judge([str(tmp_path)]) == 1
    assert main(["--out", str(tmp_path / "out.zip"), "--aioble", str(tmp_path)]) == 1
    assert "is another one" in capsys.readouterr().err and not (tmp_path / "out.zip").exists()
    with pytest.raises(CopyError):
        compile_aioble(tmp_path, "xtensawin")
