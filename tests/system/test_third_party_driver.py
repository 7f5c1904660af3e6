"""A driver of somebody else, from its wheel: built, installed beside the hub in a scratch environment, tried out, checked, and run."""

import asyncio
import json
import os
import subprocess
import sys
import sysconfig
import threading
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.tools.example_driver import FOLDER, ROOT, module
from tools.simulators.mosquitto import free_port
from tools.simulators.pty_line import PtyLine

HUB = """
[hub]
id = "hub-1"
tenant = "oslo"
language = "en"
data_directory = "data"
[uplink]
brokers = ["mqtt://127.0.0.1:{port}"]
[platform]
root_public_key = "{root}"
[radio]
backend = "none"
[[driver]]
name = "example_roll"
package = "trygg-example-roll"
version = "{version}"
[[device]]
name = "Dispenser"
driver = "example_roll"
port = "{line}"
room = "kitchen"
"""
LOG = "0A0B0C0D"
EXAMPLE = module()


class Scratch:
    """An environment with the wheel in it; the hub comes from the checkout, its packages from the environment of the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "venv" / "bin" / "python"
        venv.create(folder / "venv", with_pip=False, symlinks=True)
        site = next((folder / "venv" / "lib").glob("python3*")) / "site-packages"
        (site / "hub.pth").write_text(f"{ROOT}\n{sysconfig.get_paths()['purelib']}\n")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq"]
        wheel = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(folder)]
        self.called([*pip, *wheel, str(self.source())])
        (self.wheel,) = folder.glob("trygg_example_roll-*.whl")
        into = ["install", "--no-deps", "--no-index", "--target", str(site), str(self.wheel)]
        self.called([*pip, *into])

    def source(self) -> Path:
        """The package as a maker would have it: away from the checkout, which a build must not write into."""
        copy = self.folder / "source"
        for path in sorted(FOLDER.rglob("*")):
            if path.is_file() and path.suffix in (".py", ".json", ".toml", ".md"):
                target = copy / path.relative_to(FOLDER)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
        return copy

    @staticmethod
    def called(command: list[str]) -> None:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def run(self, *arguments: object, timeout: int = 60) -> "subprocess.CompletedProcess[str]":
        command = [str(self.python), "-X", "utf8", "-m", *[str(each) for each in arguments]]
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=self.folder,
            env=environment,
            check=False,
        )


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    return Scratch(tmp_path_factory.mktemp("third"))


@contextmanager
def dispenser(path: Path, words: list[str]) -> Iterator[list[bytes]]:
    """The invented device on a pseudo-terminal: it tells what it is when asked, and each entry until it is acknowledged."""
    over, ready, heard = threading.Event(), threading.Event(), list[bytes]()

    async def live() -> None:
        line, at, held = PtyLine(path), 0, b""
        line.put_back()
        ready.set()
        while not over.is_set():
            try:
                async with asyncio.timeout(0.1):
                    held += await line.read()
            except TimeoutError:
                if at < len(words):
                    body = f"EV,{LOG},{at + 1},{words[at]},{900 + at},1795334400,{20 - at}"
                    line.send(b"\x00noise$" + EXAMPLE.frame(body))
            *lines, held = held.split(b"\r\n")
            for frame in lines:
                heard.append(frame)
                if frame.startswith(b"$HI"):
                    line.send(EXAMPLE.frame("HI,Roll E,E-000417,MLSB"))
                if frame.startswith(f"$AK,{LOG},{at + 1}*".encode()):
                    at += 1
        line.pull()

    thread = threading.Thread(target=asyncio.run, args=(live(),))
    thread.start()
    ready.wait()
    try:
        yield heard
    finally:
        over.set()
        thread.join()


def configured(scratch: Scratch, line: Path, version: str = "1.0.0") -> Path:
    path = scratch.folder / "hub.toml"
    path.write_text(HUB.format(port=free_port(), root="ab" * 32, version=version, line=line))
    return path


def lived(
    scratch: Scratch, config: Path, kinds: set[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(what a hub logged until it had stored these kinds, what `trygg devices --json` said then)."""
    command = [
        str(scratch.python),
        "-X",
        "utf8",
        "-m",
        "gateway.daemon",
        "run",
        "--log-json",
        "-c",
        str(config),
    ]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=scratch.folder)
    lines: list[dict[str, Any]] = []
    try:
        assert child.stderr is not None
        for text in child.stderr:
            lines.append(json.loads(text))
            stored = {line["kind"] for line in lines if line["message"] == "stored"}
            if kinds <= stored and any(line["message"] == "The hub runs." for line in lines):
                break
        asked = scratch.run("gateway.daemon", "devices", "--json", "-c", config)
        assert asked.returncode == 0, asked.stderr
        return lines, json.loads(asked.stdout)
    finally:
        child.terminate()
        child.communicate(timeout=60)


