"""The folder of a municipality's authority. All of it is for its owner alone but `root.pub`, `ca.pem` and `crl.pem`.

root.key         offline root key, Ed25519, under the passphrase: signs keysets. At home on a machine without a network
root.pub         its public key in hex: what a gateway is provisioned with
ca.key, ca.pem   TLS authority, P-256, under the same passphrase, and its certificate
book.json        who may say what until when; the version of the last keyset
registry.json    public keys of gateways, as `trygg-kit platform --registry` reads them
register.db      certificates and tokens
"""

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core import wire
from gateway.core.errors import ConfigError, RefusedError
from gateway.core.trust import Trust
from gateway.daemon.tls_identity import replace
from tools.authority import issuing, sealed
from tools.authority.book import DAY_MS, Book, from_json, to_json
from tools.authority.given import check_readable, unwritable
from tools.platform.parties import Signer, Verifier, key_from_hex, read_json, read_registry, read_text

ROOT, ROOT_PUBLIC, CA, CA_CERTIFICATE = "root.key", "root.pub", "ca.key", "ca.pem"
BOOK, REGISTRY, REGISTER, CRL = "book.json", "registry.json", "register.db", "crl.pem"
PUBLIC = 0o644
ROOM_BYTES = 16 << 10  # a printed sheet is smaller


def utc_ms() -> int:
    """The machine's time of day."""
    return time.time_ns() // 1_000_000


def write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace a file whole, and durably, as a gateway does; nobody else reads it meanwhile. Raises OSError."""
    replace(path, content, mode)


def write_new(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Make a file that is not there yet. Raises ConfigError: it is, or cannot be made."""
    if path.exists():
        raise ConfigError(path.name, "there already", "a new file: nothing is overwritten", str(path.parent))
    try:
        write(path, content, mode)
    except OSError as error:
        raise unwritable(path.name, error, path.parent) from error


