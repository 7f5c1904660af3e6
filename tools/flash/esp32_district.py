"""What a board gets of its district's profile: the configuration of a home without devices, and the authority's certificate.

A board reads one certificate, and keeps both in its storage; devices come from afar, or at the installation.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.core import cbor
from gateway.core.config import validate
from gateway.core.config_layers import merge
from gateway.core.errors import ConfigError
from tools.authority import profile
from tools.flash.boot_seed import text_of

SECTIONS = ("hub", "quiet", "uplink")  # of a profile; page and size of the store are not a board's
FILES = {"ca": "ca.der", "certificate": "certificate.der", "key": "key.der"}
ADDRESS = re.compile(r"https://[\w.-]+(:\d{1,5})?/?")


def read(path: Path, gateway: str, tenant: str, root: bytes) -> tuple[dict[str, bytes], int]:
    """(values for the board's storage, how many rules of the district wait for devices). Raises ConfigError, RefusedError."""
    _, body, authority = profile.read(text_of(path, "--profile"), str(path))
    district: dict[str, Any] = tomllib.loads(body)
    layer = {name: table for name, table in district.items() if name in SECTIONS}
    said = layer.get("hub", {}).get("tenant", tenant)
    if said != tenant:
        raise ConfigError("--tenant", repr(tenant), f"{said}, as in the profile", "command line")
    home: dict[str, Any] = {
        "hub": {"id": gateway, "tenant": tenant},
        "uplink": dict(FILES),
        "platform": {"root_public_key": root.hex()},
    }
    tree = merge([("profile", layer), ("home", home)])
    validate(tree, str(path))
    values = {"config": cbor.encode(tree)}
    if authority:
        values["ca"] = der_of(authority, path)
    return values, len(district.get(profile.RULES, []))


def der_of(authority: str, path: Path) -> bytes:
    """The one certificate. Raises ConfigError: there are several."""
    found = x509.load_pem_x509_certificates(authority.encode())
    if len(found) != 1:
        raise ConfigError(
            "uplink.ca", f"{len(found)} certificates", "one: a board of this class reads no more", str(path)
        )
    return found[0].public_bytes(Encoding.DER)


def check_enrol(address: str, values: dict[str, bytes], token: str) -> str:
    """The server's address. Raises ConfigError: no such address, or without what it needs."""
    if not token:
        raise ConfigError("--enrol", "no token", "--token with it", "command line")
    if "ca" not in values:
        raise ConfigError(
            "--enrol", "no authority", "--profile with the authority's certificate", "command line"
        )
    if not ADDRESS.fullmatch(address):
        raise ConfigError("--enrol", repr(address), "https://host:port", "command line")
    return address.rstrip("/")
