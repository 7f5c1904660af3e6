"""Wi-Fi of a home: NetworkManager's profiles, which are key files (nm-settings-keyfile(5)).

A profile is erased as a file, and NetworkManager is told to look again: `nmcli connection delete` would unlink the file and leave
its bytes. Other programs (wpa_supplicant, iwd, connman) keep their own; where their files are there, that is said and not touched.
"""

import configparser
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.move.erase import Eraser

PROFILES = Path("/etc/NetworkManager/system-connections")
SECRET_NAMES = (
    "psk",
    "password",
    "leap-password",
    "wep-key0",
    "wep-key1",
    "wep-key2",
    "wep-key3",
    "private-key-password",
)
WIRELESS = ("wifi", "802-11-wireless")
OTHERS = ("wpa_supplicant/*.conf", "../var/lib/iwd/*.psk", "../var/lib/connman/wifi_*")  # from /etc
PATIENCE_S = 20

# Runs a program: its exit status and what it said. 127: it is not there.
Programs = Callable[[Sequence[str]], tuple[int, str]]


def run_program(command: Sequence[str]) -> tuple[int, str]:
    """A program of this machine."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except FileNotFoundError:
        return 127, ""
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, str(error)
    return done.returncode, (done.stdout + done.stderr).strip()


class Profile(NamedTuple):
    """A Wi-Fi that the gateway knows."""

    path: Path
    ssid: str
    secrets: tuple[str, ...]


def profiles(folder: Path) -> Iterator[Profile]:
    """The profiles of Wi-Fi in a folder. One that cannot be read as a profile counts as one: it may hold a password."""
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if not path.is_file():
            continue
        parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
        try:
            parser.read_string(path.read_text("utf-8", "replace"))
        except configparser.Error:
            yield Profile(path, "", ())
            continue
        if parser.get("connection", "type", fallback="wifi") in WIRELESS:
            sections = [parser[each] for each in parser.sections()]
            secrets = [each[name] for each in sections for name in SECRET_NAMES if each.get(name)]
            ssid = parser.get("wifi", "ssid", fallback=parser.get("802-11-wireless", "ssid", fallback=""))
            yield Profile(path, ssid, tuple(secrets))


def forget(folder: Path, eraser: Eraser, programs: Programs | None) -> int:
    """Erase every profile of Wi-Fi; how many there were. Raises OSError."""
    found = list(profiles(folder))
    for each in found:
        eraser.file(each.path)
    if found and programs is not None:
        programs(("nmcli", "connection", "reload"))
    return len(found)


def others(etc: Path = Path("/etc")) -> list[Path]:
    """Files of other programs that may know a Wi-Fi."""
    found = [path for each in OTHERS for path in sorted(etc.glob(each))]
    return [path for path in found if path.is_file() and has_network(path)]


def has_network(path: Path) -> bool:
    """Whether a Wi-Fi stands in it."""
    try:
        said = path.read_text("utf-8", "replace")
    except OSError:
        return True
    return path.suffix != ".conf" or "network={" in said.replace(" ", "")
