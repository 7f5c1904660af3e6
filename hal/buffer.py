"""A bounded hand-over from callbacks to awaiting readers, on both interpreters.

Radio stacks and serial lines deliver by callback and never wait; hub loops await. Between them stands a limit,
because memory is one thing a gateway cannot get more of, and an end, because a wait that a lost link does not
end is a hang.
"""

import asyncio
from collections import deque

from hal.errors import LinkLostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Buffer:
    """First in, first out. What is held when it ends is still handed out; then every reader gets LinkLostError."""

    def __init__(self, limit: int) -> None:
        self._items: deque[Any] = deque((), limit)  # noqa: RUF037  MicroPython's deque takes no keywords
        self._limit = limit
        self._filled = asyncio.Event()
        self._ended: tuple[str, str] | None = None

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        """Whether the next `put` would push out the oldest."""
        return len(self._items) >= self._limit

    @property
    def ended(self) -> bool:
        """Whether the source is gone; what is put after that is dropped."""
        return self._ended is not None

    def put(self, item: object) -> bool:
        """Hold `item`. False when something was lost for it: the oldest, or the item itself after the end."""
        if self._ended is not None:
            return False
        kept_all = not self.full
        if not kept_all:
            self._items.popleft()
        self._items.append(item)
        self._filled.set()
        return kept_all

    def end(self, message: str, detail: str = "") -> None:
        """Let no more in. The first reason given is the one that readers see."""
        if self._ended is None:
            self._ended = (message, detail)
        self._filled.set()

    async def get(self) -> "Any":
        """The oldest item; waits for one. Raises LinkLostError once it has ended and is empty."""
        while not self._items:
            if self._ended is not None:
                raise LinkLostError(self._ended[0], self._ended[1])
            self._filled.clear()
            await self._filled.wait()
        return self._items.popleft()
