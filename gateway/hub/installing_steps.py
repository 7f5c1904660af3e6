"""The checklist of an installation: what each step needs, what is known of it, and why it is not done.

One function a step, over what the hub knows anyway; nothing here is remembered. Why a step is not done is one of `FAULTS`.
"""

from gateway.core.devices.driver import REPLAYED, UNAUTHENTICATED_FRAME
from gateway.hub.installing_faults import FAULTS
from gateway.hub.installing_memory import FOUND, TEST, WALK
from gateway.hub.installing_plug import DONE as PLUG_DONE
from gateway.hub.installing_plug import WAITING as PLUG_WAITING
from gateway.hub.installing_walk import LOST, NAMES
from gateway.hub.ringing import HEARD, OVER, WAITING
from hal.types import BOND_NONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from gateway.hub.devices import Device
    from gateway.hub.installing import Installing

    Step = dict[str, object]

DONE, OPEN, RUNNING, FAILED = "done", "open", "running", "failed"


def step(
    name: str, state: str, why: str = "", since_ms: "int | None" = None, facts: "Step | None" = None
) -> "Step":
    """A step as it is told. since_ms: utc in ms of when it was done, where that is known. fault: a kind that has a card."""
    fault, cause, action = FAULTS[why] if why else ("", "", "")
    return {
        "id": name,
        "state": state,
        "since_ms": since_ms,
        "why": why,
        "fault": fault,
        "cause": cause,
        "action": action,
        "may_skip": False,
        "facts": facts or {},
    }


def steps(of: "Installing") -> "list[Step]":
    """All steps, in the order in which a person does them."""
    found = [network(of), clock(of), platform(of)]
    if not of.devices:
        found.append(step("devices", OPEN, "no_device"))
    for device in of.devices:
        found.append(device_found(of, device))
        if device.least > BOND_NONE:
            found.append(device_paired(device))
        found.append(device_tested(of, device))
    if rooms_to_walk(of):
        found.append(walk(of))
    return found + [plug(of), centre(of)]


def network(of: "Installing") -> "Step":
    """A way out of the house is up."""
    up = [path.kind for path in of.network.paths() if path.up]
    return step("network", DONE if up else OPEN, "" if up else "network_down", None, {"paths": " ".join(up)})


def clock(of: "Installing") -> "Step":
    """The time of day is believed."""
    is_set = of.clock.utc_ms() is not None
    return step("clock", DONE if is_set else OPEN, "" if is_set else "clock_untrusted")


def platform(of: "Installing") -> "Step":
    """The platform has answered in this run with a receipt that it signed, and the connection stands."""
    detail: "Step" = {"detail": of.delivery.last_error}
    if not of.delivery.uplink.connected:
        return step("platform", OPEN, "not_connected", None, detail)
    if of.trust.held is None:
        return step("platform", OPEN, "no_keyset", None, detail)
    if not of.inward.receipts:
        return step("platform", RUNNING, "no_receipt", None, detail)
    return step("platform", DONE)


def device_found(of: "Installing", device: "Device") -> "Step":
    """It was heard since it was put into use, and somebody has said in which room it is."""
    name, facts = "device:" + device.config.name + ":found", of.device_facts(device)
    kept = of.memory.get(FOUND, str(device.placement))
    if not device.config.room:
        return step(name, FAILED, "no_room", None, facts)
    if of.recorder.engine.incidents.is_open(device.placement, "device.silent"):
        was_heard = kept is not None or device.heard_ms is not None
        return step(name, FAILED, "silent" if was_heard else "not_heard", None, facts)
    if kept is not None:
        return step(name, DONE, "", kept[0] or None, facts)
    refused = [device.refused.get(why, 0) for why in (UNAUTHENTICATED_FRAME, REPLAYED)]
    if device.config.key and sum(refused):
        return step(name, FAILED, "wrong_key", None, facts)
    if device.link and device.link not in ("connecting", "connected", "open"):
        facts["detail"] = device.link
        return step(name, FAILED, "line", None, facts)
    return step(name, OPEN, "not_heard", None, facts)


