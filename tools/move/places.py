"""Where a gateway keeps what it knows of a home."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.core.config import Config
from gateway.daemon.configuration import Loaded, read
from gateway.daemon.rehome import FOLDER, MARK, PROGRESS
from gateway.daemon.rehome_history import NAME as HISTORY
from gateway.daemon.toml_text import dump

# Of the home's layer these stay: who the gateway is, and how it reaches the municipality. All else is of the home.
STAYS: dict[str, tuple[str, ...]] = {
    "hub": ("id", "tenant", "language", "time_zone", "state_interval_s", "data_directory"),
    "uplink": ("brokers", "ca", "certificate", "key"),
    "platform": ("root_public_key",),
    "storage": ("path", "capacity_mb"),
    "radio": ("backend", "adapter", "transport", "bonds"),
    "keys": ("directory",),
}
LAST_TIME = "last-time"  # of the machine's clock (hal/linux/last_time.py): says when it last ran, and nothing of a home


@dataclass(frozen=True)
class Places:
    """Files and folders. network: NetworkManager's profiles; bluetooth: bluetoothd's own store; None where they are not ours to wipe.

    this_machine: the programs of this machine may be asked, too: the radio, NetworkManager, the system's log.
    """

    layers: tuple[Path, ...]
    data: Path
    journal: Path
    keys: Path
    bonds: Path
    backend: str
    tls: tuple[Path, ...]
    shared: tuple[Path, ...]
    network: Path | None
    bluetooth: Path | None
    this_machine: bool

    @property
    def layer(self) -> Path:
        """The layer of the home: the last one."""
        return self.layers[-1]

    @property
    def work(self) -> Path:
        """What the work itself keeps while it is going on."""
        return self.data / FOLDER

    @property
    def progress(self) -> Path:
        return self.work / PROGRESS

    @property
    def traces(self) -> Path:
        return self.work / "traces"

    @property
    def mark(self) -> Path:
        """What a finished move says of itself (tools/move/finished.py)."""
        return self.data / MARK

    @property
    def history(self) -> Path:
        return self.data / HISTORY

    @property
    def kept(self) -> frozenset[Path]:
        """What of the data stays; a layer that lies there is dealt with by a step of its own."""
        own = {self.work, self.history, self.mark, self.data / LAST_TIME}
        return frozenset({*own, *self.shared, *self.layers})

    def journal_files(self) -> list[Path]:
        """The store, its log, its lock, and what was set aside."""
        if not self.journal.parent.is_dir():
            return []
        return sorted(
            each for each in self.journal.parent.iterdir() if each.name.startswith(self.journal.name)
        )

    def folders(self) -> list[Path]:
        """Folders that are the gateway's own: everything beneath them is looked through. Each once."""
        asked = [self.data, self.keys]
        asked += [each for each in (self.network, self.bluetooth) if each is not None]
        found: list[Path] = []
        for each in sorted({path.resolve() for path in asked}, key=lambda path: len(path.parts)):
            if not any(each.is_relative_to(other) for other in found):
                found.append(each)
        return found

    def flat(self) -> list[Path]:
        """Folders that hold one of its files beside those of others: their own files are looked through, and no folder in them."""
        asked = {each.parent for each in (*self.layers, *self.tls, self.journal, self.bonds)}
        return sorted(each for each in asked if not any(each.is_relative_to(own) for own in self.folders()))

    def wipes(self, path: Path) -> bool:
        """Whether a file would lie in a folder that is the gateway's own."""
        path = path.resolve()
        return any(path.is_relative_to(each) for each in self.folders())

    def holds(self, path: Path) -> bool:
        """Whether a file would lie where traces are looked for."""
        return path.resolve().parent in self.flat() or self.wipes(path)

    def staying(self) -> bytes:
        """The configuration that stays. What stands in it was nothing of this home alone. Raises ConfigError."""
        others = [each.read_bytes() for each in self.layers[:-1] if each.is_file()]
        return b"\n".join([*others, dump(bare_layer(self.layer)).encode()])


def places_of(
    loaded: Loaded,
    layers: Sequence[Path],
    network: Path | None = None,
    bluetooth: Path | None = None,
    *,
    this_machine: bool = False,
) -> Places:
    """The places of a checked configuration."""
    config: Config = loaded.config
    uplink, root = config.uplink, config.platform.root_public_key
    shared = [Path(each) for each in (uplink.ca, root if root.endswith(".pub") else None) if each is not None]
    return Places(
        layers=tuple(path.resolve() for path in layers),
        data=Path(config.hub.data_directory).resolve(),
        journal=Path(config.storage.path).resolve(),
        keys=Path(config.keys.directory).resolve(),
        bonds=Path(config.radio.bonds).resolve(),
        backend=config.radio.backend,
        tls=tuple(Path(each).resolve() for each in (uplink.key, uplink.certificate) if each is not None),
        shared=tuple(path.resolve() for path in shared),
        network=network.resolve() if network is not None else None,
        bluetooth=bluetooth.resolve() if bluetooth is not None else None,
        this_machine=this_machine,
    )


def bare_layer(path: Path) -> dict[str, Any]:
    """What stays of the home's layer. Raises ConfigError."""
    tree = read(path)
    bare: dict[str, Any] = {}
    for section, names in STAYS.items():
        table = tree.get(section)
        if isinstance(table, dict) and any(name in table for name in names):
            bare[section] = {name: item for name, item in table.items() if name in names}
    return bare
