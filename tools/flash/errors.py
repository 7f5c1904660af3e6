"""What stops a flash. Each says the cause and what to do next; nothing is called done after one of them."""

from gateway.core.errors import RefusedError


class FlashError(RefusedError):
    """A card, board or image that cannot be used; `again` says whether trying the same again may help."""

    again = False


class CardGoneError(FlashError):
    """The card was pulled out, or its reader let go of it."""

    again = True


class CardFullError(FlashError):
    """There is less room than the card said."""


class DifferentError(FlashError):
    """What was read back is not what was written. `at` is the first byte of the piece that differs."""

    again = True

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(reason)
        self.at = at


class ImageError(FlashError):
    """A file that was named is damaged, of another sort, for another board, or not what its SHA-256 names."""


class BoardError(FlashError):
    """The board does not answer, or is another one."""

    again = True
