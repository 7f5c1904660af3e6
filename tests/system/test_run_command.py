"""`trygg run` as a process: it starts, answers, stops as told, and falls back to its last good configuration."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon.control import ask
from tools.simulators.mosquitto import free_port

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
"""
RUNS = "The hub runs."


class Hub:
    """A hub of its own folder."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "hub.toml"
        self.data = folder / "data"
        self.text = HUB.format(port=free_port(), root="ab" * 32)
        self.file.write_text(self.text)

    @contextmanager
    def process(
        self, *arguments: str, environment: dict[str, str] | None = None
    ) -> Iterator["subprocess.Popen[str]"]:
        child = subprocess.Popen(
            [sys.executable, "-m", "gateway.daemon", "run", "--log-json", "-c", str(self.file), *arguments],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        try:
            yield child
        finally:
            child.kill()
            child.communicate()

    @contextmanager
    def running(self, *arguments: str) -> Iterator[tuple["subprocess.Popen[str]", list[dict[str, Any]]]]:
        """The process, and what it logged until it ran."""
        with self.process(*arguments) as child:
            yield child, logged_until(child, RUNS)


def logged_until(child: "subprocess.Popen[str]", message: str) -> list[dict[str, Any]]:
    """Log lines up to one of this message."""
    lines: list[dict[str, Any]] = []
    assert child.stderr is not None
    for text in child.stderr:
        lines.append(json.loads(text))
        if lines[-1]["message"] == message:
            return lines
    raise AssertionError(f"it never said {message!r}: {lines}")


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_answers_and_stops_as_told(hub: Hub, number: signal.Signals) -> None:
    with hub.running() as (child, lines):
        assert next(line["kind"] for line in lines if line["message"] == "stored") == "hub.started"
        facts = ask(hub.data / "control.sock", "status")
        assert (facts["gateway"], facts["connected"], facts["configuration_fault"]) == ("hub-1", False, "")
        assert ask(hub.data / "control.sock", "devices") == []
        child.send_signal(number)
        _, rest = child.communicate(timeout=40)
        assert child.returncode == 0
    last = [json.loads(text) for text in rest.splitlines()]
    assert {"hub.stopped"} == {line["kind"] for line in last if line["message"] == "stored"} - {
        "clock.untrusted"
    }
    assert last[-1]["message"] == "Stopped."
    assert not (hub.data / "control.sock").exists()


def test_a_bad_file_starts_the_last_good_one_and_says_so(hub: Hub) -> None:
    with hub.running() as (child, _):
        child.terminate()
        child.communicate(timeout=40)
    assert (hub.data / "last-good.toml").exists()
    hub.file.write_text(hub.text.replace('language = "en"', 'language = "eng"'))
    with hub.running() as (child, lines):
        assert lines[0]["level"] == "error"
        assert "hub.language: found 'eng'" in lines[0]["cause"]
        assert "configuration.fault" in [line.get("kind") for line in lines]
        assert "hub.language" in ask(hub.data / "control.sock", "status")["configuration_fault"]
    hub.file.write_text(hub.text)
    with hub.running() as (child, lines):
        assert "configuration.accepted" in [line.get("kind") for line in lines]
        assert ask(hub.data / "control.sock", "status")["configuration_fault"] == ""


def test_a_file_that_names_a_missing_one_falls_back_too(hub: Hub) -> None:
    with hub.running() as (child, _):
        child.terminate()
        child.communicate(timeout=40)
    hub.file.write_text(hub.text.replace("ab" * 32, "root.pub"))
    with hub.running() as (_, lines):
        assert any("root.pub" in str(line.get("cause")) for line in lines)
        assert "configuration.fault" in [line.get("kind") for line in lines]


def test_a_second_hub_does_not_start_beside_the_first(hub: Hub) -> None:
    with hub.running() as (first, _):
        with hub.process() as second:
            _, said = second.communicate(timeout=40)
            assert second.returncode == 1
            assert "another hub" in json.loads(said.splitlines()[-1])["cause"]
        assert ask(hub.data / "control.sock", "status")["gateway"] == "hub-1"
        assert first.poll() is None


def test_after_a_kill_it_starts_again_with_its_events(hub: Hub) -> None:
    with hub.running() as (child, _):
        held = ask(hub.data / "control.sock", "status")["lanes"][2]["held"]
        child.kill()
        child.communicate(timeout=40)
        assert (hub.data / "control.sock").exists()
    with hub.running():
        assert ask(hub.data / "control.sock", "status")["lanes"][2]["held"] > held


def test_a_shifted_clock_is_told(hub: Hub) -> None:
    with hub.running("--clock-offset-s", "-3600") as (_, lines):
        assert lines[0]["message"] == "The clock is shifted, for training."
        facts = ask(hub.data / "control.sock", "status")
        utc_ms = facts["utc_ms"]
        assert utc_ms is not None  # believed as it is
    with hub.running("--clock-offset-s", "3600"):
        later = ask(hub.data / "control.sock", "status")["utc_ms"]
        assert 7_200_000 <= later - utc_ms < 7_260_000


def test_systemd_is_told_when_it_runs_and_when_it_stops(hub: Hub, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        with hub.process(environment={"NOTIFY_SOCKET": str(tmp_path / "notify")}) as child:
            said = {systemd.recv(200)}
            while b"READY=1" not in said:
                said.add(systemd.recv(200))
            child.terminate()
            child.communicate(timeout=40)
        while b"STOPPING=1" not in said:
            said.add(systemd.recv(200))
    assert said <= {b"READY=1", b"STOPPING=1", b"WATCHDOG=1"}
