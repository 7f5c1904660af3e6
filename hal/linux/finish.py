"""Work that must not be left half done."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def finish(work: Coroutine[Any, Any, Result]) -> Result:
    """Do `work` to its end even where the caller is cancelled meanwhile; the cancellation goes on after it.

    For short work only: a thread that writes a file, two commands that belong together.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # seen; the caller learns of its cancellation only
        raise
