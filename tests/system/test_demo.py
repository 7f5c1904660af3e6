"""`trygg demo` as a newcomer runs it: processes, a real LE stack, a pseudo-terminal, mutual TLS, receipts."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tools.simulators.certificates import Authority
from tools.simulators.mosquitto import Mosquitto, free_port

ASKED = {"door.night_exit", "smoke.detected", "oximetry.measured", "dose.collected", "dose.missed"}
FIELDS = {
    "gateway", "lane", "epoch", "seq", "placement", "device", "kind", "values", "incident", "boot", "uptime_ms",
    "utc_ms", "received_ms",
}  # fmt: skip
NAMES = {"Front door", "Smoke detector", "Pulse oximeter", "Medicine dispenser"}


def demo(*arguments: str, limit_s: float) -> tuple[int, list[dict[str, Any]], str]:
    """Exit status, JSON lines and standard error of `trygg demo --json ...`."""
    command = [sys.executable, "-m", "gateway.daemon", "demo", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit_s, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def check(status: int, lines: list[dict[str, Any]], errors: str) -> None:
    """What every demonstration must end with."""
    assert status == 0, errors
    events, summary = lines[:-1], lines[-1]["summary"]
    assert summary.keys() == {"sent", "verified", "duplicates_removed", "lost"}
    assert summary["lost"] == 0 and summary["sent"] == summary["verified"] == len(events), summary
    assert {event["kind"] for event in events} >= ASKED
    assert all(event.keys() >= FIELDS for event in events)
    assert {event["device"] for event in events} >= NAMES
    last: dict[tuple[str, int], int] = {}
    for event in events:
        where = (event["epoch"], event["lane"])
        assert event["seq"] > last.get(where, 0), "out of order within a lane"
        last[where] = event["seq"]


@pytest.mark.long
@pytest.mark.timeout(120)
def test_half_a_minute_shows_all_four_peripherals_and_loses_nothing() -> None:
    status, lines, errors = demo("--seconds", "20", limit_s=110)
    check(status, lines, errors)
    doses = Counter(line["kind"] for line in lines[:-1] if line["kind"].startswith("dose."))
    assert doses["dose.collected"] == 1 and doses["dose.missed"] == 1


@pytest.mark.long
@pytest.mark.timeout(200)
def test_broker_hub_radio_and_cable_fail_and_everything_arrives_once_in_order() -> None:
    status, lines, errors = demo("--seconds", "90", limit_s=190)
    check(status, lines, errors)
    kinds = Counter(line["kind"] for line in lines[:-1])
    assert kinds["hub.started"] == 2, "the hub was killed and started again"
    assert kinds["hub.stopped"] == 1
    doses = [
        line["values"]["dose_id"] for line in lines[:-1] if line["kind"] in ("dose.collected", "dose.missed")
    ]
    assert sorted(doses) == [1, 2, 3, 4, 5, 6], "each dose exactly once"


@pytest.mark.long
@pytest.mark.timeout(120)
def test_a_broker_of_ones_own_with_mutual_tls_gives_the_same(tmp_path: Path) -> None:
    if shutil.which("mosquitto") is None:
        pytest.skip("mosquitto is not installed (Debian package mosquitto)")
    authority = Authority(tmp_path / "certificates")
    client = authority.client("home-1")
    with Mosquitto(tmp_path / "broker", tls=authority.server("127.0.0.1")) as broker:
        files = ["--ca", str(client.ca), "--cert", str(client.certificate), "--key", str(client.key)]
        status, lines, errors = demo("--seconds", "20", "--broker", broker.url, *files, limit_s=110)
    check(status, lines, errors)


def test_a_broker_that_needs_certificates_and_gets_none_is_refused_in_words() -> None:
    status, lines, errors = demo("--broker", "mqtts://127.0.0.1:1", limit_s=60)
    assert status == 2 and lines == []
    assert "--ca" in errors and "--broker" in errors


def test_a_broker_that_nobody_serves_ends_the_demonstration_with_the_cause() -> None:
    status, lines, errors = demo("--broker", f"mqtt://127.0.0.1:{free_port()}", limit_s=50)
    assert status == 1 and lines == []
    assert "cannot be used: nothing listens at" in errors and "Mend --broker" in errors


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://broker.example", "mqtts:// towards another machine"),
        ("http://localhost", "mqtts://host:port"),
        ("mqtts://localhost --ca /none --cert /none --key /none", "--ca: found /none, which is no file"),
    ],
)
def test_a_broker_that_cannot_be_meant_is_a_wrong_command_line(url: str, expected: str) -> None:
    status, lines, errors = demo("--broker", *url.split(), limit_s=60)
    assert status == 2 and lines == [] and expected in errors


def test_an_unknown_scenario_names_those_there_are() -> None:
    status, lines, errors = demo("--scenario", "nowhere", limit_s=60)
    assert status == 2 and lines == []
    assert "home" in errors and "nowhere" in errors
