"""What a board is provisioned with: its configuration and its credentials, as files of a small file system.

hub.cbor           the same tree as hub.toml, compiled by the kit: deterministic CBOR
hub.cbor.sha256    its SHA-256 in hex, so that a torn write is noticed
ca.der, certificate.der, key.der    whom the broker must be of, and who we are
wifi.cbor          name and password of the access point, as a list of two texts; no file where there is none
"""

import binascii
import hashlib
import os

from gateway.core import cbor
from gateway.core.config import validate
from gateway.core.errors import ConfigError, DecodeError
from hal.errors import DeniedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.core.config import Config

SOURCE = "hub.cbor"


def read(path: str) -> bytes:
    """A whole file. Raises OSError."""
    with open(path, "rb") as file:
        return file.read()


def is_there(folder: str, name: str = SOURCE) -> bool:
    """Whether a file of that name stands in the folder."""
    try:
        return name in os.listdir(folder)
    except OSError:
        return False


def load(folder: str) -> "Config":
    """The configuration of a folder, checked. Raises ConfigError."""
    return validate(tree(folder), SOURCE)


def tree(folder: str) -> "dict[str, object]":
    """The tree of tables. Raises ConfigError: not there, torn, or no tree."""
    path = folder + "/" + SOURCE
    expected = "a configuration that the kit compiled: provision this gateway again"
    if not is_there(folder):
        wanted = "hub.cbor in " + folder + ", or what trygg-kit flash esp32 --profile writes"
        raise ConfigError("(file)", "nothing that this gateway was provisioned with", wanted, SOURCE)
    try:
        data = read(path)
        digest = read(path + ".sha256")
    except OSError as error:
        raise ConfigError("(file)", str(error), expected, SOURCE)
    if binascii.hexlify(hashlib.sha256(data).digest()) != digest.strip():
        raise ConfigError("(file)", "another checksum than its own", expected, SOURCE)
    try:
        found = cbor.decode(data)
    except DecodeError as error:
        raise ConfigError("(file)", str(error), expected, SOURCE)
    if not isinstance(found, dict):
        raise ConfigError("(file)", "no table", expected, SOURCE)
    return found


def credentials(folder: str) -> "tuple[bytes, bytes, bytes]":
    """DER of the authority, our certificate and our key. Raises DeniedError: one of them is not there."""
    lacking = unenrolled(folder)
    if lacking:
        raise DeniedError(
            "this board has no " + lacking[0] + ": give it one with its provisioning, or enrol it"
        )
    try:
        return read(folder + "/ca.der"), read(folder + "/certificate.der"), read(folder + "/key.der")
    except OSError as error:
        raise DeniedError(
            "the certificate and its key cannot be read: provision this gateway again", str(error)
        )


def unenrolled(folder: str) -> "list[str]":
    """Files that TLS needs and are not there."""
    return [name for name in ("ca.der", "certificate.der", "key.der") if not is_there(folder, name)]


def wifi(folder: str) -> "tuple[str, str] | None":
    """Name and password of the access point; None where none is set. Raises ConfigError."""
    expected = "the name and the password of an access point: provision this gateway again"
    try:
        found = cbor.decode(read(folder + "/wifi.cbor"))
    except OSError:
        return None
    except DecodeError as error:
        raise ConfigError("(file)", str(error), expected, "wifi.cbor")
    if not isinstance(found, list) or [type(each) for each in found] != [str, str]:
        raise ConfigError("(file)", "something else", expected, "wifi.cbor")
    return found[0], found[1]


def packed_wifi(name: str, password: str) -> bytes:
    """The content of `wifi.cbor`."""
    return cbor.encode([name, password])
