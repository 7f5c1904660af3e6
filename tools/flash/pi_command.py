"""`trygg-kit flash pi`: lists cards, writes images, prepares boot partitions, reads what a first boot said."""

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from gateway.daemon import asking
from gateway.daemon.arguments import reworded
from gateway.daemon.json_text import dumps
from gateway.daemon.page.process import new_code
from tools.authority.given import check_readable
from tools.authority.secrets_asked import from_file
from tools.flash import boot_media, boot_seed, boot_systems, medium
from tools.flash.boot_seed import Seed
from tools.flash.disks import SYSTEM, Disk, Disks, gigabytes
from tools.flash.errors import FlashError
from tools.flash.image import Survey, survey
from tools.flash.medium import OpenMedium
from tools.flash.progress import Progress, Silent
from tools.flash.writing import write_and_verify

Opener = Callable[[Disks, str], AbstractContextManager[tuple[Disk, OpenMedium]]]
ASK, NEW = "-", "new"
SEEDING = ("profile", "root_key", "package", "token", "enrol", "code", "wifi", "wifi_password_file")
YES = ("y", "yes", "j", "ja")


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command line."""
    parser.add_argument(
        "image", type=Path, nargs="?", metavar="IMAGE", help="image of a card: plain, .xz, .gz, .bz2 or .zst"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--device", metavar="DEV", help="the card (default: the only one there is, after a question)"
    )
    where.add_argument(
        "--to-file",
        type=Path,
        metavar="FILE",
        help="a file instead of a card; one that is there and ends in .img is a card of its size",
    )
    where.add_argument("--list", action="store_true", help="show the cards and write nothing")
    where.add_argument(
        "--boot-partition",
        type=Path,
        metavar="DIR|IMAGE",
        help="write no image: prepare the boot partition of a card that is written already",
    )
    where.add_argument(
        "--check",
        type=Path,
        metavar="DIR|IMAGE",
        help="write nothing: say what the first boot of this card has said",
    )
    parser.add_argument(
        "--sha256",
        default="",
        metavar="HEX",
        help="of the image (default: that of IMAGE.sha256, if it is there)",
    )
    parser.add_argument(
        "--batch", action="store_true", help="one card after another, until there are no more"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before a named card is overwritten")
    parser.add_argument("--json", action="store_true", help="print what was done as one JSON document")
    add_seed(parser.add_argument_group("what the card brings along for its gateway"))


def add_seed(brings: "argparse._ArgumentGroup") -> None:
    """What is one gateway's own."""
    brings.add_argument("--gateway", metavar="ID", help="the gateway's id, as on its label")
    brings.add_argument(
        "--profile", type=Path, metavar="FILE", help="the district's profile, of trygg-kit profile export"
    )
    brings.add_argument(
        "--root-key", type=Path, metavar="FILE", help="the municipality's public root key, root.pub"
    )
    brings.add_argument(
        "--package", type=Path, metavar="FILE", help="the gateway's package, the .deb of make deb"
    )
    brings.add_argument(
        "--token", metavar="TOKEN", help="the token with which this gateway enrols; - asks for it"
    )
    brings.add_argument(
        "--enrol", default="", metavar="URL", help="enrol at the first boot, at https://host:port"
    )
    brings.add_argument(
        "--code", metavar="CODE", help="the installation page's one-time code: new makes one, - asks for it"
    )
    brings.add_argument("--wifi", metavar="NAME", help="the home's Wi-Fi network; its password is asked for")
    brings.add_argument(
        "--wifi-password-file",
        type=Path,
        metavar="FILE",
        help="private file with the password (default: ask)",
    )
    brings.add_argument(
        "--country",
        default="NO",
        metavar="CC",
        help="whose rules of radio hold, in two capitals (default: Norway)",
    )


