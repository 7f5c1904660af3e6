"""The composition root of the Linux gateway: the only module of the daemon that names a backend."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gateway.core.config import Config
from gateway.core.devices.registry import driver
from gateway.core.errors import ConfigError
from gateway.daemon.control import ControlServer
from gateway.daemon.mqtt import PahoUplink
from gateway.daemon.mqtt_tls import tls_files
from gateway.daemon.restarts import NAME as RESTARTS
from gateway.daemon.restarts import REBOOT, Restarts, boot_id, uptime_s
from gateway.hub import status
from gateway.hub.app import App, Machine
from gateway.hub.parts import PartFailedError
from gateway.hub.uplink import Delivery
from hal.errors import CorruptDataError, UnavailableError
from hal.interfaces import BleCentral, BleScanner, Clock, Uplink
from hal.linux.clock import SystemClock
from hal.linux.crypto import NativeCrypto
from hal.linux.indicator import StateFileIndicator
from hal.linux.journal import SqliteJournal
from hal.linux.keystore import FileKeyStore
from hal.linux.last_time import LastTime
from hal.linux.network import SysfsNetwork
from hal.linux.radio import Radio
from hal.linux.serial_ports import PyserialPorts
from hal.linux.watchdog import SystemdWatchdog, notify

Log = Callable[..., None]

NOTE_EVERY_MS = 900_000  # how often the believed time is offered to be kept
STEADY_MS = 60_000  # what it may have moved by in between beside the uptime


def software() -> str:
    """Name and version of this software."""
    try:
        return "trygg " + version("trygg-hub")
    except PackageNotFoundError:
        return "trygg (not installed)"


def tell_systemd(message: str) -> None:
    """`READY=1`, `STOPPING=1` (sd_notify(3)), where systemd started us; for commands, which name no backend."""
    notify(message)


def clock_is_trusted(data: Path) -> bool:
    """Whether the hub with this folder of data would believe this machine's time of day."""
    return system_clock(last_time(data)).utc_ms() is not None


def root_key(config: Config) -> bytes:
    """The municipality's root public key, from the configuration or the file it names.

    Raises:
        ConfigError: the file is not there or does not hold 64 hexadecimal digits.
    """
    said = config.platform.root_public_key
    text = said
    if said.endswith(".pub"):
        try:
            text = Path(said).read_text(encoding="ascii").strip()
        except (OSError, UnicodeError) as error:
            raise ConfigError(
                "platform.root_public_key", f"{said} ({error})", "a file that can be read", config.source
            ) from error
    with contextlib.suppress(ValueError):
        key = bytes.fromhex(text)
        if len(key) == 32:
            return key
    raise ConfigError(
        "platform.root_public_key",
        said,
        "64 hexadecimal digits, or a .pub file that holds them",
        config.source,
    )


def passkeys(config: Config) -> dict[str, int]:
    """Passkeys of devices by name, from `<keys>/<reference>.passkey`.

    Raises:
        ConfigError: a file is missing or does not hold six digits.
    """
    found = {}
    for device in config.devices:
        if device.passkey_ref is None:
            continue
        path = Path(config.keys.directory) / (device.passkey_ref + ".passkey")
        try:
            text = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeError) as error:
            raise ConfigError(
                f"device[{device.name}].passkey_ref",
                str(error),
                f"the file {path} with six digits",
                config.source,
            ) from error
        if not (len(text) == 6 and text.isdigit()):
            raise ConfigError(
                f"device[{device.name}].passkey_ref",
                f"{path} without six digits",
                "six digits",
                config.source,
            )
        found[device.name] = int(text)
    return found


