"""The files of a system with one board in it: its flash as a folder, the municipality's keys, certificates."""

import datetime as dt
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core import cbor
from tools.kit import keys
from tools.rig.esp.around import DEVICES, DOOR_NAME
from tools.simulators.certificates import Authority, Credentials

TENANT, GATEWAY, PLATFORM = "demo", "board-1", "platform"


class EspStage:
    """One tenant, one board, one platform in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.flash = folder / "flash"
        self.flash.mkdir(parents=True, mode=0o700)
        self.authority = Authority(folder / "certificates")
        self.keys = keys.make_tenant(folder / "tenant", TENANT)
        identity = Ed25519PrivateKey.generate()
        stored = identity.private_bytes_raw() + os.urandom(32)
        (self.flash / "nvs.json").write_text(json.dumps({"identity": stored.hex()}), encoding="ascii")
        keys.add_gateway(self.keys.directory, GATEWAY, identity.public_key().public_bytes_raw())
        self.give(self.authority.client(GATEWAY))

    def give(self, credentials: Credentials) -> None:
        """Put DER credentials on the board."""
        for name, data in zip(("ca", "certificate", "key"), credentials.der(), strict=True):
            (self.flash / f"{name}.der").write_bytes(data)

    def configure(self, url: str) -> None:
        """Compile a configuration onto the board, as the kit does: it is night from an hour ago to an hour from now."""
        now = dt.datetime.now(dt.UTC)
        hour = dt.timedelta(hours=1)
        tree: dict[str, Any] = {
            "hub": {"id": GATEWAY, "tenant": TENANT, "time_zone": "UTC", "state_interval_s": 10},
            "uplink": {"brokers": [url], "ca": "ca.der", "certificate": "certificate.der", "key": "key.der"},
            "platform": {"root_public_key": self.keys.root_public_key.hex()},
            "device": DEVICES,
            "rule": [
                {
                    "type": "night_window",
                    "device": DOOR_NAME,
                    "from": f"{now - hour:%H:%M}",
                    "to": f"{now + hour:%H:%M}",
                }
            ],
        }
        compile_configuration(tree, self.flash)

    def platform_arguments(self, url: str) -> list[str]:
        """Command line of the platform."""
        own = self.authority.client(PLATFORM)
        tls = ["--ca", str(own.ca), "--cert", str(own.certificate), "--key", str(own.key)]
        arguments = ["-m", "tools.kit", "platform", "--json", "--broker", url, *tls]
        arguments += ["--registry", str(self.keys.registry), "--signing-key", str(self.keys.receipt_key)]
        return [*arguments, "--keyset", str(self.keys.keyset), "--store", str(self.folder / "platform.db")]


def compile_configuration(tree: dict[str, Any], folder: Path) -> None:
    """Write the tree as a board reads it (firmware/settings.py)."""
    data = cbor.encode(tree)
    (folder / "hub.cbor").write_bytes(data)
    (folder / "hub.cbor.sha256").write_text(hashlib.sha256(data).hexdigest() + "\n", encoding="ascii")
