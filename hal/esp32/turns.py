"""Long work in slices, so that every other task has its turn in between.

The unit of work is one multiplication modulo 2^255 - 19, estimated at 0.24 ms on an ESP32-S3 (ADR 0030, which also says
what that estimate is worth). A slice ends with the first step at which it has reached `slice_units`; the longest step
weighs 16. So no task waits longer for a signature than 55 units, about 13 ms; were the estimate off by three, 40 ms.
"""

import asyncio

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from typing import Any

    Work = Generator[int, None, Any]

SLICE_UNITS = 40


async def let_others_run() -> None:
    """Every task that can run does, once."""
    await asyncio.sleep(0)


class Slices:
    """One piece of work, a slice at a time."""

    def __init__(self, work: "Work", slice_units: int) -> None:
        self._work = work
        self._slice_units = slice_units
        self.result: Any = None

    def next(self) -> bool:
        """Do one slice; whether all is done, and `result` its result. Raises what the work raises."""
        spent = 0
        try:
            while spent < self._slice_units:
                spent += next(self._work)
        except StopIteration as end:
            self.result = end.value
            return True
        return False


class Turns:
    """Who computes when: never two in one turn of the loop, and a signature before what can wait.

    A signature is what an alarm waits for; a check may be of a forged receipt.
    """

    def __init__(
        self,
        slice_units: int = SLICE_UNITS,
        pause: "Callable[[], Awaitable[None]]" = let_others_run,
    ) -> None:
        """`pause` is called after each slice."""
        self._slice_units = slice_units
        self._pause = pause
        self._signing = asyncio.Lock()
        self._checking = asyncio.Lock()

    async def first(self, work: "Work") -> "Any":
        """Do the work, slice after slice; checks wait until it is done. The result of the work."""
        async with self._signing:
            slices = Slices(work, self._slice_units)
            while not await self._one(slices):
                pass
            return slices.result

    async def beside(self, work: "Work") -> "Any":
        """Do the work where no signature is being made. The result of the work."""
        async with self._checking:
            slices = Slices(work, self._slice_units)
            done = False
            while not done:
                async with self._signing:
                    done = await self._one(slices)
            return slices.result

    async def _one(self, slices: Slices) -> bool:
        """One slice, and the others' turn after it, before anybody computes again; whether all is done."""
        done = slices.next()
        await self._pause()
        return done
