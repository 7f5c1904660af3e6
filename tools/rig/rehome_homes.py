"""Random homes on a disk, as gateways leave them: with journals, bonds, keys, Wi-Fi, and what power cuts and people leave behind.

Everything is made by the product's own code where there is some. What is made is told beside it, so that whoever looks for it
afterwards does not have to ask the one who wiped.
"""

import asyncio
import json
import os
import random
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.daemon.configuration import Loaded, load, save_last_good
from gateway.daemon.toml_text import dump
from hal.linux.journal import SqliteJournal
from hal.linux.keystore import FileKeyStore
from tools.move.export import app_over
from tools.move.places import Places, places_of
from tools.move.scan import Trace, address, secret, text

ROOMS = ("stue", "kjøkken", "bad", "soverom", "gang", "kjeller")
NAMES = ("Inngangsdør", "Oksymeter", "Røykvarsler nord", "Veranda sør", "Badevekt", "Medisinskap")
KINDS = ("door.opened", "door.closed", "battery.low", "device.silent", "button.pressed", "tamper.detected")
CITY = {"hub": {"tenant": "oslo", "language": "nb"}}


@dataclass
class Home:
    """One gateway in one home. truth: what must not be found when it has left; shadow: second names of every file there was."""

    folder: Path
    layers: list[Path]
    truth: list[Trace] = field(default_factory=list)
    held: int = 0

    @property
    def etc(self) -> Path:
        return self.folder / "etc" / "trygg"

    @property
    def data(self) -> Path:
        return self.folder / "var" / "trygg"

    @property
    def network(self) -> Path:
        return self.folder / "etc" / "NetworkManager"

    @property
    def bluetooth(self) -> Path:
        return self.folder / "var" / "bluetooth"

    @property
    def shadow(self) -> Path:
        return self.folder / "blocks"

    @property
    def away(self) -> Path:
        """Another medium."""
        return self.folder / "stick"

    def load(self) -> Loaded:
        return load(self.layers)

    def places(self, loaded: Loaded | None = None) -> Places:
        return places_of(loaded or self.load(), self.layers, self.network, self.bluetooth)

    def copy(self, folder: Path) -> "Home":
        """The same home once more, elsewhere."""
        shutil.copytree(self.folder, folder, symlinks=True)
        layers = [folder / each.relative_to(self.folder) for each in self.layers]
        return replace(self, folder=folder, layers=layers)

    def keep_blocks(self) -> None:
        """Hold what the files' blocks are: a name that is unlinked takes none of them away."""
        self.shadow.mkdir()
        files = [
            each for top in (self.etc, self.data, self.network, self.bluetooth) for each in top.rglob("*")
        ]
        for number, path in enumerate(sorted(each for each in files if each.is_file())):
            os.link(path, self.shadow / str(number))

    def image(self) -> Path:
        """The blocks as a disk has them, one file after the other."""
        path = self.folder / "image"
        with path.open("wb") as file:
            for each in sorted(self.shadow.iterdir()):
                file.write(each.read_bytes())
        return path


def made(folder: Path, seed: int, *, waiting: bool) -> Home:
    """A home. waiting: some of its events have no receipt; else all have."""
    chance = random.Random(seed)
    home = Home(folder, [folder / "etc" / "trygg" / "city.toml", folder / "etc" / "trygg" / "hub.toml"])
    for each in (home.etc, home.data, home.network, home.bluetooth, home.away):
        each.mkdir(mode=0o700, parents=True)
    devices = [device(home, chance, number) for number in range(chance.randrange(1, len(NAMES)))]
    write_layers(home, chance, devices)
    loaded = home.load()
    FileKeyStore(home.data / "keys")
    for path in sorted((home.data / "keys").iterdir()):
        home.truth.append(secret("key", bytes.fromhex(path.read_text().strip())))
    add_keys(home, chance, devices)
    add_bonds(home, chance, devices)
    add_network(home, chance)
    asyncio.run(fill_journal(home, loaded, chance, waiting=waiting))
    save_last_good(loaded)
    add_leftovers(home, chance)
    return home


def device(home: Home, chance: random.Random, number: int) -> dict[str, Any]:
    """A sensor or an oximeter."""
    where = ":".join(f"{each:02X}" for each in (0xC0 | chance.randrange(64), *chance.randbytes(5)))
    home.truth += [address("address", where), text("name", NAMES[number], is_word=True)]
    found: dict[str, Any] = {"name": NAMES[number], "address": where, "room": chance.choice(ROOMS)}
    if chance.random() < 0.3:
        return found | {"driver": "plx", "passkey_ref": f"oxi-{number}"}
    return found | {"driver": "bthome", "interval_s": 600, "key": f"sensor-{number}"}


def write_layers(home: Home, chance: random.Random, devices: list[dict[str, Any]]) -> None:
    """The city's layer, and the home's."""
    home.layers[0].write_text(dump(CITY))
    tree: dict[str, Any] = {
        "hub": {"id": f"hub-{chance.randrange(10_000)}", "data_directory": "../../var/trygg"},
        "uplink": {"brokers": ["mqtts://broker.example"], "ca": "../../var/trygg/tls/ca.pem"},
        "platform": {"root_public_key": "ab" * 32},
        "radio": {"backend": "bumble", "transport": "usb:0"},
        "device": devices,
    }
    tree["uplink"] |= {"certificate": "../../var/trygg/tls/hub.pem", "key": "../../var/trygg/tls/hub.key"}
    home.layers[1].write_text("# Hjemmet i Bakkeveien 7\n" + dump(tree))
    home.truth.append(text("comment", "Bakkeveien 7"))


