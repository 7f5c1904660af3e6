"""A process that runs until it is told to stop: signals, and what nobody catches."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

Log = Callable[..., None]
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def serve(main: Callable[[asyncio.Event], Awaitable[int]], log: Log, stopping: Callable[[], None]) -> int:
    """Run `main` with an event that SIGTERM and SIGINT set; its exit status.

    A second signal does not hurry it: what is on its way to the journal is the last thing to give up.
    """

    async def run() -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: say_uncaught(log, context))

        def told(number: signal.Signals) -> None:
            if not stop.is_set():
                log("info", "Stopping.", part="daemon", signal=number.name)
                stopping()
            stop.set()

        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, told, number)
        try:
            return await main(stop)
        finally:
            for number in STOP_SIGNALS:
                loop.remove_signal_handler(number)

    return asyncio.run(run())


def say_uncaught(log: Log, context: dict[str, Any]) -> None:
    """An exception that no part of the hub met: a bug of ours, and to be seen."""
    fields: dict[str, object] = {"cause": str(context.get("message", ""))}
    if context.get("exception") is not None:
        fields["trace"] = context["exception"]
    log("error", "An error was caught by nobody.", part="daemon", **fields)
