"""Files that a board is flashed from and that cannot be used: a bundle for another flash, what is no bundle, what is not there."""

from pathlib import Path

import pytest

from gateway.daemon.texts import Texts
from tests.gateway.english import english_in
from tests.tools.test_flash_esp32 import TABLE, TABLES, Given, application
from tools.firmware import partitions
from tools.firmware.bundle import write_bundle
from tools.flash import esp32_plan
from tools.flash.boards import boards
from tools.flash.errors import FlashError


@pytest.fixture
def given(tmp_path: Path) -> Given:
    return Given(tmp_path)


def test_a_table_that_is_larger_than_the_flash_says_what_to_do_in_both_languages(given: Given) -> None:
    write_bundle(given.bundle, {"partitions.csv": TABLES[16].read_bytes()}, {"version": "0.1.0"})
    eight = next(each for each in boards().values() if each.flash_bytes == 8 << 20)
    with pytest.raises(FlashError) as refused:
        esp32_plan.table_of(given.bundle, eight)
    said = str(refused.value)
    assert said.startswith("the table ends at 0xc20000, the flash at 0x800000: make firmware"), said
    assert 'ARGS="--flash 8"' in said and "16 MiB" in said, said
    four = partitions.beyond(0xC20000, 4 << 20)
    assert "make firmware" not in four and "16 MiB" in four, "there is no table of such a size"
    for each in (said, four):
        norwegian = Texts("nb").reword(each)
        assert norwegian.startswith("partisjonstabellen slutter ved 0xc20000, flashminnet ved 0x"), norwegian
        assert not english_in(norwegian.replace('make firmware ARGS="--flash 8"', "")), norwegian
    write_bundle(given.bundle, {"partitions.csv": TABLES[8].read_bytes()}, {"version": "0.1.0"})
    assert esp32_plan.table_of(given.bundle, eight), "control"


def test_a_bundle_for_a_smaller_flash_names_the_board_that_it_is_for_in_both_languages(
    given: Given,
) -> None:
    image = given.file("s3.bin", application(chip=9))
    words = ("--board", "esp32-s3", "--image", image, "--to-file", given.folder / "x.bin")
    said = given.flash(*words, "--bootloader", image)
    wanted = f"the bundle {given.bundle} is for 8 MiB: --board esp32-s3-8mib, or make firmware"
    assert said.status == 1 and wanted in said.err and "journal" not in said.err, said.err
    norwegian = Texts("nb").reword(said.err.removeprefix("trygg-kit flash: ").strip())
    assert norwegian.startswith(f"pakken {given.bundle} er for 8 MiB: --board esp32-s3-8mib, eller"), (
        norwegian
    )
    assert not english_in(norwegian.replace('make firmware ARGS="--flash 16"', "")), norwegian
    assert "--board" not in esp32_plan.for_less(given.bundle, 4, boards()["esp32-s3"]), "there is none"
    words = ("--board", "esp32-s3-8mib", *words[2:])
    assert given.flash(*words, "--bootloader", image).status == 0, "control: what it says is done"


def test_files_that_cannot_be_used_are_told_in_both_languages_and_those_that_are_not_there_end_with_2(
    given: Given,
) -> None:
    none, text = given.folder / "none.bin", given.folder / "img.bin"
    text.write_text("no bundle")
    odd = given.folder / "odd.zip"
    lines = TABLE.read_text().replace("journal,   data, 0x40", "journal,   data, odd")
    write_bundle(odd, {"partitions.csv": lines.encode()}, {})
    for words, cause in (
        (("--image", none), "none.bin: --image: found nothing that can be read"),
        (("--bundle", none), "none.bin: --bundle: found nothing that can be read"),
        (("--bootloader", none), "none.bin: --bootloader: found nothing that can be read"),
        (("--bundle", text), "img.bin is no bundle of make firmware, or a damaged one: build it again"),
        (("--bundle", odd), "odd.zip holds no partition table that a board can use: build it again"),
    ):
        said = given.flash(*words)
        status = 2 if "found" in cause else 1
        assert said.status == status and cause in said.err and said.err.count("\n") == 1, said.err
        norwegian = Texts("nb").reword(said.err.removeprefix("trygg-kit flash: ").strip())
        assert "found" in cause or not english_in(norwegian.replace("make firmware", "")), norwegian
