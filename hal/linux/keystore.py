"""Keys in files of a folder that only the gateway's own user may read.

    identity.key    raw Ed25519 private key, 32 bytes in hex: signs everything this gateway says
    identity.hmac   32 bytes in hex: makes identities of stored records
    NAME.key        symmetric keys by reference, in hex (bind keys of sensors: 16 bytes)

They are made here at the first start and never leave. A file or folder that others may read is refused: whoever
read the key once can speak for this gateway for ever.
"""

import os
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hal.errors import CorruptDataError, DeniedError, UnavailableError
from hal.key_references import IDENTITY, check_import, is_reference
from hal.linux.private_file import read_text, replace_text

FORBIDDEN = stat.S_IRWXG | stat.S_IRWXO


class FileKeyStore:
    """The key store in `directory`, made with an identity where it is missing.

    Raises:
        DeniedError: folder or file is open to others, or closed to us.
        CorruptDataError: a file does not hold a key.
        UnavailableError: the medium fails.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_private(directory)
            self._identity = Ed25519PrivateKey.from_private_bytes(self._load_or_make(IDENTITY + ".key", 32))
            self._keys = {IDENTITY: self._load_or_make(IDENTITY + ".hmac", 32)}
        except PermissionError as error:
            raise DeniedError(
                f"the key folder {directory} is closed to this user: let it belong to the gateway's user",
                str(error),
            ) from error
        except OSError as error:
            raise UnavailableError(
                f"the key folder {directory} cannot be used: check the disk", str(error)
            ) from error
        self._public_key = self._identity.public_key().public_bytes_raw()

    @property
    def public_key(self) -> bytes:
        return self._public_key

    async def sign(self, message: bytes) -> bytes:
        return self._identity.sign(message)

    def has(self, key_ref: str) -> bool:
        return key_ref in self._keys or (is_reference(key_ref) and self._path(key_ref).exists())

    def add_key(self, key_ref: str, key: bytes) -> None:
        """Store a symmetric key of 16 or 32 bytes, replacing an older one. Raises ValueError where it cannot be."""
        check_import(key_ref, key)
        replace_text(self._path(key_ref), key.hex() + "\n")
        self._keys[key_ref] = key

    def secret(self, key_ref: str) -> bytes:
        """For `NativeCrypto` alone. Raises DeniedError where there is no such key, CorruptDataError for a bad file."""
        key = self._keys.get(key_ref)
        if key is None and is_reference(key_ref):
            key = self._load(self._path(key_ref))
        if key is None:
            raise DeniedError(f"no key {key_ref!r} in {self._directory}: enter the device's key there")
        self._keys[key_ref] = key  # a sensor sends many frames
        return key

    def _path(self, key_ref: str) -> Path:
        return self._directory / (key_ref + ".key")

    def _load_or_make(self, name: str, size: int) -> bytes:
        path = self._directory / name
        key = self._load(path)
        if key is None:
            key = os.urandom(size)
            replace_text(path, key.hex() + "\n")
        if len(key) != size:
            raise CorruptDataError(
                f"{path} holds {len(key)} bytes, expected {size}: restore it from where it was made"
            )
        return key

    def _load(self, path: Path) -> bytes | None:
        text = read_text(path)
        if text is None:
            return None
        check_private(path)
        try:
            return bytes.fromhex(text.strip())
        except ValueError as error:
            raise CorruptDataError(
                f"{path} does not hold a key in hex: enter it again", str(error)
            ) from error


def check_private(path: Path) -> None:
    """Raises DeniedError where group or others may do anything with `path`."""
    mode = path.stat().st_mode
    if mode & FORBIDDEN:
        wanted = "700" if stat.S_ISDIR(mode) else "600"
        raise DeniedError(f"{path} is open to others (mode {stat.S_IMODE(mode):o}): chmod {wanted} {path}")
