"""`trygg run`: the hub, until SIGTERM or SIGINT."""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from gateway.core.errors import ConfigError
from gateway.daemon.arguments import language_of_reader
from gateway.daemon.configuration import (
    DEFAULT,
    Loaded,
    last_good,
    load_or_last_good,
    save_last_good,
)
from gateway.daemon.logs import LEVELS, Log, open_log
from gateway.daemon.service import serve
from gateway.daemon.texts import Texts
from gateway.hub.parts import PartFailedError
from hal.errors import HalError


def add_parser(subparsers: Any) -> None:
    """The command line."""
    words = "the hub, until it is told to stop"
    parser = subparsers.add_parser(
        "run",
        help=words,
        description="Run the hub until SIGTERM or SIGINT. With a bad configuration it starts from the last good one.",
    )
    add_config(parser)
    parser.add_argument(
        "--log-json", action="store_true", help="log one JSON object a line, also at a terminal"
    )
    parser.add_argument(
        "--log-level", choices=LEVELS, default="info", help="least level logged (default: info)"
    )
    parser.add_argument(
        "--clock-offset-s",
        type=int,
        metavar="N",
        help="training only: shift the home's clock by N seconds and believe it; told in hub.started",
    )


def add_config(parser: argparse.ArgumentParser) -> None:
    """`-c`, which may be given several times: city baseline, district profile, home."""
    parser.add_argument(
        "-c",
        "--config",
        type=Path,
        action="append",
        metavar="FILE",
        help=f"configuration; several are layers, the later wins (default: {DEFAULT})",
    )


def run(options: argparse.Namespace) -> int:
    """0 where it stopped as told, 1 where it could not start or go on, 2 without a usable configuration."""
    paths = options.config or [DEFAULT]
    log = open_log(as_json=options.log_json, least=options.log_level)
    try:
        loaded = load_or_last_good(paths)
        try:
            return hub(loaded, log, options)
        except ConfigError as error:
            if loaded.config.fault:
                raise
            return hub(last_good(paths, error), log, options)
    except ConfigError as error:
        log("error", "The configuration cannot be used, and there is no last good one.", part="daemon")
        print(f"trygg run: {texts_of(paths, options).reword(error)}", file=sys.stderr)
        return 2
    except (HalError, PartFailedError) as error:
        log("error", "The hub cannot start.", part="daemon", cause=str(error), kind=type(error).__name__)
        if sys.stderr.isatty():  # somebody reads; elsewhere the log has said it
            texts = texts_of(paths, options)
            said = texts.say("hub.cannot_start", cause=texts.reword(error))
            print(f"trygg run: {said}", file=sys.stderr)
        return 1


def texts_of(paths: list[Path], options: argparse.Namespace) -> Texts:
    """Texts for whoever started the hub; what goes to the log of the system or is JSON stays as it is."""
    is_log = options.log_json or bool(os.environ.get("JOURNAL_STREAM"))
    return Texts(language_of_reader(paths), for_machines=is_log)


def hub(loaded: Loaded, log: Log, options: argparse.Namespace) -> int:
    """Run the hub with one configuration. Raises ConfigError, HalError, PartFailedError where it cannot start."""
    from gateway.daemon import wiring

    config = loaded.config
    if config.fault:
        log(
            "error",
            "The configuration has a fault; the last good one is used.",
            part="daemon",
            cause=config.fault,
        )
    if options.clock_offset_s is not None:
        log(
            "warning",
            "The clock is shifted, for training.",
            part="daemon",
            clock_offset_s=options.clock_offset_s,
        )

    def ready() -> None:
        wiring.tell_systemd("READY=1")
        log("info", "The hub runs.", part="daemon", gateway=config.hub.id, tenant=config.hub.tenant)
        if not config.fault:
            try:
                save_last_good(loaded)
            except OSError as error:
                log("error", "The last good configuration cannot be kept.", part="daemon", cause=str(error))

    async def main(stop: asyncio.Event) -> int:
        offset_s = options.clock_offset_s
        return await wiring.run(
            config,
            log=log,
            stop=stop,
            clock_offset_ms=None if offset_s is None else 1000 * offset_s,
            ready=ready,
        )

    status = serve(main, log, lambda: wiring.tell_systemd("STOPPING=1"))
    log("info", "Stopped.", part="daemon", status=status)
    return status
