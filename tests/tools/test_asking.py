"""Secrets that are asked for: typed at a terminal, piped in, or not given at all, which is told in one line and never a traceback."""

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.english import english_in
from tests.tools.authority_bench import Gateway, Town

# A terminal becomes that of the command, as a login makes it.
AT_TERMINAL = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
# `trygg-kit wifi` asks only where a device answers; this is what it asks then.
WIFI = (
    "import argparse, sys\n"
    "from gateway.core.errors import ConfigError\n"
    "from gateway.daemon.arguments import reworded\n"
    "from tools.kit.wifi import credentials\n"
    "try: print(credentials(argparse.Namespace(ssid=sys.argv[1] or None, password_file=None)))\n"
    "except ConfigError as error: sys.exit(print(reworded(error), file=sys.stderr) or 2)\n"
)
KIT = ["-m", "tools.kit"]
LINES = {
    "authority": [*KIT, "ca", "init", "{0}/ca", "--tenant", "oslo", "--backup", "{0}/sheet.txt"],
    "card": [*KIT, "flash", "pi", "x.img", "--to-file", "{0}/card.img", "--gateway", "home-1", "--wifi", "Nett",
             "--profile", "x", "--root-key", "x", "--package", "x"],
    "board": [*KIT, "flash", "esp32", "--image", "x", "--bundle", "x", "--root-key", "x", "--gateway", "esp-1",
              "--tenant", "oslo", "--wifi", "Nett", "--to-file", "{0}/board.bin", "--bootloader", "x"],
    "technician": [*KIT, "ca", "technician", "{0}/authority", "add", "tech-7", "--role", "command", "--days", "9", "--out", "{0}/t.key"],
    "wifi": ["-c", WIFI, "Nett"],
    "network": ["-c", WIFI, ""],
    "identity": ["-m", "gateway.daemon", "identity", "-c", "{0}/hub-1/hub.toml", "--enrol", "https://127.0.0.1:1", "--token", "-"],
}  # fmt: skip


# By which option what is asked for can be given instead.
OPTIONS = {
    "authority": "--passphrase-file",
    "card": "--wifi-password-file",
    "board": "--wifi-password-file",
    "technician": "--key-passphrase-file",
    "wifi": "--password-file",
    "network": "--ssid",
    "identity": "--token",
}


def command(name: str, folder: Path) -> list[str]:
    if name == "technician" and not (folder / "authority").exists():
        Town(folder).made()
    if name == "identity":
        Gateway(folder / "hub-1", Town(folder).made(), language="nb").trust()
    return [word.replace("{0}", str(folder)) for word in LINES[name]]


def environment(lang: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LC_", "LANG"))}
    return {**kept, "LANG": lang}


def piped(arguments: list[str], data: str, lang: str = "C.UTF-8") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-X", "utf8", *arguments],
        input=data,
        env=environment(lang),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        start_new_session=True,
    )


def at_terminal(arguments: list[str], typed: bytes) -> tuple[int, str]:
    """Exit status, and all that stood on the terminal; typed: once it asks."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", AT_TERMINAL, "-X", "utf8", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment("C.UTF-8"),
        start_new_session=True,
    ) as process:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # how Linux says that nobody has the terminal any more
            while more := os.read(ours, 1000):
                said += more
                if said.rstrip().endswith(b":") and typed:
                    os.write(ours, typed)
                    typed = b""
        status = process.wait(30)
    os.close(ours)
    return status, said.decode()


@pytest.mark.parametrize("name", LINES)
def test_without_a_terminal_and_at_the_end_of_the_input_it_is_told_in_one_line(
    name: str, tmp_path: Path
) -> None:
    arguments = command(name, tmp_path)
    said = piped(arguments, "")
    assert said.returncode == 2, said.stderr
    assert name == "identity" or "nothing was typed" in said.stderr, "identity: in the language of its file"
    assert "Traceback" not in said.stderr and "Warning" not in said.stderr
    assert f" {OPTIONS[name]}: " in f" {said.stderr}", said.stderr
    norwegian = piped(arguments, "", "nb_NO.UTF-8").stderr
    assert "ingenting ble skrevet inn" in norwegian and not english_in(norwegian), norwegian


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("technician", "--key-passphrase-file"),
        ("card", "--wifi-password-file"),
        ("board", "--wifi-password-file"),
    ],
)
def test_a_file_that_others_may_read_is_told_with_the_option_that_names_it(
    name: str, option: str, tmp_path: Path
) -> None:
    path = tmp_path / "secret"
    path.write_text("five words of a technician\n")
    path.chmod(0o644)
    said = piped([*command(name, tmp_path), option, str(path)], "")
    assert said.returncode == 2 and f" {option}: found a file that others may read" in said.stderr, (
        said.stderr
    )


@pytest.mark.parametrize("name", LINES)
def test_control_d_at_a_terminal_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    status, said = at_terminal(command(name, tmp_path), b"\x04")
    words = "ingenting ble skrevet inn" if name == "identity" else "nothing was typed"
    assert status == 2 and words in said and "Traceback" not in said, said


def test_a_piped_line_is_taken_without_a_warning(tmp_path: Path) -> None:
    made = piped(command("authority", tmp_path), "a passphrase of five words\n")
    assert made.returncode == 0 and "Warning" not in made.stderr, made.stderr
    assert (tmp_path / "ca").is_dir()
    assert piped(command("wifi", tmp_path), "\n").stdout.strip() == "('Nett', '')", "a network without one"
    assert (
        piped(command("network", tmp_path), "Nett\r\nhemmelig\r\n").stdout.strip() == "('Nett', 'hemmelig')"
    )


def test_what_is_typed_at_a_terminal_is_taken_and_not_shown(tmp_path: Path) -> None:
    status, said = at_terminal(
        [*command("wifi", tmp_path)[:1], WIFI.replace("print(cred", "len(cred"), "Nett"], b"hemmelig\n"
    )
    assert status == 0 and "hemmelig" not in said, said
