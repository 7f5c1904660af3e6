"""The composition root of the Linux gateway: the only module of the daemon that names a backend."""

import asyncio
import contextlib
import platform
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.core.config import Config
from gateway.core.errors import ConfigError
from gateway.daemon.access_point import AccessPointKeeper
from gateway.daemon.answers import handlers, tell_drivers
from gateway.daemon.bond_watch import BondWatch
from gateway.daemon.control import ControlServer
from gateway.daemon.doctor_timeline import Timeline
from gateway.daemon.install_site import InstallSite
from gateway.daemon.mqtt import PahoUplink
from gateway.daemon.mqtt_tls import tls_files
from gateway.daemon.page.process import PageProcess
from gateway.daemon.pair_radio import with_radio
from gateway.daemon.rehome_history import History
from gateway.daemon.rehome_hub import PART as LEAVING
from gateway.daemon.restarting import counted, ended, hung_too_often, tell_restarts
from gateway.daemon.restarts import NAME as RESTARTS
from gateway.daemon.restarts import REBOOT, Restarts, boot_id, uptime_s
from gateway.hub.app import App, Machine
from gateway.hub.parts import PartFailedError
from gateway.hub.uplink import Delivery
from hal.errors import CorruptDataError, UnavailableError
from hal.interfaces import BleCentral, BleScanner, Clock, KeyStore, SerialPorts, Uplink
from hal.linux.clock import SystemClock
from hal.linux.crypto import NativeCrypto
from hal.linux.indicator import StateFileIndicator
from hal.linux.journal import SqliteJournal
from hal.linux.keystore import FileKeyStore
from hal.linux.last_time import LastTime
from hal.linux.network import SysfsNetwork
from hal.linux.radio import Radio
from hal.linux.serial_names import near_ports, path_of
from hal.linux.serial_ports import PyserialPorts
from hal.linux.watchdog import SystemdWatchdog, notify
from hal.provisioning import BlePeripheral, Wifi

if TYPE_CHECKING:
    from gateway.hub.configured import Applier
    from hal.linux.bluez import BluezRadio

Log = Callable[..., None]
AddKey = Callable[[str, bytes], None]

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


def keystore(config: Config) -> KeyStore:
    """The gateway's own keys, made where there are none, for `trygg identity`. Raises HalError."""
    return FileKeyStore(Path(config.keys.directory))


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
            found = f"{said} ({getattr(error, 'strerror', None) or error})"
            raise ConfigError(
                "platform.root_public_key", found, "a file that can be read", config.source
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
        key = f"device[{device.name}].passkey_ref"
        try:
            text = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeError) as error:
            expected = f"the file {path} with six digits"
            raise ConfigError(key, str(error), expected, config.source) from error
        if not (len(text) == 6 and text.isdigit()):
            raise ConfigError(key, f"{path} without six digits", "six digits", config.source)
        found[device.name] = int(text)
    return found


@contextlib.asynccontextmanager
async def radio(
    config: Config, clock: Clock
) -> AsyncIterator[tuple[BleScanner | None, BleCentral | None, Radio | None]]:
    """Scanner, central and their adapter, on the stack the configuration names; imported only where it is used."""
    if config.radio.backend == "none":
        yield None, None, None
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
                "bluez, or the extra, from the wheel that the hub was installed from: /opt/trygg/bin/pip install 'FILE.whl[bumble]'",
                config.source,
            ) from error

        stack = adapter = open_adapter(config.radio.transport or "", Path(config.radio.bonds))
        close = adapter.close
    else:
        from hal.linux.bluez import BluezRadio

        stack = bluez = BluezRadio(Path(config.radio.bonds), adapter_name=config.radio.adapter)
        close = bluez.close
    try:
        yield BleakBleScanner(clock, stack), BleakBleCentral(clock, stack), stack
    finally:
        await close()


def bluez_of(config: Config, stack: Radio | None) -> "BluezRadio | None":
    """The adapter where it is BlueZ's, which sees the keys of bonds."""
    if stack is None or config.radio.backend != "bluez":
        return None
    from hal.linux.bluez import BluezRadio

    return stack if isinstance(stack, BluezRadio) else None


def serial_ports() -> SerialPorts:
    """The serial ports of this machine, for commands, which name no backend."""
    return PyserialPorts()


async def see_keys() -> None:
    """See that the sizes of BlueZ's keys can be seen. Raises HalError."""
    from hal.linux.bond_keys import BondKeys

    await BondKeys().check()


async def adapters() -> list[tuple[str, bool]]:
    """The Bluetooth adapters that bluetoothd has, by name, and whether each is on. Raises HalError."""
    from hal.linux.bluez_bus import ADAPTER, BluezBus
    from hal.linux.native_errors import native_errors

    bus = BluezBus(None, lambda *_: None)
    try:
        with native_errors("the adapter"):
            found = {path: each[ADAPTER] for path, each in (await bus.objects()).items() if ADAPTER in each}
    finally:
        await bus.close()
    return [(path.rpartition("/")[2], bool(found[path].get("Powered"))) for path in sorted(found)]


def ports_near() -> list[tuple[str, str]]:
    """The serial ports of this machine, (name, what the adapter says that it is), for whoever adds a device."""
    return near_ports()


def wifi_parts(config: Config, *, bluetooth: bool) -> tuple[Wifi, Clock, BlePeripheral | None]:
    """For `trygg wifi`: the machine's Wi-Fi, a clock, and a radio of BlueZ's, imported only where it is asked for."""
    from hal.linux.wifi import NetworkManagerWifi

    peripheral: BlePeripheral | None = None
    if bluetooth:
        from hal.linux.gatt_server import BluezGattServer

        peripheral = BluezGattServer(config.radio.adapter if config.radio.backend == "bluez" else None)
    return NetworkManagerWifi(), SystemClock(), peripheral


