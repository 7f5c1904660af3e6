"""The layer that an installation writes: checked before, whole or not at all, and taken back."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.configuration import INSTALLED, load
from gateway.daemon.install_home import HomeLayer, key_of, reference_of
from hal.errors import HalError, UnavailableError

HUB = """# the home of somebody
[hub]
id = "hub-1"
tenant = "oslo"
data_directory = "data"
[uplink]
brokers = ["mqtt://127.0.0.1:1883"]
[platform]
root_public_key = "{}"
[[device]]
name = "Front door"
driver = "bthome"
address = "C0:00:00:00:00:01"
room = "hall"
"""
SMOKE = {"name": "Røykvarsler", "driver": "bthome", "address": "C0:00:00:00:00:02", "room": "stue"}
KEY = "00112233445566778899aabbccddeeff"


class Home:
    """Files of a home; `fails` is what the hub says of a changed configuration."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "hub.toml"
        self.data = folder / "data"
        self.data.mkdir()
        self.file.write_text(HUB.format("ab" * 32))
        self.keys: dict[str, bytes] = {}
        self.applied = 0
        self.fails: Exception | None = None
        self.put_back: Callable[[], object] = lambda: None
        self.layer = HomeLayer([self.file], self.data, self.keys.__setitem__, self.apply)

    async def apply(self, put_back: Callable[[], object]) -> None:
        self.put_back = put_back
        if self.fails is not None:
            raise self.fails
        self.applied += 1

    def names(self) -> list[str]:
        return [device.name for device in load([self.file]).config.devices]

    def add(self, device: dict[str, Any], secret: str = "") -> None:
        asyncio.run(self.layer.add(device, secret))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_device_stands_behind_the_files_of_the_home_which_stay_as_they_are(home: Home) -> None:
    before = home.file.read_bytes()
    home.add(SMOKE, KEY)
    assert home.names() == ["Front door", "Røykvarsler"] and home.applied == 1
    found = load([home.file]).config.devices[1]
    assert home.keys == {found.key: bytes.fromhex(KEY)}
    assert KEY not in (home.data / INSTALLED).read_text("utf-8")
    assert (home.data / INSTALLED).stat().st_mode & 0o777 == 0o600
    asyncio.run(home.layer.remove(["Røykvarsler", "Nobody"]))
    assert home.names() == ["Front door"] and home.applied == 2
    asyncio.run(home.layer.remove(["Røykvarsler"]))
    assert home.applied == 2, "nothing was to be taken out"
    assert home.file.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "secret", "words"),
    [
        ({"room": "r" * 65}, "", "text of 1 to 64 characters"),
        ({"name": "n" * 65}, "", "text of 1 to 64 characters"),
        ({"driver": "bthom"}, "", "one of"),
        ({"address": "C0:00:00:00:00:01"}, "", "which device[Front door] has too"),
        ({"address": "here"}, "", "a Bluetooth address"),
        ({"options": {"profile": "A5-02-05"}}, "", "no options for this driver"),
        ({}, KEY[:-1], "the 32 hexadecimal digits"),
        ({}, "zz" * 16, "the 32 hexadecimal digits"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    home: Home, change: dict[str, Any], secret: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        home.add(SMOKE | change, secret)
    assert words in str(caught.value)
    assert secret == "" or secret not in str(caught.value)
    assert home.names() == ["Front door"] and home.keys == {} and not (home.data / INSTALLED).exists()


def test_a_name_that_the_home_has_is_refused_and_replaces_nobody(home: Home) -> None:
    home.add(SMOKE)
    for name in ("Front door", "Røykvarsler"):
        with pytest.raises((RefusedError, ConfigError)):
            home.add(SMOKE | {"name": name, "address": "C0:00:00:00:00:03"})
    assert home.names() == ["Front door", "Røykvarsler"]


@pytest.mark.parametrize("error", [ConfigError("a", "b", "c"), UnavailableError("the disk")])
def test_where_the_hub_cannot_use_it_what_was_there_comes_back(home: Home, error: Exception) -> None:
    home.add(SMOKE)
    kept = (home.data / INSTALLED).read_bytes()
    home.fails = error
    with pytest.raises((ConfigError, HalError)):
        home.add(SMOKE | {"name": "Bad", "address": "C0:00:00:00:00:03"})
    assert (home.data / INSTALLED).read_bytes() == kept


def test_a_hub_that_does_not_start_with_it_has_the_one_before_again(home: Home) -> None:
    home.add(SMOKE)
    home.put_back()
    assert home.names() == ["Front door"] and not (home.data / INSTALLED).exists()


def test_a_folder_that_takes_nothing_changes_nothing(home: Home) -> None:
    home.layer = HomeLayer([home.file], home.data / "gone", home.keys.__setitem__, home.apply)
    with pytest.raises(UnavailableError, match="nothing has changed"):
        home.add(SMOKE)
    assert home.applied == 0 and home.names() == ["Front door"]


def test_each_device_has_a_key_file_of_its_own() -> None:
    names = ["Røyk 1", "Royk 1", "røyk-1", "R" * 64, "R" * 63, "雪"]
    assert len({reference_of(name) for name in names}) == len(names)
    assert key_of("00-11:22 33" + KEY[8:]) == bytes.fromhex(KEY)
