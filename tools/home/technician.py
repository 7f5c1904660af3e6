"""The technician of a virtual home: pairs what is not paired, through the control socket as `trygg pair` does."""

import time
from pathlib import Path

from gateway.daemon.control import ask

LOOK_S = 0.1
PATIENCE_S = 30.0


class PairingFailedError(Exception):
    """A device of the home was not paired: which, and why."""


def pair_devices(control: Path) -> list[str]:
    """Pair every device that the running hub does not read for want of a bond; their names.

    The codes on the labels are in the gateway's configuration.

    Raises:
        PairingFailedError: one of them is not paired.
        OSError, ValueError: the hub does not answer.
    """
    names = [str(row["name"]) for row in ask(control, "devices") if not row["paired"]]
    for name in names:
        facts = ask(control, "pair", arguments={"device": name})
        end = time.monotonic() + PATIENCE_S
        while facts["state"] not in ("bonded", "refused", "expired", "cancelled"):
            if time.monotonic() > end:
                facts = ask(control, "pair_cancel")
                break
            time.sleep(LOOK_S)
            facts = ask(control, "pair_state")
        if facts["state"] != "bonded":
            raise PairingFailedError(f"{name} was not paired: {facts['state']} {facts['why']}".strip())
    return names
