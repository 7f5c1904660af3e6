"""`trygg pair` as a process, at a hub's own pairing over a simulated radio: the story it tells, and what it exits with."""

import asyncio
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon.control import ControlServer
from gateway.daemon.pair_radio import pair_handler
from gateway.hub.waking import stop
from hal.errors import UnavailableError
from hal.sim.peripheral import SimPeripheral
from hal.types import BOND_AUTHENTICATED
from tests.gateway.test_cli import HUB
from tests.hub.small import Small, begun
from tests.hub.test_pairing_oob import Deaf
from tests.hub.visits import ADDRESS, Loose, Scale, Visit

LABEL, STRANGER = 314_159, "C0:00:00:00:00:09"
STEP_MS = 10_000
CONFIGURATION = '[hub]\nid = "hub-1"\ntenant = "oslo"\nlanguage = "{}"\ndata_directory = "data"\n'


class Desk:
    """A hub whose technician sits at a terminal; `air` are the addresses heard all the time."""

    def __init__(
        self, folder: Path, visit: Visit, language: str = "en", air: tuple[str, ...] = (ADDRESS,)
    ) -> None:
        self.file = folder / "hub.toml"
        self.file.write_text(CONFIGURATION.format(language))
        self.visit, self.air = visit, air
        self.radio_is: Exception | None = None  # what the adapter says where it cannot be used

    async def ready(self) -> None:
        if self.radio_is is not None:
            raise self.radio_is

    def run(self, *arguments: str, says: str = "") -> "subprocess.CompletedProcess[str]":
        """One command, with these lines typed."""
        (done,) = self.runs((says, *arguments))
        return done

    def runs(self, *commands: tuple[str, ...]) -> "list[subprocess.CompletedProcess[str]]":
        """Several, one after the other; what is typed stands before the arguments of each."""
        return asyncio.run(self.serve(commands))

    async def serve(self, commands: tuple[tuple[str, ...], ...]) -> "list[subprocess.CompletedProcess[str]]":
        pairing = self.visit.pairing
        handlers: dict[str, Callable[..., object]] = {
            "pair": pair_handler(pairing, self.ready, pairing.open),
            "pair_state": self.look,
            "pair_answer": pairing.answer,
            "pair_cancel": pairing.cancel,
            "bonds": pairing.bonds,
            "forget": pairing.forget,
        }
        command = [sys.executable, "-X", "utf8", "-m", "gateway.daemon", "pair", "-c", str(self.file)]
        part = await begun(pairing.run, self.visit.small.clock)
        try:
            async with ControlServer(self.file.parent / "data" / "control.sock", handlers):
                return [
                    await asyncio.to_thread(
                        subprocess.run,
                        [*command, *arguments],
                        input=says,
                        capture_output=True,
                        text=True,
                        timeout=60,
                    )
                    for says, *arguments in commands
                ]
        finally:
            await stop(part)

    async def look(self) -> dict[str, object]:
        """Between two looks at the hub time goes on in the home, and devices advertise."""
        for address in self.air:
            self.visit.hear(address, "Vekt" if address == STRANGER else None)
        await self.visit.small.clock.advance(STEP_MS)
        return self.visit.pairing.facts()


def test_a_pairing_with_protection_is_told_step_by_step(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Visit(Small(), Scale, passkey=LABEL))
    done, listed = desk.runs(("", "--device", "Thing", "--code", "314159"), ("", "--list"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "The time for pairing is open for three minutes. Put Thing in pairing mode now (its manual says how).",
        f"Heard: Thing ({ADDRESS}).",
        "Pairing.",
        "Paired: Thing, with protection.",
    ]
    assert listed.stdout == (
        f"Thing ({ADDRESS}): secure, with the code on the label or numbers that were compared\n"
    )


def test_a_weak_pairing_says_so_in_norwegian_too(tmp_path: Path) -> None:
    done = Desk(tmp_path, Visit(Small(), Loose), "nb").run("--device", "Thing")
    assert done.returncode == 0 and "Paret: Thing, men svakt" in done.stdout


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "en",
            "pairing was not opened: the Bluetooth adapter hci1 is off: switch it on (sudo btmgmt -i hci1 power on)",
        ),
        (
            "nb",
            "det ble ikke åpnet for paring: Bluetooth-radioen hci1 er av: slå den på (sudo btmgmt -i hci1 power on)",
        ),
    ],
)
@pytest.mark.parametrize("who", [("--device", "Thing"), ("--driver", "scale")])
def test_without_a_radio_no_time_is_opened_and_that_is_said_at_once(
    tmp_path: Path, language: str, said: str, who: tuple[str, ...]
) -> None:
    desk = Desk(tmp_path, Visit(Small(), Scale, passkey=LABEL), language)
    desk.radio_is = UnavailableError(
        "the Bluetooth adapter hci1 is off: switch it on (sudo btmgmt -i hci1 power on)"
    )
    done = desk.run(*who, "--code", "314159")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"trygg pair: {said}\n")
    assert desk.visit.pairing.facts() == {}, "nothing was begun"


