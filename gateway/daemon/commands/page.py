"""`trygg page`: the gateway's own page, for whoever installs it, until the installation window closes.

The hub starts it by itself with a window; by hand it is for trying out. Its libraries are loaded here and nowhere else.
"""

import argparse
import asyncio
import sys
from typing import Any

from gateway.core.errors import ConfigError
from gateway.daemon.arguments import language_of_files
from gateway.daemon.commands.ask import Hub, NoAnswerError, add_options, failed
from gateway.daemon.configuration import DEFAULT, load_or_last_good
from gateway.daemon.json_text import dumps
from gateway.daemon.texts import LANGUAGES

DONE, FAILED, WRONG = 0, 1, 2


def add_parser(subparsers: Any) -> None:
    """The command line."""
    parser = subparsers.add_parser(
        "page",
        help="the gateway's own page, while an installation is open",
        description="Serve the page of this gateway on the local network until the installation is closed. "
        "Exit status 0: it ended with the installation, 1: it could not be served, 2: wrong command line or configuration.",
    )
    add_options(parser)
    parser.add_argument("--language", choices=LANGUAGES, help="nb or en (default: that of the configuration)")
    parser.add_argument(
        "--fresh", action="store_true", help="forget codes, sessions and certificate of before"
    )
    parser.add_argument(
        "--attached", action="store_true", help="started by the hub: take its orders, and end with it"
    )


def run(options: argparse.Namespace) -> int:
    """0 where it ended with the window, 1 where it could not be served, 2 without a usable configuration."""
    from gateway.daemon.page.words import Words

    paths = options.config or [DEFAULT]
    words = Words(options.language or language_of_files(paths))
    try:
        config = load_or_last_good(paths).config
    except ConfigError as error:
        return told(words.reword(error), WRONG)
    if config.page.listen is None:
        return told(words("command.no_listen"), WRONG)
    try:
        if not Hub(paths).ask("install")["window"]["is_open"]:
            return told(words("command.no_window"), FAILED)
    except NoAnswerError as error:
        return failed(options, error)

    from gateway.daemon.page import wiring

    def tell(facts: dict[str, str]) -> None:
        print(dumps(facts) if options.json else "\n".join(wiring.shown(facts, words)), flush=True)

    async def serve() -> None:
        await wiring.Server(config, tell).run(fresh=options.fresh, attached=options.attached)

    wiring.be_small()
    try:
        asyncio.run(serve())
    except OSError as error:
        if error.filename is not None:
            detail = words.reword(error.strerror or error)
            return told(words("command.no_folder", path=error.filename, detail=detail), FAILED)
        listen, port, detail = config.page.listen, config.page.port, words.reword(error.strerror or error)
        return told(words("command.no_address", listen=listen, port=port, detail=detail), FAILED)
    return DONE


def told(text: str, status: int) -> int:
    """Say on standard error why it does not run; the exit status."""
    print(f"trygg page: {text}", file=sys.stderr)
    return status
