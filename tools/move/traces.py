"""What a gateway knows of its home: every key, bond, number and name that must not be found any more when it has left."""

import configparser
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from gateway.core import cbor
from gateway.core.config import Config
from gateway.core.errors import DecodeError
from gateway.core.event_codec import decode_event
from gateway.daemon.rehome_history import NAME as HISTORY
from gateway.hub.devices import PLACEMENT, Device
from gateway.hub.recorder import device_key
from hal.errors import HalError
from hal.interfaces import Journal
from hal.key_references import IDENTITY
from hal.types import LANES
from tools.move.network import profiles
from tools.move.places import Places
from tools.move.scan import LEAST_RAW, LEAST_TEXT, Trace, address, secret, text

# What a trace is, for people; what it holds is never shown.
WORDS = {
    "device": "address of a device",
    "sensor": "number of a sensor",
    "name": "name of a device",
    "place": "room, port or key name of a device",
    "rule": "name of a rule",
    "key": "key of the key store",
    "identity": "public key of the identity",
    "file": "file of the key store",
    "pem": "TLS key or certificate",
    "tls": "TLS key",
    "tls_public": "public key of TLS",
    "certificate": "TLS certificate",
    "bond": "bond with a device",
    "bond_address": "address of a bond",
    "bond_key": "key of a bond",
    "ssid": "name of a Wi-Fi",
    "psk": "password of a Wi-Fi",
    "epoch": "epoch of the journal",
    "chain": "chain value",
    "event": "event",
    "event_identity": "identity of an event",
    "boot": "start of the hub",
    "placement": "placement of a device",
    "serial": "serial number of a device",
}
ADDRESS = re.compile(r"[0-9A-Fa-f]{2}([:_-][0-9A-Fa-f]{2}){5}")
HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){8,64}")
SAMPLES = (
    48  # whole events of each lane; placements and starts, which stand in every event, are looked for in all
)
BOOTS = 64  # starts that events name
READ_BYTES = 1 << 20


def collect(places: Places, config: Config, journal: Journal | None) -> list[Trace]:
    """All of it, from what is there now. A file that cannot be read as what it should be is looked for by its text."""
    found = [
        *of_configuration(config),
        *of_keys(places.keys),
        *(trace for each in places.tls for trace in of_pem(each)),
        *of_bonds(places.bonds),
        *(of_bluetooth(places.bluetooth) if places.bluetooth is not None else ()),
        *of_networks(places.network),
        *(of_journal(journal, config) if journal is not None else ()),
    ]
    stays = places.staying()
    return once(each for each in found if not (each.is_word and any(one in stays for one in each.patterns)))


def once(traces: Iterable[Trace]) -> list[Trace]:
    """Each form once, and none without a form."""
    seen: set[bytes] = set()
    found = []
    for trace in traces:
        fresh = tuple(each for each in trace.patterns if each not in seen)
        seen.update(fresh)
        if fresh:
            found.append(trace._replace(patterns=fresh))
    return found


def of_configuration(config: Config) -> Iterator[Trace]:
    """Names and numbers of devices, rooms, rules."""
    for device in config.devices:
        if device.address is not None:
            yield address(WORDS["device"], device.address)
        if device.sender is not None:
            yield text(WORDS["sensor"], device.sender)
        yield text(WORDS["name"], device.name, is_word=True, allowed=HISTORY)
        for said in (device.room, device.port, device.key, device.passkey_ref):
            if said is not None:
                yield text(WORDS["place"], said, is_word=True)
    for rule in config.rules:
        yield text(WORDS["rule"], rule.name, is_word=True)


def of_keys(folder: Path) -> Iterator[Trace]:
    """Every file of the key store. A code of six digits is too short to look for."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        said = path.read_bytes().strip() if path.is_file() else b""
        if HEX.fullmatch(said.decode("latin-1")):
            raw = bytes.fromhex(said.decode())
            yield secret(WORDS["key"], raw)
            if path.stem == IDENTITY and path.suffix == ".key" and len(raw) == 32:
                public = ed25519.Ed25519PrivateKey.from_private_bytes(raw).public_key().public_bytes_raw()
                yield secret(WORDS["identity"], public)
        elif len(said) >= 16:
            yield secret(WORDS["file"], said[:64])


def of_pem(path: Path) -> Iterator[Trace]:
    """A TLS key or certificate: its lines, and what is in them."""
    try:
        said = path.read_bytes()
    except OSError:
        return
    for line in said.splitlines():
        if len(line) >= 40 and not line.startswith(b"-----"):
            yield Trace(WORDS["pem"], (line,))
    try:
        key = load_pem_private_key(said, None)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            yield secret(WORDS["tls"], key.private_numbers().private_value.to_bytes(32, "big"))
    except (ValueError, TypeError):
        pass
    try:
        for certificate in x509.load_pem_x509_certificates(said):
            point = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            yield secret(WORDS["tls_public"], point[-64:])
            yield secret(WORDS["certificate"], certificate.signature)
    except ValueError:
        pass


def of_bonds(path: Path) -> Iterator[Trace]:
    """Bumble's bonds, or how strong those of BlueZ are: addresses, and everything that looks like a key."""
    try:
        said = path.read_text("utf-8")
        yield from of_json(json.loads(said))
    except (OSError, UnicodeError):
        return
    except ValueError:
        yield from (secret(WORDS["bond"], bytes.fromhex(each.group())) for each in HEX.finditer(said))


