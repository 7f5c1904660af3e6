"""Configuration files: layers, faults that name their file, and the last good configuration."""

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.config import RULE, RULE_TYPES
from gateway.core.config_drivers import DRIVER
from gateway.core.config_tables import DEVICE, SECTIONS
from gateway.core.errors import ConfigError
from gateway.daemon.configuration import (
    LARGEST,
    LAST_GOOD,
    data_directory,
    last_good,
    load,
    load_or_last_good,
    salvage,
    save_last_good,
)
from gateway.daemon.toml_text import dump

ROOT = "ab" * 32
GOOD = f"""
[hub]
id = "hub-1"
tenant = "oslo"
data_directory = "data"

[uplink]
brokers = ["mqtt://localhost"]

[platform]
root_public_key = "{ROOT}"

[radio]
backend = "none"

[[device]]
name = "Dispenser"
driver = "dispenser"
port = "/dev/ttyUSB0"
"""


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    path = tmp_path / "hub.toml"
    path.write_text(GOOD)
    return path


def fault_of(*paths: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(paths)
    return caught.value


def test_a_file_becomes_a_configuration_and_its_paths_count_from_its_folder(hub: Path) -> None:
    loaded = load([hub])
    assert loaded.config.source == str(hub)
    assert loaded.config.hub.data_directory == str(hub.parent / "data")
    assert loaded.config.storage.path == str(hub.parent / "data" / "journal.db")
    assert loaded.config.platform.root_public_key == ROOT


def test_the_path_of_a_root_key_counts_from_the_folder_too(hub: Path) -> None:
    hub.write_text(GOOD.replace(ROOT, "root.pub"))
    assert load([hub]).config.platform.root_public_key == str(hub.parent / "root.pub")


def test_each_layer_has_its_own_folder_and_the_later_wins(hub: Path, tmp_path: Path) -> None:
    city = tmp_path / "city" / "city.toml"
    city.parent.mkdir()
    city.write_text('[hub]\nlanguage = "en"\ntime_zone = "Europe/London"\n[keys]\ndirectory = "keys"\n')
    home = hub.parent / "home.toml"
    home.write_text('[hub]\ntime_zone = "Europe/Oslo"\n')
    config = load([city, hub, home]).config
    assert (config.hub.language, config.hub.time_zone) == ("en", "Europe/Oslo")
    assert config.keys.directory == str(city.parent / "keys")


def test_a_fault_names_the_layer_that_holds_it(hub: Path, tmp_path: Path) -> None:
    city = tmp_path / "city.toml"
    city.write_text('[hub]\nlanguage = "no"\n')
    error = fault_of(city, hub)
    assert (error.source, error.key) == (str(city), "hub.language")
    city.write_text('[[device]]\nname = "Door"\ndriver = "bthome"\naddress = "nonsense"\n')
    error = fault_of(city, hub)
    assert (error.source, error.key) == (str(city), "device[Door].address")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"[hub\n", "line 1"),
        (b'[hub]\nid = "a"\nid = "b"\n', "Cannot overwrite"),
        (b"\xff\xfe[hub]", "byte 0"),
        (b"#" * (LARGEST + 1), f"more than {LARGEST}"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes | None, found: str) -> None:
    path = tmp_path / "hub.toml"
    if content is not None:
        path.write_bytes(content)
    error = fault_of(path)
    assert error.source == str(path)
    assert error.key == "(file)"
    assert found in error.found


def test_a_byte_order_mark_is_no_fault(hub: Path) -> None:
    hub.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load([hub]).config.hub.id == "hub-1"


def test_a_bad_file_is_replaced_by_the_last_good_one_with_a_fault(hub: Path) -> None:
    save_last_good(load([hub]))
    hub.write_text(GOOD.replace('id = "hub-1"', 'id = "Hub 1"'))
    loaded = load_or_last_good([hub])
    assert loaded.config.hub.id == "hub-1"
    assert loaded.config.fault.startswith(f"{hub}: hub.id: found 'Hub 1'")
    assert loaded.config.devices[0].name == "Dispenser"
    assert loaded.config.hub.data_directory == str(hub.parent / "data")
    hub.write_text(GOOD)
    assert load_or_last_good([hub]).config.fault == ""


