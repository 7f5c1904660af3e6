"""`-c` names files: what is wrong with them is said, and the hub of another gateway is not taken for theirs."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.daemon.control import ControlServer
from tests.gateway.test_cli import DEVICES, HUB, STATUS, trygg
from tests.gateway.test_doctor import WELL

MEDICINE = '[[device]]\nname = "Medicine"\ndriver = "dispenser"\nport = "socket://127.0.0.1:1"\n'
ASKING = (
    ("status",),
    ("devices",),
    ("devices", "--confirm-reset", "Front door", "--yes"),
    ("pair", "--list"),
    ("pair", "--forget", "Oximeter", "--yes"),
    ("ring", "--device", "Front door", "--kind", "smoke.detected"),
    ("install",),
    ("install", "--open"),
)


class Running:
    """The hub of `HUB`, which notes what it is asked; its answers but the status are not looked at here."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Any] = {"status": STATUS | WELL, "devices": DEVICES}

    def of(self, name: str) -> Any:
        def answer(**arguments: str) -> object:
            self.asked.append(name)
            return self.answers.get(name, [])

        return answer

    def during(self, path: Path, *line: str | Path) -> int:
        """Exit status of a command while the hub runs."""
        handlers = {name: self.of(name) for name in ("status", "devices", "bonds", "timeline")}

        async def work() -> int:
            async with ControlServer(path.parent / "data" / "control.sock", handlers):
                return await asyncio.to_thread(trygg, *line)

        return asyncio.run(work())


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir(mode=0o700)
    path = tmp_path / "hub.toml"
    path.write_text(HUB)
    return path


@pytest.mark.parametrize("line", ASKING, ids=" ".join)
def test_a_file_that_is_not_there_is_the_fault_and_no_hub_is_asked(
    hub: Path, capsys: pytest.CaptureFixture[str], line: tuple[str, ...]
) -> None:
    running, none = Running(), hub.parent / "none.toml"
    assert running.during(hub, *line, "-c", none) == 2
    said = capsys.readouterr()
    assert f"trygg {line[0]}: {none}: " in said.err and "check the path" in said.err and not said.out
    assert running.during(hub, *line, "-c", hub, "-c", none) == 2, "the first file says where the hub is"
    assert running.asked in ([], ["status"])


@pytest.mark.parametrize("line", ASKING, ids=" ".join)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("hub-1", "hub-2"), "The hub that runs is hub-1, and {} is for hub-2"),
        (('id = "hub-1"\n', ""), "The hub that runs is hub-1, and {} does not say which gateway it is for"),
    ],
)
def test_the_hub_of_another_gateway_is_not_taken_for_that_of_the_files(
    hub: Path,
    capsys: pytest.CaptureFixture[str],
    line: tuple[str, ...],
    change: tuple[str, str],
    said: str,
) -> None:
    running, other = Running(), hub.parent / "other.toml"
    other.write_text(HUB.replace(*change))
    assert running.during(hub, *line, "-c", other) == 2
    out, err = capsys.readouterr()
    assert said.format(other) in err and not out
    assert running.asked == ["status"], "nothing else was asked of it"
    assert "systemctl restart trygg" in err or "leave -c out" in err


