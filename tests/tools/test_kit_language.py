"""`trygg-kit` speaks as `trygg` does: help, wrong options, refusals and summaries in the language of whoever is logged in."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.gateway.english import english_in
from tests.tools.authority_bench import Town
from tools.kit.__main__ import COMMANDS
from tools.kit.ca import VERBS
from tools.kit.keys import make_tenant
from tools.kit.rehome import VERBS as REHOME
from tools.kit.stock import VERBS as STOCK

KEY = "ab" * 32


def environment(lang: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    return {**kept, "LANG": lang}


def kit(lang: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-m", "tools.kit", *arguments],
        env=environment(lang),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


HELP = [
    "",
    *COMMANDS,
    "keys init",
    "keys add-gateway",
    *[f"ca {verb}" for verb in VERBS],
    "profile export",
    "profile import",
    "flash pi",
    "flash esp32",
    *[f"rehome {verb}" for verb in REHOME],
    *[f"stock {verb}" for verb in STOCK],
]
WRONG = [
    "",
    "fly",
    "platform",
    "conform",
    "conform dispenser",
    "conform oximeter /none",
    "conform dispenser /none",
    "conform dispenser /none --example reference",
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
    "ca init /none --tenant A --backup - --passphrase-file /none",
    "ca role add",
    "ca list /none",
    "ca token /none X",
    "ca sign-request /none /none",
    "profile import /none /none",
    "profile export /none --name A --out /none",
    "label /none --tenant oslo --find X",
    "label /none --tenant oslo",
    "ca keyset /none --out y --days z",
    "config publish /none g",
    "config publish pyproject.toml g",
    "command status G",
    "rehome leave -c /none --yes",
    "rehome bring /none --store /none",
    "rehome bring /none --store /none --key 12",
    "rehome clear --tenant oslo --gateway x --broker http://x",
    "rehome clear --tenant oslo --gateway x --broker mqtts://x",
    "stock list /none/at/all",
    "stock move /none x --by y",
    "stock move /none x gone --by y",
    "enrol /none --cert /none --key /none",
    f"verify --key {KEY} /none",
    "verify --key 12 /none",
]
# Both lists in one process a language: a start of Python each would cost more than all else here.
ALL = """
import contextlib, io, json, sys
from tools.kit.__main__ import main
for line in json.load(sys.stdin):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(line)
        except SystemExit as ended:
            status = ended.code
    print(json.dumps([status, out.getvalue(), err.getvalue()]))
