"""Importing a module of ours does nothing: no socket, no program, no file written, no thread."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Runs in an interpreter of its own, because an audit hook cannot be taken away again.
IMPORT_ALL = """
import importlib, pkgutil, sys, threading

DOES = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "sqlite3.connect", "os.remove")
BOARD_ONLY = ("hal.esp32.sha512_viper",)  # in the board's own dialect
importing = ""
done = []

def hook(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if writes or event.startswith(DOES):
        done.append(f"{importing}: {event} {arguments!r}")

sys.dont_write_bytecode = True
sys.addaudithook(hook)
count = 0
for package in sys.argv[1:]:
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not module.name.endswith("__main__") and module.name not in BOARD_ONLY:
            importing = module.name
            importlib.import_module(module.name)
            count += 1
done += [f"thread {thread.name}" for thread in threading.enumerate() if thread is not threading.main_thread()]
print(count, *done, sep="\\n")
"""


def what_imports_do(folder: Path, *packages: str) -> tuple[int, list[str]]:
    """Import every module of `packages` found from `folder`: how many, and what they did."""
    environment = os.environ | {"PYTHONPATH": str(folder)}
    command = [sys.executable, "-c", IMPORT_ALL, *packages]
    ran = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    count, *done = ran.stdout.splitlines()
    return int(count), done


def test_importing_the_gateway_and_its_backends_does_nothing() -> None:
    count, done = what_imports_do(ROOT, "gateway", "hal")
    assert done == []
    assert count > 40


def test_work_at_import_is_seen(tmp_path: Path) -> None:
    (tmp_path / "busy").mkdir()
    (tmp_path / "busy" / "__init__.py").touch()
    for name, code in {
        "talks": "import socket\nsocket.socket().close()",
        "writes": "open('made', 'w').close()",
        "starts": "import subprocess\nsubprocess.run(['true'])",
        "opens": "import sqlite3\nsqlite3.connect(':memory:').close()",
        "threads": "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True, name='t').start()",
        "quiet": "import json",
    }.items():
        (tmp_path / "busy" / f"{name}.py").write_text(code)
    count, done = what_imports_do(tmp_path, "busy")
    assert count == 6
    for name in ("talks", "writes", "starts", "opens"):
        assert any(line.startswith(f"busy.{name}: ") for line in done), done
    assert "thread t" in done
    assert not any("quiet" in line for line in done)
