"""The board's own life: provisioned files and drivers become a gateway that runs until it has to start anew.

from firmware import live
live.run()              # main.py of a board: two lines
"""

import asyncio
import os
import time

from firmware import main, settings
from firmware.natives import Natives, reset
from firmware.patience import Patience
from firmware.profiles import profile
from firmware.published import Folder, Published
from firmware.told import drop_token
from firmware.wiring import Board, patience_of, told_by
from gateway.core.config import validate
from gateway.core.errors import ConfigError
from gateway.hub.parts import STEADY_MS
from hal.errors import HalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from firmware.main import Write
    from firmware.told import Told
    from gateway.hub.app import App

FOLDER = "/trygg"
PROFILE = "esp32-s3"
ROOT_SIZE = 32
SOON_MS = 300  # in which the answer to a configuration goes out
CONFIRM_MS = 60_000  # an image that has run so long, with every part alive, is kept


async def keep_image(app: "App", board: Board, write: "Write") -> None:
    """Confirm the image that runs, once it has shown that it works; until then a reset starts the other one."""
    while True:
        await app.machine.clock.sleep_ms(CONFIRM_MS)
        if app.parts.alive():
            break
    try:
        confirmed = board.confirm()
    except OSError as error:
        write({"level": "error", "message": "The image could not be confirmed.", "cause": str(error)})
        return
    write({"level": "info", "message": "The image is kept.", "rollback": confirmed})


async def patience_over(app: "App", board: Board) -> None:
    """The hub ran steadily: what ends it from here on has nothing to do with how it ended before."""
    await app.machine.clock.sleep_ms(STEADY_MS)
    board.patience().steady()


async def live(
    natives: "Any", name: str, folder: str, write: "Write", stop: asyncio.Event, make: "type[Board]" = Board
) -> bool:
    """Until `stop` is set; False where only a fresh start helps. Raises ConfigError, HalError: it does not start.

    A start is counted before anything is made of a configuration from afar that is tried (`firmware.published`).
    """
    base = base_of(natives, folder)
    leaving: "list[Any]" = []

    def leave() -> None:
        leaving.append(asyncio.create_task(leave_soon(board, stop)))

    published = Published(Folder(folder), base, leave, natives.is_by_power())
    config = validate(published.tree, settings.SOURCE)
    board = make(natives, profile(name), folder, config)
    if settings.is_there(folder, "certificate.der"):
        drop_token(told_by(natives), write)  # where it was cut, or the storage failed, when it enrolled
    if any([broker.tls for broker in config.uplink.brokers]) and settings.unenrolled(folder):
        told = told_by(natives)
        lacking = told.missing()
        if not lacking:
            await set_up(board, told, folder, write)
            return True
        say_unenrolled(folder, lacking, write)
    return await lived(board, published.tree, [root_of(base)], write, stop, published)


async def set_up(board: Board, told: "Told", folder: str, write: "Write") -> None:
    """The life of a board that enrols; a reset follows, and the memory of it is gone. Raises ConfigError, HalError."""
    from firmware.setting_up import SettingUp

    await SettingUp(board, told, Folder(folder), write).run()


def say_unenrolled(folder: str, lacking: "list[str]", write: "Write") -> None:
    """A board without a certificate that cannot ask for one says what is missing, and stores what it hears where it has devices.

    Raises ConfigError: it was provisioned with nothing else either, so there is nothing to run.
    """
    files = ", ".join(settings.unenrolled(folder))
    wanted = (
        "these files with its provisioning; or flash it with --profile, --token and --enrol (it was told no "
        + ", ".join(lacking)
        + ")"
    )
    if not settings.is_there(folder):
        raise ConfigError("(file)", "no " + files, wanted, folder)
    write(
        {
            "level": "error",
            "message": "This gateway has no certificate, and delivers nothing.",
            "cause": "no " + files + ": give it " + wanted,
        }
    )


async def leave_soon(board: Board, stop: asyncio.Event) -> None:
    """Another configuration is in use from the next start on: stop as told, once the answer to it has gone out."""
    await board.clock.sleep_ms(SOON_MS)
    stop.set()


def base_of(natives: "Any", folder: str) -> "dict[str, Any]":
    """What the board was provisioned with: the files of its folder, else what it was told when it was flashed. Raises ConfigError, HalError."""
    if settings.is_there(folder):
        return settings.tree(folder)
    found = told_by(natives).tree()
    if found is None:
        return settings.tree(folder)  # which says what is missing
    try:
        os.mkdir(folder)
    except OSError:
        pass  # it is there; where it cannot be, the first file says so
    return found


def root_of(tree: "dict[str, Any]") -> bytes:
    """The municipality's public root key. Raises ConfigError: a board has no files beside, so it stands there itself."""
    platform: "Any" = tree["platform"]
    key = "platform.root_public_key"
    try:
        root = bytes.fromhex(platform["root_public_key"])
    except ValueError:
        root = b""
    if len(root) != ROOT_SIZE:
        raise ConfigError(key, str(platform["root_public_key"]), "64 hex digits", settings.SOURCE)
    return root


async def lived(
    board: Board,
    tree: "dict[str, Any]",
    roots: "list[bytes]",
    write: "Write",
    stop: asyncio.Event,
    published: "Published | None" = None,
) -> bool:
    """The life of a board that is wired; as `live`.

    Where the journal ended it, what that took no more, most of all an alarm, goes into the one that the next start opens.
    """
    app = main.gateway(tree, await board.machine(), roots, write, applier=published)
    await app.start()
    if published is not None:
        published.started()
    board.start(app)
    app.parts.start("image", lambda: keep_image(app, board, write), once=True)
    app.parts.start("patience", lambda: patience_over(app, board), once=True)
    return await app.until(stop, board.journal)


def run(
    make: "Callable[[], Any]" = Natives,
    restart: "Callable[[], None]" = reset,
    *,
    folder: str = FOLDER,
    write: "Write" = main.print_line,
    pause: "Callable[[int], None]" = time.sleep,
    life: "Callable[..., Coroutine[Any, Any, bool]]" = live,
) -> None:
    """The board's entry: one life, then a start anew, whatever it ended with: nobody is there who could do it by hand.

    Where a life did not end as told a pause comes before it, which grows with each (`firmware.patience`).
    Who wants the console of a board takes a test build; an interrupt on its line is a start anew as well.
    """
    patience = Patience()
    try:
        try:
            natives = make()
            patience = patience_of(natives)
            if asyncio.run(life(natives, PROFILE, folder, write, asyncio.Event())):
                return
        except Exception as error:  # noqa: BLE001  any of them would leave the board dead
            cause = str(error) if isinstance(error, (ConfigError, HalError)) else named(error)
            write({"level": "error", "message": "The gateway does not start.", "cause": cause})
        patience.wait(pause)
    finally:
        restart()


def named(error: Exception) -> str:
    """An error that is a fault of ours: its class says more than its text."""
    return type(error).__name__ + ": " + str(error)
