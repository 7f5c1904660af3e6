"""Bonds in a file, so that they outlive the process, and its death at any moment.

JSON with mode 0600: it holds link keys. Beside the bonds stands our own address, because peripherals know us by it.
"""

import asyncio
import json
import secrets
from pathlib import Path
from typing import Any

from bumble import hci
from bumble.keys import KeyStore, PairingKeys

from hal.errors import CorruptDataError, DeniedError, UnavailableError
from hal.linux.finish import finish
from hal.linux.private_file import read_text, replace_text
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK

VERSION = 1


class BondStore(KeyStore):
    """Bumble's key store over one file, replaced as a whole: after a power cut the old or the new one is there."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saving = asyncio.Lock()
        self._bonds: dict[str, dict[str, Any]] = {}
        self._address = ""

    @property
    def own_address(self) -> hci.Address:
        """Our static random address, made with the store."""
        return hci.Address(self._address, hci.Address.RANDOM_DEVICE_ADDRESS)

    async def open(self) -> None:
        """Read the file, or make it.

        Raises:
            CorruptDataError: the file is not a store of bonds.
            UnavailableError: it cannot be read or written.
        """
        try:
            text = await asyncio.to_thread(read_text, self._path)
            if text is None:
                self._address = _new_static_address()
                await self._change("", None)
            else:
                self._load(text)
        except OSError as error:
            raise UnavailableError(
                f"bonds cannot be kept in {self._path}: check its folder", str(error)
            ) from error

    def level(self, address: str) -> int:
        """Level of the bond with `address`: 0 none, 1 weak, 2 authenticated."""
        return self.levels().get(address.upper(), BOND_NONE)

    def levels(self) -> dict[str, int]:
        """Address and level of every bond."""
        return {_address(name): _level(keys) for name, keys in self._bonds.items()}

    async def forget(self, address: str) -> None:
        """Delete the bond with `address`, one that is just being written included; no error where there is none."""
        async with self._saving:  # what is being written stands then
            pass
        names = [name for name in self._bonds if _address(name) == address.upper()]
        for name in names:
            await self.delete(name)

    # --- bumble's key store ----------------------------------------------------------------------------------

    async def delete(self, name: str) -> None:
        """Delete the keys stored under `name`."""
        if name in self._bonds:
            await self._change(name, None)

    async def update(self, name: str, keys: PairingKeys) -> None:
        """Store the keys that pairing made. What cannot be written does not count as a bond: Bumble only logs it.

        Raises:
            DeniedError: there is a stronger bond, which a weaker one never replaces.
        """
        made = keys.to_dict()
        if _level(made) < self.level(_address(name)):
            raise DeniedError(f"{_address(name)} paired without its passkey: forget it and pair again")
        await self._change(name, made)

    async def get(self, name: str) -> PairingKeys | None:
        """The keys stored under `name`."""
        keys = self._bonds.get(name)
        return None if keys is None else PairingKeys.from_dict(keys)

    async def get_all(self) -> list[tuple[str, PairingKeys]]:
        """All names and their keys."""
        return [(name, PairingKeys.from_dict(keys)) for name, keys in self._bonds.items()]

    # --- the file --------------------------------------------------------------------------------------------

    def _load(self, text: str) -> None:
        try:
            stored = json.loads(text)
            _check_version(stored["version"])
            bonds = {name: PairingKeys.from_dict(keys).to_dict() for name, keys in stored["bonds"].items()}
            self._address = hci.Address(stored["address"]).to_string(False)
            self._bonds = bonds
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptDataError(
                f"{self._path} is not a file of bonds: move it away and pair again", repr(error)
            ) from error

    async def _change(self, name: str, keys: dict[str, Any] | None) -> None:
        """Write the file with `name` set to `keys` or without it; then it counts."""
        async with self._saving:
            bonds = {each: stored for each, stored in self._bonds.items() if each != name}
            if keys is not None:
                bonds[name] = keys
            content = {"version": VERSION, "address": self._address, "bonds": bonds}
            await finish(self._replace(json.dumps(content, indent=1, sort_keys=True), bonds))

    async def _replace(self, text: str, bonds: dict[str, dict[str, Any]]) -> None:
        await asyncio.to_thread(replace_text, self._path, text)
        self._bonds = bonds


def _address(name: str) -> str:
    """The address under which keys are stored; Bumble marks public ones with /P."""
    return name.split("/", maxsplit=1)[0]


def _level(keys: dict[str, Any]) -> int:
    """How good stored keys are."""
    ltk = keys.get("ltk") or {}
    return BOND_AUTHENTICATED if ltk.get("authenticated") else BOND_WEAK


def _check_version(version: object) -> None:
    if version != VERSION:
        raise ValueError(f"version {version}, expected {VERSION}")


def _new_static_address() -> str:
    """48 random bits, the top two set (Core 5.4, Vol 6, Part B, 1.3.2.1)."""
    value = bytearray(secrets.token_bytes(6))
    value[0] |= 0xC0
    return ":".join(f"{byte:02X}" for byte in value)