def test_a_bad_file_that_says_where_the_hub_is_is_told_beside_the_answer(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running = Running()
    hub.write_text(HUB + "[page\n")
    assert running.during(hub, "status", "-c", hub) == 0
    out, err = capsys.readouterr()
    assert out.startswith("All is well.") and f"{hub}: (file): found what is no TOML" in err
    assert running.during(hub, "status", "--json", "-c", hub) == 0
    assert capsys.readouterr().out.startswith("{"), "what a program reads is as it was"
    bad = hub.parent / "notes.txt"
    bad.write_text("Remember the milk\n")
    assert running.during(hub, "status", "-c", bad) == 2
    assert f"trygg status: {bad}: (filen): fant noe som ikke er" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("left_out", "status"),
    [((), 0), (("data_directory",), 0), (("id",), 2), (("id", "data_directory"), 2), (("tenant",), 0)],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_a_bad_file_is_answered_for_where_it_still_says_which_gateway_it_is_for(
    hub: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    left_out: tuple[str, ...],
    status: int,
) -> None:
    monkeypatch.setattr("gateway.daemon.configuration.DEFAULT_DATA", hub.parent / "data")
    lines = [line for line in HUB.splitlines() if line.partition(" = ")[0] not in left_out]
    hub.write_text("\n".join([*lines, "[page"]))
    running = Running()
    assert running.during(hub, "status", "-c", hub) == status
    out, err = capsys.readouterr()
    assert f"{hub}: (file" in err
    assert out.startswith("All is well.") == (status == 0)
    hub.write_text(hub.read_text().replace("hub-1", "hub-2"))
    assert running.during(hub, "status", "-c", hub) == 2, "and not of another gateway"
    assert not capsys.readouterr().out


def test_check_doctor_and_clock_say_that_another_gateways_hub_runs(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running, other = Running(), hub.parent / "other.toml"
    other.write_text(HUB.replace("hub-1", "hub-2").replace('"en"', '"nb"'))
    for line, status in ((("check",), 1), (("doctor",), 1), (("clock",), 2)):
        assert running.during(hub, *line, "-c", other) == status
        out, err = capsys.readouterr()
        assert f"Huben som går, er hub-1, og {other} er for hub-2" in out + err, line
        assert running.during(hub, *line, "-c", hub) in (0, 1)
        assert "The hub that runs" not in "".join(capsys.readouterr()), "control"


def test_what_another_gateways_hub_says_of_itself_is_not_said_of_this_one(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is connected, with a clock that is believed, and two of its devices are in trouble: none of that is of hub-9."""
    running, data = Running(), hub.parent / "data"
    silent = [{**row, "silent": True} for row in DEVICES]
    running.answers = {"status": STATUS | WELL | {"faults": ["adapter.lost"]}, "devices": silent}
    (data / "installed.toml").write_text("")
    assert running.during(hub, "check", "--json", "-c", hub) in (0, 1)
    rows = json.loads(capsys.readouterr().out)["findings"]
    assert ("broker", "connected") in [(row["check"], row["code"]) for row in rows], "control"
    running.during(hub, "doctor", "--json", "-c", hub)
    own = [row["code"] for row in json.loads(capsys.readouterr().out)["complaints"]]
    assert {"hub.adapter.lost", "device.silent"} <= set(own), "control"

    hub.write_text(hub.read_text().replace("hub-1", "hub-9"))
    assert running.during(hub, "check", "--json", "-c", hub) == 1
    rows = json.loads(capsys.readouterr().out)["findings"]
    assert (rows[0]["check"], rows[0]["code"]) == ("configuration", "other_hub")
    assert f"is hub-1, and {hub} is for hub-9" in rows[0]["text"], (
        "what the hub itself keeps is nobody's to name"
    )
    codes = [(row["check"], row["code"]) for row in rows]
    assert ("broker", "failed") in codes and ("broker", "connected") not in codes
    assert running.during(hub, "doctor", "--json", "-c", hub) == 1
    complaints = json.loads(capsys.readouterr().out)["complaints"]
    found = [row["code"] for row in complaints]
    assert found[0] == "configuration.other_hub" and complaints[0]["urgency"] == "now"
    assert "broker.failed" in found and not [code for code in found if code.startswith(("hub.", "device."))]


def test_lines_that_another_gateways_hub_may_have_are_not_listened_to(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.write_text(HUB.replace("hub-1", "hub-9") + MEDICINE)
    Running().during(hub, "check", "--json", "-c", hub)
    rows = json.loads(capsys.readouterr().out)["findings"]
    assert ("lines", "running") in [(row["check"], row["code"]) for row in rows]