def of_json(value: Any) -> Iterator[Trace]:
    """Addresses and keys anywhere in a tree."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from of_json(str(name))
            yield from of_json(item)
    elif isinstance(value, list):
        for item in value:
            yield from of_json(item)
    elif isinstance(value, str):
        if match := ADDRESS.match(value):
            yield address(WORDS["bond_address"], match.group())
        elif HEX.fullmatch(value):
            yield secret(WORDS["bond_key"], bytes.fromhex(value))


def of_bluetooth(folder: Path) -> Iterator[Trace]:
    """The store of bluetoothd: a folder an adapter, in it one for each device with its keys."""
    for info in sorted(folder.glob("*/*/info")):
        yield address(WORDS["bond_address"], info.parent.name)
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        try:
            parser.read_string(info.read_text("utf-8", "replace"))
        except configparser.Error:
            continue
        for section in parser.sections():
            for name, said in parser.items(section):
                if name in ("key", "ediv", "rand") and HEX.fullmatch(said):
                    yield secret(WORDS["bond_key"], bytes.fromhex(said))
                elif name == "name":
                    yield text(WORDS["name"], said, is_word=True)


def of_networks(folder: Path | None) -> Iterator[Trace]:
    """Wi-Fi: the network's name, and its password."""
    for profile in profiles(folder) if folder is not None else ():
        if profile.ssid:
            yield text(WORDS["ssid"], profile.ssid, is_word=True)
        for said in profile.secrets:
            yield text(WORDS["psk"], said)


def of_journal(journal: Journal, config: Config) -> Iterator[Trace]:
    """Numbers that stand in every event, chain values, and events themselves."""
    yield secret(WORDS["epoch"], journal.epoch)
    for key in journal.state_keys(PLACEMENT):
        number = int.from_bytes((journal.state(key) or b"")[:4], "big")
        yield numbered(WORDS["placement"], 1, number)
    for device in config.devices:
        yield from of_described(journal, device.name)
    boots: set[int] = set()
    for lane in LANES:
        mark = journal.mark(lane)
        for chain in (mark.before, mark.chain):
            yield secret(WORDS["chain"], chain)
        held = mark.last - mark.first + 1
        step = max(1, held // SAMPLES)
        for number in range(mark.first, mark.last + 1, step):
            try:
                entries = journal.peek(lane, number - 1, READ_BYTES, 1)
                events = [(each.event, decode_event(each.event)) for each in entries]
            except (HalError, DecodeError):
                continue
            for raw, event in events:
                yield Trace(WORDS["event"], (raw,) if len(raw) >= 12 else ())
                if event.identity is not None:
                    yield secret(WORDS["event_identity"], event.identity)
                if len(boots) < BOOTS and event.boot not in boots:
                    boots.add(event.boot)
                    yield numbered(WORDS["boot"], 3, event.boot)


def numbered(what: str, field: int, number: int) -> Trace:
    """A number of 32 bits as people read it, and as it stands between two fields of every event (docs/wire.cddl)."""
    digits = str(number).encode()
    form = bytes([field]) + cbor.encode(number) + bytes([field + 1])
    forms = [form] if len(form) >= LEAST_RAW else []
    return Trace(what, tuple(forms + ([digits] if len(digits) >= LEAST_TEXT else [])))


def of_described(journal: Journal, name: str) -> Iterator[Trace]:
    """The serial number that a device told. It follows the device, so it stays in the history and nowhere else."""
    kept = journal.state(PLACEMENT + name)
    row = None if kept is None else journal.state(device_key(int.from_bytes(kept[:4], "big"), Device.KEPT))
    try:
        said = cbor.decode(row)[1] if row is not None else {}  # type: ignore[index]
    except (DecodeError, ValueError, IndexError, TypeError):
        said = {}
    serial = said.get("serial_number") if isinstance(said, dict) else None
    if isinstance(serial, str) and len(serial) >= LEAST_TEXT:
        yield text(WORDS["serial"], serial, allowed=HISTORY)