class PiCommand:
    """disks, opener: the machine's cards. ask: a question to whoever sits there; raises EOFError where nobody does."""

    def __init__(
        self,
        options: argparse.Namespace,
        disks: Disks | None = None,
        opener: Opener = medium.card,
        ask: Callable[[str], str] = input,
    ) -> None:
        self.options = options
        self._disks = disks or Disks()
        self._opener = opener
        self._ask = ask
        self._progress: Progress = Silent() if options.json else Progress()

    def run(self) -> int:
        """0 done, 1 not done. Raises ConfigError, FlashError."""
        options = self.options
        self.check_options()
        if options.list:
            return self.list_cards()
        if options.check is not None:
            return self.check(options.check)
        if options.boot_partition is not None:
            seed = self.seed()
            assert seed is not None
            return self.prepared(options.boot_partition, seed)
        seed = self.seed() if options.gateway else None
        check_readable("IMAGE", options.image)
        image = survey(options.image, options.sha256)
        self.announce(
            f"image {image.path!s}: {gigabytes(image.size)!s}, SHA-256 "
            + ("checked" if image.checked else "not given, contents whole")
        )
        if options.batch:
            return self.batch(image)
        return self.one(image, seed)

    def check_options(self) -> None:
        """Raises ConfigError: options that make no sense together."""
        options = self.options
        alone = options.list or options.check is not None or options.boot_partition is not None
        if (options.image is None) != alone:
            raise ConfigError(
                "IMAGE",
                "none" if not alone else "one too many",
                "an image, or --list, --check or --boot-partition",
                "command line",
            )
        given = [name for name in SEEDING if getattr(options, name)]
        if options.batch and (options.to_file or options.device or alone or options.gateway):
            raise ConfigError(
                "--batch",
                "something for one card",
                "an image alone: prepare each card with --boot-partition",
                "command line",
            )
        if given and not options.gateway:
            raise ConfigError(
                "--gateway", "none", "the id of the gateway that this card is for", "command line"
            )
        if options.gateway or options.boot_partition is not None:
            needed = ("gateway", "profile", "root_key", "package")
            missing = next((name for name in needed if getattr(options, name) is None), None)
            if missing:
                raise ConfigError(
                    "--" + missing.replace("_", "-"),
                    "none",
                    "--gateway, --profile, --root-key and --package",
                    "command line",
                )

    # --- cards --------------------------------------------------------------------------------------------------

    def list_cards(self) -> int:
        """The cards that may be written; 1 where there is none."""
        cards = self._disks.cards()
        if self.options.json:
            print(
                dumps(
                    [
                        {
                            "device": str(card.path),
                            "bytes": card.size,
                            "model": card.model,
                            "in_use": list(card.mounted),
                        }
                        for card in cards
                    ]
                )
            )
        else:
            for card in cards:
                print(described(card))
            if not cards:
                print(reworded("no card: put one into the reader"))
        return 0 if cards else 1

    def one(self, image: Survey, seed: Seed | None) -> int:
        """One card, or one file."""
        if self.options.to_file is not None:
            with medium.file(self.options.to_file) as target:
                write_and_verify(image, target, self._progress)
                return self.done(image, self.options.to_file, target.past, seed)
        name = self.options.device or self.only_card()
        disk = self._disks.judged(name)
        if not self.options.yes and not self.is_agreed(disk):
            self.announce("nothing was written")
            return 1
        return self.card(image, name, seed, disk)

    def card(self, image: Survey, name: str, seed: Seed | None = None, agreed: Disk | None = None) -> int:
        """Write a card. Raises FlashError, also where another one stands there by now than was agreed on."""
        with self._opener(self._disks, name) as (disk, target):
            if agreed is not None and disk != agreed:
                raise FlashError("another card is in than the one that was shown: begin again")
            write_and_verify(image, target, self._progress)
            return self.done(image, disk.path, target.past, seed)

    def done(self, image: Survey, path: Path, past: str, seed: Seed | None) -> int:
        """Said only once everything was read back. A card is still ours alone, so that no desktop mounts it meanwhile."""
        if seed is not None:
            self.prepare(path, seed)
        if self.options.json:
            facts = {
                "written": str(path),
                "bytes": image.size,
                "sha256": image.content_sha256,
                "read_back": past,
                "gateway": seed and seed.gateway,
                "code": seed and seed.code,
            }
            print(dumps(facts))
        self.announce(f"done: {path!s}, {gigabytes(image.size)!s}, every byte read back {past}")
        return 0

    def only_card(self) -> str:
        """Raises FlashError: none, or several."""
        cards = self._disks.cards()
        if len(cards) != 1:
            raise FlashError(
                "no card: put one into the reader"
                if not cards
                else "several cards are in: name one with --device, or pull the others out"
            )
        return str(cards[0].path)

    def is_agreed(self, disk: Disk) -> bool:
        """Asked by what it is, so that a wrong one is seen."""
        question = reworded(f"All that is on {described(disk)} will be gone. Write it? yes/no")
        try:
            return self._ask(question + " ").strip().lower() in YES
        except EOFError:
            raise ConfigError("--yes", "nobody to ask", "--yes with --device", "command line") from None

    def batch(self, image: Survey) -> int:
        """Card after card; what fails is tried again or put aside, and counted. 0 where all that were begun were done."""
        done = failed = 0
        while self.go_on("next card in? Enter writes it, q ends"):
            while True:
                try:
                    self.card(image, self.only_card())
                    done += 1
                except FlashError as error:
                    print(f"trygg-kit flash: {reworded(error)}", file=sys.stderr)
                    self.announce("NOT done")
                    if self.go_on("Enter tries again, q puts this card aside"):
                        continue
                    failed += 1
                break
        self.announce(f"cards done {done}, not done {failed}")
        if self.options.json:
            print(dumps({"done": done, "not_done": failed}))
        return 1 if failed or not done else 0

    def go_on(self, question: str) -> bool:
        """Nobody there ends it."""
        try:
            return not self._ask(reworded(question) + " ").strip().lower().startswith("q")
        except EOFError:
            return False

    # --- boot partitions ----------------------------------------------------------------------------------------

    def seed(self) -> Seed | None:
        """What the card brings along. Raises ConfigError, FlashError."""
        options = self.options
        wanted = None
        if options.wifi:
            password = (
                from_file(options.wifi_password_file, "--wifi-password-file")
                if options.wifi_password_file
                else asking.secret(reworded("password of the Wi-Fi network") + ":", "--wifi-password-file")
            )
            wanted = boot_systems.wifi(options.wifi, password, options.country)
        return boot_seed.gather(
            gateway=options.gateway,
            profile_path=options.profile,
            root_key=options.root_key,
            package=options.package,
            token=asked_for(options.token, "token of the gateway", "--token"),
            enrol=options.enrol,
            code=new_code()
            if options.code == NEW
            else asked_for(options.code, "one-time code of the installation page", "--code"),
            wifi=wanted,
        )

    def prepare(self, path: Path, seed: Seed) -> str:
        """Raises FlashError."""
        system = boot_seed.prepare(boot_media.opened(path), seed)
        self.announce(
            f"prepared for gateway {seed.gateway!s}, first boot by {system!s}; every file read back"
        )
        if self.options.code == NEW:
            self.announce(f"one-time code of the installation page, for the label: {seed.code!s}")
        if seed.rules_left:
            self.announce(f"rules of the district that wait for devices: {seed.rules_left!s}")
        return system

    def prepared(self, path: Path, seed: Seed) -> int:
        """A card that somebody else has written. Raises FlashError: it is one that this machine runs from."""
        if path.is_block_device():
            self._disks.judged(str(path.resolve()))
        elif str(path.resolve()) in SYSTEM:
            raise FlashError(
                f"{path!s} is a part of this machine itself: give the folder or the device of the card"
            )
        system = self.prepare(path, seed)
        if self.options.json:
            print(
                dumps(
                    {"prepared": str(path), "gateway": seed.gateway, "first_boot": system, "mark": seed.mark}
                )
            )
        return 0

    def check(self, path: Path) -> int:
        """0 applied, 1 not, or not yet."""
        applied, words = boot_seed.outcome(boot_media.opened(path))
        if self.options.json:
            print(dumps({"applied": applied, "report": words}))
        elif words:
            print(words)
        else:
            print(
                reworded(
                    "no first boot has written on this card yet: start the gateway with it, and look again after five minutes"
                )
            )
        return 0 if applied else 1

    def announce(self, text: str) -> None:
        """A line for people."""
        if not self.options.json:
            print(reworded(text), flush=True)


def asked_for(given: str | None, question: str, option: str) -> str:
    """As it was given, or asked for. Raises ConfigError."""
    return asking.secret(reworded(question) + ":", option) if given == ASK else given or ""


def described(disk: Disk) -> str:
    """A card by what a person can tell it from another by."""
    return " ".join(filter(None, (str(disk.path), gigabytes(disk.size), disk.model, ", ".join(disk.mounted))))


def run(options: argparse.Namespace, **machine: Any) -> int:
    """The command. Raises ConfigError, FlashError."""
    return PiCommand(options, **machine).run()
