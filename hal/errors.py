"""What a backend may raise: six kinds, each naming what the caller can do about it (and of one, a closer word for pairing).

Backends translate every native exception to one of these and keep the native text in `detail`. Any other
exception that leaves a backend is our bug and is treated as one: the loop that met it fails loudly.
"""


class HalError(Exception):
    """Root of what a backend raises; `detail` keeps the native text for the log."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail

    def __str__(self) -> str:
        return self.message + " (" + self.detail + ")" if self.detail else self.message


class TimedOutError(HalError):
    """No answer within the time the caller gave; trying again may help."""


class LinkLostError(HalError):
    """The peer or the line went away; open it again."""


class UnavailableError(HalError):
    """The adapter, port or service is not there now; it may come back."""


class StorageFullError(HalError):
    """Nothing that may be given up is left; the write did not happen."""


class CorruptDataError(HalError):
    """Stored data does not read back as it was written."""


class DeniedError(HalError):
    """The peer or the system refused: permission, pairing, key or certificate."""


class PairingError(DeniedError):
    """Pairing did not come to a bond, or a stored one is not taken; `reason` is one of the words below.

    A refusal like any other to whoever does not pair.
    """

    STALE = "stale"  # the peripheral no longer knows the stored bond
    PASSKEY = "passkey"  # it did not take the passkey
    OOB = "oob"  # its key is not the one that the data on the label stands for
    NO_OOB = "no_oob"  # it does not pair by data on a label
    NO_WAY = "no_way"  # our own stack has no way to take such data
    WEAK = "weak"  # it offers less protection than was asked for
    KEY = "key"  # legacy pairing or a key of less than 16 bytes
    NUMBER = "number"  # nobody confirmed the number
    UNSTORED = "unstored"  # paired, and no bond was kept
    REFUSED = "refused"  # for a reason that it does not tell

    def __init__(self, message: str, detail: str = "", reason: str = REFUSED) -> None:
        super().__init__(message, detail)
        self.reason = reason
