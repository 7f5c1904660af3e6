"""`make firmware`: what it builds is whole, the same each time, and what is not so is refused."""

import json
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.firmware.board import frozen_paths
from tools.firmware import partitions
from tools.firmware.__main__ import ROOT, compile_modules, main, modules
from tools.firmware.bundle import BundleError, open_bundle, write_bundle

TABLE, FLASH_BYTES = partitions.TABLES[16], 16 << 20
FILES = {"modules/a.mpy": b"M\x06", "partitions.csv": b"nvs"}


def test_a_bundle_is_built_and_opens_and_is_the_same_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one.zip", "two.zip"):
        assert main(["--out", str(tmp_path / name), "--json"]) == 0
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    manifest, files = open_bundle(tmp_path / "one.zip")
    assert json.loads(capsys.readouterr().out.splitlines()[0]) == manifest
    assert manifest["march"] == "xtensawin" and not manifest["agent"]
    assert "modules/gateway/hub/app.mpy" in files and "modules/hal/esp32/mqtt.mpy" in files
    assert all(data[:2] == b"M\x06" for name, data in files.items() if name.endswith(".mpy"))


def test_a_bundle_holds_what_is_frozen_and_the_agent_only_where_it_is_asked_for() -> None:
    for_homes, for_a_bench = modules(ROOT), modules(ROOT, with_agent=True)
    assert set(for_a_bench) - set(for_homes) == {"firmware/agent.py"}
    assert for_a_bench == frozen_paths()


def test_viper_code_is_compiled_for_the_board_that_is_named() -> None:
    path = "hal/esp32/sha512_viper.py"
    xtensa, riscv = (compile_modules(ROOT, march, [path]) for march in ("xtensawin", "rv32imc"))
    assert xtensa.keys() == riscv.keys() and xtensa != riscv


@pytest.mark.parametrize("change", ["altered", "missing", "added", "outside", "format", "twice", "no zip"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_bundle_that_is_not_whole_is_refused(tmp_path: Path, change: str) -> None:
    path = tmp_path / "bundle.zip"
    files = {**FILES, "../out.mpy": b""} if change == "outside" else FILES
    write_bundle(path, files, {"format": 2} if change == "format" else {})
    if change == "format":
        text = zipfile.ZipFile(path).read("manifest.json")
        rewrite(path, {**FILES, "manifest.json": text.replace(b'"format": 1', b'"format": 2')})
    elif change in ("altered", "missing", "added", "twice"):
        with zipfile.ZipFile(path) as bundle:
            held = {name: bundle.read(name) for name in bundle.namelist()}
        if change == "altered":
            held["modules/a.mpy"] = b"M\x07"
        elif change == "missing":
            del held["modules/a.mpy"]
        elif change == "added":
            held["modules/b.mpy"] = b""
        rewrite(path, held)
        if change == "twice":
            with zipfile.ZipFile(path, "a") as bundle:
                bundle.writestr("modules/a.mpy", b"M\x06")
    elif change == "no zip":
        path.write_bytes(b"PK")
    with pytest.raises(BundleError):
        open_bundle(path)


def rewrite(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as bundle:
        for name, data in files.items():
            bundle.writestr(name, data)


def test_a_bundle_that_is_whole_opens(tmp_path: Path) -> None:
    """The control of the refusals."""
    write_bundle(tmp_path / "bundle.zip", FILES, {"version": "1"})
    manifest, files = open_bundle(tmp_path / "bundle.zip")
    assert files == FILES and manifest["version"] == "1"


@pytest.mark.parametrize(("flash_mib", "journal_mib"), [(16, 5), (8, 3)])
def test_the_partition_tables_hold_two_slots_a_journal_and_what_a_board_needs(
    flash_mib: int, journal_mib: int
) -> None:
    table = partitions.read(ROOT / partitions.TABLES[flash_mib])
    partitions.check(table, flash_mib << 20)
    sizes = {row.name: row.size for row in table}
    assert sizes["journal"] == journal_mib << 20 and sizes["ota_0"] == sizes["ota_1"]


def test_a_journal_that_holds_no_week_is_refused_where_the_flash_has_room_for_one() -> None:
    small = partitions.read(ROOT / partitions.TABLES[8])
    with pytest.raises(partitions.PartitionError, match="a week of outage is 14000"):
        partitions.check(small, FLASH_BYTES)


def test_a_table_that_no_board_could_live_with_is_refused(tmp_path: Path) -> None:
    table = partitions.read(ROOT / TABLE)
    by_name = {row.name: row for row in table}

    def changed(name: str, **values: int) -> list[partitions.Partition]:
        return [replace(row, **values) if row.name == name else row for row in table]

    wrong = {
        "no journal": [row for row in table if row.name != "journal"],
        "a name twice": [*table, by_name["vfs"]],
        "overlap": changed("ota_1", offset=by_name["ota_1"].offset - 0x10000),
        "alignment": changed("ota_1", offset=by_name["ota_1"].offset + 0x1000, size=0x2FF000),
        "beyond": changed("vfs", size=5 << 20),
        "slots": changed("ota_1", size=by_name["ota_1"].size - 0x1000),
        "small": changed("journal", size=23 * 0x1000),
    }
    for name, rows in wrong.items():
        with pytest.raises(partitions.PartitionError) as refused:
            partitions.check(rows, FLASH_BYTES)
        assert str(refused.value), name
    (tmp_path / "broken.csv").write_text("nvs, data, nvs, 0x9000\n")
    with pytest.raises(partitions.PartitionError, match="expected name"):
        partitions.read(tmp_path / "broken.csv")
