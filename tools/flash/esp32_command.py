"""`trygg-kit flash esp32`: one board, or one after another; or the whole flash as a file."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from gateway.daemon import asking
from gateway.daemon.arguments import reworded
from gateway.daemon.json_text import dumps
from tools.authority.secrets_asked import from_file
from tools.flash.boards import Board, boards
from tools.flash.errors import FlashError
from tools.flash.progress import Progress, Silent

ASK = "-"


def add_options(parser: argparse.ArgumentParser) -> None:
    """The command line."""
    parser.add_argument(
        "port", nargs="?", metavar="PORT", help="serial port of the board, in its loader or able to go there"
    )
    parser.add_argument(
        "--to-file",
        type=Path,
        metavar="FILE",
        help="instead of a board: the whole flash as one image, for a programmer",
    )
    parser.add_argument(
        "--board",
        default="esp32-s3",
        choices=sorted(boards()),
        help="which board it must be (default: %(default)s)",
    )
    parser.add_argument(
        "--image",
        type=Path,
        required=True,
        metavar="FILE",
        help="the application's image, built with ESP-IDF",
    )
    parser.add_argument(
        "--sha256",
        default="",
        metavar="HEX",
        help="of the image (default: that of FILE.sha256, if it is there)",
    )
    parser.add_argument(
        "--bootloader",
        type=Path,
        metavar="FILE",
        help="the second loader (default: the one on the board stays); needed with --to-file",
    )
    parser.add_argument(
        "--bootloader-sha256", default="", metavar="HEX", help="of the loader (default: that of FILE.sha256)"
    )
    parser.add_argument(
        "--bundle",
        type=Path,
        required=True,
        metavar="FILE",
        help="the bundle of make firmware: it has the partition table",
    )
    add_settings(parser)
    add_ways(parser)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """What is one gateway's own."""
    parser.add_argument("--gateway", required=True, metavar="ID", help="the gateway's id, as on its label")
    parser.add_argument("--tenant", required=True, metavar="ID", help="the municipality's id in topics")
    parser.add_argument(
        "--root-key",
        type=Path,
        required=True,
        metavar="FILE",
        help="the municipality's public root key, root.pub",
    )
    parser.add_argument(
        "--token", metavar="TOKEN", help="the token with which this gateway enrols; - asks for it"
    )
    parser.add_argument(
        "--profile", type=Path, metavar="FILE", help="the district's profile, of trygg-kit profile export"
    )
    parser.add_argument(
        "--enrol", metavar="URL", default="", help="with --token: the enrolment server, https://host:port"
    )
    parser.add_argument("--wifi", metavar="NAME", help="the home's Wi-Fi network; its password is asked for")
    parser.add_argument(
        "--wifi-password-file",
        type=Path,
        metavar="FILE",
        help="private file with the password (default: ask)",
    )


def add_ways(parser: argparse.ArgumentParser) -> None:
    """How it is done."""
    parser.add_argument(
        "--replace",
        action="store_true",
        help="make a new gateway of a board that is one: its keys and events are gone",
    )
    parser.add_argument(
        "--baud", type=int, default=460_800, metavar="N", help="speed of the line (default: %(default)s)"
    )
    parser.add_argument(
        "--no-stub",
        action="store_true",
        help="with the loader in the chip's ROM alone: slow, and for a simulated board",
    )
    parser.add_argument(
        "--retries",
        type=int,
        default=1,
        metavar="N",
        help="how often a board that failed is tried again (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print what was done as one JSON document")


