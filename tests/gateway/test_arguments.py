"""Help and what is wrong with a command line, in the language of the file or of whoever is logged in."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.daemon.__main__ import COMMANDS
from gateway.daemon.arguments import configurations, language_of
from tests.gateway.english import english_in
from tests.gateway.test_cli import HUB

# Words of argparse's own phrases that `english_in` does not look for.
ARGPARSE = r"\b(one|required|invalid|choose|could|allowed|arguments|following|unrecognized|value|int)\b"


@pytest.mark.parametrize(
    "command",
    ["", *[name for name in COMMANDS if name not in ("demo", "rehome")], "decode ble-adv", "decode gatt"],
)
def test_help_is_norwegian(command: str) -> None:
    said = run_in("nb_NO.UTF-8", *command.split(), "--help")
    assert said.returncode == 0 and said.stdout.startswith(f"bruk: trygg {command}".rstrip())
    choices = r"\{.*?\}|^ {4}[a-z-]+ "  # what is typed as it is
    assert not english_in(re.sub(choices, "", said.stdout, flags=re.MULTILINE)), said.stdout
    assert "valg:" in said.stdout and "vis denne hjelpen og avslutt" in said.stdout
    assert run_in("C.UTF-8", *command.split(), "--help").stdout.startswith("usage: trygg")


@pytest.mark.parametrize(
    "line",
    ["", "bogus", "status --bogus", "run --clock-offset-s x", "run --log-level loud", "run --config", "run --log-json=1",
     "check --jso=1", "decode gatt 2a5f 0", "decode gatt 9999 00", "decode gatt 2a5f xx", "decode ble-adv 40",
     "decode ble-adv --uuid fcd2 --key ab 40", "decode ble-adv --uuid fcd2 --address 1 40", "decode serial bogus 00",
     "decode ble-adv --uuid fcd2", "--bogus demo", "run --clock-offset-s", "pair", "pair --device", "pair --list=3",
     "pair --list --device Door", "ring --device Door --kind smoke.detected --until never", "install --add A --test B",
     "wifi --minutes x", "identity --re x", "page --language x", "status -c"],
)  # fmt: skip
def test_a_wrong_command_line_is_told_in_norwegian_with_the_same_status(line: str) -> None:
    said = run_in("nb_NO.UTF-8", *line.split())
    assert said.returncode == 2 and said.stdout == ""
    assert not english_in(re.sub(r"\{.*?\}", "", said.stderr.replace("trygg:", ""))), said.stderr
    assert not re.search(ARGPARSE, said.stderr.splitlines()[-1]), said.stderr
    assert run_in("C", *line.split()).returncode == 2


def test_what_a_frame_left_unread_is_noted_in_norwegian_and_json_stays() -> None:
    frame = ("decode", "gatt", "2a5f", "00 6100 4800 ff")
    nb, en = run_in("nb_NO.UTF-8", *frame), run_in("C.UTF-8", *frame)
    assert "1 byte bak det siste feltet leses ikke (byte 5)" in nb.stderr
    assert "1 bytes behind the last field are not read (byte 5)" in en.stderr
    assert nb.stdout == en.stdout
    refused = [run_in(lang, "decode", "gatt", "2a5f", "00").stdout for lang in ("nb_NO.UTF-8", "C.UTF-8")]
    assert refused[0] == refused[1] and "needs" in json.loads(refused[0])["error"]


def run_in(lang: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "gateway.daemon", *arguments],
        env={**kept, "LANG": lang},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_language_of_help_is_that_of_the_file_or_of_the_session(tmp_path: Path) -> None:
    hub = tmp_path / "hub.toml"
    hub.write_text(HUB.replace('"en"', '"nb"'))
    nb, en = {"LANG": "nb_NO.UTF-8"}, {"LANG": "en_GB.UTF-8"}
    for line in (["-c", str(hub)], [f"-c{hub}"], [f"--config={hub}"], ["--config", str(hub), "--help"]):
        assert language_of(["run", *line], en) == "nb", line
    hub.write_text(HUB)
    assert language_of(["run", "-c", str(hub)], nb) == "en"
    none = ["status", "-c", str(hub.parent / "none.toml")]
    assert language_of(none, nb) == "nb" and language_of(none, en) == "en" and language_of(none, {}) == "en"
    assert language_of(none, {"LANG": "en_GB", "LC_ALL": "nn_NO"}) == "nb"
    assert language_of(none, {"LANG": "nb_NO", "LC_MESSAGES": "C"}) == "en"
    assert language_of(none, {"LC_ALL": "", "LANG": "no"}) == "nb"
    assert configurations(["-c"]) == [] and configurations(["--config"]) == []


@pytest.mark.parametrize("command", ["check", "clock", "status", "devices", "run"])
def test_where_no_file_can_be_read_it_is_said_in_the_language_of_the_session(
    command: str, tmp_path: Path
) -> None:
    none = str(tmp_path / "none.toml")
    for lang, is_norwegian in (("nb_NO.UTF-8", True), ("en_GB.UTF-8", False)):
        said = run_in(lang, command, "-c", none)
        lines = [line for line in said.stderr.splitlines() if line.startswith("trygg ")]
        assert said.returncode and len(lines) == 1
        assert not (english_in(lines[0]) if is_norwegian else {"fant", "ikke"} & set(lines[0].split())), lines
    (tmp_path / "none.toml").write_text(
        "[hub]\n"
    )  # which has the language that the configuration has by default
    assert "ventet" in run_in("en_GB.UTF-8", "check", "-c", none).stderr


def test_a_hub_that_starts_reads_no_texts() -> None:
    script = (
        "import sys; from gateway.daemon.__main__ import make_parser\n"
        "make_parser('run').parse_args(['run', '-c', 'x'])\n"
        "print('gateway.daemon.wording' in sys.modules, 'gateway.daemon.configuration' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.startswith("False")
