"""Boards of ESP32 class: the real esptool against a loader on a pseudo-terminal; wrong chips, wrong images, flipped bits, cut lines."""

import hashlib
import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError
from gateway.daemon.enrolment_client import check_token
from hal.esp32.nvs import Nvs
from tests.tools.authority_bench import Said, run
from tests.tools.flash_bench import content
from tests.tools.flash_cards import ROOT_KEY, TOKEN_TEXT
from tools.firmware import partitions
from tools.firmware.__main__ import FLASH_MIB
from tools.firmware.bundle import write_bundle
from tools.flash import esp32_plan, nvs_image, partition_table
from tools.flash.boards import boards, check_image
from tools.flash.errors import FlashError, ImageError
from tools.flash.esp32_board import Esp32Board
from tools.flash.esp32_plan import Settings
from tools.kit.__main__ import main as kit_main
from tools.kit.__main__ import make_parser
from tools.rig import readback
from tools.simulators.esp_rom import EspRom, escape, unescape
from tools.simulators.nvs_image import ImageNvs

ROOT = Path(__file__).resolve().parents[2]
TABLES = {16: ROOT / "firmware/partitions.csv", 8: ROOT / "firmware/partitions-8mib.csv"}
TABLE = TABLES[8]
ESP32 = boards()["esp32"]


def application(size: int = 9_001, chip: int = 0) -> bytes:
    """As far as its header goes. Bytes of no pattern: no MD5 of a part is that of another."""
    head = struct.pack("<BBBBIBBBBHBHH", 0xE9, 1, 2, 0x3F, 0x40080000, 0xEE, 0, 0, 0, chip, 0, 0, 65535)
    return head + content(size - len(head), seed=size)


