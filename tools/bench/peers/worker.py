"""A store as a process of its own, to be filled, killed and asked what it still holds; standard library only.

`serve(open_store)` takes a command a line on stdin:

    rate FIRST COUNT SIZE WINDOW   {"reply": "rate", "accept_ns": ..., "store_ns": ... or null}
    pace FIRST COUNT PER_SECOND    the number of each event as soon as it is accepted, a line each
    alarm NUMBER                   no answer
    open PORT                      {"reply": "open"}: gives it a way out
    held                           {"reply": "held", "numbers": [[first, last], ...]}
    forget                         {"reply": "forget"} once all is delivered and deleted

A store that fails says {"error": words} and ends.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from tools.bench.peers.spans import spans


class Store(Protocol):
    """What a worker keeps its events in."""

    def offer(self, numbers: range, size: int, window: int) -> None:
        """Offer these events with at most `window` not yet accepted; returns when all are."""

    def settle(self) -> bool:
        """Wait until all that was accepted is written into the store; False where it never will be."""

    def held(self) -> list[int]:
        """Numbers of what it holds."""

    def forget(self) -> None:
        """Deliver everything to nobody and delete it, as after a drain."""

    def alarm(self, number: int) -> None:
        """Offer an alarm, at once."""

    def open(self, port: int) -> None:
        """Connect to the receiver there."""


def say(line: str) -> None:
    """One line, at once, in one call."""
    os.write(1, (line + "\n").encode())


def rate(store: Store, first: int, count: int, size: int, window: int) -> dict[str, object]:
    """Time from the first offer to the last acceptance, and to the last event in the store."""
    began = time.monotonic_ns()
    store.offer(range(first, first + count), size, window)
    accepted = time.monotonic_ns()
    stored = store.settle()
    return {"accept_ns": accepted - began, "store_ns": time.monotonic_ns() - began if stored else None}


def pace(store: Store, first: int, count: int, per_second: int, size: int) -> None:
    """One event after the other, evenly."""
    began = time.monotonic()
    for index in range(count):
        wait_s = began + index / per_second - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        store.offer(range(first + index, first + index + 1), size, 1)
        say(str(first + index))


def serve(open_store: Callable[[Path], Store]) -> None:
    """Open the store in the folder named by the first argument and take commands until stdin ends."""
    try:
        run(open_store(Path(sys.argv[1])))
    except Exception as error:
        say(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        raise
    os._exit(0)  # threads of a peer may not end; nothing is asked of this process any more


def run(store: Store) -> None:
    """The commands."""
    say(json.dumps({"reply": "start"}))
    for line in sys.stdin:
        word, *rest = line.split()
        numbers = [int(item) for item in rest]
        if word == "pace":
            pace(store, *numbers)
            continue
        if word == "alarm":
            store.alarm(*numbers)
            continue
        answer: dict[str, object] = {"reply": word}
        if word == "rate":
            answer |= rate(store, *numbers)
        elif word == "held":
            answer["numbers"] = spans(store.held())
        elif word == "forget":
            store.forget()
        elif word == "open":
            store.open(*numbers)
        say(json.dumps(answer))
