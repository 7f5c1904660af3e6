"""The command line of the gateway: help, exit statuses, and what is imported for what."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon.__main__ import COMMANDS, main
from gateway.daemon.commands import demo
from gateway.daemon.control import ControlServer

ROOT = "ab" * 32
HUB = f"""
[hub]
id = "hub-1"
tenant = "oslo"
language = "en"
data_directory = "data"
[uplink]
brokers = ["mqtt://127.0.0.1:1"]
[platform]
root_public_key = "{ROOT}"
[radio]
backend = "none"
"""
STATUS: dict[str, Any] = {
    "gateway": "hub-1",
    "tenant": "oslo",
    "software": "trygg 1",
    "public_key": "ab" * 32,
    "uptime_ms": 185_000,
    "utc_ms": 1_790_000_000_000,
    "connected": True,
    "way": {"broker": "mqtts://broker.example:8883"},
    "way_is_first": True,
    "last_error": "",
    "unreceipted_ms": 0,
    "keyset": 3,
    "lanes": [
        {"lane": lane, "name": name, "held": 0}
        for lane, name in enumerate(("safety", "alarm", "technical", "measurement", "info"))
    ],
    "given_up": [],
    "lost_in_memory": {},
    "messages_refused": {},
    "frames_refused": {},
    "devices_silent": [],
    "lamp": "ok",
    "faults": [],
    "lost_ms": None,
    "configuration_fault": "",
    "advertisements_dropped": 0,
}
DEVICES: list[dict[str, Any]] = [
    {
        "name": "Front door",
        "driver": "bthome",
        "room": "Hall",
        "reached": "AA:BB:CC:00:00:01",
        "heard_ms": 3_000,
        "interval_ms": 0,
        "learned_interval_ms": 600_000,
        "silent": False,
        "link": "",
        "bond": None,
        "described": {},
        "refused": {"malformed": 2, "replayed": 1},
        "last_refusal": "object 0x99 is not known",
    },
    {
        "name": "Medicine",
        "driver": "dispenser",
        "room": None,
        "reached": "/dev/ttyUSB0",
        "heard_ms": None,
        "interval_ms": 30_000,
        "learned_interval_ms": 0,
        "silent": True,
        "link": "no such port",
        "bond": None,
        "described": {},
        "refused": {},
        "last_refusal": "",
    },
]


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    path = tmp_path / "hub.toml"
    path.write_text(HUB)
    return path


def trygg(*arguments: str | Path) -> int:
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as error:
        return int(error.code or 0)


def while_running(hub: Path, facts: dict[str, Any], command: Callable[[], int]) -> int:
    """Exit status of a command while a hub answers with these facts."""

    async def work() -> int:
        handlers = {name: lambda name=name: facts[name] for name in facts}
        async with ControlServer(hub.parent / "data" / "control.sock", handlers):
            return await asyncio.to_thread(command)

    return asyncio.run(work())


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert trygg("--help") == 0
    overview = capsys.readouterr().out
    for name in COMMANDS:
        assert name in overview
        if name not in ("demo", "rehome"):  # whose help is the kit's
            assert trygg(name, "--help") == 0
            assert f"usage: trygg {name}" in capsys.readouterr().out


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert trygg("--version") == 0
    assert capsys.readouterr().out.startswith("trygg ")


@pytest.mark.parametrize(
    "line", [(), ("bogus",), ("status", "--bogus"), ("run", "--clock-offset-s", "x"), ("decode",)]
)
def test_a_wrong_command_line_is_status_2(line: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert trygg(*line) == 2
    assert "usage: trygg" in capsys.readouterr().err


def test_only_what_a_command_needs_is_imported() -> None:
    script = (
        "import sys; from gateway.daemon.__main__ import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print(sorted(set(sys.modules) & {'paho', 'bleak', 'cryptography', 'serial', 'bumble', 'rich', "
        "'amqtt', 'sqlite3', 'dbus_fast'}), file=sys.stderr)"
    )
    for line, expected in ((("--help",), "[]"), (("run", "--help"), "[]"), (("status", "-c", "/none"), "[]")):
        done = subprocess.run(
            [sys.executable, "-c", script, *line], capture_output=True, text=True, check=True, timeout=60
        )
        assert done.stderr.splitlines()[-1] == expected, line


def test_a_radio_stack_that_is_not_installed_is_a_fault_of_the_configuration(hub: Path) -> None:
    hub.write_text(HUB.replace('backend = "none"', 'backend = "bumble"\ntransport = "usb:0"'))
    script = (
        "import sys; sys.modules['bumble'] = None\n"
        "from gateway.daemon.__main__ import main\nsys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "run", "-c", str(hub)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"{hub}: radio.backend: found 'bumble', and bumble is not installed" in done.stderr
    assert "/opt/trygg/bin/pip install 'FILE.whl[bumble]'" in done.stderr


def test_status_says_first_how_it_is(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert while_running(hub, {"status": STATUS}, lambda: trygg("status", "-c", hub)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "All is well.",
        "Hub hub-1 of oslo, trygg 1, running for 3 min",
        "Broker: connected",
        "Delivery: the platform has receipted everything",
        "Public key, for the platform's registry: " + "ab" * 32,
    ]
    assert while_running(hub, {"status": STATUS}, lambda: trygg("status", "--json", "-c", hub)) == 0
    assert json.loads(capsys.readouterr().out) == STATUS


def test_status_words_every_trouble(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trouble = {
        **STATUS,
        "lamp": "fault",
        "faults": ["path.unreceipted", "adapter.lost", "keyset.expired", "part.stopped"],
        "connected": False,
        "last_error": "no route",
        "lost_ms": 240_000,
        "lanes": [{**row, "held": n} for row, n in zip(STATUS["lanes"], (1, 0, 0, 41, 0), strict=True)],
        "unreceipted_ms": 300_000,
        "keyset": None,
        "utc_ms": None,
        "given_up": [{"lane": 4, "first": 11, "last": 20}],
        "lost_in_memory": {"info": 5, "measurement": 2},
        "messages_refused": {"signature": 2},
        "frames_refused": {"Front door": 3},
        "devices_silent": ["Smoke detector"],
        "configuration_fault": "hub.toml: hub.id: ...",
        "advertisements_dropped": 7,
    }
    while_running(hub, {"status": trouble}, lambda: trygg("status", "-c", hub))
    said = capsys.readouterr().out
    for words in (
        "Technical fault. Contact the technical resource person.",
        "the last good one is used: hub.toml: hub.id",
        "Fault: the platform does not receipt. Whoever runs it looks whether the receiver runs",
        "Fault: the radio does not listen, so Bluetooth devices are not heard. trygg check says what is missing",
        "Fault: the municipality's keyset has expired. Receipts still count",
        "Fault: a part of the hub does not run. Read the log",
        "not connected for 4 min: no route",
        "42 events wait for a receipt (safety 1, measurement 41), the oldest for 5 min",
        "none received yet",
        "Clock: not set",
        "Gave up 10 events (information)",
        "Lost 7 events (information 5, measurement 2) because neither the store nor memory had room",
        "refused: 2 × signature. Whoever runs the platform",
        "could not be used: Front door 3",
        "Silent devices: Smoke detector",
        "7 advertisements",
    ):
        assert words in said, words
    cut_off = {**trouble, "unreceipted_ms": 0}
    while_running(hub, {"status": cut_off}, lambda: trygg("status", "-c", hub))
    said = capsys.readouterr().out
    assert "42 events are stored and not receipted (safety 1, measurement 41)" in said and "0 ms" not in said
    while_running(hub, {"status": {**STATUS, "connected": False}}, lambda: trygg("status", "-c", hub))
    assert "not connected yet" in capsys.readouterr().out


def test_status_says_which_way_out_is_in_use_when_it_is_not_the_first(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    way = {"broker": "mqtts://broker-b.example:8883", "path": "wwan0"}
    facts = {**STATUS, "way": way, "way_is_first": False}
    while_running(hub, {"status": facts}, lambda: trygg("status", "-c", hub))
    assert "connected over mqtts://broker-b.example:8883 wwan0, not over the first" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [{"devices_silent": ["Smoke"]}, {"frames_refused": {"Smoke": 1}}])
def test_a_gateway_that_is_well_does_not_say_so_of_devices_that_are_not(
    hub: Path, capsys: pytest.CaptureFixture[str], wrong: dict[str, object]
) -> None:
    while_running(hub, {"status": {**STATUS, **wrong}}, lambda: trygg("status", "-c", hub))
    said = capsys.readouterr().out
    assert said.startswith("The gateway is well, but not every device is") and "All is well" not in said


def test_devices_are_listed_with_what_is_wrong(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert while_running(hub, {"devices": DEVICES}, lambda: trygg("devices", "-c", hub)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Front door: heard 3 s ago",
        "    bthome at AA:BB:CC:00:00:01, room Hall",
        "    sign of life: each 10 min, learned from what was heard",
        "    frames refused: malformed 2, replayed 1; last: object 0x99 is not known",
        "Medicine: SILENT, not heard since the hub started",
        "    dispenser at /dev/ttyUSB0",
        "    link: no such port",
        "    sign of life: each 30 s, as given",
    ]
    heard = [
        {**DEVICES[0], "rssi_dbm": -67, "link_weak": False},
        {**DEVICES[0], "rssi_dbm": -93, "link_weak": True},
    ]
    while_running(hub, {"devices": heard}, lambda: trygg("devices", "-c", hub))
    lines = [line.strip() for line in capsys.readouterr().out.splitlines() if "signal" in line]
    assert lines[0] == "signal: −67 dBm" and lines[1].startswith("signal: −93 dBm, weak: move the device")
    unheard = [{**DEVICES[0], "rssi_dbm": None, "link_weak": weak} for weak in (True, False)]
    while_running(hub, {"devices": unheard}, lambda: trygg("devices", "-c", hub))
    assert capsys.readouterr().out.count("signal: weak before the last restart") == 1
    described = {"maker": "Virtual", "model": "PLX-1", "serial_number": "0042"}
    paired = [{**DEVICES[0], "link": "connected", "bond": 1, "described": described}]
    while_running(hub, {"devices": paired}, lambda: trygg("devices", "-c", hub))
    said = capsys.readouterr().out
    assert "Virtual PLX-1, serial number 0042" in said and "link: connected" in said
    assert "pairing: weak, without the code on the label" in said
    others = [{**DEVICES[0], "silent": True, "learned_interval_ms": 0}, {**DEVICES[1], "silent": False}]
    while_running(hub, {"devices": others}, lambda: trygg("devices", "-c", hub))
    said = capsys.readouterr().out
    assert "Front door: SILENT, last heard 3 s ago" in said and "sign of life: not known yet" in said
    assert "Medicine: not heard since the hub started" in said
    while_running(hub, {"devices": []}, lambda: trygg("devices", "-c", hub))
    assert capsys.readouterr().out == "No devices are configured.\n"


def test_without_a_hub_cause_and_next_action_are_said_in_the_language_of_the_file(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("status", "devices"):
        assert trygg(command, "-c", hub) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert f"trygg {command}: The hub does not answer on {hub.parent}/data/control.sock" in said.err
        assert "systemctl start trygg" in said.err
    hub.write_text(HUB.replace('"en"', '"nb"').replace("[uplink]", "[uplink"))
    assert trygg("status", "-c", hub) == 1
    assert "Huben svarer ikke" in capsys.readouterr().err


def test_an_older_hub_that_does_not_know_a_command_is_named(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert while_running(hub, {"status": STATUS}, lambda: trygg("devices", "-c", hub)) == 1
    assert "unknown command devices" in capsys.readouterr().err


def test_run_without_any_usable_configuration_is_status_2(hub: Path) -> None:
    hub.write_text(HUB.replace("hub-1", "Hub 1"))
    done = subprocess.run(
        [sys.executable, "-m", "gateway.daemon", "run", "--log-json", "-c", str(hub)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    logged, said = done.stderr.splitlines()
    assert json.loads(logged)["level"] == "error"
    assert f"trygg run: {hub}: hub.id: found 'Hub 1'" in said


def test_demo_hands_all_its_options_to_the_kit() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway.daemon", "demo", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert "trygg-kit demo" in done.stdout


def test_demo_without_the_kit_says_how_to_install_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.start([], needed=("tools.kit", "no_such_package", "no_such.package")) == 1
    said = capsys.readouterr().err
    assert "no_such_package, no_such.package not installed" in said
    assert "make demo" in said and "pip install 'FILE.whl[demo]'" in said and "trygg-hub[" not in said
    assert trygg("--", "demo") == 2