def run(options: argparse.Namespace) -> int:
    """0 done, 1 not done. Raises ConfigError, FlashError."""
    from tools.flash import esp32_board, esp32_plan

    if (options.port is None) == (options.to_file is None):
        raise ConfigError(
            "PORT", "none" if options.port is None else "both", "a port, or --to-file", "command line"
        )
    if options.to_file is not None and options.bootloader is None:
        expected = "the second loader: no board starts from a whole flash without it"
        raise ConfigError("--bootloader", "nothing", expected, "command line")
    board = boards()[options.board]
    pieces = gather(options, board)
    if options.to_file is not None:
        return to_file(options, board, esp32_plan.merged(pieces))
    progress: Progress = Silent() if options.json else Progress()
    storage = next(piece for piece in pieces if piece.name == "settings")

    def once() -> None:
        esp32_board.flashed(
            lambda: esp32_board.connected(
                options.port, progress, baud=options.baud, stub=not options.no_stub
            ),
            board,
            pieces,
            replace=options.replace,
            loader=options.bootloader is not None,
            storage=storage,
        )

    tries = Tries(options.retries)
    tries.run(once)
    written = sum(len(piece.data) for piece in pieces)
    if options.json:
        print(
            dumps(
                {
                    "written": options.port,
                    "board": board.name,
                    "gateway": options.gateway,
                    "bytes": written,
                    "tries": tries.made,
                }
            )
        )
    else:
        print(
            reworded(
                f"done: {options.port!s} is gateway {options.gateway!s}, {written} bytes written and read back"
            )
        )
    return 0


class Tries:
    """The same again where that may help; `made` counts."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.made = 0

    def run(self, once: Callable[[], None]) -> None:
        """Raises the last FlashError."""
        while True:
            self.made += 1
            try:
                return once()
            except FlashError as error:
                if not error.again or self.made > self._most:
                    raise
                print(f"trygg-kit flash: {reworded(error)}", file=sys.stderr)
                print(reworded("NOT done: trying again"), file=sys.stderr)


def gather(options: argparse.Namespace, board: Board) -> list[Any]:
    """The pieces, all of them read and checked before a board is touched. Raises ConfigError, FlashError."""
    from tools.flash import esp32_plan
    from tools.flash.boot_seed import text_of
    from tools.flash.boot_systems import wifi
    from tools.platform.parties import key_from_hex

    network = None
    if options.wifi:
        password = (
            from_file(options.wifi_password_file, "--wifi-password-file")
            if options.wifi_password_file
            else asking.secret(reworded("password of the Wi-Fi network") + ":", "--wifi-password-file")
        )
        wifi(options.wifi, password, "NO")  # what such a network can have
        network = (options.wifi, password)
    token = (
        asking.secret(reworded("token of the gateway") + ":", "--token")
        if options.token == ASK
        else options.token or ""
    )
    root = key_from_hex(text_of(options.root_key, "--root-key").strip(), "--root-key", str(options.root_key))
    settings = esp32_plan.Settings(
        options.gateway, options.tenant, root, token, network, district(options, root), options.enrol
    )
    application = esp32_plan.checked(options.image, "--image", options.sha256)
    loader = (
        esp32_plan.checked(options.bootloader, "--bootloader", options.bootloader_sha256)
        if options.bootloader
        else None
    )
    return esp32_plan.plan(board, esp32_plan.table_of(options.bundle, board), settings, application, loader)


def district(options: argparse.Namespace, root: bytes) -> dict[str, bytes]:
    """What comes of the profile, and a word about what does not. Raises ConfigError, RefusedError."""
    from tools.flash import esp32_district

    if options.profile is None:
        return {}
    values, rules = esp32_district.read(options.profile, options.gateway, options.tenant, root)
    if rules:
        said = reworded(f"rules of the district that wait for devices: {rules!s}")
        print(said, file=sys.stderr if options.json else sys.stdout)
    return values


def to_file(options: argparse.Namespace, board: Board, whole: bytes) -> int:
    """One image of the flash, and read back as a card is."""
    from tools.flash import medium
    from tools.flash.errors import DifferentError

    if options.to_file.exists():
        raise ConfigError(
            "--to-file", "there already", "a new file: nothing is overwritten", str(options.to_file)
        )
    with medium.file(options.to_file) as target:
        target.write(0, whole)
        target.sync()
        if target.read(0, len(whole)) != whole:
            raise DifferentError(
                f"{options.to_file!s} does not read back as it was written: try another disk", 0
            )
    if options.json:
        print(
            dumps(
                {
                    "written": str(options.to_file),
                    "board": board.name,
                    "gateway": options.gateway,
                    "bytes": len(whole),
                }
            )
        )
    else:
        print(
            reworded(
                f"done: {options.to_file!s}, {len(whole)} bytes for gateway {options.gateway!s}, written and read back"
            )
        )
    return 0
