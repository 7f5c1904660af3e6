"""What the code says in English stands in Norwegian where people read it, and JSON stays as it is."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.daemon.system_words import plain
from gateway.daemon.texts import Texts
from gateway.daemon.wording import LONGEST, catalogue, norwegian
from hal.errors import UnavailableError
from tests.gateway.english import english_in
from tests.gateway.test_cli import DEVICES, HUB, STATUS, trygg, while_running

# --- messages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("english", "said"),
    [
        (
            "of these, looks like a key: hub.other. Keys belong in files of the gateway, not in layers",
            "dette av det ser ut som en nøkkel: hub.other. Nøkler hører hjemme i filer på gatewayen, ikke i lagene",
        ),
        (
            str(
                UnavailableError(
                    "nothing listens at mqtt://127.0.0.1:1: check the broker and the port",
                    "ConnectionRefusedError: [Errno 111] Connection refused",
                )
            ),
            (
                "ingenting svarer på mqtt://127.0.0.1:1: se etter at megleren går og at porten er riktig "
                "(forbindelsen ble avvist, feilnummer 111)"
            ),
        ),
        (
            "receipt: signed by a key that the keyset does not name",
            "kvittering: signert med en nøkkel som ikke står i nøkkelsettet",
        ),
        (
            (
                "hub.toml: hub.time_zone: found 'Europe/Olso', expected a time zone of Europe such as Europe/Oslo"
                " (did you mean Europe/Oslo?)"
            ),
            (
                "hub.toml: hub.time_zone: fant 'Europe/Olso', ventet en tidssone i Europa, som Europe/Oslo"
                " (mente du Europe/Oslo?)"
            ),
        ),
        (
            "door at byte 4 is cut off: 1 bytes are missing at byte 5 (of 3 refused together)",
            "door ved byte 4 er kuttet: 1 byte mangler ved byte 5 (av 3 avvist samtidig)",
        ),
        (
            "the journal's medium failed while storing events: check the card or disk (SQLITE_IOERR: (1) bad)",
            "lagringsmediet sviktet under lagring av hendelser: se på minnekortet eller disken (SQLITE_IOERR: (1) bad)",
        ),
        (
            "serial port /dev/ttyUSB0 is gone: open it again when it is back (half (open)",
            "serieporten /dev/ttyUSB0 er borte: huben åpner den igjen når den er tilbake (half (open)",
        ),
        ("[Errno 71] Protocol error", "Protocol error, feilnummer 71"),
    ],
)
def test_messages_are_said_whole_with_what_fills_them(english: str, said: str) -> None:
    assert norwegian(english) == said
    assert Texts("nb").reword(english) == said
    assert Texts("en").reword(english) == plain(english)
    assert "[Errno" in english or plain(english) == english, "only what the system says is said otherwise"
    assert Texts("nb", for_machines=True).reword(english) == english


@pytest.mark.parametrize(
    "message",
    [
        "",
        "x",
        "an error of a library",
        "Unspecified error",
        "a: b (c)",
        "not for us",
        "(",
        ")",
        " (",
        "{}",
        "{name}",
        "%s",
    ],
)
def test_a_message_without_an_entry_passes_unchanged(message: str) -> None:
    assert norwegian(message) == message


def test_what_a_device_is_called_is_not_taken_for_words_of_ours() -> None:
    found = "hub.toml: device[open].driver: found 'connected', expected one of bthome, plx"
    assert norwegian(found) == "hub.toml: device[open].driver: fant 'connected', ventet en av bthome, plx"
    assert Texts("nb").counts({"open": 3}) == "open 3"


@pytest.mark.parametrize(
    "piece",
    [": ", "(", ")", " (", " (a)", "a: (b) ", "not ", " at byte ", " at byte 1", ": found , expected ", "[Errno ",
     " needs 7 bytes, 7 left", " key 1 (a): ", ", which ", "one of a (did you mean ", "\n", "æ", "\0"],
)  # fmt: skip
def test_a_hostile_message_is_said_at_once(piece: str) -> None:
    began = time.perf_counter()
    for message in (
        piece * LONGEST,
        (piece * LONGEST)[:LONGEST],
        ((piece + ")") * LONGEST)[: LONGEST - 1] + ")",
    ):
        norwegian(message)
    assert time.perf_counter() - began < 1.0


PIECES = sorted(
    {text for entry in catalogue().templates for text in entry.texts} | {"7", "x", " (", ")", ": "}
)


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=30).map("".join))
def test_any_message_is_said_and_none_twice_over(message: str) -> None:
    began = time.perf_counter()
    said = norwegian(message)
    assert len(said) < 4 * len(message) + 200
    assert time.perf_counter() - began < 1.0


# --- whole outputs ------------------------------------------------------------------------------------------------

TROUBLE: dict[str, Any] = {
    **STATUS,
    "lamp": "offline",
    "connected": False,
    "last_error": "mqtts://b:8883 refuses this gateway: check its id and what the broker allows it (Unspecified)",
    "lost_ms": 240_000,
    "messages_refused": {
        "receipt: signed by a key that the keyset does not name": 2,
        "unknown: not a topic of version 1": 1,
        "keyset: keyset key 6 (keys): not an array of 3": 1,
    },
    "configuration_fault": "hub.toml: hub.language: found 'no', expected one of nb, en (did you mean nb?)",
}
TROUBLED: list[dict[str, Any]] = [
    {**DEVICES[0], "last_refusal": "object 0x99 is not known; it and the rest are not read", "link": "connecting"},
    {**DEVICES[1], "link": "no serial port /dev/ttyUSB0: check the cable and the name ([Errno 5] Input/output error)"},
]  # fmt: skip


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    path = tmp_path / "hub.toml"
    path.write_text(HUB.replace('"en"', '"nb"'))
    return path


@pytest.mark.parametrize(("command", "facts"), [("status", TROUBLE), ("devices", TROUBLED)])
def test_facts_of_the_hub_are_norwegian_for_people_and_unchanged_for_programs(
    hub: Path, capsys: pytest.CaptureFixture[str], command: str, facts: Any
) -> None:
    assert while_running(hub, {command: facts}, lambda: trygg(command, "-c", hub)) == 0
    said = capsys.readouterr().out
    assert not english_in(said), said
    assert while_running(hub, {command: facts}, lambda: trygg(command, "--json", "-c", hub)) == 0
    assert json.loads(capsys.readouterr().out) == facts


def test_refused_messages_have_a_next_action(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    while_running(hub, {"status": TROUBLE}, lambda: trygg("status", "-c", hub))
    said = capsys.readouterr().out
    assert "2 × kvittering: signert med en nøkkel som ikke står i nøkkelsettet; 1 × ukjent: " in said
    assert "ser etter hvem som kan skrive hos megleren" in said
    hub.write_text(HUB)
    while_running(hub, {"status": TROUBLE}, lambda: trygg("status", "-c", hub))
    assert "looks at who may write on the broker" in capsys.readouterr().out


def test_a_check_is_norwegian_for_people_and_its_json_in_no_two_languages(
    hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert trygg("check", "-c", hub) == 1
    said = capsys.readouterr().out
    assert not english_in(said), said
    assert "ingenting svarer på mqtt://127.0.0.1:1" in said and "forbindelsen ble avvist" in said
    assert trygg("check", "--json", "-c", hub) == 1
    rows = json.loads(capsys.readouterr().out)["findings"]
    assert not english_in(" ".join(row["text"] for row in rows))
    assert [(row["check"], row["level"], row["code"]) for row in rows][-1] == ("broker", "fault", "failed")
    hub.write_text(HUB)
    assert trygg("check", "--json", "-c", hub) == 1
    english = json.loads(capsys.readouterr().out)["findings"]
    assert english[-1]["text"].startswith("nothing listens at mqtt://127.0.0.1:1: check the broker")
    assert [(row["check"], row["code"]) for row in english] == [(row["check"], row["code"]) for row in rows]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('id = "hub-1"', 'id = "Hub 1"'),
        ('id = "hub-1"', ""),
        ("[radio]", "[raido]"),
        ('id = "hub-1"', 'id = "hub-1'),
        ('id = "hub-1"', "id = hub-1"),
        ("[radio]", "[uplink]\n[radio]"),
        ("[radio]", "[radio"),
        ("[hub]", "[[hub"),
        ('"mqtt://127.0.0.1:1"', '"mqtt://broker.example"'),
        ('backend = "none"', 'backend = "bumble"'),
        ("ab" * 32, "/none.pub"),
        ("[radio]", "[[device]]\nname = 'x'\ndriver = 'bthome'\n[radio]"),
        ("[radio]", "[[rule]]\ntype = 'dose'\ndevice = 'y'\n[radio]"),
    ],
)
@pytest.mark.parametrize("command", ["check", "clock"])
def test_a_refused_configuration_is_norwegian(
    hub: Path, capsys: pytest.CaptureFixture[str], command: str, before: str, after: str
) -> None:
    hub.write_text(hub.read_text().replace(before, after))
    if command == "clock" and after == "/none.pub":
        return  # which needs no root key
    assert trygg(command, "-c", hub) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("trygg ")]
    assert len(said) == 1
    ours = said[0]
    if "TOML på linje" in ours:  # what the parser of Python says stands as a detail
        ours = re.sub(r"(like før) \(.*\)(, ventet)", r"\1\2", ours)
    assert "fant" in ours and "ventet" in ours and not english_in(ours), said
    if command == "check":
        assert run_hub(hub) == said[0].replace("trygg check: ", "trygg run: ")
        assert trygg("check", "--json", "-c", hub) == 2
        row = json.loads(capsys.readouterr().out)["findings"][0]
        assert row["text"] == said[0].removeprefix("trygg check: ")
        assert row["found"] in row["text"] and row["expected"] in row["text"]


def run_hub(hub: Path, *options: str, **environment: str) -> str:
    """The last line of a hub that does not start, its log not being the system's but where `environment` says so."""
    kept = {name: text for name, text in os.environ.items() if name != "JOURNAL_STREAM"}
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "gateway.daemon", "run", "-c", str(hub), *options],
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (1, 2)
    return done.stderr.splitlines()[-1]


