"""The clock of a virtual health device: it shows what it was set to, runs on, and is lost with the battery; pure.

Values are those of DateTime (7 bytes) and of Current Time 0x2A2B (10 bytes). Times are ms of whatever clock the bench has.
"""

from gateway.core.timezone import DAY_S, date_of, days_of

FACTORY_S = 946_684_800  # 2000-01-01 00:00:00: what a device begins with that has lost its battery


class VirtualClock:
    """`shown_s` is what it shows at `now_ms`, in seconds since 1970 without a zone; `parts_fast` of a million it runs fast."""

    def __init__(self, shown_s: int, now_ms: int, *, parts_fast: int = 0) -> None:
        self.is_set = True
        self.parts_fast = parts_fast
        self.written: list[bytes] = []
        self._set(shown_s, now_ms)

    def _set(self, shown_s: int, now_ms: int) -> None:
        self._shown_ms = 1000 * shown_s
        self._since_ms = now_ms

    def lose(self, now_ms: int) -> None:
        """The battery was changed."""
        self.is_set = False
        self._set(FACTORY_S, now_ms)

    def shown_ms(self, now_ms: int) -> int:
        """What it shows."""
        passed_ms = now_ms - self._since_ms
        return self._shown_ms + passed_ms + passed_ms * self.parts_fast // 1_000_000

    def stamp(self, now_ms: int) -> bytes:
        """DateTime of now."""
        second = self.shown_ms(now_ms) // 1000
        year, month, day = date_of(second // DAY_S)
        rest = second % DAY_S
        return year.to_bytes(2, "little") + bytes([month, day, rest // 3600, rest // 60 % 60, rest % 60])

    def value(self, now_ms: int) -> bytes:
        """Current Time of now; no day of the week, no reason."""
        return self.stamp(now_ms) + bytes([0, self.shown_ms(now_ms) % 1000 * 256 // 1000, 0])

    def write(self, value: bytes, now_ms: int) -> None:
        """Be set by a client."""
        self.written.append(value)
        day = days_of(value[0] | value[1] << 8, value[2], value[3])
        self._set(day * DAY_S + value[4] * 3600 + value[5] * 60 + value[6], now_ms)
        self.is_set = True
