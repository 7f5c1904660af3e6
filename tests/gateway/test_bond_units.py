"""The units that see the sizes of keys say the same of names and paths as the program, and grant it one thing only."""

import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from hal.linux import bond_service
from hal.linux.bond_keys import SOCKET
from tests.gateway.test_service_unit import Unit

FOLDER = files("gateway.daemon")
SOCKET_UNIT, SERVICE_UNIT, HUB_UNIT = "trygg-bonds.socket", "trygg-bonds@.service", "trygg.service"


def read(name: str) -> Unit:
    parser = Unit(strict=False)
    parser.read_string(FOLDER.joinpath(name).read_text(encoding="utf-8"))
    return parser


def test_the_socket_is_where_the_hub_asks_and_open_to_its_group_alone() -> None:
    socket = read(SOCKET_UNIT)["Socket"]
    assert socket["ListenStream"] == str(SOCKET)
    assert (socket["SocketUser"], socket["SocketGroup"], socket["SocketMode"]) == ("root", "trygg", "0660")
    assert socket["Accept"] == "yes", "the service reads its input and ends"
    assert read(HUB_UNIT)["Service"]["Group"] == socket["SocketGroup"]


def test_the_hub_brings_it_along_and_runs_without_it() -> None:
    hub = read(HUB_UNIT)["Unit"]
    assert SOCKET_UNIT in hub["Wants"].split() and SOCKET_UNIT in hub["After"].split()
    assert "Requires" not in hub


def test_the_service_is_the_program_on_the_socket() -> None:
    service = read(SERVICE_UNIT)["Service"]
    assert service["ExecStart"].endswith(f"-m {bond_service.__name__}")
    assert service["StandardInput"] == service["StandardOutput"] == "socket"
    assert f"-{bond_service.FOLDER}" in service["BindReadOnlyPaths"].split()


def test_it_may_read_files_and_nothing_else() -> None:
    service = read(SERVICE_UNIT)["Service"]
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == "CAP_DAC_READ_SEARCH", (
        "and not root"
    )
    assert service["DynamicUser"] == service["NoNewPrivileges"] == service["PrivateNetwork"] == "yes"
    assert service["RestrictAddressFamilies"] == "none" and service["ProtectSystem"] == "strict"
    hidden = [each.partition(":") for each in service["TemporaryFileSystem"].split()]
    assert [(path, how) for path, _, how in hidden] == [("/var", "ro"), ("/etc", "ro")], "keys lie below them"
    assert "open_by_handle_at" in service["SystemCallFilter"], "the last line takes it away"
    assert service["SystemCallFilter"].startswith("~")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
def test_systemd_rates_it_as_well_confined(tmp_path: Path) -> None:
    unit = tmp_path / SERVICE_UNIT
    unit.write_text(FOLDER.joinpath(SERVICE_UNIT).read_text(encoding="utf-8"))
    rated = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=10", str(unit)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert rated.returncode == 0, rated.stdout + rated.stderr