def test_what_cannot_be_meant_is_told_before_the_radio_is_asked(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Visit(Small(), Scale))
    desk.radio_is = UnavailableError("no Bluetooth adapter: check that it is plugged in")
    done = desk.run("--device", "Nobody")
    assert done.returncode == 2 and "--device" not in done.stderr and "'Nobody'" in done.stderr


def test_a_hub_without_a_bus_opens_no_time_from_the_checklist_either(tmp_path: Path) -> None:
    """The whole hub, whose BlueZ is not there."""
    device = '[[device]]\nname = "Oximeter"\ndriver = "plx"\naddress = "C0:00:00:00:00:03"\nroom = "Hall"\n'
    path = tmp_path / "hub.toml"
    path.write_text(HUB.replace('[radio]\nbackend = "none"\n', "") + device)
    environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={tmp_path}/none"}
    trygg = [sys.executable, "-X", "utf8", "-m", "gateway.daemon"]
    hub = subprocess.Popen(
        [*trygg, "run", "-c", str(path)], env=environment, stderr=subprocess.PIPE, text=True
    )
    try:
        assert hub.stderr is not None
        assert any("The hub runs." in line for line in hub.stderr)
        for words in (("pair", "--device"), ("install", "--pair")):
            if words[0] == "install":
                subprocess.run(
                    [*trygg, "install", "-c", str(path), "--open"], check=True, capture_output=True
                )
            command = [*trygg, *words, "Oximeter", "-c", str(path)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=15, check=False)
            assert done.returncode == 1 and "pairing was not opened: " in done.stderr, done
            assert "start it (sudo systemctl start dbus)" in done.stderr
    finally:
        hub.terminate()
        hub.communicate(timeout=15)


def test_a_refusal_says_why_and_what_to_do_and_exits_with_1(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Visit(Small(), Scale))
    done, listed = desk.runs(("", "--device", "Thing"), ("", "--list"))
    assert (done.returncode, listed.stdout) == (1, "No bonds.\n")
    assert done.stdout.splitlines()[-1] == (
        "Not paired: the device pairs only without protection, and more is asked for: "
        "give the code on its label, or use another device"
    )


def test_a_device_that_is_not_heard_ends_with_what_to_look_at(tmp_path: Path) -> None:
    done = Desk(tmp_path, Visit(Small(), Loose), air=()).run("--device", "Thing")
    assert done.returncode == 1 and "was not heard in three minutes" in done.stdout


@pytest.mark.parametrize(
    ("typed", "status"), [("314159\n", 0), ("000002\n000003\n", 1), ("", 1), ("abc\n", 1)]
)
def test_a_wrong_code_is_asked_for_again(tmp_path: Path, typed: str, status: int) -> None:
    desk = Desk(tmp_path, Visit(Small(), Loose, passkey=LABEL))
    done = desk.run("--device", "Thing", "--code", "000001", says=typed)
    assert done.returncode == status
    assert "The code was wrong (time 1; three end it)." in done.stdout
    assert "The code on the label, six digits:" in done.stderr
    last = {0: "Paired: Thing, with protection.", 1: "Not paired: "}[status]
    assert done.stdout.splitlines()[-1].startswith(last)
    assert "000001" not in done.stdout + done.stderr


@pytest.mark.parametrize(("typed", "status"), [("yes\n", 0), ("ja\n", 0), ("no\n", 1), ("", 1)])
def test_a_number_is_shown_and_only_a_person_who_says_yes_confirms_it(
    tmp_path: Path, typed: str, status: int
) -> None:
    desk = Desk(tmp_path, Visit(Small(), Scale, compares=1_234))
    done = desk.run("--device", "Thing", says=typed)
    assert done.returncode == status and "Does the device show 001234? [yes/no]" in done.stderr
    assert desk.visit.bonds.get(ADDRESS, (0, 0))[1] == (BOND_AUTHENTICATED if status == 0 else 0)


def test_a_device_that_is_not_configured_yet_gets_the_lines_to_add(tmp_path: Path) -> None:
    visit = Visit(Small(), Loose)
    visit.bonds[ADDRESS] = (7, 1)
    visit.device.hold(1)
    visit.small.world.add_peripheral(SimPeripheral(STRANGER, {"2a9d": b""}, secure=True))
    done = Desk(tmp_path, visit, air=(ADDRESS, STRANGER)).run("--driver", "loose")
    assert done.returncode == 0 and f"Heard: Vekt ({STRANGER})." in done.stdout
    assert "Add this to the configuration" in done.stdout
    added = tomllib.loads("[[device]]" + done.stdout.partition("[[device]]")[2])
    assert added == {"device": [{"name": "Vekt", "driver": "loose", "address": STRANGER}]}


def test_machines_get_a_json_line_a_step(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Visit(Small(), Scale, compares=1_234))
    done, listed = desk.runs(("yes\n", "--device", "Thing", "--json"), ("", "--list", "--json"))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line.get("step", "?") for line in lines] == ["opened", "heard", "begun", "?", "bonded"]
    assert lines[3] == {"question": "number", "compare": 1_234}
    assert (lines[4]["detail"], lines[4]["address"]) == (BOND_AUTHENTICATED, ADDRESS)
    (row,) = json.loads(listed.stdout)
    assert row == {"address": ADDRESS, "bond": 2, "key": "", "device": "Thing"}


