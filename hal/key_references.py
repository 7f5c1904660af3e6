"""Names of keys, the same in every key store: they stand in configurations and become names of files."""

IDENTITY = "identity"  # made with the gateway's identity; HMAC only, and nobody replaces it
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_"
LONGEST = 64
SIZES = (16, 32)


def is_reference(key_ref: str) -> bool:
    """Whether a key may have this name; such a name cannot lead out of a folder."""
    return 0 < len(key_ref) <= LONGEST and all(letter in LETTERS for letter in key_ref)


def check_import(key_ref: str, key: bytes) -> None:
    """What may be imported. Raises ValueError: not a reference, the reserved one, or no key of 16 or 32 bytes."""
    if not is_reference(key_ref) or key_ref == IDENTITY:
        raise ValueError(
            "key reference " + repr(key_ref) + ": expected small letters, digits, - and _, and not 'identity'"
        )
    if len(key) not in SIZES:
        raise ValueError("key " + key_ref + ": found " + str(len(key)) + " bytes, expected 16 or 32")
