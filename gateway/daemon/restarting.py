"""The count of restarts (`restarts.py`) around one run of the hub: what is counted, what is said, and whether the machine restarts."""

import contextlib
from collections.abc import Callable, Iterator

from gateway.daemon.restarts import REBOOT, Restarts
from gateway.hub.app import App

Log = Callable[..., None]


async def tell_restarts(app: App, restarts: Restarts, log: Log) -> None:
    """Report a restart of the machine that was ours, once; why the process before ended is in `hub.started`."""
    values = restarts.of_machine()
    is_stored = values is None or await app.recorder.note("machine.restarted", values=values)
    if is_stored:
        try:
            restarts.told()
        except OSError as error:
            log("warning", "The count of restarts cannot be kept.", cause=str(error))


def ended(restarts: Restarts, part: str, reason: str, log: Log) -> int:
    """Exit status of a process that ends because a part failed for good: 1, or `REBOOT` where that did not help before."""
    try:
        wanted = restarts.ended(part, reason)
    except OSError as error:
        log("warning", "The count of restarts cannot be kept.", cause=str(error))
        return 1
    if wanted:
        log("error", "Starting anew does not help; the machine is asked to restart.", part=part, cause=reason)
    return REBOOT if wanted else 1


def hung_too_often(restarts: Restarts, log: Log) -> bool:
    """Whether processes before this one were killed so often that the machine should start anew; from now on it counts as running."""
    try:
        wanted = restarts.begun()
    except OSError as error:
        log("warning", "The count of restarts cannot be kept.", cause=str(error))
        return False
    if wanted:
        log("error", "Starting anew does not help; the machine is asked to restart.", cause=restarts.reason)
    return wanted


@contextlib.contextmanager
def counted(restarts: Restarts, log: Log) -> Iterator[None]:
    """What ends in here by itself, with an error or without, was not killed."""
    try:
        yield
    finally:
        try:
            restarts.stopped()
        except OSError as error:
            log("warning", "The count of restarts cannot be kept.", cause=str(error))
