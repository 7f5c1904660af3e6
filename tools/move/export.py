"""What a gateway could not deliver, as the signed bundles that it would have sent: one file, CBOR one after the other.

`trygg-kit verify --key IDENTITY FILE` reads it for ever; `bring` (tools/move/bring.py) puts it into a platform's store. The manifest
that says what each placement is stands beside it, in `FILE.manifest`. The file stands only when it was read back from the medium,
every signature held and its chain went from what the platform has to the last event of the journal.
"""

import hashlib
import os
from pathlib import Path
from typing import Any, NamedTuple

from gateway.core import cbor, wire
from gateway.core.config import Config
from gateway.core.errors import DecodeError, RefusedError
from gateway.core.outbox import BUNDLE_EVENTS, MOST_BUNDLE_BYTES
from gateway.daemon.mqtt import PahoUplink
from gateway.daemon.mqtt_tls import tls_files
from gateway.daemon.wiring import root_key, software
from gateway.hub.app import App
from gateway.hub.machine import Machine
from hal.interfaces import Journal
from hal.linux.clock import SystemClock
from hal.linux.crypto import NativeCrypto
from hal.linux.indicator import StateFileIndicator
from hal.linux.keystore import FileKeyStore
from hal.linux.last_time import LastTime
from hal.linux.network import SysfsNetwork
from hal.linux.watchdog import SystemdWatchdog
from hal.types import LANES
from tools.authority.folder import write
from tools.move.erase import sync_folder
from tools.platform.audit import Audit, Stream
from tools.platform.parties import Verifier

MANIFEST = ".manifest"


class Export(NamedTuple):
    """A file that stands. sha256: of the file. lasts: the last number of each lane that it holds, by lane."""

    path: str
    sha256: str
    events: int
    lasts: dict[int, int]


def silent(*_words: object, **_facts: object) -> None:
    """Nobody reads the log of a hub that only speaks into a file."""


def app_over(config: Config, journal: Journal) -> App:
    """The hub over a journal, with nothing that comes in and no way out. It is never started."""
    data = Path(config.hub.data_directory)
    keystore = FileKeyStore(Path(config.keys.directory))
    uplink = PahoUplink(config.uplink.brokers[0], client_id=config.hub.id, tls=tls_files(config.uplink))
    machine = Machine(
        SystemClock(floor_ms=LastTime(data).utc_ms),
        journal,
        keystore,
        NativeCrypto(keystore),
        [uplink],
        SysfsNetwork(),
        StateFileIndicator(data / "indicator"),
        SystemdWatchdog(),
    )
    return App(config, machine, [root_key(config)], config.driver_of, software(), silent)


async def export(config: Config, journal: Journal, path: Path) -> Export:
    """Say that the gateway leaves, and write everything that is held. Raises RefusedError, HalError, OSError, ConfigError."""
    app = app_over(config, journal)
    await app.recorder.note("gateway.left")
    messages = []
    for lane in LANES:
        mark = journal.mark(lane)
        after, before = mark.first - 1, mark.before
        while after < mark.last:
            entries = journal.peek(lane, after, MOST_BUNDLE_BYTES, BUNDLE_EVENTS)
            messages.append(await app.outward.bundle(entries, before))
            after, before = entries[-1].seq, entries[-1].chain
    write(path.with_name(path.name + MANIFEST), await app.outward.manifest())
    write(path, b"".join(messages))
    return check(config, journal, path, app.machine.keystore.public_key)


def check(config: Config, journal: Journal, path: Path, public_key: bytes) -> Export:
    """Read the file back and hold it against the journal. Raises RefusedError: it does not hold all of it; OSError."""
    data = read_back(path)
    audit, verifier, events = Audit(), Verifier(), 0
    for message in split(data):
        try:
            parsed = wire.parse("bundle", message)
            wire.verify(parsed, public_key, verifier.verify)
        except (DecodeError, RefusedError) as error:
            raise RefusedError(f"{path} does not verify: {error.reason}") from error
        fields: dict[str, Any] = parsed.fields
        events += len(audit.add(fields))
    for lane in LANES:
        mark = journal.mark(lane)
        if mark.last >= mark.first:
            stream = Stream(config.hub.tenant, config.hub.id, journal.epoch, lane)
            record = audit.records.get(stream)
            if record is None or any(
                number not in record.chains for number in range(mark.first, mark.last + 1)
            ):
                raise RefusedError(f"{path} does not hold all that the journal holds: export it again")
            audit.claim(stream, mark.first - 1, mark.before)
            audit.claim(stream, mark.last, mark.chain)
    for finding in audit.findings():
        raise RefusedError(f"{path} does not verify: {finding}")
    lasts = {lane: journal.mark(lane).last for lane in LANES}
    return Export(str(path), hashlib.sha256(data).hexdigest(), events, lasts)


def stands(path: Path, sha256: str) -> bool:
    """Whether the file is there, byte for byte, on the medium and not only in memory."""
    try:
        return hashlib.sha256(read_back(path)).hexdigest() == sha256
    except OSError:
        return False


def read_back(path: Path) -> bytes:
    """What the medium holds of a file: what this machine keeps of it in memory is let go first. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        with os.fdopen(os.dup(descriptor), "rb") as file:
            data = file.read()
    finally:
        os.close(descriptor)
    sync_folder(path.parent)
    return data


def split(data: bytes) -> list[bytes]:
    """Messages that follow each other. Raises RefusedError."""
    found, at = [], 0
    while at < len(data):
        try:
            _, end = cbor.decode_item(data, at, 1)
        except DecodeError as error:
            raise RefusedError(f"the export is cut off at byte {at}") from error
        found.append(data[at:end])
        at = end
    return found