"""


class Said(NamedTuple):
    """What one command line came to."""

    status: int
    out: str
    err: str


def all_said(lang: str) -> dict[str, Said]:
    """What each command line says, by itself."""
    lines = [f"{command} --help".strip() for command in HELP] + WRONG
    command = [sys.executable, "-X", "utf8", "-c", ALL]
    ran = subprocess.run(
        command,
        env=environment(lang),
        input=json.dumps([line.split() for line in lines]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = [Said(*json.loads(each)) for each in ran.stdout.splitlines()]
    assert len(said) == len(lines), f"ended at {lines[len(said)]!r}: {ran.stderr}"
    return dict(zip(lines, said, strict=True))


@pytest.fixture(scope="module")
def norwegian() -> dict[str, Said]:
    return all_said("nb_NO.UTF-8")


@pytest.fixture(scope="module")
def english() -> dict[str, Said]:
    return all_said("C.UTF-8")


@pytest.mark.parametrize("command", HELP)
def test_help_is_norwegian(norwegian: dict[str, Said], english: dict[str, Said], command: str) -> None:
    line = f"{command} --help".strip()
    said = norwegian[line]
    assert said.status == 0 and said.out.startswith(f"bruk: trygg-kit {command}".rstrip())
    typed = r"\{.*?\}|^ {4}[a-z-]+ "  # what is typed as it is
    assert not english_in(re.sub(typed, "", said.out, flags=re.MULTILINE)), said.out
    assert english[line].out.startswith("usage: trygg-kit")


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_command_line_is_norwegian_with_the_same_status(
    norwegian: dict[str, Said], english: dict[str, Said], line: str
) -> None:
    said = norwegian[line]
    assert said.status == 2 and said.out == ""
    assert not english_in(re.sub(r"\{.*?\}", "", said.err)), said.err
    assert "Traceback" not in said.err
    assert english[line].status == 2


def test_a_process_of_its_own_says_the_same(norwegian: dict[str, Said], english: dict[str, Said]) -> None:
    for lang, known in (("nb_NO.UTF-8", norwegian), ("C", english)):
        said = kit(lang, "fly")
        assert (said.returncode, said.stderr) == (2, known["fly"].err) and said.stderr


def test_names_that_are_typed_are_the_same_in_every_language(tmp_path: Path) -> None:
    for command, verbs in (("", COMMANDS), ("ca", VERBS), ("rehome", REHOME), ("stock", STOCK)):
        listed = re.findall(
            r"^ {4}([a-z-]+)(?: |$)", kit("nb_NO.UTF-8", *command.split(), "--help").stdout, re.MULTILINE
        )
        assert listed == list(verbs), command
    missing = kit("nb_NO.UTF-8", "stock", "move", "file", "code").stderr
    assert "disse argumentene mangler: --by, state\n" in missing
    assert "disse argumentene mangler: FIL, KODE, " in kit("nb_NO.UTF-8", "stock", "move", "--by", "x").stderr
    wrong = kit("nb_NO.UTF-8", "stock", "move", "file", "code", "gone", "--by", "x").stderr
    assert "argumentet state: ugyldig valg: 'gone' (velg blant 'stock', " in wrong
    assert "argumentet KOMMANDO: ugyldig valg: 'fly'" in kit("nb_NO.UTF-8", "fly").stderr


def test_roles_and_names_in_the_list_of_an_authority_are_those_that_are_typed(tmp_path: Path) -> None:
    town = Town(tmp_path).made()
    for role in ("command", "config", "receipt"):
        town.role(role, role)
    said = kit("nb_NO.UTF-8", "ca", "list", str(town.directory)).stdout
    for role in ("command", "config", "receipt"):
        assert f"\n{role}  {role}: ikke i noe nøkkelsett ennå" in said, said


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("wifi /none", "ingen serieport /none: se på kabelen og navnet ("),
        (
            "label /none --tenant oslo --show",
            "/none: registeret: fant ingenting som kan leses (filen eller mappen finnes ikke), ventet en fil",
        ),
        (
            f"verify /none --key {KEY}",
            "/none: FIL: fant ingenting som kan leses (filen eller mappen finnes ikke), ventet en fil",
        ),
        ("config publish / g", "/: FIL: fant ingenting som kan leses (en mappe, ikke en fil), ventet en fil"),
        (
            "ca init /proc/none --tenant oslo --backup /none/at/all",
            "/none/at: --backup: fant en det ikke kan skrives til (filen eller mappen finnes ikke), ventet en mappe",
        ),
        (
            "label pyproject.toml --tenant oslo --show",
            "registeret: fant noe annet, ventet registry.json, som trygg-kit ca fører",
        ),
        ("ca list /none", "DIR: fant /none, som ikke er en mappe, ventet en fra trygg-kit ca init"),
        ("ca list /", "book.json: fant ingenting som kan leses (filen eller mappen finnes ikke)"),
        ("stock list pyproject.toml", "FIL: fant en av et annet slag, eller en skadet, ventet en fil fra"),
        ("label x --tenant oslo", "ett av disse argumentene mangler: --out --find --show"),
        ("ca keyset x --out y --days z", "argumentet --days: ugyldig verdi, ventet et heltall: 'z'"),
        (
            "stock list /none",
            "/none: FIL: fant at lagerfilen ikke finnes, ventet navnet på en lagerfil: add og import lager den",
        ),
        (f"deviation /none --key {KEY}", "/none: FIL: fant ingenting som kan leses"),
    ],
)
def test_files_and_ports_that_are_not_there_are_told_in_norwegian_alone(line: str, words: str) -> None:
    said = kit("nb_NO.UTF-8", *line.split()).stderr
    assert words in said and not english_in(said) and "could" not in said, said


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
