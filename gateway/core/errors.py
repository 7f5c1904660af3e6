"""Errors of the portable core. `DecodeError` is the peer's fault: counted and dropped, never fatal."""


class CoreError(Exception):
    """Root of what the core raises."""


class DecodeError(CoreError):
    """Bytes that do not say what they should; `offset` is where reading stopped (bytes, -1 unknown)."""

    def __init__(self, reason: str, offset: int = -1) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset

    def __str__(self) -> str:
        return self.reason + (" at byte " + str(self.offset) if self.offset >= 0 else "")


class RefusedError(CoreError):
    """A message that is well formed and must not be acted on; `reason` says which rule refused it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ContractError(CoreError):
    """A driver of another package that does not keep the contract of drivers; `reason` says in which point."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ConfigError(CoreError):
    """A configuration key that cannot be used: where, what was found, what is expected."""

    def __init__(self, key: str, found: str, expected: str, source: str = "") -> None:
        super().__init__(key)
        self.key = key
        self.found = found
        self.expected = expected
        self.source = source

    def __str__(self) -> str:
        where = self.source + ": " if self.source else ""
        return where + self.key + ": found " + self.found + ", expected " + self.expected
