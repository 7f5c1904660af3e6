"""A gateway leaves its home: nothing is lost, nothing is left, and whoever is stopped anywhere goes on with the same command."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon.__main__ import main as trygg
from gateway.daemon.configuration import load
from gateway.daemon.plugins import Unloaded
from gateway.daemon.rehome import is_begun
from gateway.daemon.rehome_history import DAY_MS
from tests.gateway.plugged import on_the_path, package
from tests.tools.move_bench import KillError, Points, contents, exported, finished, left, moving
from tools.kit.__main__ import main as kit
from tools.move.bring import bring
from tools.move.erase import Eraser
from tools.move.moving import STEPS, Asked, Moving
from tools.rig.rehome_homes import Home


def asked(home: Home, **options: Any) -> Asked:
    return Asked(export=home.away / "events.cbor", **options)


def registry(home: Home) -> Path:
    """The platform's, with the gateway's key of now."""
    path = home.away / "registry.json"
    config = home.load().config
    from hal.linux.keystore import FileKeyStore

    key = FileKeyStore(Path(config.keys.directory)).public_key
    path.write_text(json.dumps({config.hub.tenant: {config.hub.id: key.hex()}}))
    return path


# --- what is gone, and what stays ------------------------------------------------------------------------------------


def test_nothing_of_the_home_is_left_in_its_files_nor_in_their_blocks(delivered: Home) -> None:
    assert len(left(delivered)) > 10, "the list finds what is there"
    delivered.keep_blocks()
    report = finished(delivered)
    assert left(delivered, [delivered.image()]) == []
    assert report["found"] == [] and report["looked"]["traces"] > 20
    there = {path.name for path in delivered.data.rglob("*") if path.is_file()}
    assert there == {"history.json", "left.json", "ca.pem", "identity.key", "identity.hmac"}
    assert sorted(path.name for path in delivered.network.iterdir()) == ["cable.nmconnection"]
    assert not is_begun(delivered.data)


def test_it_stays_a_gateway_with_a_new_identity_and_no_devices(delivered: Home) -> None:
    before = registry(delivered).read_text()
    hub = delivered.load().config.hub
    report = finished(delivered)
    bare = load(delivered.layers).config
    assert (bare.hub.id, bare.hub.tenant, bare.devices, bare.rules) == (hub.id, hub.tenant, [], [])
    assert bare.hub.data_directory == str(delivered.data.resolve()) or Path(bare.hub.data_directory).samefile(
        delivered.data
    )
    assert (
        registry(delivered).read_text() != before and report["public_key"] in registry(delivered).read_text()
    )
    assert delivered.layers[0].read_text() == '[hub]\ntenant = "oslo"\nlanguage = "nb"\n'


def test_the_history_goes_along_without_a_date_or_a_name(delivered: Home) -> None:
    device = {
        "driver": "plx",
        "model": "3230",
        "serial": "SN-5012345",
        "faults": {"battery.low": 2},
        "battery_pct": 64,
    }
    now = {
        "began_utc_ms": 1,
        "last_utc_ms": 9 * DAY_MS,
        "starts": 4,
        "faults": {"path.unreceipted": 1},
        "devices": [device],
    }
    path = delivered.data / "history.json"
    path.write_text(json.dumps({"version": 1, "now": now, "homes": []}))
    report = finished(delivered)
    row = json.loads(path.read_text())
    assert row["now"] == {}
    assert row["homes"] == [{"days": 8, "starts": 4, "faults": {"path.unreceipted": 1}, "devices": [device]}]
    assert report["devices"] == [{"serial": "SN-5012345", "battery_pct": 64}]
    assert "utc_ms" not in path.read_text()


# --- nothing undelivered is wiped -------------------------------------------------------------------------------------


def test_what_is_not_delivered_stops_it_before_anything_is_wiped(waiting: Home) -> None:
    before = contents(waiting)
    with pytest.raises(RefusedError, match=f"{waiting.held} events are not delivered"):
        moving(waiting).run()
    assert contents(waiting) == before
    assert not is_begun(waiting.data), "the hub may start again, and deliver"


def test_an_export_holds_all_of_it_verifies_and_reaches_the_platform(
    waiting: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = registry(waiting)
    report = finished(waiting, asked(waiting))
    path = waiting.away / "events.cbor"
    assert len(exported(path)) == waiting.held + 1 == report["export"]["events"]
    assert left(waiting) == []
    assert kit(["verify", "--registry", str(keys), str(path)]) == 0
    said = capsys.readouterr().out
    assert f"events {waiting.held + 1}, findings 0" in said and "taken out of the home" in said
    store = waiting.away / "platform.db"
    line = ["rehome", "bring", str(path), "--store", str(store), "--registry", str(keys)]
    assert kit(line) == 0
    assert f"new events {waiting.held + 1}, known before 0" in capsys.readouterr().out
    assert kit(line) == 0
    assert f"new events 0, known before {waiting.held + 1}" in capsys.readouterr().out
    assert kit(["verify", "--registry", str(keys), str(store)]) == 0


def test_an_export_that_the_medium_does_not_take_leaves_a_hub_that_may_start_again(waiting: Home) -> None:
    before = contents(waiting)
    with pytest.raises(FileNotFoundError):  # the stick was pulled out
        moving(waiting, Asked(export=waiting.folder / "nowhere" / "events.cbor")).run()
    assert contents(waiting) == before and not is_begun(waiting.data)


@pytest.mark.parametrize("is_installed", [True, False])
def test_a_home_with_a_device_of_another_packages_driver_is_exported_too(
    waiting: Home, tmp_path: Path, is_installed: bool
) -> None:
    source = "from tests.gateway.plugged import Good\n"
    package(tmp_path / "site", {"good": "acme_drivers:Good"}, source)
    driver = '[[driver]]\nname = "good"\npackage = "acme-drivers"\n'
    device = '[[device]]\nname = "Dispenser"\ndriver = "good"\nport = "/dev/ttyX"\n'
    waiting.layers[1].write_text(waiting.layers[1].read_text() + driver + device)
    with on_the_path(tmp_path / "site" if is_installed else tmp_path / "nowhere", "acme_drivers"):
        config = waiting.load().config
        assert issubclass(config.driver_of("good"), Unloaded) is not is_installed
        finished(waiting, asked(waiting))
    assert len(exported(waiting.away / "events.cbor")) == waiting.held + 1


def test_an_export_of_another_gateway_is_not_taken(waiting: Home, capsys: pytest.CaptureFixture[str]) -> None:
    finished(waiting, asked(waiting))
    hub = waiting.load().config.hub
    path = waiting.away / "events.cbor"
    brought = bring(path, waiting.away / "platform.db", {(hub.tenant, hub.id): bytes(31) + b"\x01"})
    assert brought.events == 0 and brought.faults
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RefusedError, match="cut off"):
        bring(path, waiting.away / "platform.db", {(hub.tenant, hub.id): bytes(32)})


def test_an_export_lies_on_another_medium(waiting: Home) -> None:
    for place in (waiting.data / "x.cbor", waiting.etc / "x.cbor", waiting.data / "tls" / "x.cbor"):
        with pytest.raises(ConfigError, match="another medium"):
            moving(waiting, Asked(export=place)).run()


@pytest.mark.parametrize("harm", ["gone", "shorter", "altered"])
def test_an_export_that_is_not_what_it_was_stops_the_wiping(waiting: Home, harm: str) -> None:
    path = waiting.away / "events.cbor"
    stop = Points(points_of(waiting).index("before journal"))
    with pytest.raises(KillError):
        moving(waiting, asked(waiting), stop).run()
    kept = path.read_bytes()
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(kept[:-1] if harm == "shorter" else kept[:40] + b"\x00" + kept[41:])
    with pytest.raises(RefusedError, match="is not what it was"):
        moving(waiting, asked(waiting)).run()
    assert (waiting.data / "journal.db").exists()
    elsewhere = waiting.away / "copy.cbor"
    elsewhere.write_bytes(kept)
    finished(waiting, Asked(export=elsewhere))
    assert left(waiting) == []


def test_a_damaged_store_that_nobody_read_again_stops_it_too(delivered: Home) -> None:
    (delivered.data / "journal.db").write_bytes(b"no store" * 1000)
    with pytest.raises(RefusedError, match="damaged store"):
        moving(delivered).run()
    report = finished(delivered, asked(delivered))
    copies = sorted(path.name for path in delivered.away.iterdir())
    assert report["found"] == [] and any("aside" in name for name in copies)


@pytest.mark.parametrize("step", ["journal", "keys"])
@pytest.mark.parametrize("harm", ["gone", "shorter"])
def test_the_copy_of_a_damaged_store_is_asked_after_before_the_original_goes(
    waiting: Home, harm: str, step: str
) -> None:
    (waiting.data / "journal.db").write_bytes(b"no store" * 1000)
    with pytest.raises(KillError):
        moving(waiting, asked(waiting), at(f"before {step}")).run()
    (copy,) = [path for path in waiting.away.iterdir() if "aside" in path.name and path.suffix != ".new"]
    kept = copy.read_bytes()
    if harm == "gone":
        copy.unlink()
    else:
        copy.write_bytes(kept[:-1])
    with pytest.raises(RefusedError, match=f"{copy.name} is not what it was"):
        moving(waiting, asked(waiting)).run()
    assert (waiting.data / "keys" / "identity.key").exists()
    copy.write_bytes(kept)
    finished(waiting, asked(waiting))


def at(place: str) -> Callable[[str], None]:
    """The process ends at a place."""

    def pause(name: str) -> None:
        if name == place:
            raise KillError(name)

    return pause


def points_of(home: Home) -> list[str]:
    """The names of all places, from a run on a copy."""
    copy = home.copy(home.folder.with_name("counted"))
    points = Points()
    finished(copy, asked(copy), pause=points)
    shutil.rmtree(copy.folder)
    return points.names


# --- stopped anywhere -------------------------------------------------------------------------------------------------


@pytest.mark.timeout(60)  # each place is a home, and syncs
def test_whoever_is_stopped_goes_on_with_the_same_command(waiting: Home, tmp_path: Path) -> None:
    names = points_of(waiting)
    for name in (
        "before events",
        "before journal",
        "erased journal.db",
        "linked the layer",
        "erased the list",
    ):
        at = names.index(name)
        assert lost_when_stopped(waiting, tmp_path, range(at, at + 1), Moving) == []


@pytest.mark.long
@pytest.mark.timeout(120)
@pytest.mark.parametrize("step", STEPS)
def test_whoever_is_stopped_anywhere_goes_on_with_the_same_command(
    waiting: Home, tmp_path: Path, step: str
) -> None:
    names = points_of(waiting)
    begin = names.index(f"before {step}")
    end = names.index(f"after {step}") + 1 if step != "end" else len(names)
    assert lost_when_stopped(waiting, tmp_path, range(begin, end), Moving) == []


def lost_when_stopped(home: Home, folder: Path, points: range, kind: type[Moving]) -> list[str]:
    """What is wrong after a kill at each of the points and the same command once more: lines, empty where nothing is."""
    wrong = []
    for number in points:
        copy = home.copy(folder / f"stopped{number}")
        try:
            moving(copy, asked(copy), Points(number), kind=kind).run()
        except KillError as error:
            said = str(error)
        else:
            said = "the end"
        try:
            finished(copy, asked(copy), kind=kind)
        except (RefusedError, AssertionError) as error:
            wrong.append(f"{said}: {error}")
        path = copy.away / "events.cbor"
        if not path.exists() or len(exported(path)) <= copy.held:
            wrong.append(f"{said}: events are lost")
        if left(copy):
            wrong.append(f"{said}: {left(copy)}")
        shutil.rmtree(copy.folder)
    return wrong


class Hasty(Moving):
    """Erases the journal first and exports what is there then."""

    def run(self) -> dict[str, Any]:
        self.around.steps = ("traces", "journal", "events", *STEPS[4:])
        return super().run()

    def check_events(self) -> None:
        pass


@pytest.mark.timeout(60)
def test_a_move_that_erases_before_it_exports_is_found_by_the_same_harness(
    waiting: Home, tmp_path: Path
) -> None:
    found = lost_when_stopped(waiting, tmp_path, range(12, 14), Hasty)
    assert any("events are lost" in line for line in found)


def test_a_hub_does_not_start_over_a_half_wiped_gateway(
    delivered: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KillError):
        moving(delivered, None, Points(8)).run()
    assert is_begun(delivered.data)
    layers = [word for path in delivered.layers for word in ("-c", str(path))]
    assert trygg(["run", *layers]) == 2
    assert "flytting til et annet hjem som ikke er ferdig" in capsys.readouterr().err
    finished(delivered)
    assert not is_begun(delivered.data)


def test_a_configuration_in_the_folder_of_the_data_is_not_wiped_with_it(delivered: Home) -> None:
    inside = delivered.data / "hub.toml"
    text = (
        delivered.layers[1]
        .read_text()
        .replace('"../../var/trygg', '"')
        .replace('"/', '"')
        .replace('data_directory = ""', 'data_directory = "."')
    )
    inside.write_text(text)
    delivered.layers[1].unlink()
    delivered.layers[1] = inside
    finished(delivered)
    assert load(delivered.layers).config.devices == [] and left(delivered) == []


class Unlinking(Eraser):
    """Deletes as `rm` does."""

    def file(self, path: Path) -> None:
        path.unlink(missing_ok=True)


def test_files_that_were_only_unlinked_are_found_in_the_blocks(delivered: Home) -> None:
    delivered.keep_blocks()
    finished(delivered, eraser=Unlinking)
    assert left(delivered) == []
    assert len(left(delivered, [delivered.image()])) > 10
