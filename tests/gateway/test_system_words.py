"""What the system says is said in plain words wherever it stands, and a command that meets it does not fall over."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.daemon import __main__ as trygg
from gateway.daemon.system_words import LONGEST, plain
from tests.gateway.english import english_in
from tests.tools.authority_bench import run
from tools.kit.__main__ import main as kit


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("[Errno 2] No such file or directory: '/x y'", "/x y: there is no such file or folder, error 2"),
        (
            "[Errno 2] could not open port /dev/x: [Errno 2] No such file or directory: '/dev/x'",
            "could not open port /dev/x: /dev/x: there is no such file or folder, error 2",
        ),
        ("ConnectionRefusedError: [Errno 111] Connection refused", "the connection was refused, error 111"),
        (
            "a stick cannot be used (Read-only file system)",
            "a stick cannot be used (the file system can only be read)",
        ),
        ("[Errno 71] Protocol error", "Protocol error, error 71"),
        ("found 'Permission denied', expected nb", "found 'Permission denied', expected nb"),
        ("Front door (Open)", "Front door (Open)"),
        (
            "x" * LONGEST + "[Errno 2] No such file or directory",
            "x" * LONGEST + "[Errno 2] No such file or directory",
        ),
    ],
)
def test_the_systems_words_are_ours_and_all_else_stays(message: str, said: str) -> None:
    assert plain(message) == said


@given(
    st.text(max_size=LONGEST)
    | st.lists(st.sampled_from(["[Errno 2] ", "A", ": ", "'", "(", ")"])).map("".join)
)
def test_any_message_is_said(message: str) -> None:
    assert len(plain(message)) < 4 * len(message) + 200


@pytest.mark.parametrize(
    "line",
    [
        ["cards", "--out", "/nowhere/cards.html"],
        ["label", "{registry}", "--tenant", "oslo", "--out", "/nowhere/labels.html"],
        ["config", "compile", "{hub}", "--out", "/nowhere/out"],
        ["record", "/nowhere/record"],
        ["flash", "pi", "/nowhere/image", "--to-file", "/nowhere/card"],
        ["home", "--directory", "/proc/nowhere"],
        ["stock", "add", "/nowhere/stock.db", "g", "--sort", "gateway", "--by", "kari"],
        ["profile", "import", "/nowhere/profile", "/nowhere"],
    ],
    ids=lambda line: " ".join(line[:2]),
)
def test_a_kit_command_whose_file_cannot_be_had_says_so_in_norwegian_without_a_traceback(
    line: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "nb_NO.UTF-8")
    monkeypatch.setattr("tools.kit.__main__.own_language", lambda: "nb")
    monkeypatch.setattr("gateway.daemon.arguments.own_language", lambda: "nb")
    registry, hub = tmp_path / "registry.json", tmp_path / "hub.toml"
    registry.write_text('{"oslo": {"hub-1": "' + "ab" * 32 + '"}}')
    hub.write_text('[hub]\nlanguage = "nb"\n')
    said = run(kit, [word.format(registry=registry, hub=hub) for word in line])
    assert said.status in (1, 2), said
    assert said.err.startswith(f"trygg-kit {line[0]}") and said.err.count("\n") == 1, said.err
    assert "Errno" not in said.err and os.strerror(2) not in said.err
    assert not english_in(said.err.replace(line[0], "").replace("nowhere", "")), said.err


def test_a_command_of_the_gateway_that_meets_the_system_says_it_in_the_homes_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_options: object) -> int:
        raise OSError(28, os.strerror(28), "/var/lib/trygg/x")

    monkeypatch.setattr("gateway.daemon.commands.clock.run", broken)
    hub = tmp_path / "hub.toml"
    for language, words in (("nb", "ingen plass igjen på disken"), ("en", "no space is left on the disk")):
        hub.write_text(f'[hub]\nlanguage = "{language}"\n')
        assert trygg.main(["clock", "-c", str(hub)]) == 1
        assert words in capsys.readouterr().err


def test_a_hub_that_falls_over_shows_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_options: object) -> int:
        raise OSError(28, os.strerror(28), "/var/lib/trygg/x")

    monkeypatch.setattr("gateway.daemon.commands.run.run", broken)
    with pytest.raises(OSError) as met:
        trygg.main(["run", "-c", str(tmp_path / "hub.toml")])
    assert broken.__name__ in [entry.name for entry in met.traceback]
