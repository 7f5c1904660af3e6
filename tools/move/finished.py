"""What a finished move leaves on the gateway: what its report said, so that the same command says so and does not begin anew.

Of the report only what is of no home: not where an export was written, which somebody may have called by a person's name, nor where something
was found. Serial numbers of devices stand in the history, which goes along, and are read from there.

A second wipe of a gateway that holds nothing of a home would only give it another identity, and its label would be wrong. So it is not
done: where nothing of a home is there, the facts are those of the move that was finished here, or there are none to tell.
"""

import json
from pathlib import Path
from typing import Any

from gateway.daemon import rehome_history
from gateway.daemon.configuration import read as read_toml
from hal.errors import HalError
from hal.linux.keystore import FileKeyStore
from tools.authority.folder import write as write_whole
from tools.move import network
from tools.move.places import Places, bare_layer

OWN_KEYS = ("identity.key", "identity.hmac")  # of a gateway of no home (hal/linux/keystore.py)
PRIVATE = 0o600
STAYS = (  # of the facts of a move (tools/move/moving.py)
    "bonds",
    "cleared",
    "filled_bytes",
    "found",
    "homes_before",
    "journal_goes",
    "label",
    "left",
    "looked",
    "networks",
    "public_key",
    "told",
    "traces",
)


def of_no_home(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts without what people called their files."""
    kept = {name: said for name, said in facts.items() if name in STAYS}
    if "export" in facts:
        kept["export"] = {name: said for name, said in facts["export"].items() if name != "path"}
    if facts.get("found"):
        kept["found"] = [{"what": each["what"]} for each in facts["found"]]
    return kept


def devices(history: rehome_history.Row, homes_before: int) -> list[dict[str, Any]]:
    """The devices that said their serial number in a home that was left, and their batteries."""
    fresh = history["homes"][homes_before:]
    known = [each for home in fresh for each in home.get("devices", []) if "serial" in each]
    return [{name: each[name] for name in ("serial", "battery_pct") if name in each} for each in known]


def write(places: Places, facts: dict[str, Any]) -> None:
    """Keep what of the facts is of no home. Raises OSError."""
    kept = json.dumps(of_no_home(facts), indent=1, sort_keys=True).encode() + b"\n"
    write_whole(places.mark, kept, PRIVATE)


def read(places: Places) -> dict[str, Any] | None:
    """The facts of the move that gave this gateway the identity that it has; None where there was none, or none that reads."""
    try:
        facts = json.loads(places.mark.read_text("utf-8"))
        is_ours = facts["public_key"] == FileKeyStore(places.keys).public_key.hex()
    except (OSError, HalError, ValueError, KeyError, TypeError):
        return None
    if not is_ours:
        return None
    told = devices(rehome_history.read(places.history), facts.get("homes_before", 0))
    return {**facts, "devices": told}


def is_bare(places: Places) -> bool:
    """Whether nothing is there that a move would wipe, and the identity of a gateway of no home is. Raises ConfigError, OSError."""
    own = {places.keys / name for name in OWN_KEYS}
    gone = [*places.journal_files(), *places.tls, places.bonds]
    return (
        not any(path.exists() for path in gone)
        and (places.keys / OWN_KEYS[0]).exists()
        and not files(places.keys, own)
        and not files(places.data, {*places.kept, places.keys})
        and read_toml(places.layer) == bare_layer(places.layer)
        and (places.network is None or not any(network.profiles(places.network)))
        and (places.bluetooth is None or not any(bonded(places.bluetooth)))
    )


def files(folder: Path, but: set[Path]) -> list[Path]:
    """Files in a folder and beneath it, but for some, and for what lies in folders of them."""
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path in but:
            continue
        found += files(path, but) if path.is_dir() and not path.is_symlink() else [path]
    return found


def bonded(bluetooth: Path) -> list[Path]:
    """What bluetoothd keeps of devices, of every adapter."""
    return [
        each for adapter in sorted(bluetooth.glob("*")) for each in files(adapter, {adapter / "settings"})
    ]
