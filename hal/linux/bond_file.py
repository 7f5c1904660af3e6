"""What bluetoothd's file of a device says of its key: how long it is and how it was made, never the key itself.

Source: BlueZ, doc/settings-storage.txt, "Info file format", and `store_longtermkey` in src/adapter.c; the form is that of
GLib's key files. A key of LE Secure Connections stands in it twice, under its old name and its new one. The values of
`Authenticated` are the kernel's (doc/mgmt-api.txt, New Long Term Key Event). Standard library only: a process with rights
over other people's files reads it.
"""

from typing import NamedTuple

WHOLE_KEY_BYTES = 16
LARGEST = 1 << 16  # bytes of a file; those that were seen have 500
GROUPS = ("LongTermKey", "PeripheralLongTermKey", "SlaveLongTermKey")
KEY_DIGITS = 32
# Type of the key: whether somebody in between was kept out, and whether it was made by Secure Connections.
TYPES = {"0": (False, False), "1": (True, False), "2": (False, True), "3": (True, True)}
DEBUG = "4"  # made with the key pair that the specification prints (Core 5.4, Vol 3, Part H, 2.3.5.6.1): it protects nothing


class BondFileError(ValueError):
    """The file is not what we know of bluetoothd's."""


class BondKey(NamedTuple):
    """A key of a bond: its bytes (0: everybody knows it), whether it was authenticated, whether Secure Connections made it."""

    key_bytes: int
    authenticated: bool
    secure: bool

    @property
    def is_whole(self) -> bool:
        """Whether it cannot be searched (KNOB, CVE-2019-9506)."""
        return self.key_bytes >= WHOLE_KEY_BYTES


def read_info(data: bytes) -> BondKey | None:
    """What an info file says of the LE key; of several the worst of each. None where there is none.

    Raises:
        BondFileError: it is no such file, or one that says something twice.
    """
    if len(data) > LARGEST:
        raise BondFileError("too large")
    groups = _groups(data)
    keys = [_key(groups[name]) for name in GROUPS if name in groups]
    if not keys:
        return None
    return BondKey(
        min(each.key_bytes for each in keys),
        all(each.authenticated for each in keys),
        all(each.secure for each in keys),
    )


def _groups(data: bytes) -> dict[str, dict[str, str]]:
    """Groups and their entries. Names of devices may be in any bytes: what is not text is not what we look for."""
    groups: dict[str, dict[str, str]] = {}
    entries: dict[str, str] | None = None
    for line in data.decode("utf-8", errors="replace").split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            if not line.endswith("]") or line[1:-1] in groups:
                raise BondFileError("a group that is none, or one twice")
            entries = groups[line[1:-1]] = {}
            continue
        name, equals, value = line.partition("=")
        if entries is None or not equals or name in entries:
            raise BondFileError("an entry that is none, or one twice")
        entries[name] = value
    return groups


def _key(entries: dict[str, str]) -> BondKey:
    """One group of a key."""
    key, kind, size = entries.get("Key", ""), entries.get("Authenticated", ""), entries.get("EncSize", "")
    if len(key) != KEY_DIGITS or not set(key) <= set("0123456789ABCDEFabcdef"):
        raise BondFileError("no key of 16 bytes")
    if size not in _SIZES or kind not in (*TYPES, DEBUG):
        raise BondFileError("a size or a type of key that is none")
    if kind == DEBUG:
        return BondKey(0, False, True)
    return BondKey(int(size), *TYPES[kind])


_SIZES = [str(number) for number in range(WHOLE_KEY_BYTES + 1)]
