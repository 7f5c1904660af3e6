"""Keys of a municipality for demo, bench and tests: root, receipt key, keyset, registry of gateways.

DIR/root.pem        private root key: signs keysets; a real one stays offline
DIR/root.pub        its public key in hex: what a gateway is provisioned with
DIR/receipt.pem     private key of role `receipt`: the platform's
DIR/keyset.cbor     signed keyset that names it
DIR/registry.json   public keys of the gateways
"""

import argparse
import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.core import cose, wire
from gateway.core.errors import ConfigError
from gateway.daemon.arguments import reworded
from tools.authority.given import unreadable
from tools.platform.parties import Signer, key_from_hex, read_private_key, read_registry

YEAR_MS = 365 * 86_400_000


@dataclass(frozen=True)
class TenantKeys:
    """Where the keys of one tenant lie, and the public ones."""

    tenant: str
    directory: Path
    root_public_key: bytes
    receipt_public_key: bytes

    @property
    def root_key(self) -> Path:
        return self.directory / "root.pem"

    @property
    def receipt_key(self) -> Path:
        return self.directory / "receipt.pem"

    @property
    def keyset(self) -> Path:
        return self.directory / "keyset.cbor"

    @property
    def registry(self) -> Path:
        return self.directory / "registry.json"


def make_tenant(directory: Path, tenant: str, *, not_after: int | None = None) -> TenantKeys:
    """Make the keys of a tenant in `directory`, each file but the public root key readable by its owner only.

    not_after: utc_ms; a year from now where not given.

    Raises:
        ConfigError: not an id, or the directory holds keys already, which are never overwritten.
    """
    if not wire.is_id(tenant):
        raise ConfigError("--tenant", repr(tenant), "small letters, digits and -, at most 32", "command line")
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    root, receipt = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    made = TenantKeys(
        tenant, directory, root.public_key().public_bytes_raw(), receipt.public_key().public_bytes_raw()
    )
    for path in (made.root_key, made.receipt_key, made.keyset, made.registry):
        if path.exists():
            raise ConfigError(path.name, "there already", "a directory without keys", str(directory))
    if not_after is None:
        not_after = time.time_ns() // 1_000_000 + YEAR_MS
    write_private(made.root_key, pem(root))
    write_private(directory / "root.pub", made.root_public_key.hex().encode() + b"\n")
    (directory / "root.pub").chmod(0o644)  # goes to every gateway, whose hub has a user of its own
    write_private(made.receipt_key, pem(receipt))
    keyset = make_keyset(tenant, root, made.receipt_public_key, version=1, not_after=not_after)
    write_private(made.keyset, keyset)
    write_private(made.registry, json.dumps({tenant: {}}).encode() + b"\n")
    return made


def make_keyset(
    tenant: str, root: Ed25519PrivateKey, receipt_key: bytes, *, version: int, not_after: int
) -> bytes:
    """A keyset that gives `receipt_key` the role `receipt`, signed by `root`."""
    keys = [[cose.kid_of(receipt_key), receipt_key, [wire.RECEIPT_ROLE]]]
    fields: dict[str, object] = {"keyset_version": version, "not_after": not_after, "keys": keys}
    return Signer(root).seal("keyset", wire.encode_payload("keyset", tenant, wire.WHOLE_TENANT, fields))


def open_tenant(directory: Path) -> TenantKeys:
    """The keys that `make_tenant` made. Raises ConfigError."""
    root = read_private_key(directory / "root.pem", "root key").public_key().public_bytes_raw()
    receipt = read_private_key(directory / "receipt.pem", "receipt key").public_key().public_bytes_raw()
    try:
        tenant = str(wire.parse("keyset", (directory / "keyset.cbor").read_bytes()).fields["tenant"])
    except OSError as error:
        raise unreadable("keyset", error, directory) from error
    return TenantKeys(tenant, directory, root, receipt)


def add_gateway(directory: Path, gateway: str, public_key: bytes) -> None:
    """Register a gateway, or give a registered one another key. Raises ConfigError."""
    keys = open_tenant(directory)
    if not wire.is_id(gateway):
        raise ConfigError(
            "--gateway", repr(gateway), "small letters, digits and -, at most 32", "command line"
        )
    known = read_registry(keys.registry)
    known[(keys.tenant, gateway)] = public_key
    tenants: dict[str, dict[str, str]] = {}
    for (tenant, name), key in sorted(known.items()):
        tenants.setdefault(tenant, {})[name] = key.hex()
    write_private(keys.registry, json.dumps(tenants, indent=2).encode() + b"\n")


def pem(key: Ed25519PrivateKey) -> bytes:
    """PKCS 8, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write_private(path: Path, content: bytes) -> None:
    """Replace a file whole, readable by its owner only."""
    partial = path.with_name(path.name + ".new")
    with contextlib.suppress(FileNotFoundError):
        partial.unlink()
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


# --- command line -------------------------------------------------------------------------------------------------


def add_parser(subparsers: "argparse._SubParsersAction[Any]", **options: Any) -> None:
    """`trygg-kit keys`."""
    parser = subparsers.add_parser("keys", **options)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    init = verbs.add_parser("init", help="make root key, receipt key, keyset and an empty registry")
    init.add_argument("directory", type=Path, metavar="DIR")
    init.add_argument("--tenant", required=True, help="small letters, digits and -")
    add = verbs.add_parser("add-gateway", help="register a gateway's public key")
    add.add_argument("directory", type=Path, metavar="DIR")
    add.add_argument("--gateway", required=True, metavar="ID")
    add.add_argument("--public-key", required=True, metavar="HEX")


def run(options: argparse.Namespace) -> int:
    """Make keys, or register a gateway."""
    if options.verb == "init":
        made = make_tenant(options.directory, options.tenant)
        print(reworded(f"root public key  {made.root_public_key.hex()}"))
        print(reworded(f"keyset           {made.keyset}"))
        print(reworded(f"registry         {made.registry}"))
        return 0
    key = key_from_hex(options.public_key, "--public-key", "command line")
    add_gateway(options.directory, options.gateway, key)
    print(reworded(f"{options.gateway} is registered in {options.directory / 'registry.json'}"))
    return 0
