"""`trygg-kit` speaks as `trygg` does: help, wrong options, refusals and summaries in the language of whoever is logged in."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.english import english_in
from tools.kit.__main__ import COMMANDS
from tools.kit.keys import make_tenant

KEY = "ab" * 32


def kit(lang: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "tools.kit", *arguments],
        env={**kept, "LANG": lang},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize("command", ["", *COMMANDS, "keys init", "keys add-gateway"])
def test_help_is_norwegian(command: str) -> None:
    said = kit("nb_NO.UTF-8", *command.split(), "--help")
    assert said.returncode == 0 and said.stdout.startswith(f"bruk: trygg-kit {command}".rstrip())
    typed = r"\{.*?\}|^ {4}[a-z-]+ "  # what is typed as it is
    assert not english_in(re.sub(typed, "", said.stdout, flags=re.MULTILINE)), said.stdout
    assert kit("C.UTF-8", *command.split(), "--help").stdout.startswith("usage: trygg-kit")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "fly",
        "platform",
        "demo --seconds x",
        "demo --scenario none",
        "demo --broker http://x",
        "demo --broker mqtts://broker.example",
        "home --directory /none --scenario none",
        "keys init /none/at/all --tenant A",
        "keys add-gateway /none --gateway g --public-key 12",
        "export --fhir --store /none",
        "export --fhir --heartbeat --store /none",
        "export --scaip --since now --store /none",
        "verify /none",
        f"verify --key {KEY} /none",
        "verify --key 12 /none",
    ],
)
def test_a_wrong_command_line_is_norwegian_with_the_same_status(line: str) -> None:
    said = kit("nb_NO.UTF-8", *line.split())
    assert said.returncode == 2 and said.stdout == ""
    assert not english_in(re.sub(r"\{.*?\}", "", said.stderr)), said.stderr
    assert "Traceback" not in said.stderr
    assert kit("C", *line.split()).returncode == 2


def test_what_the_kit_did_is_norwegian(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    made = kit("nb_NO.UTF-8", "keys", "init", str(keys), "--tenant", "oslo")
    assert made.returncode == 0 and made.stdout.startswith("offentlig rotnøkkel  "), made
    added = kit("nb_NO.UTF-8", "keys", "add-gateway", str(keys), "--gateway", "hub-1", "--public-key", KEY)
    assert added.stdout.startswith("hub-1 er registrert i ")
    again = kit("nb_NO.UTF-8", "keys", "init", str(keys), "--tenant", "oslo")
    assert again.returncode == 2 and "fant at den finnes fra før, ventet en mappe uten nøkler" in again.stderr
    other = kit("nb_NO.UTF-8", "export", "--fhir", "--store", str(keys / "root.pem"))
    assert other.returncode == 2 and "root.pem, som ikke er en SQLite-fil, ventet et lager" in other.stderr


def test_findings_of_a_verification_are_norwegian_and_its_json_is_not(tmp_path: Path) -> None:
    tenant = make_tenant(tmp_path / "keys", "oslo")
    line = ("verify", "--sort", "keyset", "--key", KEY, str(tenant.keyset))
    said = kit("nb_NO.UTF-8", *line)
    assert said.returncode == 1 and "signert med en nøkkel som ikke er oppgitt" in said.stderr
    assert said.stdout == "meldinger 1, hendelser 0, feil funnet 1\n"
    assert '"signed by a key that was not given' in kit("nb_NO.UTF-8", *line, "--json").stdout
    assert kit("C.UTF-8", *line).stdout == "messages 1, events 0, findings 1\n"