@contextlib.asynccontextmanager
async def radio(config: Config, clock: Clock) -> AsyncIterator[tuple[BleScanner | None, BleCentral | None]]:
    """Scanner and central on the stack the configuration names; imported only where it is used."""
    if config.radio.backend == "none":
        yield None, None
        return
    from hal.linux.central import BleakBleCentral
    from hal.linux.scanner import BleakBleScanner

    stack: Radio
    if config.radio.backend == "bumble":
        try:
            from hal.bumble.adapter import open_adapter
        except ModuleNotFoundError as error:
            raise ConfigError(
                "radio.backend",
                f"'bumble', and {error.name} is not installed",
                "bluez, or the extra, from the wheel that the hub was installed from: pip install 'FILE.whl[bumble]'",
                config.source,
            ) from error

        stack = adapter = open_adapter(config.radio.transport or "", Path(config.radio.bonds))
        close = adapter.close
    else:
        from hal.linux.bluez import BluezRadio

        stack = bluez = BluezRadio(Path(config.radio.bonds), adapter_name=config.radio.adapter)
        close = bluez.close
    try:
        yield BleakBleScanner(clock, stack), BleakBleCentral(clock, stack)
    finally:
        await close()


async def open_journal(config: Config) -> SqliteJournal:
    """The journal of this configuration. Raises HalError."""
    return await SqliteJournal.open(config.storage.path, capacity_bytes=config.storage.capacity_mb << 20)


@contextlib.asynccontextmanager
async def journal(config: Config) -> AsyncIterator[SqliteJournal]:
    """The journal, closed also where the hub does not come so far as to do it: a second try in this process needs it."""
    opened = await open_journal(config)
    try:
        yield opened
    finally:
        await opened.close()


def last_time(data: Path) -> LastTime:
    """The last time of day that was believed, in the folder of the gateway's data."""
    return LastTime(data)


def system_clock(last: LastTime) -> SystemClock:
    """The machine's clock, which is believed where something keeps it and it is not before `last`."""
    return SystemClock(floor_ms=last.utc_ms)


def hub_clock(last: LastTime, offset_ms: int | None) -> SystemClock:
    """That clock, or for training one that is shifted and believed as it is."""
    return system_clock(last) if offset_ms is None else SystemClock(offset_ms=offset_ms, trust="always")


async def keep_time(clock: SystemClock, last: LastTime, log: Log) -> None:
    """The part that keeps the believed time: one that was believed at two looks in a row, so that no short lie is kept."""
    began_ms: int | None = None  # by the time at the last look, when this run began
    while True:
        utc_ms = clock.utc_ms()
        before_ms, began_ms = began_ms, None if utc_ms is None else utc_ms - clock.uptime_ms()
        steady = began_ms is not None and before_ms is not None and abs(began_ms - before_ms) < STEADY_MS
        if utc_ms is not None and steady:
            try:
                await asyncio.to_thread(last.note, utc_ms)
            except OSError as error:
                log("warning", "The time could not be kept for the next start.", cause=str(error))
        await clock.sleep_ms(NOTE_EVERY_MS)


async def tell_restarts(app: App, restarts: Restarts, log: Log) -> None:
    """Report a restart of the machine that was ours, once; why the process before ended is in `hub.started`."""
    values = restarts.of_machine()
    is_stored = values is None or await app.recorder.note("machine.restarted", values=values)
    if is_stored:
        try:
            restarts.told()
        except OSError as error:
            log("warning", "The count of restarts cannot be kept.", cause=str(error))


def ended(restarts: Restarts, part: str, reason: str, log: Log) -> int:
    """Exit status of a process that ends because a part failed for good: 1, or `REBOOT` where that did not help before."""
    try:
        wanted = restarts.ended(part, reason)
    except OSError as error:
        log("warning", "The count of restarts cannot be kept.", cause=str(error))
        return 1
    if wanted:
        log("error", "Starting anew does not help; the machine is asked to restart.", part=part, cause=reason)
    return REBOOT if wanted else 1


def hung_too_often(restarts: Restarts, log: Log) -> bool:
    """Whether processes before this one were killed so often that the machine should start anew; from now on it counts as running."""
    try:
        wanted = restarts.begun()
    except OSError as error:
        log("warning", "The count of restarts cannot be kept.", cause=str(error))
        return False
    if wanted:
        log("error", "Starting anew does not help; the machine is asked to restart.", cause=restarts.reason)
    return wanted


