"""What devices have been through is counted while the hub runs, without a name, a room or a placement."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon.rehome_history import DAY_MS, History, ended, read, write
from tests.hub.bench import DOOR, Bench, play


def counted(folder: Path, scene: Any, **options: Any) -> dict[str, Any]:
    """The history after a scene."""

    async def whole(bench: Bench) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        bench.app.parts.start("history", History(folder, bench.app, bench.log).run)
        await bench.clock.advance(10)
        await asyncio.to_thread(
            int
        )  # behind the first keep, which waits for a disk while simulated time waits for nobody
        await scene(bench)
        await bench.app.parts.stop()

    play(whole, **options)
    return read(folder / "history.json")


def battery(bench: Bench, percent: int, packet: int) -> None:
    bench.world.advertise(DOOR, {"fcd2": bytes([0x44, 0x00, packet, 0x01, percent])})


def test_faults_and_batteries_are_counted_by_what_a_device_is(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        placement = bench.app.devices[0].placement
        battery(bench, 91, 1)
        await bench.clock.advance(1_000)
        for kind in ("battery.low", "device.silent", "battery.restored", "battery.low"):
            await bench.app.recorder.note(kind, placement)
        await bench.app.recorder.note("path.unreceipted")
        await bench.clock.advance(1_000)

    row = counted(tmp_path, scene)
    (device,) = row["now"]["devices"]
    assert device["driver"] == "bthome" and device["battery_changes"] == 1
    assert device["faults"]["battery.low"] == 2 and device["faults"]["device.silent"] == 1
    assert row["now"]["faults"]["path.unreceipted"] == 1 and row["now"]["starts"] == 1
    said = json.dumps(row)
    assert DOOR not in said and "Front door" not in said and "hall" not in said


def test_it_goes_on_after_a_start_and_over_a_new_epoch(tmp_path: Path) -> None:
    async def scene(bench: Bench) -> None:
        await bench.app.recorder.note("path.unreceipted")
        await bench.clock.advance(1_000)
        await bench.app.recorder.begin_epoch("a test")
        await bench.app.recorder.note("path.unreceipted")
        await bench.clock.advance(1_000)
        await bench.app.recorder.note("path.unreceipted")
        await bench.clock.advance(1_000)

    first = counted(tmp_path, scene)["now"]
    second = counted(tmp_path, scene)["now"]
    assert second["starts"] == 2
    assert second["faults"]["path.unreceipted"] > first["faults"]["path.unreceipted"] >= 2


def test_a_history_that_cannot_be_read_begins_anew_and_one_that_cannot_be_written_is_told(
    tmp_path: Path,
) -> None:
    for bad in ("", "[]", '{"version": 9}', '{"version": 1, "now": [], "homes": []}', "\0"):
        (tmp_path / "history.json").write_text(bad)
        assert read(tmp_path / "history.json") == {"version": 1, "now": {}, "homes": []}
    (tmp_path / "history.json").unlink()
    (tmp_path / "history.json").mkdir()
    logged: list[str] = []

    async def scene(bench: Bench) -> None:
        await bench.app.recorder.note("path.unreceipted")
        await bench.clock.advance(1_000)
        logged.extend(message for _, message, _ in bench.logged)

    counted(tmp_path, scene)
    assert "The history of the devices could not be kept." in logged


def test_a_home_that_was_left_keeps_its_length_and_no_date(tmp_path: Path) -> None:
    now = {
        "began_utc_ms": 5 * DAY_MS + 7,
        "last_utc_ms": 12 * DAY_MS,
        "starts": 3,
        "faults": {},
        "devices": [],
    }
    row = ended({"version": 1, "now": now, "homes": [{"days": 1}]})
    assert row == {
        "version": 1,
        "now": {},
        "homes": [{"days": 1}, {"days": 6, "starts": 3, "faults": {}, "devices": []}],
    }
    assert ended(row) == row, "once"
    assert "days" not in ended({"version": 1, "now": {"starts": 1}, "homes": []})["homes"][0]
    write(tmp_path / "h", row)
    assert read(tmp_path / "h") == row and (tmp_path / "h").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("value", ["x" * 500, "Ærlig"])
def test_what_a_device_says_of_itself_is_cut_to_a_line(tmp_path: Path, value: str) -> None:
    async def scene(bench: Bench) -> None:
        device = bench.app.devices[0]
        device.described = {"serial_number": value}
        await bench.app.recorder.note("battery.low", device.placement)
        await bench.clock.advance(1_000)

    (row,) = counted(tmp_path, scene)["now"]["devices"]
    assert row["serial"] == value[:64]
