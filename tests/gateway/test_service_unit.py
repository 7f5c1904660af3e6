"""The systemd unit says the same of names, paths and promises as the program does."""

import configparser
import shlex
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from gateway.daemon.configuration import DEFAULT, DEFAULT_DATA
from gateway.daemon.restarts import REBOOT
from gateway.hub.supervise import BEAT_MS

UNIT = files("gateway.daemon").joinpath("trygg.service")


class Unit(configparser.RawConfigParser):
    """Names keep their case; of repeated ones the last is kept, which is enough here."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


@pytest.fixture
def service() -> dict[str, str]:
    parser = Unit(strict=False)
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return dict(parser["Service"])


def test_paths_are_those_of_the_program(service: dict[str, str]) -> None:
    assert service["ExecStart"].endswith(f"/trygg run -c {DEFAULT}")
    assert Path("/var/lib") / service["StateDirectory"] == DEFAULT_DATA
    assert service["StateDirectoryMode"] == "0700"


def test_the_clock_is_brought_forward_before_the_hub_starts_and_holds_nobody_up(
    service: dict[str, str],
) -> None:
    before = service["ExecStartPre"]
    assert before.startswith("-+"), "as root, and a failure does not count"
    assert before.endswith(f"/trygg clock --restore -c {DEFAULT}")


def test_it_is_told_when_the_hub_runs_and_watches_it(service: dict[str, str]) -> None:
    assert service["Type"] == "notify"
    assert service["Restart"] == "always"
    # systemd advises a beat in half the period (sd_watchdog_enabled(3)); a beat may wait for one slow sync.
    assert int(service["WatchdogSec"]) * 1000 >= 4 * BEAT_MS
    assert service["RestartPreventExitStatus"] == "2"


@pytest.mark.parametrize(
    ("status", "reboots"),
    [(str(REBOOT), True), ("0", False), ("1", False), ("2", False), ("KILL", False), ("", False)],
)
def test_one_exit_status_restarts_the_machine_and_no_other(
    service: dict[str, str], tmp_path: Path, status: str, reboots: bool
) -> None:
    post = service["ExecStopPost"]
    assert post.startswith("-+/bin/sh -c "), "as root, and a failure does not count"
    assert str(REBOOT) not in service["RestartPreventExitStatus"].split(), (
        "where it cannot, the hub starts again"
    )
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n')
    systemctl.chmod(0o700)
    program, option, script = shlex.split(post.removeprefix("-+").replace("$$", "$"))
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "EXIT_STATUS": status}
    ran = subprocess.run([program, option, script], env=environment, timeout=60, check=False)
    assert ran.returncode == 0
    asked = tmp_path / "asked"
    assert asked.exists() == reboots
    assert not reboots or asked.read_text() == "--no-block reboot\n"


def test_the_clock_can_be_asked(service: dict[str, str]) -> None:
    # Without these two system calls the clock would never be trusted, and nobody would know why.
    assert {"adjtimex", "clock_adjtime"} <= set(service["SystemCallFilter"].split())
    assert "ProtectClock" not in service
    assert "MemoryDenyWriteExecute" not in service


def test_nothing_is_granted_that_is_not_needed(service: dict[str, str]) -> None:
    assert service["User"] == "trygg"
    assert service["NoNewPrivileges"] == "yes"
    assert service["CapabilityBoundingSet"] == ""
    assert service["ProtectSystem"] == "strict"
    assert service["ProtectHome"] == "yes"
    assert service["DevicePolicy"] == "closed"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
def test_systemd_rates_it_as_well_confined(tmp_path: Path) -> None:
    unit = tmp_path / "trygg.service"
    unit.write_text(UNIT.read_text(encoding="utf-8"))
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=25", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout + rated.stderr
