"""What the control socket answers of a running hub, and what is said of it once at its start."""

import asyncio
from collections.abc import Callable

from gateway.daemon.doctor_timeline import Timeline
from gateway.daemon.rehome_hub import Leaving
from gateway.hub import status
from gateway.hub.app import App

Log = Callable[..., None]


def handlers(app: App, timeline: Timeline, stop: asyncio.Event) -> dict[str, Callable[..., object]]:
    """What the control socket answers."""
    leaving = Leaving(app, stop)
    return {
        "timeline": timeline.entries,
        "status": lambda: status.status(app),
        "devices": lambda: status.devices(app),
        "ring": app.ringing.begin,
        "ring_state": app.ringing.facts,
        "ring_cancel": app.ringing.cancel,
        "pair": app.admission.open,
        "pair_state": app.admission.facts,
        "pair_answer": app.admission.answer,
        "pair_cancel": app.admission.cancel,
        "bonds": app.pairing.bonds,
        "forget": app.pairing.forget,
        "reset_heard": app.resets.heard,
        "reset_confirm": app.resets.confirm,
        "leave": leaving.begin,
        "leave_state": leaving.facts,
        "leave_clear": leaving.clear,
        "leave_end": leaving.end,
        "leave_cancel": leaving.cancel,
    }


async def tell_drivers(app: App, log: Log) -> None:
    """Say of each device whether the driver of another package that it needs was loaded; once, also across restarts."""
    for device in app.devices:
        if device.config.driver in app.config.plugged:
            fault: str = getattr(device.driver, "fault", "")
            if fault:
                log("error", "A driver cannot be loaded.", device=device.config.name, cause=fault)
            values: dict[str, object] = {"driver": device.config.driver, "reason": fault}
            place = device.placement
            await app.recorder.condition("driver.failed", "driver.restored", bool(fault), values, place)
