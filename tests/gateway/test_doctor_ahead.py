"""`trygg doctor` of a gateway that moves, or whose trouble is still ahead, and of a device without its key."""

import re
import subprocess
from pathlib import Path

import pytest

from gateway.core.devices.bthome import TEXTS as REFUSALS
from gateway.daemon import doctor, doctor_hub
from gateway.daemon.commands import explain
from gateway.daemon.commands.devices import show
from gateway.daemon.commands.doctor import lines
from gateway.daemon.install_home import reference_of
from tests.gateway.test_cli import HUB, trygg, while_running
from tests.gateway.test_doctor import EN, NB, NIGHT_MS, NOON_MS, ROWS, WELL, asked, codes, with_tls

NO_KEY = REFUSALS["no_key"]


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir(mode=0o700)
    path = tmp_path / "hub.toml"
    path.write_text(HUB)
    return path


@pytest.mark.parametrize("is_running", [True, False])
def test_while_the_gateway_is_connected_a_lost_path_is_no_consequence_yet(
    hub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], is_running: bool
) -> None:
    own = with_tls(hub, tmp_path)
    Path(own.certificate).unlink()
    if not is_running:
        trygg("doctor", "-c", hub)
        said = capsys.readouterr().out
        follows = f"What follows: {explain.facts('path.lost')['en']}. It does not end"
        assert "1. [now] Certificate: " in said and follows in said, "nobody is connected"
        return
    _, facts = asked(hub, capsys)
    (row,) = [row for row in facts["complaints"] if row["code"] == "tls.missing_certificate"]
    assert (row["leads_to"], row["will_lead_to"], row["urgency"]) == (None, "path.lost", "today")
    assert facts["complaints"][0] == row
    for texts, promise in ((EN, "is connected now"), (NB, "er tilkoblet nå")):
        said = "\n".join(doctor.lines(row, 1, texts))
        assert promise in said and explain.facts("path.lost")[texts.language] not in said


def test_a_root_key_that_went_while_the_hub_runs_stops_it_at_its_next_start(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.write_text(HUB.replace("ab" * 32, "root.pub"))
    _, facts = asked(hub, capsys)
    assert facts["complaints"][0]["will_lead_to"] == "hub.stopped"
    assert "The hub runs now" not in "\n".join(lines(facts, EN)) and "the hub runs now" in "\n".join(
        lines(facts, EN)
    )


@pytest.mark.parametrize(
    "content", [HUB, HUB.replace("brokers", "nothing"), "no TOML"], ids=["well", "bad", "none"]
)
def test_a_move_that_is_not_finished_comes_first_whatever_else_is_wrong(
    hub: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    hub.write_text(content if "data_directory" in content else 'data_directory = "data"\n' + content)
    (hub.parent / "data" / "rehome").mkdir()
    assert trygg("doctor", "-c", hub) == (1 if content is HUB else 2)
    first = capsys.readouterr().out.split("1. ")[1].split("\n2. ")[0]
    assert first.startswith(("[now] The gateway is not fully taken out", "[nå] Gatewayen er ikke ferdig"))
    assert "cd / && sudo trygg rehome" in first and "explain hub.stopped" not in first
    assert first.count("\n   ") >= 2, "what follows, and whose it is"


def test_after_a_move_the_doctor_says_that_the_page_is_gone(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (hub.parent / "data" / "left.json").write_text("{}")
    _, facts = asked(hub, capsys)
    assert "page.gone" in codes(facts)
    hub.write_text(HUB + '[page]\nlisten = "lo"\n')
    _, facts = asked(hub, capsys)
    assert "page.gone" not in codes(facts)


def test_a_device_that_encrypts_and_has_no_key_is_told_with_how_to_give_it(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {**ROWS[0], "name": "Røykvarsler stue", "refused": {"unauthenticated": 3}, "last_refusal": NO_KEY}
    keys, reference = hub.parent / "keys", reference_of("Røykvarsler stue")
    for texts, head in ((EN, "How to enter the key: "), (NB, "Slik legges nøkkelen inn: ")):
        (complaint,) = doctor_hub.of_devices([row], texts, keys)
        assert head in complaint.text and f"{keys}/{reference}.key" in complaint.text
        assert f'key = "{reference}"' in complaint.text and "--key -" in complaint.text
        assert complaint.text in "\n".join(
            doctor.lines(doctor.facts(complaint, "day", texts.language), 1, texts)
        )
        assert head in "\n".join(show([row], texts, keys))
        assert head not in "\n".join(show([{**row, "last_refusal": "the tag does not hold"}], texts, keys))


def test_the_commands_that_enter_a_key_make_a_file_for_each_device_and_write_over_none(
    hub: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The names were one file once, that of `Identity` the gateway's own key; the folder is where the hub looks."""
    folder = tmp_path / "other keys"
    folder.mkdir()
    (folder / "identity.key").write_text("its own")
    hub.write_text(HUB + '[keys]\ndirectory = "other keys"\n')
    names = ("Røyk stue", "Røyk, stue", "Identity", "日本", "中国", "R" * 40 + "1", "R" * 40 + "2")
    rows = [
        {**ROWS[0], "name": name, "refused": {"unauthenticated": 3}, "last_refusal": NO_KEY} for name in names
    ]
    assert while_running(hub, {"devices": rows}, lambda: trygg("devices", "-c", hub)) == 0
    said = capsys.readouterr().out
    _, facts = asked(hub, capsys, devices=rows)
    commands = re.findall(r"sudo -u trygg (sh -c '.*?')", said)
    told = "".join(each["text"] for each in facts["complaints"])
    assert len(set(commands)) == len(names) and all(command in told for command in commands)
    for number, command in enumerate((*commands, commands[0])):
        run = subprocess.run(
            ["sh", "-c", command], check=False, input=f"{number}\n", text=True, capture_output=True
        )
        assert (run.returncode == 0) == (number < len(names)), "the last is there already"
    assert {path.read_text() for path in folder.iterdir()} == {"its own", *(f"{at}\n" for at in range(7))}
    assert {path.stat().st_mode & 0o077 for path in folder.glob("device-*")} == {0}
    assert all(f'key = "{path.stem}"' in said for path in folder.glob("device-*"))


def test_a_hub_that_is_leaving_comes_first_at_any_hour(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = {
        **WELL,
        "faults": ["gateway.left", "adapter.lost"],
        "connected": False,
        "last_error": "not accepted",
    }
    for utc_ms in (NOON_MS, NIGHT_MS, None):
        _, facts = asked(hub, capsys, status={**said, "utc_ms": utc_ms, "lost_ms": 1})
        assert codes(facts)[0] == "hub.gateway.left" and facts["complaints"][0]["urgency"] == "now"


def test_check_and_whoever_asks_the_hub_say_it_too(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = "The gateway is not fully taken out of its home"
    for line in (("check",), ("status",), ("devices",), ("install",), ("pair", "--list")):
        assert trygg(*line, "-c", hub) == 1
        assert said not in "".join(capsys.readouterr()), "control"
    (hub.parent / "data" / "rehome").mkdir()
    for line in (("check",), ("status",), ("devices",), ("install",), ("pair", "--list")):
        assert trygg(*line, "-c", hub) == 1
        told = "".join(capsys.readouterr())
        assert said in told and "systemctl start trygg" not in told, line