def device_paired(device: "Device") -> "Step":
    """It has the bond that it needs."""
    name = "device:" + device.config.name + ":paired"
    facts: "Step" = {"name": device.config.name, "bond": device.shown_bond}
    if device.is_paired:
        return step(name, DONE, "", None, facts)
    return step(name, OPEN, "weak_bond" if device.bond else "not_paired", None, facts)


def device_tested(of: "Installing", device: "Device") -> "Step":
    """A person has tried it, and the platform has receipted its alarm; where it has none, a reading has come."""
    name, facts = "device:" + device.config.name + ":tested", of.device_facts(device)
    facts["kinds"] = of.trying.kinds_of(device)
    kept = of.memory.get(TEST, str(device.placement))
    if of.trying.is_of(device):
        facts["kind"] = of.trying.kind
        state = of.trying.state()
        if state == HEARD:
            return step(name, RUNNING, "test_unreceipted", None, facts)
        if state == WAITING:
            return step(name, RUNNING, "test_waits", None, facts)
        if state == OVER and kept is None:
            return step(name, FAILED, "test_over", None, facts)
    if kept is None and device.placement in of.trying.beside.heard:
        return step(name, RUNNING, "test_unreceipted", None, facts)
    if kept is None:
        return step(name, OPEN, "not_tested", None, facts)
    facts["kind"] = kept[1]
    return step(name, DONE, "", kept[0] or None, facts)


def rooms_to_walk(of: "Installing") -> "list[str]":
    """Rooms in which something is heard by radio."""
    by_radio = [each for each in of.devices if each.config.address or each.config.sender]
    return sorted({each.config.room for each in by_radio if each.config.room})


def walk(of: "Installing") -> "Step":
    """Somebody has stood in each of them and was heard."""
    rooms = rooms_to_walk(of)
    rows = {room: of.memory.get(WALK, room) for room in rooms}
    missing = [room for room in rooms if rows[room] is None]
    facts: "Step" = {"missing": ", ".join(missing), "rooms": measured(of)}
    if of.walk is not None:
        facts["room"] = of.walk.room
        return step("walk", RUNNING, "not_walked", None, facts)
    if missing:
        return step("walk", OPEN, "not_walked", None, facts)
    kept = [row for row in rows.values() if row is not None]
    if any([row[2] == LOST for row in kept]):
        return step("walk", FAILED, "room_lost", None, facts)
    return step("walk", DONE, "", max([row[3] for row in kept]) or None, facts)


def measured(of: "Installing") -> "list[Step]":
    """Rooms that were measured, with a device in them or not."""
    found: "list[Step]" = []
    for room in of.memory.rooms():
        kept = of.memory.get(WALK, room)
        if kept is not None:
            heard = kept[2] != LOST
            found.append(
                {
                    "room": room,
                    "device": kept[4],
                    "rssi_dbm": kept[0] if heard else None,
                    "lowest_dbm": kept[1] if heard else None,
                    "verdict": NAMES[kept[2]],
                }
            )
    return found


def plug(of: "Installing") -> "Step":
    """The power was gone, and everything came back."""
    state, kept = of.plug.state(), of.plug.kept()
    if not state or kept is None:
        return step("plug", OPEN, "plug_not_begun")
    if state == PLUG_WAITING:
        return step("plug", RUNNING, "plug_waits")
    facts: "Step" = {"cut": kept[8]}
    if state == PLUG_DONE:
        return step("plug", DONE, "", kept[6], facts)
    return step("plug", FAILED, state, None, facts)


def centre(of: "Installing") -> "Step":
    """Somebody at the response centre has taken the exercise alarm."""
    kept, state = of.centre.kept(), of.centre.state()
    facts: "Step" = {"note": kept[4] if kept is not None else ""}
    if of.centre.is_done():
        return step("centre", DONE, "", kept[3] or None if kept is not None else None, facts)
    ended = state in ("handled", "failed", "over")
    return step(
        "centre", FAILED if ended else OPEN if state == "none" else RUNNING, "centre_" + state, None, facts
    )