def access_point(config: Config, log: Log, page: PageProcess) -> AccessPointKeeper:
    """What opens an access point for an installation, by NetworkManager, which is asked when it is wanted first."""
    from hal.linux.access_point import NetworkManagerAccessPoint

    data, clock = Path(config.hub.data_directory), SystemClock()
    made = AccessPointKeeper(NetworkManagerAccessPoint(), data, config.hub.id, clock, log, page.also)
    made.is_served = page.is_there
    return made


def machine_name() -> str:
    """What this machine is, as its maker has written it down; else its processor."""
    try:
        name = Path("/proc/device-tree/model").read_text(encoding="utf-8").strip("\0\n ")
    except (OSError, UnicodeError):
        name = ""
    return (name or platform.machine())[:60]


def serial_path(url: str) -> str:
    """The path of a port that is named by its adapter, else its name. Raises UnavailableError."""
    return path_of(url)


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


def uplinks_of(config: Config) -> list[Uplink]:
    """A connection for each broker, none of them made yet. Raises ConfigError."""
    tls = tls_files(config.uplink)
    return [PahoUplink(broker, client_id=config.hub.id, tls=tls) for broker in config.uplink.brokers]


async def run(
    config: Config,
    *,
    log: Log,
    stop: asyncio.Event,
    clock_offset_ms: int | None = None,
    training: bool = False,
    ready: Callable[[], None] = lambda: None,
    delivery: type[Delivery] = Delivery,
    machine_uptime_s: Callable[[], int] = uptime_s,
    installs: Callable[[App, AddKey], InstallSite] | None = None,
    applier: "Applier | None" = None,
) -> int:
    """Run the hub until `stop` is set; 0 where it stopped as told, 1 where a part could not be kept running.

    `REBOOT` where that, or a medium that does not answer at the start, has happened too often (`restarts.py`). With
    `clock_offset_ms` the time of day is shifted and believed as it is; with `training` every event is an exercise. `applier` keeps
    the configuration from afar; `installs` is what lets a person install this hub.

    Raises:
        ConfigError, HalError, PartFailedError: it could not start.
    """
    roots, codes = [root_key(config)], passkeys(config)
    data, keystore = Path(config.hub.data_directory), FileKeyStore(Path(config.keys.directory))
    last = last_time(data)
    clock = hub_clock(last, clock_offset_ms)
    crypto, uplinks = NativeCrypto(keystore), uplinks_of(config)
    restarts = Restarts(data / RESTARTS, boot_id(), machine_uptime_s)
    watchdog, timeline = SystemdWatchdog(), Timeline(log)

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
            serial_ports(),
        )
        started = restarts.why() | ({} if clock_offset_ms is None else {"clock_offset_ms": clock_offset_ms})
        own = (codes, delivery, started, config.fault, applier)
        app = App(config, machine, roots, config.driver_of, software(), timeline, *own)
        app.recorder.training = training
        return app

    keep = None if clock_offset_ms is not None else lambda: keep_time(clock, last, log)
    with counted(restarts, log):
        if watchdog.period_ms and hung_too_often(restarts, log):
            return REBOOT
        try:
            site_of = None if installs is None else lambda app: installs(app, keystore.add_key)
            return await live(config, clock, app_over, restarts, timeline, stop, ready, keep, site_of)
        except (PartFailedError, UnavailableError, CorruptDataError) as error:
            if ended(restarts, "start", str(error), log) == REBOOT:
                return REBOOT
            raise


async def live(
    config: Config,
    clock: Clock,
    app_over: Callable[[SqliteJournal, BleScanner | None, BleCentral | None], App],
    restarts: Restarts,
    timeline: Timeline,
    stop: asyncio.Event,
    ready: Callable[[], None],
    keep: Callable[[], Awaitable[None]] | None,
    site_of: Callable[[App], InstallSite] | None,
) -> int:
    """Open journal and radio, and run the hub over them, with `keep` among its parts; exit status and errors as `run`."""
    async with journal(config) as store, radio(config, clock) as (scanner, central, stack):
        app, bluez = app_over(store, scanner, central), bluez_of(config, stack)
        watch = None if bluez is None else BondWatch(app, timeline, bluez.survey)
        if bluez is not None and watch is not None:
            bluez.vetting.tell = watch.tell
        site = None if site_of is None else site_of(app)
        if site is not None:
            await site.resume()
        answers = handlers(app, timeline, stop) | ({} if site is None else site.handlers())
        answers = answers if stack is None else with_radio(answers, app, stack.ready)
        async with ControlServer(Path(config.hub.data_directory) / "control.sock", answers):
            await app.start()
            if site is not None:
                site.start()
            await tell_restarts(app, restarts, timeline)
            await tell_drivers(app, timeline)
            ready()
            if keep is not None:
                app.parts.start("time", keep)
            if watch is not None:
                app.parts.start("bonds", watch.look)
                app.parts.start("bonds told", watch.run)
            history = History(Path(config.hub.data_directory), app, timeline)
            app.parts.start("history", history.run)
            ended_well = await app.until(stop, lambda: open_journal(config))
    if not ended_well and app.parts.failed == LEAVING:
        return 1  # somebody changed his mind: no failure that a restart of the machine would mend
    return 0 if ended_well else ended(restarts, app.parts.failed, app.parts.cause, timeline)
