"""A store as a process of its own, to be filled, killed and asked what it still holds; standard library only.

`serve` takes a command a line on stdin. A worker offers those of what it can do, and refuses the others:

    taking    rate FIRST COUNT SIZE WINDOW     {"reply": "rate", "accept_ns": ..., "store_ns": ... or null}
              pace FIRST COUNT PER_SECOND SIZE the number of each event as soon as it is accepted, a line each
    holding   held                             {"reply": "held", "numbers": [[first, last], ...]}
              forget                           {"reply": "forget"} once all is delivered and deleted
    alarming  alarm NUMBER                     no answer
    sending   open PORT                        {"reply": "open"}: gives it a way out

A store that fails, or is told what it cannot do, says {"error": words} and ends.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Protocol

from tools.bench.peers.spans import spans

Answer = dict[str, object]
Commands = dict[str, Callable[..., Answer | None]]  # None: no answer is expected


class Taking(Protocol):
    """Accepts events. Every worker does."""

    def offer(self, numbers: range, size: int, window: int) -> None:
        """Offer these events with at most `window` not yet accepted; returns when all are."""

    def settle(self) -> bool:
        """Wait until all that was accepted is written into the store; False where it never will be."""


class Holding(Protocol):
    """Holds in this process what it has accepted."""

    def held(self) -> list[int]:
        """Numbers of what it holds."""

    def forget(self) -> None:
        """Deliver everything to nobody and delete it, as after a drain."""


class Alarming(Protocol):
    """Sends by itself or through a broker, so that an alarm arrives somewhere."""

    def alarm(self, number: int) -> None:
        """Offer an alarm, at once."""


class Sending(Protocol):
    """Has a way out of its own."""

    def open(self, port: int) -> None:
        """Connect to the receiver there."""


def say(line: str) -> None:
    """One line, at once, in one call."""
    os.write(1, (line + "\n").encode())


def taking(store: Taking) -> Commands:
    """The commands of a worker that accepts events."""
    return {"rate": partial(rate, store), "pace": partial(pace, store)}


def holding(store: Holding) -> Commands:
    """The commands of one that holds them."""

    def held() -> Answer:
        return {"numbers": spans(store.held())}

    def forget() -> Answer:
        store.forget()
        return {}

    return {"held": held, "forget": forget}


def alarming(store: Alarming) -> Commands:
    """The command of one that can raise an alarm."""
    return {"alarm": store.alarm}


def sending(store: Sending) -> Commands:
    """The command of one that has a way out."""

    def leave(port: int) -> Answer:
        store.open(port)
        return {}

    return {"open": leave}


def rate(store: Taking, first: int, count: int, size: int, window: int) -> Answer:
    """Time from the first offer to the last acceptance, and to the last event in the store."""
    began = time.monotonic_ns()
    store.offer(range(first, first + count), size, window)
    accepted = time.monotonic_ns()
    stored = store.settle()
    return {"accept_ns": accepted - began, "store_ns": time.monotonic_ns() - began if stored else None}


def pace(store: Taking, first: int, count: int, per_second: int, size: int) -> None:
    """One event after the other, evenly."""
    began = time.monotonic()
    for index in range(count):
        wait_s = began + index / per_second - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        store.offer(range(first + index, first + index + 1), size, 1)
        say(str(first + index))


def serve(open_store: Callable[[Path], Commands]) -> None:
    """Open the store in the folder named by the first argument and take its commands until stdin ends."""
    try:
        run(open_store(Path(sys.argv[1])), sys.stdin)
    except Exception as error:
        say(json.dumps({"error": f"{type(error).__name__}: {error}"}))
        raise
    os._exit(0)  # threads of a peer may not end; nothing is asked of this process any more


def run(commands: Commands, lines: Iterable[str]) -> None:
    """Do what each line says. Raises ValueError for a command that is not among them."""
    say(json.dumps({"reply": "start"}))
    for line in lines:
        word, *rest = line.split()
        if word not in commands:
            raise ValueError(f"{word}: this worker can only {', '.join(sorted(commands))}")
        answer = commands[word](*[int(item) for item in rest])
        if answer is not None:
            say(json.dumps({"reply": word, **answer}))
