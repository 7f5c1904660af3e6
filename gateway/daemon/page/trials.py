"""What shows that the installation works: the walk, the pulled plug, the response centre; and its end: undo, finish, the record."""

from typing import Any

from starlette.responses import Response

from gateway.core.errors import RefusedError
from gateway.daemon.page import record as printed
from gateway.daemon.page.devices import bars
from gateway.daemon.page.hub import HubRefusedError
from gateway.daemon.page.overview import Step
from gateway.daemon.page.visit import Facts, SignInError, Visit, go

# What becomes of the exercise, in order; the last two are both the centre's own word.
CENTRE = ("stored", "received", "forwarded", "accepted")
ACCEPTED = ("accepted", "handled")
ENDED = ("failed", "over")


# --- signal, room by room -----------------------------------------------------------------------------------------


async def walk(visit: Visit) -> tuple[str, dict[str, Any]]:
    """Rooms that were measured, and those that devices stand in."""
    row = visit.step("walk") or {}
    measured: list[Facts] = [
        each | {"bars": bars(each["rssi_dbm"])} for each in (row.get("facts") or {}).get("rooms", [])
    ]
    rooms = sorted({str(each["room"]) for each in visit.install["devices"] if each.get("room")})
    return "walk", {"step": step_of(visit, "walk"), "measured": measured, "rooms": rooms}


async def measure(visit: Visit) -> Response:
    """Measure in the room where the technician stands."""
    room = await visit.field("room") or await visit.field("other")
    if not room:
        raise RefusedError("no room was named: choose one, or write its name")
    await visit.change("install_walk", room=room)
    return go("/walk")


# --- the plug -----------------------------------------------------------------------------------------------------


async def plug(visit: Visit) -> tuple[str, dict[str, Any]]:
    """Whether the gateway comes back by itself, with nothing lost."""
    return "plug", {"step": step_of(visit, "plug"), "others": visit.other_holder()}


async def pull(visit: Visit) -> Response:
    """Begin: from now on the next start is looked at."""
    await visit.change("install_plug")
    return go("/plug")


# --- the response centre ------------------------------------------------------------------------------------------


async def centre(visit: Visit) -> tuple[str, dict[str, Any]]:
    """What became of the exercise: stored, received, forwarded, and only then accepted."""
    facts: Facts = visit.install["centre"]
    state = str(facts["state"])
    reached = CENTRE.index("accepted") if state in ACCEPTED else -1
    if state in CENTRE:
        reached = CENTRE.index(state)
    return "centre", {
        "step": step_of(visit, "centre"),
        "state": state,
        "stages": [(name, number <= reached) for number, name in enumerate(CENTRE)],
        "is_running": state in ("waiting", *CENTRE) and state not in ACCEPTED,
        "is_accepted": state in ACCEPTED,
        "has_failed": state in ENDED,
        "left": visit.words.texts.duration(1000 * int(facts.get("left_s") or 0)),
        "note": str(facts.get("note") or ""),
    }


async def ring(visit: Visit) -> Response:
    """Send the exercise."""
    await visit.change("install_centre")
    return go("/centre")


def step_of(visit: Visit, step_id: str) -> Step | None:
    """One step, worded; None where this installation has none of that name."""
    row = visit.step(step_id)
    return None if row is None else Step(row, visit.words)


# --- the end ------------------------------------------------------------------------------------------------------


async def undo(visit: Visit) -> Response:
    """Take back everything that this installation added: asked first, then done."""
    if visit.request.method == "GET":
        return visit.show("undo.html", departed=visit.install["departed"])
    added = [str(each["name"]) for each in visit.install["devices"] if each.get("is_added")]
    await visit.change("install_undo")
    await visit.settle(lambda: all(visit.device(name) is None for name in added))
    return go("/")


async def finish(visit: Visit) -> Response:
    """What is missing, or the technician's name and the signed record."""
    steps = {str(row["id"]): Step(row, visit.words) for row in visit.install["steps"]}
    missing = [steps[each] for each in visit.install["missing"] if each in steps]
    if visit.request.method == "GET":
        return visit.show("finish.html", missing=missing, fault="")
    name = await visit.field("technician")
    if not name:
        return visit.show("finish.html", 422, missing=missing, fault=visit.words("finish.no_name"))
    try:
        await visit.change("install_finish", technician=name)
    except HubRefusedError as error:
        return visit.show("finish.html", 409, missing=missing, fault=visit.words.reword(error))
    return go("/record")


async def record(visit: Visit) -> Response:
    """The record to print: also in the minute after the window was closed by finishing."""
    if visit.session is None:
        raise SignInError
    await visit.look()
    if not visit.install["window"]["is_open"]:
        visit.page.closing()
    if visit.install["record"] is None:
        raise RefusedError("there is no record yet: finish the installation first")
    made: Facts = await visit.page.hub.ask("install_record")
    values = printed.values(made["record"], made["cose"], visit.words)
    return visit.show("record.html", **values)
