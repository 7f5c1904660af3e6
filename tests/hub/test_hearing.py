"""Listening beside whoever records: what ends a stream reaches whoever waits for it, whatever it is."""

import asyncio

from gateway.hub.air import RESTART_SCAN_MS, Listener
from gateway.hub.hearing import Hearing
from gateway.hub.waking import stop
from hal.errors import LinkLostError, UnavailableError
from tests.hub.small import Small, play
from tests.hub.visits import ADDRESS, SERVICE, Loose

MOST_STARTS = 100


class Ended:
    """A connection whose stream of notifications has ended."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def receive(self) -> None:
        raise self.error


class Gone:
    """A scanner whose adapter is out."""

    starts = 0

    async def start(self, **_asked: object) -> None:
        self.starts += 1
        assert self.starts < MOST_STARTS, "without a pause nothing else would ever run"
        raise UnavailableError("no adapter")

    async def stop(self) -> None:
        pass


def test_whatever_ends_a_stream_is_raised_to_whoever_waits() -> None:
    async def scene() -> None:
        for error in (LinkLostError("gone"), ValueError("a fault of the stack")):
            hearing = Hearing(Ended(error), Small().clock)  # type: ignore[arg-type]
            raised: "Exception | None" = None
            try:
                await hearing.next(None)
            except (LinkLostError, ValueError) as caught:
                raised = caught
            assert raised is error

    play(scene)


def test_a_scan_that_does_not_start_while_somebody_pairs_is_waited_for_and_told() -> None:
    async def scene() -> None:
        small, scanner = Small(), Gone()
        listener = Listener(scanner, [small.device(Loose, address=ADDRESS)], small.intake, small.clock)  # type: ignore[arg-type]
        task = asyncio.create_task(listener.run())
        await small.clock.settle()
        await listener.look(SERVICE)
        await small.clock.advance(5 * RESTART_SCAN_MS)
        assert scanner.starts <= 7
        assert [event.kind for event in small.events(2)] == ["adapter.lost"]
        await stop(task)

    play(scene)
