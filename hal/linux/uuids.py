"""Bluetooth UUIDs: bleak's 36 characters and the short form of `hal.types`."""

BASE_SUFFIX = "-0000-1000-8000-00805f9b34fb"  # Core 5.4, Vol 3, Part B, 2.5.1


def short_uuid(uuid: str) -> str:
    """Four hex digits where the SIG assigned 16 bits, else all 36 characters; lower case."""
    lowered = uuid.lower()
    if lowered.startswith("0000") and lowered.endswith(BASE_SUFFIX) and len(lowered) == 36:
        return lowered[4:8]
    return lowered


def long_uuid(uuid: str) -> str:
    """The 36 characters of a UUID in either form."""
    return f"0000{uuid.lower()}{BASE_SUFFIX}" if len(uuid) == 4 else uuid.lower()
