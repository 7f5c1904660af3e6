"""The page's only source: the running hub, asked over its control socket."""

import asyncio
import functools
import json
import time
from pathlib import Path
from typing import Any

from gateway.daemon.control import ANSWER_S, ask

PATIENCE_S = 40.0  # for what the hub must ask its radio about
WAIT_S, AGAIN_S = 10.0, 0.25


class HubGoneError(Exception):
    """Nobody answers: the hub does not run, or starts anew. The text is a detail."""


class HubRefusedError(Exception):
    """The hub said no, and why: cause and next action, in English."""


class Hub:
    """Asks whoever serves the control socket at `path`, without holding the event loop up.

    A hub that takes up a changed configuration is away for some seconds: for `wait_s` what was not taken is asked again.
    """

    def __init__(self, path: Path, wait_s: float = WAIT_S) -> None:
        self.path = path
        self.wait_s = wait_s

    async def ask(self, command: str, **arguments: str | bool) -> Any:
        """The result of one command. Raises HubGoneError, HubRefusedError."""
        timeout_s = PATIENCE_S if len(arguments) > 1 else ANSWER_S
        question = functools.partial(ask, self.path, command, timeout_s, arguments)
        end_s = time.monotonic() + self.wait_s
        while True:
            try:
                return await asyncio.to_thread(question)
            except json.JSONDecodeError as error:
                raise HubGoneError(str(error)) from error
            except ValueError as error:  # WrongArgumentError among them
                raise HubRefusedError(str(error)) from error
            except OSError as error:
                # What changes something is asked again only where nobody took it.
                untaken = isinstance(error, (ConnectionRefusedError, FileNotFoundError)) or not arguments
                if not untaken or time.monotonic() >= end_s:
                    raise HubGoneError(error.strerror or str(error)) from error
            await asyncio.sleep(AGAIN_S)