def test_a_bond_is_deleted_only_after_a_yes(tmp_path: Path) -> None:
    visit = Visit(Small(), Loose)
    visit.bonds[ADDRESS] = (1, 1)
    desk = Desk(tmp_path, visit)
    silent, no, yes, again = desk.runs(
        ("", "--forget", "Thing"),
        ("no\n", "--forget", "Thing"),
        ("y\n", "--forget", "Thing"),
        ("", "--forget", ADDRESS, "--yes"),
    )
    for kept in (silent, no):
        assert kept.returncode == 1 and "Nothing was deleted." in kept.stderr and kept.stdout == ""
    assert yes.returncode == 0 and "The bond with Thing is deleted here." in yes.stdout and visit.bonds == {}
    assert again.returncode == 1 and "there is no bond with this device" in again.stderr


DATA = "c0ffee" + "5a" * 29


def test_the_data_of_a_label_pairs_and_may_be_typed_so_that_it_stays_nowhere(tmp_path: Path) -> None:
    for arguments, typed in (((DATA,), ""), (("-",), DATA.upper() + "\n")):
        folder = tmp_path / str(len(typed))
        folder.mkdir()
        desk = Desk(folder, Visit(Small(), Scale, oob=bytes.fromhex(DATA)))
        done = desk.run("--device", "Thing", "--oob", *arguments, says=typed)
        assert done.returncode == 0 and done.stdout.endswith("Paired: Thing, with protection.\n")
        assert ("64 hexadecimal digits:" in done.stderr) == bool(typed)
        assert DATA.lower() not in (done.stdout + done.stderr).lower()


@pytest.mark.parametrize(
    ("language", "device", "said"),
    [
        ("en", {"oob": bytes(32)}, "Not paired: the data is not that of this device: read the label"),
        ("nb", {"oob": bytes(32)}, "dataene hører ikke til denne enheten: les etiketten"),
        (
            "en",
            {"passkey": LABEL},
            "Not paired: the device does not pair by data on a label or tag: pair it with",
        ),
        ("nb", {}, "enheten pares ikke med data fra etikett eller brikke: par den med koden"),
    ],
)
def test_wrong_data_and_a_device_without_any_are_told_apart(
    tmp_path: Path, language: str, device: dict[str, Any], said: str
) -> None:
    done = Desk(tmp_path, Visit(Small(), Loose, **device), language).run("--device", "Thing", "--oob", DATA)
    assert done.returncode == 1 and said in done.stdout


@pytest.mark.parametrize(
    ("language", "said"), [("en", "takes no data of a label"), ("nb", "tar ikke imot data fra")]
)
def test_where_bluetooth_has_no_way_for_it_nothing_begins(tmp_path: Path, language: str, said: str) -> None:
    visit = Visit(Small(), Loose, central=Deaf, oob=bytes.fromhex(DATA))
    done = Desk(tmp_path, visit, language).run("--device", "Thing", "--oob", DATA)
    assert (done.returncode, done.stdout, visit.bonds) == (1, "", {})
    assert said in done.stderr and "--code" in done.stderr


@pytest.mark.parametrize(
    ("language", "arguments", "said"),
    [
        ("en", ("--oob", DATA[:-1]), "and these are 63"),
        ("nb", ("--oob", DATA + "0"), "og dette er 65"),
        ("en", ("--oob", ""), "and these are 0"),
        ("en", ("--oob", DATA[:-1] + "g"), "letters a to f only"),
        ("nb", ("--oob", DATA[:-1] + " "), "uten mellomrom"),
        ("en", ("--oob", DATA, "--code", "314159"), "either --code or --oob"),
        ("nb", ("--oob", DATA, "--code", "-"), "ikke begge"),
    ],
)
def test_what_is_no_such_data_is_said_and_not_repeated(
    tmp_path: Path, language: str, arguments: tuple[str, ...], said: str
) -> None:
    visit = Visit(Small(), Loose)
    done = Desk(tmp_path, visit, language).run("--device", "Thing", *arguments)
    assert (done.returncode, visit.pairing.facts()) == (2, {})
    assert said in done.stderr and DATA[:8] not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "one of the arguments"),
        (("--device", "Thing", "--driver", "plx"), "not allowed with"),
        (("--device", "Nobody"), "one of Thing"),
        (("--device", "Thing", "--code", "12345"), "six digits"),
        (("--forget", "Nobody", "--yes"), "an address with a bond"),
    ],
)
def test_a_command_line_that_cannot_be_meant_exits_with_2(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = Desk(tmp_path, Visit(Small(), Loose)).run(*arguments)
    assert done.returncode == 2 and said in done.stderr


def test_without_a_hub_it_says_how_to_start_it(tmp_path: Path) -> None:
    file = tmp_path / "hub.toml"
    file.write_text(CONFIGURATION.format("en"))
    command = [sys.executable, "-m", "gateway.daemon", "pair", "-c", str(file), "--list"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "systemctl start trygg" in done.stderr
