"""What is done before anybody drives to a home: the municipality is set up, the package made, a card and a board are written."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.rig.technician import media
from tools.rig.technician.office import TENANT, FailedCommandError, Office
from tools.simulators.esp_rom import EspRom
from tools.simulators.mosquitto import free_port

ROOT = Path(__file__).resolve().parent.parent.parent.parent
NAME, BOARD = "home-4711", "esp-1"
FLASH_BYTES, S3 = 16 << 20, 9


class NotAsItShouldError(Exception):
    """Something that had to be so was not."""


def must(is_so: object, what: str) -> None:
    """Raises NotAsItShouldError."""
    if not is_so:
        raise NotAsItShouldError(what)


@dataclass
class Facts:
    """What came of the day."""

    acts: dict[str, float] = field(default_factory=dict)  # seconds of each
    refused: dict[str, str] = field(default_factory=dict)  # what was tried, and what was said
    found: dict[str, Any] = field(default_factory=dict)


class Workbench:
    """The office's table. `say` prints a line for people. What came of it stands in `facts`."""

    def __init__(self, folder: Path, language: str, say: Callable[[str], None]) -> None:
        self.folder, self.say = folder, say
        self.office = Office(folder / "office", language, say)
        self.facts = Facts()
        self.port = free_port()  # of the broker
        self.page_port = free_port()
        self.token = self.code = ""

    @property
    def url(self) -> str:
        """The broker's."""
        return f"mqtts://127.0.0.1:{self.port}"

    def refused(self, what: str, words: str) -> None:
        """Something was refused; `words` are what was said."""
        line = " ".join(words.split())
        must(line, f"{what}: refused without a word")
        self.facts.refused[what] = line
        self.say(f"   {line}")

    def found(self) -> None:
        """The municipality begins."""
        self.office.found(self.url, self.page_port)

    def package(self) -> None:
        """The gateway's package, with every wheel in it: a home may have no network yet."""
        wheels = self.folder / "wheels"
        fetch = [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "-qq",
            "download",
            "--require-hashes",
        ]
        fetch += ["--only-binary", ":all:", "-d", str(wheels), "-r", str(ROOT / "requirements/gateway.lock")]
        self.command(*fetch)
        said = self.command(
            sys.executable, "-m", "tools.deb", "--wheelhouse", wheels, "--out", self.folder / "dist", "--json"
        )
        self.deb = next((self.folder / "dist").glob("*.deb"))
        self.facts.found["package"] = json.loads(said)

    def command(self, *line: object) -> str:
        """A program of the checkout. Raises FailedCommandError."""
        words = [str(word) for word in line]
        done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=600, check=False)
        if done.returncode != 0:
            raise FailedCommandError(f"{' '.join(words[-4:])}: {done.stderr.strip()[-800:]}")
        return done.stdout

    # --- the card ------------------------------------------------------------------------------------------------

    def card(self, enrol: str) -> None:
        """Written, read back, prepared; a damaged image is refused first."""
        image, card = media.card_image(self.folder / "os.img"), self.folder / "card.img"
        flash: list[object] = ["flash", "pi", image, "--to-file", card]
        wrong = self.office.kit(*flash, "--sha256", hashlib.sha256(b"another").hexdigest(), status=1)
        self.refused("an image with another hash", wrong)
        must(
            not card.exists() or not any(card.read_bytes()),
            "nothing was written of an image with another hash",
        )
        self.token = self.office.kit("ca", "token", self.office.authority, NAME).strip()
        said = self.office.kit(
            *flash,
            "--gateway",
            NAME,
            "--profile",
            self.office.profile,
            "--root-key",
            self.office.root_key,
            "--package",
            self.deb,
            "--token",
            self.token,
            "--enrol",
            enrol,
            "--code",
            "new",
            "--json",
        )
        self.facts.found["card"] = json.loads(said)
        self.code = str(self.facts.found["card"]["code"])
        must(self.code, "the card has a code for the page")
        secret = (
            (self.office.authority / "root.pem").read_bytes()
            if (self.office.authority / "root.pem").exists()
            else b""
        )
        must(not secret or secret not in card.read_bytes(), "no private key is on the card")

    def board(self) -> None:
        """An ESP32 in its loader: a wrong chip and a wrong hash are refused, then it is written and read back."""
        bundle = ROOT / "build/firmware.zip"
        self.command(sys.executable, "-m", "tools.firmware")
        folder = self.folder / "board"
        folder.mkdir()
        good, foreign = (
            media.application(folder / "application.bin", S3),
            media.application(folder / "esp32.bin"),
        )
        with EspRom(folder / "port", "ESP32-S3", flash_bytes=FLASH_BYTES):
            flash: list[object] = [
                "flash",
                "esp32",
                folder / "port",
                "--bundle",
                bundle,
                "--gateway",
                BOARD,
                "--board",
                "esp32-s3",
            ]
            flash += ["--tenant", TENANT, "--root-key", self.office.root_key, "--no-stub"]
            wrong = ["--image", good, "--sha256", hashlib.sha256(b"another").hexdigest()]
            self.refused("an application with another hash", self.office.kit(*flash, *wrong, status=1))
            self.refused(
                "an application of another chip", self.office.kit(*flash, "--image", foreign, status=1)
            )
            loader = media.application(folder / "bootloader.bin", S3, size=20_001)
            self.office.kit(*flash, "--image", good, "--bootloader", loader)