def check_writable(option: str, path: Path) -> None:
    """That a new file could be written here, tried with another beside it. Raises ConfigError."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".trygg-") as file:
            file.write(bytes(ROOM_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(option, error, path.parent) from error


class Folder:
    """An authority that is there."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, name: str) -> Path:
        """One of its files."""
        return self.directory / name

    def book(self) -> Book:
        """Who may say what. Raises ConfigError."""
        path = self.path(BOOK)
        if not self.directory.is_dir():
            found = f"{self.directory}, which is no folder"
            raise ConfigError("DIR", found, "one of trygg-kit ca init", "command line")
        check_readable(BOOK, path)
        return from_json(read_json(path, BOOK), str(path))

    def keep(self, book: Book) -> None:
        """Write the book."""
        write(self.path(BOOK), json.dumps(to_json(book), indent=1).encode() + b"\n")

    def root_public_key(self) -> bytes:
        """What gateways are provisioned with. Raises ConfigError."""
        path = self.path(ROOT_PUBLIC)
        return key_from_hex(read_text(path, ROOT_PUBLIC).strip(), ROOT_PUBLIC, str(path))

    def root(self, passphrase: str) -> Ed25519PrivateKey:
        """The root key. Raises ConfigError, RefusedError."""
        key = sealed.unseal(self.path(ROOT), passphrase)
        if (
            not isinstance(key, Ed25519PrivateKey)
            or key.public_key().public_bytes_raw() != self.root_public_key()
        ):
            raise RefusedError("root.key and root.pub do not belong together")
        return key

    def authority(self, passphrase: str) -> issuing.Authority:
        """The TLS authority. Raises ConfigError, RefusedError."""
        key = sealed.unseal(self.path(CA), passphrase)
        certificate = issuing.read_certificate(self.path(CA_CERTIFICATE))
        if not isinstance(key, EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
            raise RefusedError("ca.key and ca.pem do not belong together")
        return issuing.Authority(key, certificate)

    def sign_keyset(self, passphrase: str, days: int, next_roots: list[bytes]) -> tuple[bytes, Book]:
        """The next keyset, already in the book: a version that was given is never given to another.

        Raises:
            ConfigError, RefusedError.
        """
        book, root, now_ms = self.book(), self.root(passphrase), utc_ms()
        fields = book.keyset_fields(now_ms, now_ms + days * DAY_MS, next_roots)
        payload = wire.encode_payload("keyset", book.tenant, wire.WHOLE_TENANT, fields)
        message = Signer(root).seal("keyset", payload)
        if len(message) > wire.MAX_DOWN_BYTES:
            raise RefusedError(
                "the keyset would be larger than a gateway takes: revoke keys that nobody uses"
            )
        Trust(book.tenant, [self.root_public_key()]).accept(message, Verifier().verify)
        book.keyset_version += 1
        book.keyset_not_after = int(str(fields["not_after"]))
        self.keep(book)
        return message, book

    def learn(self, gateway: str, identity: bytes, *, replaces: bool) -> None:
        """Let the platform's registry know a gateway. Raises ConfigError, RefusedError: it knows another identity."""
        self.check_known(gateway, identity, replaces=replaces)
        self._register(gateway, identity)

    def check_known(self, gateway: str, identity: bytes, *, replaces: bool) -> None:
        """Refuse another identity than the one registered, unless it is to be replaced. Raises RefusedError."""
        known = read_registry(self.path(REGISTRY)).get((self.book().tenant, gateway))
        if known not in (None, identity) and not replaces:
            raise RefusedError(
                "the gateway is registered with another identity: where it is a new one, say --replace"
            )

    def forget(self, gateway: str) -> None:
        """Take a gateway out of the registry."""
        self._register(gateway, None)

    def _register(self, gateway: str, identity: bytes | None) -> None:
        known = read_registry(self.path(REGISTRY))
        tenant = self.book().tenant
        known.pop((tenant, gateway), None)
        if identity is not None:
            known[(tenant, gateway)] = identity
        tree: dict[str, Any] = {tenant: {}}
        for (owner, name), key in sorted(known.items()):
            tree.setdefault(owner, {})[name] = key.hex()
        write(self.path(REGISTRY), json.dumps(tree, indent=2).encode() + b"\n")


def make(directory: Path, tenant: str, passphrase: str) -> tuple[Folder, Ed25519PrivateKey]:
    """A new authority. Raises ConfigError: the folder holds one, or part of one."""
    check_new(directory, tenant)
    root = Ed25519PrivateKey.generate()
    return fill(directory, Book(tenant), root, passphrase), root


def restore(
    directory: Path, tenant: str, passphrase: str, root: Ed25519PrivateKey, keyset_version: int
) -> Folder:
    """An authority from its printed backup: the root alone, or what is missing beside a book that was kept.

    keyset_version: the last one that gateways may have; what is signed from now on is above it.

    Raises:
        ConfigError: root.key is there.
        RefusedError: root.pub is there and is another's, or the passphrase is not that of a ca.key that is there.
    """
    folder = Folder(directory)
    if folder.path(ROOT_PUBLIC).exists() and folder.path(BOOK).exists():
        if folder.root_public_key() != root.public_key().public_bytes_raw():
            raise RefusedError("the backup is of another root key than root.pub says")
        book = folder.book()
        if book.tenant != tenant:
            raise ConfigError("--tenant", repr(tenant), f"{book.tenant}, as the book says", "command line")
        if folder.path(ROOT).exists():
            raise ConfigError(ROOT, "there already", "a new file: nothing is overwritten", str(directory))
        if folder.path(CA).exists():
            folder.authority(passphrase)  # kept, under the one passphrase of both
        book.keyset_version = max(book.keyset_version, keyset_version)
        return fill(directory, book, root, passphrase)
    check_new(directory, tenant)
    return fill(directory, Book(tenant, keyset_version), root, passphrase)


def check_new(directory: Path, tenant: str) -> None:
    """Raises ConfigError: no id, or the folder holds an authority, or part of one."""
    if not wire.is_id(tenant):
        raise ConfigError("--tenant", repr(tenant), "small letters, digits and -, at most 32", "command line")
    for name in (ROOT, ROOT_PUBLIC, CA, CA_CERTIFICATE, BOOK, REGISTRY, REGISTER):
        if (directory / name).exists():
            raise ConfigError(name, "there already", "a directory without keys", str(directory))


def fill(directory: Path, book: Book, root: Ed25519PrivateKey, passphrase: str) -> Folder:
    """Write what is missing, the root key last: a folder without it was not finished, and says so. Raises ConfigError."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable("DIR", error, directory) from error
    folder = Folder(directory)
    if not folder.path(CA).exists():
        authority = issuing.make_authority(generate_private_key(SECP256R1()), book.tenant)
        write(folder.path(CA_CERTIFICATE), issuing.pem(authority.certificate), PUBLIC)
        write(folder.path(CA), sealed.seal(authority.key, passphrase))
    write(folder.path(ROOT_PUBLIC), root.public_key().public_bytes_raw().hex().encode() + b"\n", PUBLIC)
    folder.keep(book)
    if not folder.path(REGISTRY).exists():
        write(folder.path(REGISTRY), json.dumps({book.tenant: {}}).encode() + b"\n")
    write(folder.path(ROOT), sealed.seal(root, passphrase))
    return folder
