"""How long a board waits before it starts anew after a life that did not end as told: longer each time, until the hub ran steadily.

The first wait is short, so that a home is heard again soon; a board that ends again and again, as one that is always short of memory does,
would else wear out its flash: each start writes to it. The count stands in the storage of the board, so that it outlives the reset.
"""

from hal.errors import HalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Count(Protocol):
        """A number that outlives the reset: `hal.esp32.nvs.NvsNumber`. Raises HalError."""

        def read(self) -> int: ...
        def write(self, value: int) -> None: ...


COUNT = "ended_in_vain"  # name of the number
FIRST_S, LONGEST_S = 1, 120
STEP_S = 5  # between feedings of the watchdog
FAILED_S = 10  # where the count cannot be read or kept


class Patience:
    """Over `count`, and `feed` of the watchdog; None of both where there are no drivers."""

    def __init__(self, count: "Count | None" = None, feed: "Callable[[], None] | None" = None) -> None:
        self._count, self._feed = count, feed

    def pause_s(self) -> int:
        """Seconds to wait now: 1, 2, 4 and on, at most 120. Never raises: a board that does not start waits as well."""
        if self._count is None:
            return FAILED_S
        try:
            ended = self._count.read()
            if FIRST_S << ended < LONGEST_S:  # the last step is written no more
                self._count.write(ended + 1)
            return min(FIRST_S << ended, LONGEST_S)
        except Exception:  # noqa: BLE001  whatever it is, the reset must come
            return FAILED_S

    def wait(self, pause: "Callable[[int], None]") -> None:
        """Wait so long; `pause` sleeps so many seconds. The watchdog, which nothing stops once it runs, is fed meanwhile."""
        left_s = self.pause_s()
        while left_s > 0:
            if self._feed is not None:
                self._feed()
            step_s = min(left_s, STEP_S)
            pause(step_s)
            left_s -= step_s

    def steady(self) -> None:
        """The hub ran steadily: the next wait is the first. Costs no write where none was."""
        if self._count is None:
            return
        try:
            if self._count.read():
                self._count.write(0)
        except HalError:
            pass  # the next wait is as long as the last
