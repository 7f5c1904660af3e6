"""The other party of the page: a hub's side of the control socket, as docs/configuration.md describes its verbs.

A scripted installation with two faces: `handlers` for a real ControlServer, and a bench for tests (`hear`, `press`, `say`,
`answer`, `cut_power`). It keeps the rules that the page must live with: one holder, refusals in words, steps in order.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from gateway.core.errors import ConfigError, RefusedError

WINDOW_S = 3_600
RECORD = b"a signed record"


class Device:
    """A device of the home."""

    def __init__(self, name: str, room: str, driver: str, label: str) -> None:
        self.name, self.room, self.driver, self.label = name, room, driver, label
        self.heard = self.tested = self.testing = self.paired = False
        self.needs_pairing = driver == "plx"
        self.values: dict[str, str] = {}
        self.series: dict[str, list[list[Any]]] = {}


class Installation:
    """One hub with its installation window open."""

    def __init__(self) -> None:
        self.is_open, self.left_s = True, WINDOW_S
        self.holder, self.token, self.holder_utc_ms = "", "", 0
        self.devices: list[Device] = []
        self.near: list[dict[str, Any]] = []
        self.rooms: list[dict[str, Any]] = []
        self.is_up = {"network": True, "clock": True, "platform": True}
        self.plug = "open"
        self.centre, self.note = "none", ""
        self.record: dict[str, Any] | None = None
        self.pairing: dict[str, Any] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.troubles: dict[str, Any] = {}

    def handlers(self) -> dict[str, Callable[..., object]]:
        verbs: dict[str, Callable[..., object]] = {
            "install": self.facts,
            "install_take": self.take,
            "install_nearby": self.nearby,
            "install_add": self.add,
            "install_remove": self.remove,
            "install_pair": self.pair,
            "install_test": self.test,
            "install_walk": self.walk,
            "install_plug": self.pull,
            "install_centre": self.ring,
            "install_values": self.values,
            "install_undo": self.undo,
            "install_finish": self.finish,
            "install_record": self.told_record,
            "pair_state": lambda: self.pairing,
            "pair_answer": self.pair_answer,
            "pair_cancel": self.pair_cancel,
            "status": self.status,
        }
        return verbs

    # --- the bench ------------------------------------------------------------------------------------------------

    def hear(self, label: str, driver: str = "bthome", rssi_dbm: int = -60, **where: str) -> None:
        """Something advertises nearby."""
        row = {"transport": "ble-adv", "driver": driver, "label": label, "rssi_dbm": rssi_dbm}
        self.near.append(row | {"is_known": False} | (where or {"address": address(len(self.near))}))

    def press(self, name: str) -> None:
        """Somebody presses the test button of a device, and the platform receipts it."""
        device = self.named(name)
        device.heard = True
        device.tested = device.tested or device.testing

    def measure(self, name: str, value: str, *numbers: str) -> None:
        """A device has measured."""
        device = self.named(name)
        device.heard = True
        device.series[value] = [[1_000 * at, number] for at, number in enumerate(numbers)]
        device.values[value] = numbers[-1]

    def say(self, happening: str, detail: object = None, **facts: object) -> None:
        """A pairing goes on."""
        self.pairing["story"].append([happening, detail])
        self.pairing |= facts
        if happening == "bonded":
            self.named(self.pairing["device"]).paired = True

    def come_back(self) -> None:
        """The power is back, and nothing was lost."""
        assert self.plug == "running"
        self.plug = "done"

    # --- the verbs ------------------------------------------------------------------------------------------------

    def facts(self) -> dict[str, Any]:
        steps = self.steps()
        missing = [row["id"] for row in steps if row["state"] != "done"]
        return {
            "window": {"is_open": self.is_open, "left_s": self.left_s, "opened_by": "test"},
            "holder": self.holder,
            "holder_utc_ms": self.holder_utc_ms,
            "steps": steps,
            "devices": [self.device_facts(device) for device in self.devices],
            "centre": {"state": self.centre, "identity": "", "note": self.note, "left_s": 900},
            "missing": missing,
            "can_finish": not missing,
            "departed": self.record is not None,
            "record": self.record and {"sha256": hashlib.sha256(RECORD).hexdigest(), "utc_ms": 1},
            "language": "nb",
        }

    def steps(self) -> list[dict[str, Any]]:
        rows = [
            step("network", self.is_up["network"], "no way out of the house is up", "look at the cable"),
            step("clock", self.is_up["clock"], "the clock is not set", "wait a minute"),
            step("platform", self.is_up["platform"], "no receipt has come", "wait", "path.unreceipted"),
        ]
        if not self.devices:
            rows.append(step("devices", False, "no device is in use", "add one"))
        for device in self.devices:
            name = f"device:{device.name}"
            rows.append(step(f"{name}:found", device.heard, "it was not heard yet", "press its button"))
            if device.needs_pairing:
                rows.append(
                    step(f"{name}:paired", device.paired, "it is not paired", "pair it", "device.unpaired")
                )
            rows.append(step(f"{name}:tested", device.tested, "nobody has tried it", "begin its test"))
            rows[-1]["facts"] = {"kinds": ["smoke.detected"]}
            if device.testing and not device.tested:
                rows[-1]["state"] = "running"
        if self.devices:
            rooms = {device.room for device in self.devices} - {row["room"] for row in self.rooms}
            rows.append(step("walk", not rooms, "not every room was measured", "measure there"))
            rows[-1]["facts"] = {"rooms": self.rooms}
        rows.append(step("plug", self.plug == "done", "the plug was not pulled", "begin, then pull it"))
        rows.append(step("centre", self.centre == "accepted", "it was not rung", "ring it"))
        rows[-2]["state"] = self.plug
        if self.centre in ("stored", "received", "forwarded"):
            rows[-1]["state"] = "running"
        return rows

    def device_facts(self, device: Device) -> dict[str, Any]:
        return {
            "name": device.name,
            "room": device.room,
            "driver": device.driver,
            "label": device.label,
            "bond": 2 if device.paired else 0,
            "rssi_dbm": -71 if device.heard else None,
            "heard_ms_ago": 3_000 if device.heard else None,
            "values": device.values,
            "needs_pairing": device.needs_pairing and not device.paired,
            "is_added": True,
        }

    def take(self, holder: str = "", token: str = "", force: bool = False) -> dict[str, Any]:
        if self.token not in ("", token) and not force:
            raise RefusedError(f"the installation is held by {self.holder}: take it over only if they agree")
        self.holder, self.token = holder, token
        return self.facts()

    def check(self, command: str, token: str, **arguments: Any) -> None:
        self.asked.append((command, arguments))
        if not self.is_open:
            raise RefusedError("nobody may install now: open the time for it first")
        if token != self.token or not token:
            raise RefusedError(f"the installation is held by {self.holder}: take it over only if they agree")

    def nearby(self, token: str = "") -> list[dict[str, Any]]:
        self.check("nearby", token)
        used = {device.label for device in self.devices}
        rows = [row | {"is_known": way_of(row) in used} for row in self.near]
        return sorted(rows, key=lambda row: -(row["rssi_dbm"] or -999))

    def add(
        self,
        token: str = "",
        name: str = "",
        room: str = "",
        driver: str = "",
        address: str = "",
        port: str = "",
        sender: str = "",
        key: str = "",
        interval_s: str = "",
        options: str = "",
    ) -> dict[str, Any]:
        self.check("add", token, name=name, options=options, key=key)
        if any(device.name == name for device in self.devices):
            raise RefusedError("there is a device of this name already: give this one another name")
        if not room:
            raise ConfigError("room", "nothing", "the room in which the device is")
        self.devices.append(Device(name, room, driver, address or port or sender))
        return self.facts()

    def remove(self, token: str = "", name: str = "") -> dict[str, Any]:
        self.check("remove", token, name=name)
        self.devices.remove(self.named(name))
        return self.facts()

    def pair(self, token: str = "", name: str = "", code: str = "") -> dict[str, Any]:
        self.check("pair", token, name=name, code=code)
        device = self.named(name)
        self.pairing = {
            "number": 1,
            "state": "open",
            "story": [["opened", None]],
            "question": "",
            "compare": 0,
        }
        self.pairing |= {"wrong_codes": 0, "left_ms": 180_000, "device": name, "driver": device.driver}
        self.pairing |= {"address": device.label, "advertised_name": "", "bond": 0, "reason": "", "why": ""}
        return self.pairing

    def pair_answer(self, yes: bool = False, code: str = "") -> dict[str, Any]:
        self.asked.append(("pair_answer", {"yes": yes, "code": code}))
        return self.pairing

    def pair_cancel(self) -> dict[str, Any]:
        self.say("cancelled", state="cancelled")
        return self.pairing

    def test(self, token: str = "", name: str = "", kind: str = "", together: bool = False) -> dict[str, Any]:
        self.check("test", token, name=name, kind=kind, together=together)
        for device in self.devices:  # those that are coupled sound with it
            device.testing = device.testing or device.name == name or (together and device.driver == "bthome")
        return self.facts()

    def walk(self, token: str = "", room: str = "", device: str = "") -> dict[str, Any]:
        self.check("walk", token, room=room)
        row = {"room": room, "device": "", "rssi_dbm": -72, "lowest_dbm": -80, "verdict": "good"}
        self.rooms = [each for each in self.rooms if each["room"] != room] + [row]
        return row

    def pull(self, token: str = "") -> dict[str, Any]:
        self.check("plug", token)
        self.plug = "running"
        return self.facts()

    def ring(self, token: str = "") -> dict[str, Any]:
        self.check("centre", token)
        self.centre = "stored"
        return self.facts()

    def values(self, token: str = "", name: str = "") -> dict[str, Any]:
        return {"name": name, "series": self.named(name).series}

    def undo(self, token: str = "") -> dict[str, Any]:
        self.check("undo", token)
        self.devices, self.rooms = [], []
        return self.facts()

    def finish(self, token: str = "", technician: str = "") -> dict[str, Any]:
        self.check("finish", token, technician=technician)
        missing = self.facts()["missing"]
        if missing:
            raise RefusedError("the installation is not finished, it lacks: " + ", ".join(missing))
        self.record = record_of(technician, self.devices, self.rooms)
        self.is_open = False
        return self.facts()

    def told_record(self) -> dict[str, Any]:
        if self.record is None:
            raise RefusedError("no installation of this gateway was finished")
        return {"record": self.record, "cose": RECORD.hex()}

    def named(self, name: str) -> Device:
        for device in self.devices:
            if device.name == name:
                return device
        raise ConfigError("name", repr(name), "the name of a device")

    def status(self) -> dict[str, Any]:
        return json.loads(json.dumps(STATUS | self.troubles))


STATUS = {
    "gateway": "hub-1",
    "tenant": "oslo",
    "software": "trygg 0",
    "public_key": "ab" * 32,
    "uptime_ms": 600_000,
    "utc_ms": 1_800_000_000_000,
    "connected": True,
    "way": {"broker": "mqtts://b"},
    "way_is_first": True,
    "last_error": "",
    "lost_ms": None,
    "unreceipted_ms": 0,
    "keyset": 1,
    "lanes": [{"lane": lane, "name": "safety", "held": 0, "last": 0} for lane in range(5)],
    "given_up": [],
    "storage_full": False,
    "lost_in_memory": {},
    "messages_refused": {},
    "frames_refused": {},
    "devices_unpaired": [],
    "devices_weak": [],
    "devices_silent": [],
    "lamp": "ok",
    "faults": [],
    "self_test": None,
    "configuration_fault": "",
    "advertisements_dropped": 0,
}


def step(step_id: str, done: bool, cause: str, action: str, fault: str = "") -> dict[str, Any]:
    row = {
        "id": step_id,
        "state": "done" if done else "open",
        "since_ms": None,
        "may_skip": False,
        "facts": {},
    }
    if done:
        return row | {"fault": "", "cause": "", "action": ""}
    return row | {"fault": fault, "cause": cause, "action": action}


def address(number: int) -> str:
    return f"A4:C1:38:00:00:{number:02X}"


def way_of(row: dict[str, Any]) -> str:
    return str(row.get("address") or row.get("port") or row.get("sender"))


def record_of(technician: str, devices: list[Device], rooms: list[dict[str, Any]]) -> dict[str, Any]:
    at = 1_800_000_000_000
    rows = [
        {"name": each.name, "room": each.room, "driver": each.driver, "tested": "smoke.detected"}
        | {"tested_utc_ms": at, "bond": 2, "rssi_dbm": -71}
        for each in devices
    ]
    return {
        "tenant": "oslo",
        "gateway": "hub-1",
        "utc_ms": at,
        "technician": technician,
        "software": "trygg 0",
        "devices": rows,
        "rooms": rooms,
        "plug": {"begun_utc_ms": at, "back_utc_ms": at + 60_000, "cut": "power"},
        "centre": {"alarm": "ab" * 16, "rung_utc_ms": at, "accepted_utc_ms": at + 30_000},
    }
