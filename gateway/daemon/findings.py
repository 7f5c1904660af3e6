"""What `trygg check` finds on the machine: keys, store, serial ports, radio, clock. Each finding has its next action."""

import asyncio
import importlib.util
import os
import shutil
import stat
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from gateway.core.config import Config
from gateway.daemon.rehome import MARK
from gateway.daemon.texts import Texts
from hal.errors import HalError

# a note is for information: there is nothing to mend
OK, NOTE, WARNING, FAULT = "ok", "note", "warning", "fault"
OPEN_TO_OTHERS = stat.S_IRWXG | stat.S_IRWXO
BLUETOOTH = Path("/sys/class/bluetooth")
SYSTEM_BUS = Path("/run/dbus/system_bus_socket")
PAIRED = "ble-gatt"  # transport of devices that are paired
KEY_DIGITS = (32, 64)
PASSKEY_DIGITS = 6
MIB = 1 << 20


class Finding:
    """One line of a check: what was looked at, how it is, its name for programs, and in words the cause and what to do."""

    __slots__ = ("check", "code", "level", "text")

    def __init__(self, check: str, level: str, text: str, code: str = "") -> None:
        self.check = check
        self.level = level
        self.text = text
        self.code = code

    @property
    def is_open(self) -> bool:
        """Whether there is something to mend."""
        return self.level in (WARNING, FAULT)

    def __repr__(self) -> str:
        return f"Finding({self.check!r}, {self.level!r}, {self.text!r})"


class Checker:
    """Makes findings of one check, their words from the catalogue."""

    def __init__(self, check: str, texts: Texts) -> None:
        self._check = check
        self._texts = texts

    def __call__(self, level: str, name: str, /, **values: object) -> Finding:
        return Finding(self._check, level, self._texts.say(f"check.{self._check}.{name}", **values), name)

    def reword(self, message: object) -> str:
        """What the code or the system says, in the language of the findings."""
        return self._texts.reword(message)


def check_keys(config: Config, texts: Texts) -> list[Finding]:
    """The key folder and what devices need of it: there, well formed, and closed to others."""
    found = Checker("keys", texts)
    directory = Path(config.keys.directory)
    wanted: list[tuple[str, str, tuple[int, ...], str]] = []
    for device in config.devices:
        if device.key is not None:
            wanted.append((device.name, device.key + ".key", KEY_DIGITS, "0123456789abcdefABCDEF"))
        if device.passkey_ref is not None:
            wanted.append((device.name, device.passkey_ref + ".passkey", (PASSKEY_DIGITS,), "0123456789"))
    try:
        if not directory.exists() and not wanted:
            return [found(OK, "fresh", directory=directory)]
        findings = list(check_folder(directory, found))
        for device_name, name, lengths, digits in wanted:
            findings += check_secret(directory / name, device_name, lengths, digits, found)
    except OSError as error:
        return [
            found(FAULT, "unreadable", path=error.filename or directory, detail=found.reword(error.strerror))
        ]
    return findings or [found(OK, "good", directory=directory)]


def check_folder(directory: Path, found: Checker) -> Iterator[Finding]:
    """The folder, and every file in it whether it is used or not. Raises OSError."""
    if not directory.exists():
        return
    paths = [(directory, "700"), *((path, "600") for path in sorted(directory.iterdir()))]
    for path, wanted in paths:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & OPEN_TO_OTHERS:
            yield found(FAULT, "open", path=path, mode=f"{mode:o}", wanted=wanted)


def check_secret(
    path: Path, device: str, lengths: tuple[int, ...], digits: str, found: Checker
) -> Iterator[Finding]:
    """One secret of a device. What is in it is never shown. Raises OSError."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        yield found(FAULT, "missing", path=path, device=device)
        return
    except UnicodeDecodeError:
        text = ""
    if len(text) not in lengths or not set(text) <= set(digits):
        sort = "0–9 a–f" if len(digits) > 10 else "0–9"
        expected = " / ".join(f"{length} × {sort}" for length in lengths)
        yield found(FAULT, "malformed", path=path, expected=expected)


def is_writable(directory: Path) -> bool:
    """Whether this process may make files in a folder."""
    return os.access(directory, os.W_OK | os.X_OK)


def check_storage(
    config: Config, texts: Texts, *, writable: Callable[[Path], bool] = is_writable
) -> list[Finding]:
    """The store's folder: there, ours, and with room for as much as the store may grow."""
    found = Checker("storage", texts)
    path = Path(config.storage.path)
    directory = path.parent
    if not directory.is_dir():
        near = next(parent for parent in directory.parents if parent.exists())
        if not writable(near):
            return [found(FAULT, "missing", directory=directory)]
        directory = near  # the hub makes what is missing
    if not writable(directory):
        return [found(FAULT, "read_only", directory=directory)]
    free_mb = shutil.disk_usage(directory).free // MIB
    used_mb = path.stat().st_size // MIB if path.exists() else 0
    capacity_mb = config.storage.capacity_mb
    needed_mb = max(0, capacity_mb - used_mb)
    if free_mb < needed_mb:
        return [found(FAULT, "small", directory=directory, free=free_mb, needed=needed_mb)]
    return [found(OK, "good", directory=directory, free=free_mb, capacity=capacity_mb)]


