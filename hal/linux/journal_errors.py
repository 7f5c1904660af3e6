"""From what SQLite and the system report to what the hub can act on."""

import errno
import sqlite3

from hal.errors import CorruptDataError, DeniedError, HalError, StorageFullError, UnavailableError

FULL_MESSAGE = (
    "the journal holds nothing more that may be given up, and nothing was stored:"
    " restore the connection to the platform, or raise `capacity_mb` of [storage]"
)
DISK_FULL_MESSAGE = "the disk is full and the journal cannot grow: free space on the file system of [storage]"
CLOSED_MESSAGE = "the journal is closed: open it again"

CORRUPT_CODES = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT)
DENIED_CODES = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)
# A read that ends early, or that the medium cannot answer, will not get better by trying again.
CORRUPT_READS = (sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_CORRUPTFS)


def from_sqlite(error: sqlite3.Error, doing: str) -> HalError:
    """The error of the seam for a native one that came while `doing` something."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    detail = f"{getattr(error, 'sqlite_errorname', type(error).__name__)}: {error}"
    if code & 0xFF in CORRUPT_CODES or code in CORRUPT_READS:
        return CorruptDataError(
            f"the journal is damaged, found while {doing}: restart, it will be set aside", detail
        )
    if code & 0xFF == sqlite3.SQLITE_FULL:
        return StorageFullError(DISK_FULL_MESSAGE, detail)
    if code & 0xFF in DENIED_CODES:
        return DeniedError(
            f"the journal may not be written while {doing}: check owner and mode of its files", detail
        )
    return UnavailableError(f"the journal's medium failed while {doing}: check the card or disk", detail)


def from_os(error: OSError, doing: str) -> HalError:
    """The error of the seam for one of the operating system."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFullError(DISK_FULL_MESSAGE, str(error))
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DeniedError(
            f"the journal may not be used while {doing}: check owner and mode of its files", str(error)
        )
    return UnavailableError(f"the journal's medium failed while {doing}: check the card or disk", str(error))


def damaged_entry(lane: int, seq: int) -> CorruptDataError:
    """The error for an entry that should be there, as it was, and is not."""
    message = (
        "an event in the journal is missing or does not match its chain value: restart, it will be set aside"
    )
    return CorruptDataError(message, f"lane {lane}, number {seq}")
