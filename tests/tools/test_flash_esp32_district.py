"""What a board gets of its district's profile, as the board itself reads it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware.told import Told
from gateway.core.config import validate
from hal.esp32.nvs import Nvs
from tests.tools.authority_bench import run
from tests.tools.flash_cards import DISTRICT, ROOT_KEY, TOKEN_TEXT
from tests.tools.test_flash_esp32 import ESP32, Given
from tools.kit.__main__ import main as kit_main
from tools.simulators.certificates import Authority
from tools.simulators.esp_rom import EspRom
from tools.simulators.nvs_image import ImageNvs

SERVER = "https://enrol.example:8443"


class District(Given):
    """Files of a technician, with the profile of a district."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.authority = Authority(folder)
        self.profile = self.export(DISTRICT)

    def export(self, text: str) -> Path:
        (self.folder / "district.toml").write_text(text)
        path = self.folder / "district.profile"
        path.unlink(missing_ok=True)
        words = ["profile", "export", self.folder / "district.toml", "--name", "north", "--out", path]
        assert run(kit_main, list(words)).status == 0
        return path


@pytest.fixture
def given(tmp_path: Path) -> District:
    return District(tmp_path)


@pytest.fixture
def rom(given: District) -> Iterator[EspRom]:
    with EspRom(given.port) as made:
        made.flash[ESP32.bootloader_at] = 0xE9
        yield made


def told(flash: bytes) -> Told:
    return Told(Nvs(ImageNvs(bytes(flash[0x9000:0xD000]), "trygg")))


def test_a_board_is_told_everything_it_takes_to_enrol(given: District, rom: EspRom) -> None:
    said = given.flash("--profile", given.profile, "--token", TOKEN_TEXT, "--enrol", SERVER)
    assert said.status == 0, said.err
    assert "rules of the district that wait for devices: 1" in said.out
    found = told(rom.flash)
    assert found.missing() == [] and found.server() == ("enrol.example", 8443)
    assert found.ca() == given.authority.client("x").der()[0]
    tree = found.tree()
    assert tree is not None
    config = validate(tree, "hub.cbor")
    assert (config.hub.id, config.hub.tenant) == ("esp-1", "oslo") and "rule" not in tree
    (broker,) = config.uplink.brokers
    assert (broker.host, broker.tls) == ("broker.example", True)
    assert tree["platform"]["root_public_key"] == ROOT_KEY


def test_without_a_profile_a_board_knows_what_it_lacks(given: District, rom: EspRom) -> None:
    assert given.flash("--token", TOKEN_TEXT).status == 0
    found = told(rom.flash)
    assert found.tree() is None and found.missing() == ["enrol", "ca"]


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (("--enrol", SERVER), "no token"),
        (("--enrol", SERVER, "--token", TOKEN_TEXT), "no authority"),
    ],
)
def test_a_server_needs_a_token_and_an_authority(
    given: District, rom: EspRom, words: tuple[str, ...], cause: str
) -> None:
    said = given.flash(*words)
    assert said.status == 2 and cause in said.err and rom.blocks == 0


def test_what_does_not_fit_is_refused_before_a_byte_is_written(given: District, rom: EspRom) -> None:
    whole = ("--profile", given.profile, "--token", TOKEN_TEXT)
    said = given.flash(*whole, "--enrol", "http://enrol.example")
    assert said.status == 2 and "https://host:port" in said.err
    given.export(DISTRICT.replace('"oslo"', '"bergen"'))
    said = given.flash(*whole)
    assert said.status == 2 and "bergen, as in the profile" in said.err
    brokers = ", ".join(
        f'"mqtts://broker-{number}.of.a.district.with.many.brokers.example"' for number in range(40)
    )
    given.export(DISTRICT.replace('"mqtts://broker.example"', brokers))
    assert given.flash(*whole).status != 0
    own = given.folder / "ca.pem"
    own.write_bytes(own.read_bytes() * 2)
    given.export(DISTRICT)
    said = given.flash(*whole)
    assert said.status == 2 and "2 certificates" in said.err
    assert rom.blocks == 0