class Given:
    """Files that a technician has, and a board in a port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.image = self.file("application.bin", application())
        self.loader = self.file("bootloader.bin", application(3_000))
        self.bundle = folder / "firmware.zip"
        write_bundle(self.bundle, {"partitions.csv": TABLE.read_bytes()}, {"version": "0.1.0"})
        self.root_key = folder / "root.pub"
        self.root_key.write_text(ROOT_KEY + "\n")
        self.port = folder / "board"

    def file(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        path.with_name(name + ".sha256").write_text(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
        return path

    def flash(self, *more: object, gateway: str = "esp-1") -> Said:
        options: list[object] = [
            "flash",
            "esp32",
            "--image",
            self.image,
            "--bundle",
            self.bundle,
            "--root-key",
            self.root_key,
        ]
        options += ["--gateway", gateway, "--tenant", "oslo", "--no-stub"]
        if "--board" not in more:
            options += ["--board", ESP32.name]
        if "--to-file" not in more:
            options += [self.port]
        return run(kit_main, [*options, *more])


@pytest.fixture
def given(tmp_path: Path) -> Given:
    return Given(tmp_path)


@pytest.fixture
def rom(given: Given) -> Iterator[EspRom]:
    with EspRom(given.port) as made:
        made.flash[ESP32.bootloader_at] = 0xE9
        yield made


def read_nvs(flash: bytes, name: str, size: int = 0x4000) -> bytes | None:
    return Nvs(ImageNvs(bytes(flash[0x9000 : 0x9000 + size]), "trygg")).read(name)


# --- a whole board ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["esp32", "esp32-s3", "esp32-s3-8mib"])
def test_a_board_gets_its_application_its_table_and_its_settings(given: Given, name: str) -> None:
    board = boards()[name]
    table = TABLES[board.flash_bytes >> 20]
    write_bundle(given.bundle, {"partitions.csv": table.read_bytes()}, {"version": "0.1.0"})
    at = {each.name: each for each in partitions.read(table)}
    image = given.file("app.bin", application(chip=board.image_chip))
    loader = given.file("loader.bin", application(2_500, chip=board.image_chip))
    secret = given.folder / "password"
    secret.write_text("hemmelig ord\n")
    secret.chmod(0o600)
    with EspRom(given.port, board.chip, flash_bytes=board.flash_bytes) as rom:
        slots = slice(at["otadata"].offset, at["otadata"].end)
        rom.flash[slots] = bytes(0x2000)  # what an earlier life said of its slots
        said = given.flash(
            "--board", name, "--image", image, "--bootloader", loader, "--token", TOKEN_TEXT,
            "--wifi", "Stue", "--wifi-password-file", secret,
        )  # fmt: skip
    assert said.status == 0, said.err
    assert (
        said.out
        == f"done: {given.port} is gateway esp-1, {4096 + at['nvs'].size + 0x2000 + 9004 + 2500} bytes written and read back\n"
    )
    flash = bytes(rom.flash)
    assert flash[board.bootloader_at :][:2500] == loader.read_bytes()
    assert flash[at["ota_0"].offset :][:9001] == image.read_bytes()
    assert flash[slots] == b"\xff" * 0x2000, "the first slot runs"
    assert flash[0x8000:0x9000] == partition_table.encode(partitions.read(table))
    values = {
        name: read_nvs(flash, name, at["nvs"].size)
        for name in ("gateway", "tenant", "token", "root", "wifi_name", "wifi_password")
    }
    assert values == {
        "gateway": b"esp-1",
        "tenant": b"oslo",
        "token": check_token(TOKEN_TEXT).encode(),
        "root": bytes.fromhex(ROOT_KEY),
        "wifi_name": b"Stue",
        "wifi_password": b"hemmelig ord",
    }
    assert read_nvs(flash, "identity", at["nvs"].size) is None, "a board makes its own"
    assert "hemmelig" not in said.out + said.err and TOKEN_TEXT not in said.out + said.err


def test_another_chip_than_the_board_has_is_refused_before_a_byte_is_written(given: Given) -> None:
    with EspRom(given.port, "ESP32-S3") as rom:
        said = given.flash()
    assert said.status == 1 and "this is ESP32-S3 and esp32 has ESP32" in said.err
    assert rom.blocks == 0 and set(rom.flash) == {0xFF}


def test_too_little_flash_is_refused(given: Given) -> None:
    with EspRom(given.port, flash_bytes=4 << 20) as rom:
        said = given.flash()
    assert said.status == 1 and "the flash has 4MB, 8 MB are needed" in said.err and rom.blocks == 0


def test_an_image_whose_sha256_differs_or_is_not_known_is_refused(given: Given, rom: EspRom) -> None:
    said = given.flash("--sha256", "0" * 64)
    assert said.status == 1 and "not the image that its SHA-256 names" in said.err
    given.image.write_bytes(application()[:-1] + b"?")
    assert given.flash().status == 1
    given.image.with_name("application.bin.sha256").unlink()
    said = given.flash()
    assert said.status == 1 and "SHA-256 of application.bin is not known" in said.err
    assert rom.blocks == 0


def test_an_image_of_another_chip_is_refused(given: Given, rom: EspRom) -> None:
    given.file("application.bin", application(chip=9))
    said = given.flash()
    assert said.status == 1 and "is made for ESP32-S3, the board has ESP32" in said.err and rom.blocks == 0


def test_a_board_that_is_a_gateway_already_is_not_made_another_one_unasked(given: Given, rom: EspRom) -> None:
    rom.flash[0x9000:0xD000] = nvs_image.image({"identity": bytes(64)}, 0x4000)
    before = bytes(rom.flash)
    said = given.flash()
    assert said.status == 1 and "is a gateway already" in said.err and rom.flash == before
    assert given.flash("--replace").status == 0
    assert read_nvs(rom.flash, "identity") is None and read_nvs(rom.flash, "gateway") == b"esp-1"


def test_a_board_that_was_flashed_and_never_started_is_flashed_again(given: Given, rom: EspRom) -> None:
    assert given.flash().status == 0
    assert given.flash(gateway="esp-2").status == 0
    assert read_nvs(rom.flash, "gateway") == b"esp-2"


def test_a_blank_board_needs_a_loader(given: Given) -> None:
    with EspRom(given.port) as rom:
        said = given.flash()
        assert said.status == 1 and "no loader yet: give it with --bootloader" in said.err and rom.blocks == 0
        assert given.flash("--bootloader", given.loader).status == 0


def test_a_port_without_a_board_is_said(given: Given) -> None:
    said = given.flash("--retries", "0")
    assert said.status == 1 and "no board answers at" in said.err and "hold BOOT" in said.err


# --- cut lines, weak flash ------------------------------------------------------------------------------------------


def test_a_line_cut_in_mid_write_is_said_and_the_next_try_works(given: Given, rom: EspRom) -> None:
    rom.cut_after = 12
    said = given.flash("--retries", "0")
    assert said.status == 1 and "check the cable" in said.err and "done" not in said.out
    rom.put_back()
    assert given.flash().status == 0
    assert rom.flash[0x10000:][:9001] == given.image.read_bytes()


def test_a_board_that_fails_once_is_tried_again(given: Given, rom: EspRom) -> None:
    class Once(set[int]):
        """A bit that reads wrongly the first time that anybody looks there."""

        def __iter__(self) -> Iterator[int]:
            found = list(super().__iter__())
            if rom.blocks > 30:
                self.clear()
            return iter(found)

    rom.weak = Once({8 * 0x10010})
    said = given.flash("--json")
    assert said.status == 0, said.err
    assert json.loads(said.out)["tries"] == 2 and "NOT done: trying again" in said.err


def test_a_bit_that_stays_wrong_is_never_called_done(given: Given, rom: EspRom) -> None:
    rom.weak = {8 * 0x10010 + 3}
    said = given.flash()
    assert said.status == 1 and said.err.count("does not hold") == 2 and "done:" not in said.out


# --- every flipped bit ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lying", [False, True])
def test_every_flipped_bit_of_a_board_is_found_also_where_its_hash_lies(tmp_path: Path, lying: bool) -> None:
    tried, left = readback.of_board(tmp_path, 8 if lying else 60, Esp32Board.verify, lying=lying)
    assert tried >= 8 and left == []


def test_control_a_quick_look_at_a_board_misses_bits_and_is_reported(tmp_path: Path) -> None:
    tried, left = readback.of_board(tmp_path, 60, readback.first_bytes, lying=False)
    assert len(left) > tried // 2


def test_what_was_flipped_is_counted_and_a_quick_look_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert readback.main(["--bits", "20"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said] == ["card", "board", "board whose hash lies"]
    assert all(line.endswith(" 0 missed") for line in said)
    assert readback.main(["--bits", "20", "--unsafe"]) == 1


# --- parts --------------------------------------------------------------------------------------------------------


def test_the_table_is_as_the_chip_reads_it() -> None:
    table = partition_table.encode(partitions.read(TABLE))
    assert len(table) == 0x1000
    assert table[:32] == bytes.fromhex("aa50 01 02 00900000 00400000") + b"nvs".ljust(16, b"\0") + bytes(4)
    entries = table[: 7 * 32]
    assert table[7 * 32 : 8 * 32] == b"\xeb\xeb" + b"\xff" * 14 + hashlib.md5(entries).digest()
    assert set(table[8 * 32 :]) == {0xFF}
    for wrong in (
        ("x" * 16, "data", "nvs"),
        ("x", "none", "nvs"),
        ("x", "data", "none"),
        ("x", "data", "0x1ff"),
    ):
        with pytest.raises(partitions.PartitionError):
            partition_table.encode([partitions.Partition(*wrong, 0x9000, 0x1000)])
    with pytest.raises(partitions.PartitionError, match="more than a table holds"):
        partition_table.encode(partitions.read(TABLE) * 14)


def test_settings_are_read_by_the_boards_own_code_and_too_many_are_refused() -> None:
    values = {f"name-{number}": bytes([number]) * 160 for number in range(20)}
    storage = Nvs(ImageNvs(nvs_image.image(values, 0x4000), "trygg"))
    assert {name: storage.read(name) for name in values} == values and storage.read("none") is None
    with pytest.raises(FlashError, match="do not fit"):
        nvs_image.image({f"name-{number}": bytes(160) for number in range(80)}, 0x3000)
    with pytest.raises(FlashError, match="a board reads 160"):
        nvs_image.image({"long": bytes(161)}, 0x4000)


def test_control_the_reader_of_settings_sees_every_flipped_bit_of_a_value() -> None:
    whole = bytearray(nvs_image.image({"gateway": b"esp-1"}, 0x4000))
    at = whole.index(b"esp-1")
    for bit in range(8 * at, 8 * (at + 5)):
        whole[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ValueError, match="does not hold"):
            ImageNvs(bytes(whole), "trygg")
        whole[bit // 8] ^= 1 << bit % 8


def test_what_does_not_fit_is_refused_before_a_board_is_touched(given: Given) -> None:
    table = partitions.read(TABLE)
    settings = Settings("esp-1", "oslo", bytes(32))
    with pytest.raises(FlashError, match="its slot"):
        esp32_plan.plan(ESP32, table, settings, application(0x260001), None)
    with pytest.raises(FlashError, match="reaches into the partition table"):
        esp32_plan.plan(ESP32, table, settings, application(), application(0x7001))
    with pytest.raises(ImageError, match="no image for such a board"):
        check_image(b"\xe9", ESP32, "x")
    with pytest.raises(ConfigError, match="--tenant"):
        Settings("esp-1", "Oslo 1", bytes(32)).values()
    with pytest.raises(ConfigError, match="--token"):
        Settings("esp-1", "oslo", bytes(32), "ABCD").values()
    (given.folder / "no.zip").write_bytes(b"PK")
    with pytest.raises(FlashError, match="no bundle"):
        esp32_plan.table_of(given.folder / "no.zip", ESP32)
    write_bundle(given.folder / "empty.zip", {}, {})
    with pytest.raises(FlashError, match="holds no partition table"):
        esp32_plan.table_of(given.folder / "empty.zip", ESP32)


def test_the_whole_flash_goes_into_a_file(given: Given) -> None:
    out = given.folder / "whole.bin"
    said = given.flash("--to-file", out, "--bootloader", given.loader)
    assert said.status == 0, said.err
    whole = out.read_bytes()
    assert len(whole) == 0x10000 + 9004 and whole[0x1000:][:3000] == given.loader.read_bytes()
    assert whole[:0x1000] == b"\xff" * 0x1000 and read_nvs(whole, "gateway") == b"esp-1"
    again = given.flash("--to-file", out, "--bootloader", given.loader)
    assert again.status == 2 and "nothing is overwritten" in again.err


def test_the_whole_flash_without_its_loader_is_refused_for_it_would_start_nothing(given: Given) -> None:
    said = given.flash("--to-file", given.folder / "whole.bin")
    assert said.status == 2 and not (given.folder / "whole.bin").exists()
    assert "--bootloader: found nothing, expected the second loader: no board starts" in said.err


def test_the_usual_board_takes_the_usual_bundle_and_the_page_names_each_with_its_flash(given: Given) -> None:
    usual = make_parser("flash").parse_args(["flash", "esp32", "--image", "a", "--bundle", "b", "--gateway", "g", "--tenant", "t", "--root-key", "r"]).board  # fmt: skip
    assert boards()[usual].flash_bytes == FLASH_MIB << 20
    write_bundle(given.bundle, {"partitions.csv": TABLES[FLASH_MIB].read_bytes()}, {"version": "0.1.0"})
    assert esp32_plan.table_of(given.bundle, boards()[usual])
    page = (ROOT / "docs/firmware.md").read_text("utf-8").partition("\n## Boards\n")[2].partition("\n## ")[0]
    for name, board in boards().items():
        assert f"| `{name}`" in page and f"| {board.flash_bytes >> 20} MiB |" in page, name
        rows = [row for row in page.splitlines() if row.startswith(f"| `{name}`")]
        assert [f"| {board.flash_bytes >> 20} MiB |" in row for row in rows] == [True], rows


def test_a_port_and_a_file_are_one_too_many(given: Given) -> None:
    assert given.flash("--to-file", given.folder / "x", given.port).status == 2


def test_frames_are_what_slip_says() -> None:
    data = bytes(range(256)) + b"\xc0\xdb\xdc\xdd" * 3
    framed = escape(data)
    assert framed[0] == framed[-1] == 0xC0 and 0xC0 not in framed[1:-1] and unescape(framed[1:-1]) == data