@pytest.mark.timeout(180)
@pytest.mark.long
def test_a_package_from_its_wheel_is_decoded_with_conforms_is_checked_and_runs(scratch: Scratch) -> None:
    said = scratch.run(
        "tools.kit", "conform", "driver", "trygg-example-roll", "--language", "en", timeout=170
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.endswith("keeps contract 1 of drivers, as far as it was tested.\n")
    recorded = b"\xff\x00" + b"".join(
        EXAMPLE.frame(body) for body in ("HI,Roll E,E-1,M", f"EV,{LOG},1,LATE,7,1795334400,3")
    )
    (scratch.folder / "recording.bin").write_bytes(recorded)
    decode = ["gateway.daemon", "decode", "driver", "trygg-example-roll", "example_roll"]
    said = scratch.run(*decode, "--file", "recording.bin")
    assert said.returncode == 0, said.stderr
    found = [json.loads(line) for line in said.stdout.splitlines()]
    assert [row["kind"] for row in found] == ["device.described", "dose.missed"]
    assert scratch.run(*decode, recorded.hex()).stdout == said.stdout, "in hex as well"
    assert found[1]["values"]["dose_id"] == 7 and found[1]["values"]["cause"] == "not_collected"
    line = scratch.folder / "line"
    config = configured(scratch, line)
    words = ["PLAN", "OUT", "TAKEN", "STUCK", "FREE", "LATE", "NEWER"]
    with dispenser(line, words) as heard:
        said = scratch.run("gateway.daemon", "check", "-c", config)
        assert "example_roll of package trygg-example-roll is loaded (contract of drivers 1)" in said.stdout
        assert "example_roll is sending, and can be read" in said.stdout
        lines, devices = lived(scratch, config, {"dose.missed", "problem.detected"})
    stored = [line["kind"] for line in lines if line["message"] == "stored"]
    expected = ["dose.planned", "dose.dispensed", "dose.collected", "dispenser.jammed", "dispenser.released"]
    assert [kind for kind in stored if kind in expected] == expected
    assert stored.count("dose.missed") == 1 and "driver.failed" not in stored
    assert devices[0]["can"] == ["multidose_roll", "lock", "sound", "battery"]
    acknowledged = [int(frame.split(b",")[2].split(b"*")[0]) for frame in heard if frame.startswith(b"$AK")]
    assert sorted(set(acknowledged)) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.timeout(120)
@pytest.mark.long
def test_a_version_that_was_not_approved_is_a_finding_and_the_hub_runs_without_it(scratch: Scratch) -> None:
    config = configured(scratch, scratch.folder / "nowhere", version="2.0.0")
    said = scratch.run("gateway.daemon", "check", "-c", config)
    assert said.returncode == 1
    assert "trygg-example-roll is of version 1.0.0, and 2.0.0 was approved" in said.stdout
    lines, devices = lived(scratch, config, {"driver.failed"})
    assert [line["level"] for line in lines if line["message"] == "A driver cannot be loaded."] == ["error"]
    assert devices[0]["driver"] == "example_roll" and devices[0]["heard_ms"] is None
    configured(scratch, scratch.folder / "nowhere")
    lines, _ = lived(scratch, config, {"driver.restored"})


@pytest.mark.timeout(120)
@pytest.mark.long
def test_installed_and_not_named_is_noted_and_not_loaded(scratch: Scratch) -> None:
    config = configured(scratch, scratch.folder / "nowhere")
    config.write_text(config.read_text().partition("[[driver]]")[0])
    said = scratch.run("gateway.daemon", "check", "-c", config)
    assert "named by no [[driver]], and so not loaded: trygg-example-roll: example_roll" in said.stdout
    probe = "import sys, gateway.daemon.configuration as c, pathlib; c.load([pathlib.Path('hub.toml')]); "
    probe += "print('trygg_example_roll' in sys.modules, 'gateway.daemon.plugins' in sys.modules)"
    ran = subprocess.run(
        [str(scratch.python), "-c", probe], cwd=scratch.folder, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["False", "False"]