@contextlib.contextmanager
def counted(restarts: Restarts, log: Log) -> Iterator[None]:
    """What ends in here by itself, with an error or without, was not killed."""
    try:
        yield
    finally:
        try:
            restarts.stopped()
        except OSError as error:
            log("warning", "The count of restarts cannot be kept.", cause=str(error))


async def run(
    config: Config,
    *,
    log: Log,
    stop: asyncio.Event,
    clock_offset_ms: int | None = None,
    ready: Callable[[], None] = lambda: None,
    delivery: type[Delivery] = Delivery,
    machine_uptime_s: Callable[[], int] = uptime_s,
) -> int:
    """Run the hub until `stop` is set; 0 where it stopped as told, 1 where a part could not be kept running.

    `REBOOT` where that, or a medium that does not answer at the start, has happened too often (`restarts.py`). With
    `clock_offset_ms` the time of day is shifted and believed as it is: for training and demonstrations.

    Raises:
        ConfigError, HalError, PartFailedError: it could not start.
    """
    roots, codes = [root_key(config)], passkeys(config)
    data = Path(config.hub.data_directory)
    last = last_time(data)
    clock = hub_clock(last, clock_offset_ms)
    keystore = FileKeyStore(Path(config.keys.directory))
    crypto, tls = NativeCrypto(keystore), tls_files(config.uplink)
    uplinks: list[Uplink] = [
        PahoUplink(broker, client_id=config.hub.id, tls=tls) for broker in config.uplink.brokers
    ]
    restarts = Restarts(data / RESTARTS, boot_id(), machine_uptime_s)
    watchdog = SystemdWatchdog()

    def app_over(store: SqliteJournal, scanner: BleScanner | None, central: BleCentral | None) -> App:
        machine = Machine(
            clock,
            store,
            keystore,
            crypto,
            uplinks,
            SysfsNetwork(),
            StateFileIndicator(data / "indicator"),
            watchdog,
            scanner,
            central,
            PyserialPorts(),
        )
        started = restarts.why() | ({} if clock_offset_ms is None else {"clock_offset_ms": clock_offset_ms})
        return App(config, machine, roots, driver, software(), log, codes, delivery, started, config.fault)

    keep = None if clock_offset_ms is not None else lambda: keep_time(clock, last, log)
    with counted(restarts, log):
        if watchdog.period_ms and hung_too_often(restarts, log):
            return REBOOT
        try:
            return await live(config, clock, app_over, restarts, log, stop, ready, keep)
        except (PartFailedError, UnavailableError, CorruptDataError) as error:
            if ended(restarts, "start", str(error), log) == REBOOT:
                return REBOOT
            raise


def handlers(app: App) -> dict[str, Callable[..., object]]:
    """What the control socket answers."""
    return {
        "status": lambda: status.status(app),
        "devices": lambda: status.devices(app),
        "ring": app.ringing.begin,
        "ring_state": app.ringing.facts,
        "ring_cancel": app.ringing.cancel,
        "pair": app.pairing.open,
        "pair_state": app.pairing.facts,
        "pair_answer": app.pairing.answer,
        "pair_cancel": app.pairing.cancel,
        "bonds": app.pairing.bonds,
        "forget": app.pairing.forget,
    }


async def live(
    config: Config,
    clock: Clock,
    app_over: Callable[[SqliteJournal, BleScanner | None, BleCentral | None], App],
    restarts: Restarts,
    log: Log,
    stop: asyncio.Event,
    ready: Callable[[], None],
    keep: Callable[[], Awaitable[None]] | None,
) -> int:
    """Open journal and radio, and run the hub over them, with `keep` among its parts; exit status and errors as `run`."""
    async with journal(config) as store, radio(config, clock) as (scanner, central):
        app = app_over(store, scanner, central)
        async with ControlServer(Path(config.hub.data_directory) / "control.sock", handlers(app)):
            await app.start()
            await tell_restarts(app, restarts, log)
            ready()
            if keep is not None:
                app.parts.start("time", keep)
            ended_well = await app.until(stop, lambda: open_journal(config))
    return 0 if ended_well else ended(restarts, app.parts.failed, app.parts.cause, log)
