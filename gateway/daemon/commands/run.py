"""`trygg run`: the hub, until SIGTERM or SIGINT."""

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.core.config import Config
from gateway.core.errors import ConfigError
from gateway.daemon import training
from gateway.daemon.access_point import AccessPointKeeper
from gateway.daemon.applying import Applying
from gateway.daemon.arguments import language_of_reader
from gateway.daemon.configuration import (
    DEFAULT,
    Loaded,
    data_directory,
    last_good,
    load,
    load_or_last_good,
)
from gateway.daemon.install_home import HomeLayer
from gateway.daemon.install_window import InstallWindow
from gateway.daemon.logs import LEVELS, Log, open_log
from gateway.daemon.page.process import PageProcess
from gateway.daemon.publishing import Publishing, counted_start, keep_good
from gateway.daemon.rehome import refuse_begun
from gateway.daemon.restarts import boot_id
from gateway.daemon.service import serve
from gateway.daemon.texts import Texts
from gateway.hub.parts import PartFailedError
from hal.errors import HalError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.daemon.install_site import InstallSite
    from gateway.daemon.wiring import AddKey
    from gateway.hub.app import App


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
    parser.add_argument(
        "--training",
        action="store_true",
        help="training only: mark all that this gateway makes as exercise; with a tenant and folders of its own",
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
        refuse_begun(data_directory(paths))
        failure = counted(data_directory(paths), log)
        loaded = load_or_last_good(paths)
        try:
            return hub(loaded, log, options, failure)
        except ConfigError as error:
            if loaded.config.fault:
                raise
            return hub(last_good(paths, error), log, options, failure)
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


def counted(data: Path, log: Log) -> str:
    """Why a configuration from afar was put back before this start, or empty; a disk that cannot count prevents no start."""
    try:
        failure = counted_start(data)
    except OSError as error:
        log("error", "The starts of what is tried cannot be counted.", part="daemon", cause=str(error))
        return ""
    if failure:
        log("error", "The configuration from afar was put back.", part="daemon", cause=failure)
    return failure


def texts_of(paths: list[Path], options: argparse.Namespace) -> Texts:
    """Texts for whoever started the hub; what goes to the log of the system or is JSON stays as it is."""
    is_log = options.log_json or bool(os.environ.get("JOURNAL_STREAM"))
    return Texts(language_of_reader(paths), for_machines=is_log)


def installs(
    paths: list[Path],
    used: Loaded,
    applying: Applying,
    page: PageProcess | None,
    access_point: AccessPointKeeper | None,
    log: Log,
) -> "Callable[[App, AddKey], InstallSite]":
    """What lets a person install the hub of these files."""
    from gateway.daemon import wiring
    from gateway.daemon.install_site import InstallSite

    def site(app: "App", add_key: "AddKey") -> InstallSite:
        config = used.config
        data = Path(config.hub.data_directory)
        window = InstallWindow(data, app.machine.clock, log)
        if page is not None:
            window.served_by(page, by_itself=config.page.open_at_start, minutes=config.page.window_min)
        if access_point is not None:
            access_point.by_itself = config.page.access_point
            window.followers.append(access_point.follow)
        home = HomeLayer(paths, data, add_key, applying.apply)
        return InstallSite(
            app, window, home, power=boot_id(), ports=wiring.ports_near, page=page, access_point=access_point
        )

    return site


def warn(config: Config, log: Log, options: argparse.Namespace) -> None:
    """Say what is not as it is in operation."""
    if options.training:
        log("warning", "This gateway is for training: all that it makes is an exercise.", part="daemon")
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


def hub(loaded: Loaded, log: Log, options: argparse.Namespace, failure: str) -> int:
    """Run the hub with one configuration; `failure`: why another is not in use. Raises ConfigError, HalError, PartFailedError where it cannot start."""
    from gateway.daemon import wiring

    config = loaded.config
    with loaded.blaming():
        training.check(config, training=options.training)
    warn(config, log, options)
    paths = options.config or [DEFAULT]
    applying = Applying(lambda: load(paths), log, failure=failure)
    # It outlives a hub that begins anew with another device: whoever added it is waiting for the page's answer.
    page = None if config.page.listen is None else PageProcess(Path(config.hub.data_directory), log)
    access_point = None if page is None else wiring.access_point(config, log, page)

    def ready(used: Loaded) -> None:
        applying.started()
        wiring.tell_systemd("READY=1")
        log("info", "The hub runs.", part="daemon", gateway=config.hub.id, tenant=config.hub.tenant)
        try:
            keep_good(used)
        except OSError as error:
            log("error", "The last good configuration cannot be kept.", part="daemon", cause=str(error))

    async def once(used: Loaded, stop: asyncio.Event) -> int:
        offset_s = options.clock_offset_s
        with used.blaming():
            return await wiring.run(
                used.config,
                log=log,
                stop=stop,
                clock_offset_ms=None if offset_s is None else 1000 * offset_s,
                training=options.training,
                ready=lambda: ready(used),
                installs=installs(paths, used, applying, page, access_point, log),
                applier=Publishing(paths, applying, used),
            )

    async def main(stop: asyncio.Event) -> int:
        beside = [asyncio.create_task(part.run()) for part in (page, access_point) if part is not None]
        try:
            return await applying.run(loaded, stop, once)
        finally:
            for each in beside:
                each.cancel()
            await asyncio.gather(*beside, return_exceptions=True)

    status = serve(main, log, lambda: wiring.tell_systemd("STOPPING=1"))
    log("info", "Stopped.", part="daemon", status=status)
    return status