def add_keys(home: Home, chance: random.Random, devices: list[dict[str, Any]]) -> None:
    """Bind keys, codes, and a TLS key with its certificate: the files are text, and what is in them is random."""
    for each in devices:
        if "key" in each:
            key = chance.randbytes(16)
            (home.data / "keys" / (each["key"] + ".key")).write_text(key.hex() + "\n")
            home.truth.append(secret("key of a sensor", key))
        else:
            (home.data / "keys" / (each["passkey_ref"] + ".passkey")).write_text(
                f"{chance.randrange(10**6):06d}\n"
            )
    for path in (home.data / "keys").iterdir():
        path.chmod(0o600)
    tls = home.data / "tls"
    tls.mkdir(mode=0o700)
    (tls / "ca.pem").write_text("the authority of everybody\n")
    for name in ("hub.key", "hub.pem"):
        raw = chance.randbytes(120)
        home.truth.append(secret("TLS", raw))
        (tls / name).write_text("-----BEGIN X-----\n" + raw.hex() + "\n-----END X-----\n")


def add_bonds(home: Home, chance: random.Random, devices: list[dict[str, Any]]) -> None:
    """Bonds of Bumble, and a store of bluetoothd from before."""
    bonds: dict[str, Any] = {}
    for each in devices:
        ltk, irk = chance.randbytes(16), chance.randbytes(16)
        home.truth += [secret("long term key", ltk), secret("identity resolving key", irk)]
        row = {
            "ltk": {"value": ltk.hex(), "authenticated": True},
            "irk": {"value": irk.hex(), "authenticated": True},
        }
        bonds[each["address"]] = row
        info = home.bluetooth / "00:11:22:33:44:55" / each["address"]
        info.mkdir(parents=True)
        other = chance.randbytes(16)
        home.truth.append(secret("long term key", other))
        name = f"[General]\nName={each['name']}\n[LongTermKey]\nKey={other.hex().upper()}\n"
        (info / "info").write_text(name)
    content = {"version": 1, "address": "C1:02:03:04:05:06", "bonds": bonds}
    (home.data / "bonds.json").write_text(json.dumps(content, indent=1))


def add_network(home: Home, chance: random.Random) -> None:
    """One Wi-Fi with a password, and a cable, which stays."""
    psk = chance.randbytes(9).hex()
    home.truth.append(text("password of a Wi-Fi", psk))
    wifi = f"[connection]\nid=hjem\ntype=wifi\n[wifi]\nssid=Nett-{chance.randrange(10**6)}\n[wifi-security]\npsk={psk}\n"
    (home.network / "hjem.nmconnection").write_text(wifi)
    (home.network / "cable.nmconnection").write_text("[connection]\nid=cable\ntype=ethernet\n")


async def fill_journal(home: Home, loaded: Loaded, chance: random.Random, *, waiting: bool) -> None:
    """Events of every device; many receipted and their pages free again; now and then a log that a power cut left."""
    path = Path(loaded.config.storage.path)
    journal = await SqliteJournal.open(path, capacity_bytes=4 << 20)
    app = app_over(loaded.config, journal)
    await app.leave_behind()
    home.truth += [
        secret("placement", b"\x01\x1a" + each.placement.to_bytes(4, "big")) for each in app.devices
    ]
    home.truth.append(secret("epoch", journal.epoch))
    for _ in range(chance.randrange(20, 200)):
        placement = chance.choice(app.devices).placement
        await app.recorder.append(app.recorder.made([app.recorder.own(chance.choice(KINDS), placement)]))
    for lane in range(5):
        mark = journal.mark(lane)
        if mark.last >= mark.first:
            sample = journal.peek(lane, mark.first - 1, 1 << 20, 1)[0]
            home.truth.append(Trace("event", (sample.event,)))
            await journal.ack(lane, mark.last if not waiting else chance.randrange(mark.first - 1, mark.last))
        mark = journal.mark(lane)
        home.held += mark.last - mark.first + 1
    await journal.close()  # only now what was receipted is gone from the tables
    journal = await SqliteJournal.open(path, capacity_bytes=4 << 20)
    await journal.append([], {"seen": chance.randbytes(40)})
    cut = chance.random() < 0.5 and copied(path, "", ".cut")
    await journal.close()
    if cut:
        copied(path, ".cut", "")


def copied(path: Path, before: str, after: str) -> bool:
    """The store and its log under other names, or back: as a power cut leaves them."""
    for name in ("", "-wal"):
        source = Path(f"{path}{before}{name}")
        if source.exists():
            shutil.copyfile(source, f"{path}{after}{name}")
            if before:
                source.unlink()
    return True


def add_leftovers(home: Home, chance: random.Random) -> None:
    """What others keep beside it: the state of the installation, a one-time code, a store that was damaged, an old copy, a log."""
    code, street = chance.randbytes(10).hex(), f"Storgata {chance.randrange(100, 1000)} B"
    home.truth += [text("one-time code", code), text("street", street)]
    (home.data / "installation.json").write_text(json.dumps({"where": street, "steps": ["wifi", "pair"]}))
    (home.data / "tls" / "request.txt").write_text(code)
    (home.data / "hub.log").write_text(f"paired at {street}\n")
    if chance.random() < 0.5:
        event = chance.randbytes(40)
        home.truth.append(secret("event of a damaged store", event))
        (home.data / "journal.db.damaged.old").write_bytes(chance.randbytes(3000) + event + bytes(1000))
