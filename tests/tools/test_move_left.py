"""A gateway leaves its home: what is left lies where it is and is named, and what cannot be done here is said."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.core.errors import RefusedError
from gateway.daemon.rehome import is_begun
from tests.tools.move_bench import Machine, finished, moving
from tools.move import scan
from tools.move.moving import Asked, FoundError, Moving
from tools.rig.rehome_homes import Home

SERIAL = "SN-5012345"


def test_what_people_left_lying_about_is_found_and_named(delivered: Home) -> None:
    copy = delivered.etc / "hub.toml~"
    shutil.copy(delivered.layers[1], copy)
    work = moving(delivered)
    with pytest.raises(FoundError):
        work.run()
    assert {row["path"] for row in work.progress.facts["found"]} == {str(copy)}
    copy.unlink()
    assert finished(delivered)["found"] == []


def test_somebody_may_end_it_all_the_same_and_it_stays_in_the_report(delivered: Home) -> None:
    shutil.copy(delivered.layers[1], delivered.etc / "hub.toml~")
    report = finished(delivered, Asked(end_all_the_same=True))
    assert report["found"] and not is_begun(delivered.data)


class Telling(Moving):
    """A device has told its serial number, which stands in the history; with `extra` the facts name it, too."""

    extra = False

    def step_traces(self) -> None:
        super().step_traces()
        known = scan.from_bytes(self.places.traces.read_bytes())
        known.append(scan.text("serial number of a device", SERIAL, allowed="history.json"))
        self.places.traces.write_bytes(scan.to_bytes(known))

    def step_identity(self) -> None:
        super().step_identity()
        if self.extra:
            self.progress.know(bonds=SERIAL)


class Careless(Telling):
    """What says that the move is over names a device."""

    extra = True

    def look(self, known: list[scan.Trace], skip: set[Path], images: Sequence[Path] = ()) -> scan.Scanner:
        return super().look(known, {*skip, self.places.progress}, images)


def test_a_serial_number_that_goes_along_in_the_history_keeps_no_move_open(delivered: Home) -> None:
    device = {"driver": "plx", "serial": SERIAL}
    history = {"version": 1, "now": {"starts": 1, "devices": [device]}, "homes": []}
    (delivered.data / "history.json").write_text(json.dumps(history))
    report = finished(delivered, kind=Telling)
    assert report["devices"] == [{"serial": SERIAL}] and report["found"] == []
    assert SERIAL not in (delivered.data / "left.json").read_text()


def test_control_the_last_look_goes_through_what_says_that_the_move_is_over(delivered: Home) -> None:
    work = moving(delivered, kind=Careless)
    with pytest.raises(FoundError):
        work.run()
    assert [Path(row["path"]).name for row in work.progress.facts["found"]] == ["left.json"]
    assert not (delivered.data / "left.json").exists() and is_begun(delivered.data)


def test_an_image_is_looked_through_and_a_trace_in_its_free_space_is_found(delivered: Home) -> None:
    image = delivered.folder / "card.img"
    key = bytes.fromhex((delivered.data / "keys" / "identity.key").read_text().strip())
    image.write_bytes(bytes(5_000_000) + key + bytes(100_000))
    work = moving(delivered, Asked(images=[image]))
    with pytest.raises(FoundError):
        work.run()
    (row,) = work.progress.facts["found"]
    assert (row["path"], row["offset"]) == (str(image), 5_000_000)


def test_free_space_is_filled_in_a_second_try_when_something_was_found_there(delivered: Home) -> None:
    image = delivered.folder / "card.img"
    image.write_bytes((delivered.data / "keys" / "identity.key").read_bytes())
    with pytest.raises(FoundError):
        moving(delivered, Asked(images=[image])).run()
    image.write_bytes(bytes(100))
    filled: list[Path] = []
    work = moving(delivered, Asked(images=[image], fill=True))
    work.step_fill = lambda: filled.append(work.places.work)  # type: ignore[method-assign]  no disk is filled for a test
    assert work.run()["found"] == [] and filled == [work.places.work]


def test_on_the_gateway_its_programs_are_asked_and_what_others_keep_is_left_to_people(
    delivered: Home,
) -> None:
    other = delivered.folder / "etc" / "wpa_supplicant" / "wpa_supplicant.conf"
    other.parent.mkdir()
    other.write_text("network={\n ssid=home\n}\n")
    work = moving(delivered, this_machine=True)
    work.around.programs = machine = Machine()
    assert [str(other) in line for line in work.run()["left"]] == [True]
    assert machine.asked == [
        ("nmcli", "connection", "reload"),
        ("journalctl", "--rotate"),
        ("journalctl", "--vacuum-time=1s"),
    ]


@pytest.mark.parametrize(
    ("there", "why"), [((), "no journalctl here"), (("journalctl",), "journalctl ended with 4")]
)
def test_a_log_that_cannot_be_emptied_is_said(delivered: Home, there: tuple[str, ...], why: str) -> None:
    work = moving(delivered, this_machine=True)
    work.around.programs = Machine(there, status=4)
    assert any(why in line for line in work.run()["left"])


def test_bonds_of_bluez_need_the_radio_or_somebody_who_says_that_it_is_gone(delivered: Home) -> None:
    with pytest.raises(RefusedError, match="without the radio"):
        moving(bluez(delivered), this_machine=True, backend="bluez").run()
    report = finished(delivered, Asked(without_radio=True), this_machine=True, backend="bluez")
    assert any("no radio was there" in line for line in report["left"])


def bluez(home: Home) -> Home:
    """The same home over the radio of a system that has none."""
    home.layers[1].write_text(
        home.layers[1]
        .read_text()
        .replace('"bumble"', '"bluez"')
        .replace('transport = "usb:0"', 'adapter = "hci9"')
    )
    return home
