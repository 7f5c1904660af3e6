"""The export for a deviation report (N9): what a gateway is and what happened on it, for whoever has to find out why, and for nobody's file.

    manifest.json   what the files are: name, bytes, SHA-256; who and when
    manifest.cose   the same bytes, signed by the gateway's identity (COSE_Sign1, external_aad trygg/v1/deviation)
    *.json          configuration, devices, findings, status, timeline, versions

Names of devices and rooms are placements and numbers, there are no secrets and no values of measurements. What is put together is
searched for everything that this gateway knows to be secret or a name (`doctor_leaks`), and not handed out where that finds
anything. The same facts make the same bytes: members are in order of their names and bear no time.
"""

import hashlib
import io
import json
import platform
import sqlite3
import sys
import zipfile
from collections.abc import Awaitable, Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import gateway
import hal
from gateway.core import cose, wire
from gateway.core.devices.registry import DRIVERS
from gateway.core.errors import DecodeError, RefusedError
from gateway.core.registry import KINDS
from gateway.daemon.configuration import Loaded
from gateway.daemon.doctor_leaks import Known

SORT = "deviation"
MANIFEST, SIGNED = "manifest.json", "manifest.cose"
FORMAT = 1
LARGEST = 32 << 20  # bytes of all members together, when one is read
STAMP = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP file knows
# What of the status goes along: nothing that is filled in from outside, but for causes, which are searched for names.
STATUS = (
    "software", "public_key", "boot", "uptime_ms", "utc_ms", "clock_offset_ms", "training", "epoch", "connected", "way_is_first",
    "last_error", "lost_ms", "unreceipted_ms", "last_receipt_ms", "keyset", "lanes", "given_up", "storage_full",
    "lost_in_memory", "messages_refused", "advertisements_dropped", "lamp", "faults", "self_test",
)  # fmt: skip
DEVICE = (
    "driver", "placement", "heard_ms", "interval_ms", "learned_interval_ms", "silent", "rssi_dbm", "link_weak", "link", "bond",
    "paired", "frames", "repeated", "refused",
)  # fmt: skip
DESCRIBED = ("maker", "model", "hardware", "firmware", "software")
PACKAGES = ("trygg-hub", "bleak", "dbus-fast", "paho-mqtt", "pyserial", "cryptography")
FILES_OF_HOME = (
    "ca",
    "certificate",
    "key",
    "path",
    "bonds",
    "directory",
    "data_directory",
    "root_public_key",
)

# Words of ours that a home may use as a name: a text that is one of them, and nothing else, is no leak.
VOCABULARY = frozenset(
    [*KINDS, *DRIVERS, *STATUS, *DEVICE, *DESCRIBED, "name", "room", "rule", "device", "ok", "nb", "en", "safety", "alarm",
     "technical", "measurement", "info", "key", "text", "code", "level", "kind", "fault", "warning", "error"]
)  # fmt: skip


def status_of(facts: Mapping[str, Any] | None) -> dict[str, Any]:
    """The hub's words about itself; empty where it gave none."""
    if facts is None:
        return {}
    found = {name: facts[name] for name in STATUS if name in facts}
    found["configuration_fault"] = bool(facts.get("configuration_fault"))
    return found


def devices_of(rows: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Devices by placement, without serial numbers and addresses."""
    found = []
    for row in sorted(rows or [], key=lambda each: each.get("placement", 0)):
        kept = {name: row[name] for name in DEVICE if name in row}
        kept["described"] = {name: row["described"][name] for name in DESCRIBED if name in row["described"]}
        found.append(kept)
    return found


def configuration_of(loaded: Loaded) -> dict[str, Any]:
    """The configuration as it was merged; places of files are left out, and where they come from."""
    tree: dict[str, Any] = json.loads(json.dumps(loaded.tree, default=str))
    for section in tree.values():
        if isinstance(section, dict):
            for key in FILES_OF_HOME:
                if key in section:
                    section[key] = "(set)"
    return tree


def versions() -> dict[str, Any]:
    """Software, interpreter and machine, and a checksum of the code that runs."""
    found: dict[str, Any] = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return {
        "packages": found,
        "python": sys.version.split()[0],
        "sqlite": sqlite3.sqlite_version,
        "system": platform.system(),
        "kernel": platform.release(),
        "machine": platform.machine(),
        "code_sha256": {
            each.__name__: code_digest(Path(str(each.__file__)).parent) for each in (gateway, hal)
        },
    }


def code_digest(folder: Path) -> str:
    """SHA-256 over the names and contents of a package's sources and tables."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".py", ".toml", ".sql") and path.is_file():
            name = path.relative_to(folder).as_posix().encode()
            data = path.read_bytes()
            whole.update(b"%d %b %d\n" % (len(name), name, len(data)) + data)
    return whole.hexdigest()


def files_of(parts: Mapping[str, Any], known: Known) -> dict[str, bytes]:
    """The members but the manifest: each part as JSON, with what stands for names."""
    return {
        f"{name}.json": json.dumps(
            known.scrubbed(part), ensure_ascii=False, indent=1, sort_keys=True
        ).encode()
        + b"\n"
        for name, part in parts.items()
    }


def manifest_of(files: Mapping[str, bytes], head: Mapping[str, Any]) -> bytes:
    """What the files are."""
    rows = [
        {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in sorted(files.items())
    ]
    return json.dumps(
        {"format": FORMAT, **head, "files": rows}, ensure_ascii=False, indent=1, sort_keys=True
    ).encode()


async def sign(manifest: bytes, public_key: bytes, signer: Callable[[bytes], Awaitable[bytes]]) -> bytes:
    """The manifest, signed."""
    protected = cose.protected_header(cose.kid_of(public_key))
    signature = await signer(cose.to_be_signed(protected, wire.aad(SORT), manifest))
    return cose.assemble(protected, manifest, signature)


def pack(files: Mapping[str, bytes]) -> bytes:
    """A ZIP file, the same for the same members."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, STAMP)
            member.external_attr = 0o600 << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, files[name])
    return held.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """Members of an export. Raises DecodeError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(each.file_size for each in archive.infolist()) > LARGEST:
                raise DecodeError("an export of more than " + str(LARGEST) + " bytes")
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise DecodeError("no ZIP file that can be read: fetch the export again") from error


def verify(data: bytes, public_key: bytes) -> dict[str, Any]:
    """The manifest of an export whose signature and checksums hold.

    Raises:
        DecodeError: no export.
        RefusedError: not signed by this key, or a member is not what was signed.
    """
    files = unpack(data)
    if SIGNED not in files or MANIFEST not in files:
        raise RefusedError("the export is not signed")
    sign1 = cose.take_apart(files.pop(SIGNED))
    signed = cose.to_be_signed(sign1.protected, wire.aad(SORT), sign1.payload)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(sign1.signature, signed)
    except (InvalidSignature, ValueError):
        raise RefusedError("the signature of the export does not hold under this key") from None
    manifest = files.pop(MANIFEST)
    if manifest != sign1.payload:
        raise RefusedError("the manifest of the export is not the one that was signed")
    found: dict[str, Any] = json.loads(manifest)
    head = {name: item for name, item in found.items() if name not in ("format", "files")}
    if manifest_of(files, head) != manifest:
        raise RefusedError("a file of the export is not what was signed, is missing or was added")
    return found
