"""Whom the platform knows: the gateways' public keys, the receipt key, and each tenant's keyset.

The registry is JSON, `{"<tenant>": {"<gateway>": "<public key, 64 hex digits>"}}`. It and the file of names are
read again when they change, so that a gateway may be added while the platform runs.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.core import cose, wire
from gateway.core.errors import ConfigError, DecodeError, RefusedError
from gateway.core.trust import Trust
from gateway.core.wire import Sealer

PUBLIC_KEY_SIZE = 32

Keys = dict[tuple[str, str], bytes]
Names = dict[str, dict[int, str]]
Content = TypeVar("Content")


class Watched(Generic[Content]):
    """A file that is read again when it changes; a change that cannot be read leaves what was read before.

    `absent` is its content while it is not there yet; None where it must be there at start.
    """

    def __init__(self, path: Path, read: Callable[[Path], Content], absent: Content | None = None) -> None:
        self.path = path
        self.read = read
        self.stamp = self.look()
        self.content = absent if self.stamp is None and absent is not None else read(path)

    def look(self) -> tuple[int, int] | None:
        """What changes when the file does."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino

    def refresh(self) -> bool:
        """Read the file again if it changed. Raises ConfigError once for each change that cannot be read."""
        stamp = self.look()
        if stamp is None or stamp == self.stamp:
            return False
        self.stamp = stamp
        self.content = self.read(self.path)
        return True


def read_text(path: Path, what: str) -> str:
    """A small text file. Raises ConfigError."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ConfigError(what, str(error), "a file that can be read", str(path)) from error


def read_json(path: Path, what: str) -> object:
    """A JSON file. Raises ConfigError."""
    try:
        return json.loads(read_text(path, what))
    except json.JSONDecodeError as error:
        raise ConfigError(what, f"{error.msg} at line {error.lineno}", "JSON", str(path)) from error


def read_registry(path: Path) -> Keys:
    """Public keys by (tenant, gateway). Raises ConfigError."""
    tenants = read_json(path, "registry")
    keys: Keys = {}
    for tenant, gateways in table(tenants, "registry", path).items():
        for name, text in table(gateways, tenant, path).items():
            if not (wire.is_id(tenant) and wire.is_id(name)):
                raise ConfigError(
                    f"{tenant}.{name}", "such an id", "small letters, digits and -, at most 32", str(path)
                )
            keys[(tenant, name)] = key_from_hex(str(text), f"{tenant}.{name}", str(path))
    return keys


def read_names(path: Path) -> Names:
    """Names for people by gateway and placement. Raises ConfigError."""
    names: Names = {}
    for gateway, rows in table(read_json(path, "names"), "names", path).items():
        names[gateway] = {}
        for placement, name in table(rows, gateway, path).items():
            if not placement.isdecimal() or not isinstance(name, str):
                raise ConfigError(
                    f"{gateway}.{placement}", repr(name), "a name under the number of a placement", str(path)
                )
            names[gateway][int(placement)] = name
    return names


def table(value: object, key: str, path: Path) -> dict[str, object]:
    """A JSON object. Raises ConfigError."""
    if not isinstance(value, dict):
        raise ConfigError(key, type(value).__name__, "an object of names and values", str(path))
    return value


def key_from_hex(text: str, key: str, source: str) -> bytes:
    """A raw Ed25519 public key. Raises ConfigError, which never repeats the text: it may be a private key by mistake."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != PUBLIC_KEY_SIZE:
        raise ConfigError(
            key,
            "something else",
            "an Ed25519 public key, 64 hex digits, as the gateway shows it",
            source,
        )
    return raw


def read_public_key(text: str, option: str) -> bytes:
    """A public key given as hex or as the name of a file that holds the hex. Raises ConfigError."""
    try:
        return key_from_hex(text, option, "command line")
    except ConfigError:
        if not os.path.isfile(text):  # noqa: PTH113 - of a whole key's text, longer than any name, it says no
            raise
    return key_from_hex(read_text(Path(text), option).strip(), option, text)


def read_private_key(path: Path, option: str) -> Ed25519PrivateKey:
    """An Ed25519 key in PEM. Raises ConfigError."""
    try:
        key = load_pem_private_key(read_text(path, option).encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise ConfigError(
            option, str(error), "an Ed25519 private key in PEM, not encrypted", str(path)
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(option, type(key).__name__, "an Ed25519 private key in PEM", str(path))
    return key


class Verifier:
    """Ed25519 with each public key loaded once."""

    def __init__(self) -> None:
        self.loaded: dict[bytes, Ed25519PublicKey] = {}

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Whether the signature holds."""
        key = self.loaded.get(public_key)
        try:
            if key is None:
                key = self.loaded[public_key] = Ed25519PublicKey.from_public_bytes(public_key)
            key.verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer:
    """The receipt key."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self.private = private
        self.public_key = private.public_key().public_bytes_raw()
        self.sealer = Sealer(self.public_key)

    def seal(self, sort: str, payload: bytes) -> bytes:
        """A signed message."""
        return self.sealer.seal(payload, self.private.sign(self.sealer.to_sign(sort, payload)))


def read_keyset(path: Path, signer: Signer, root_keys: list[bytes]) -> tuple[str, bytes]:
    """(tenant, signed bytes) of a keyset in which our receipt key has its role.

    With `root_keys` the signature is checked too; gateways check it in any case. Raises ConfigError.
    """
    try:
        message = path.read_bytes()
    except OSError as error:
        raise ConfigError("--keyset", str(error), "a file that can be read", str(path)) from error
    try:
        parsed = wire.parse("keyset", message)
        tenant = str(parsed.fields["tenant"])
        if root_keys:
            Trust(tenant, root_keys).accept(message, Verifier().verify)
    except (DecodeError, RefusedError) as error:
        raise ConfigError("--keyset", error.reason, "a keyset signed by the root key", str(path)) from error
    roles = {kid: roles for kid, _, roles in parsed.fields["keys"]}  # type: ignore[attr-defined]
    if wire.RECEIPT_ROLE not in roles.get(cose.kid_of(signer.public_key), []):
        raise ConfigError(
            "--signing-key",
            "a key that the keyset does not name for receipts",
            "the key of role receipt in " + str(path),
            "command line",
        )
    return tenant, message