@pytest.mark.parametrize(
    "content",
    [
        GOOD.replace("[uplink]", "[uplink"),
        GOOD.replace("[hub]", "[hub").replace('"data"', "'data'"),
        GOOD.replace('tenant = "oslo"', "tenant = oslo"),
    ],
)
def test_a_file_that_is_no_toml_still_leads_to_its_last_good_one(hub: Path, content: str) -> None:
    save_last_good(load([hub]))
    hub.write_text(content)
    assert load_or_last_good([hub]).config.fault


def test_without_a_last_good_one_the_fault_is_that_of_the_file(hub: Path) -> None:
    hub.write_text(GOOD.replace("hub-1", "Hub 1"))
    with pytest.raises(ConfigError) as caught:
        load_or_last_good([hub])
    assert (caught.value.source, caught.value.key) == (str(hub), "hub.id")
    (hub.parent / "data" / LAST_GOOD).write_text("[hub]\n")
    with pytest.raises(ConfigError) as caught:
        load_or_last_good([hub])
    assert caught.value.source == str(hub)


def test_a_fault_found_after_loading_falls_back_too(hub: Path) -> None:
    save_last_good(load([hub]))
    late = ConfigError("platform.root_public_key", "nothing", "a file", str(hub))
    assert last_good([hub], late).config.fault == str(late)


def test_the_last_good_one_is_private_and_replaced_whole(hub: Path) -> None:
    loaded = load([hub])
    path = hub.parent / "data" / LAST_GOOD
    save_last_good(loaded)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = path.stat().st_ino
    save_last_good(loaded)
    assert path.stat().st_ino == first  # unchanged: flash is not written for nothing
    hub.write_text(GOOD.replace("hub-1", "hub-2"))
    save_last_good(load([hub]))
    assert path.stat().st_ino != first
    assert [entry.name for entry in path.parent.iterdir()] == [LAST_GOOD]


def test_data_are_found_however_bad_the_files_are(hub: Path, tmp_path: Path) -> None:
    assert data_directory([hub]) == hub.parent / "data"
    assert data_directory([tmp_path / "none"]) == Path("/var/lib/trygg")
    hub.write_text('[hub]\n  language = "en"\ndata_directory = "/data" # here\nid = \n')
    assert data_directory([hub]) == Path("/data")
    assert salvage([hub], "language") == "en"
    assert salvage([hub], "tenant") is None
    hub.write_text("hub = 3\n")
    assert data_directory([hub]) == Path("/var/lib/trygg")


TEXT = st.text(st.characters(blacklist_categories=("Cs",)), max_size=20)
SCALAR = st.one_of(TEXT, st.integers(-(2**63), 2**63 - 1), st.booleans())
VALUE = st.one_of(SCALAR, st.lists(SCALAR, max_size=3), st.dictionaries(TEXT, SCALAR, max_size=3))
TABLE = st.dictionaries(TEXT, VALUE, max_size=4)
TREE = st.dictionaries(TEXT, st.one_of(TABLE, st.lists(TABLE, min_size=1, max_size=3)), max_size=4)


@given(TREE)
def test_every_tree_that_is_written_is_read_again(tree: dict[str, Any]) -> None:
    assert tomllib.loads(dump(tree)) == tree


def test_what_a_configuration_cannot_hold_is_not_written() -> None:
    with pytest.raises(ValueError, match="float"):
        dump({"hub": {"x": 1.5}})


def test_the_operators_page_names_every_key_and_no_other() -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    documented = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    known = {f"{section}.{row[0]}" for section, rows in SECTIONS.items() for row in rows}
    known |= (
        {f"device.{row[0]}" for row in DEVICE}
        | {f"driver.{row[0]}" for row in DRIVER}
        | {f"rule.{row[0]}" for row in RULE}
    )
    known |= {f"rule.{row[0]}" for rows in RULE_TYPES.values() for row in rows}
    assert documented == known


def test_the_example_of_the_operators_page_is_valid(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    examples = [part.partition("```")[0] for part in page.split("```toml\n")[1:]]
    paths = []
    for number, example in enumerate(examples):
        paths.append(tmp_path / f"{number}.toml")
        paths[-1].write_text(example)
    config = load([paths[0]]).config
    assert {device.driver for device in config.devices} == {"bthome", "dispenser", "plx"}
    assert load(paths[1:]).config.hub.id == config.hub.id