def test_what_goes_to_the_log_of_the_system_stays_english(hub: Path) -> None:
    hub.write_text(hub.read_text().replace('id = "hub-1"', 'id = "Hub 1"'))
    for said in (run_hub(hub, JOURNAL_STREAM="8:1"), run_hub(hub, "--log-json")):
        assert said.startswith(f"trygg run: {hub}: hub.id: found 'Hub 1', expected text in quotes")


def test_at_a_terminal_a_hub_that_cannot_start_says_why_in_norwegian(hub: Path) -> None:
    """The log says it in English, also there; where no terminal is, it alone says it."""
    line = [sys.executable, "-m", "gateway.daemon", "run", "-c", str(hub)]

    def at_terminal() -> str:
        ours, theirs = os.openpty()
        try:
            done = subprocess.run(line, stderr=theirs, stdout=subprocess.DEVNULL, timeout=60, check=False)
            assert done.returncode == 1
            return os.read(ours, 65_536).decode()
        finally:
            os.close(ours)
            os.close(theirs)

    said: list[str] = []
    while_running(hub, {}, lambda: said.extend((at_terminal(), run_hub(hub))) or 0)
    data = hub.parent / "data"
    spoken = (
        f"trygg run: Huben kan ikke starte: en annen hub går med {data}: stopp den, eller gi denne sin egen"
    )
    assert spoken in said[0] and f"another hub runs with {data}" in said[0]
    assert spoken not in said[1] and json.loads(said[1])["cause"].startswith("another hub runs")