def check_serial(config: Config, texts: Texts, path_of: Callable[[str], str] = str) -> list[Finding]:
    """The ports of serial devices and of the transceiver; a URL (`socket://...`) has nothing to look at.

    path_of: the path of a port that is named by its adapter; raises HalError where there is none.
    """
    found = Checker("serial", texts)
    ports = [(device.port, device.name) for device in config.devices if device.port is not None]
    if config.enocean.port is not None:
        ports.append((config.enocean.port, "EnOcean"))
    findings = []
    for port, name in ports:
        if "://" in port:
            continue
        try:
            path = Path(path_of(port))
        except HalError as error:
            findings.append(found(FAULT, "unclear", device=name, cause=found.reword(error.message)))
            continue
        if not path.exists():
            findings.append(found(FAULT, "missing", port=port, device=name))
        elif not os.access(path, os.R_OK | os.W_OK):
            findings.append(found(FAULT, "denied", port=port, device=name))
        else:
            findings.append(found(OK, "good", port=port))
    return findings


def check_radio(
    config: Config,
    texts: Texts,
    adapters: Callable[[], Coroutine[Any, Any, list[tuple[str, bool]]]],
    *,
    bluetooth: Path = BLUETOOTH,
    system_bus: Path = SYSTEM_BUS,
) -> list[Finding]:
    """The adapter of the configured backend, and the service behind it. adapters: those that BlueZ has, and whether they are on; raises HalError."""
    found = Checker("radio", texts)
    needed = any(device.address is not None for device in config.devices)
    radio = config.radio
    if radio.backend == "none" or (radio.backend == "bluez" and not needed):
        return [found(OK, "none")]
    if radio.backend == "bumble":
        if importlib.util.find_spec("bumble") is None:
            return [found(FAULT, "no_bumble")]
        sort, _, where = (radio.transport or "").partition(":")
        port = Path(where.partition(",")[0])
        if sort == "serial" and not port.exists():
            return [found(FAULT, "missing", adapter=radio.transport, detail=port)]
        if sort == "serial":
            return [found(OK, "good", adapter=radio.transport)]
        return [found(OK, "unlooked", adapter=radio.transport)]
    # beside them the kernel shows each link, as hci0:64
    names = [each.name for each in sorted(bluetooth.glob(radio.adapter or "hci*")) if ":" not in each.name]
    if not names:
        name = radio.adapter or "hci0"
        return [found(FAULT, "missing", adapter=name, detail=bluetooth / name)]
    if not system_bus.exists():
        return [found(FAULT, "no_bluez", detail=system_bus)]
    try:
        rows = [row for row in asyncio.run(adapters()) if row[0] in names]
    except HalError as error:
        return [found(FAULT, "failed", cause=found.reword(error.message))]
    # As the hub chooses (hal/linux/bluez.py): the first that is on.
    used = next((name for name, is_on in rows if is_on), None)
    if used is None and len(names) > 1:
        return [found(FAULT, "all_off", names=", ".join(names), adapter=names[0])]
    if used is None:
        return [found(FAULT, "off", adapter=names[0])]
    others = [name for name, _ in rows if name != used]
    if others:
        return [found(WARNING, "several", adapter=used, others=", ".join(others))]
    return [found(OK, "good", adapter=used)]


def check_bonds(config: Config, texts: Texts, see: Callable[[], Coroutine[Any, Any, None]]) -> list[Finding]:
    """Whether the keys of bonds can be seen, where BlueZ keeps them. see: raises HalError where not."""
    found = Checker("bonds", texts)
    paired = any(config.driver_of(device.driver).transport == PAIRED for device in config.devices)
    if config.radio.backend != "bluez" or not paired:
        return [found(OK, "none")]
    try:
        asyncio.run(see())
    except HalError as error:
        if "PermissionError" in error.detail:
            return [found(WARNING, "denied")]
        return [found(WARNING, "unseen", cause=found.reword(error.message))]
    return [found(OK, "good")]


def check_page(config: Config, texts: Texts) -> list[Finding]:
    """Whether the gateway has a page of its own. A move takes `[page]` with the home: then it is to be said before somebody looks for it."""
    found = Checker("page", texts)
    if config.page.listen is not None:
        return [found(OK, "good", listen=config.page.listen)]
    was_moved = os.access(Path(config.hub.data_directory) / MARK, os.F_OK)
    return [found(WARNING, "gone") if was_moved and not config.devices else found(NOTE, "none")]


def check_clock(trusted: bool, texts: Texts, hub: dict[str, Any] | None = None) -> list[Finding]:
    """Whether the running hub believes the time of day, else whether one would; not a fault, because a hub works without and says so."""
    found = Checker("clock", texts)
    if hub is not None:
        if hub.get("clock_offset_ms") is not None:
            return [found(WARNING, "hub_shifted", offset=hub["clock_offset_ms"] // 1000)]
        if hub["utc_ms"] is None:
            return [found(WARNING, "hub_untrusted")]
        return [found(OK, "good", utc=time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(hub["utc_ms"] // 1000)))]
    if not trusted:
        return [found(WARNING, "untrusted")]
    return [found(OK, "good", utc=time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()))]
