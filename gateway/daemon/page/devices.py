"""Devices: those nearby, adding one or several, pairing, trying out, and what they measure."""

import json
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from gateway.core.config import DEVICES_LIMIT
from gateway.core.config_devices import NEEDED_WAY
from gateway.core.devices.registry import driver, driver_names
from gateway.core.errors import RefusedError
from gateway.core.pairing import OVER
from gateway.core.registry_text import KIND_TEXTS, VALUE_TEXTS
from gateway.daemon.commands.install_words import is_coupled
from gateway.daemon.page.hub import HubRefusedError
from gateway.daemon.page.overview import Step
from gateway.daemon.page.plot import Plot, plot
from gateway.daemon.page.visit import Facts, Visit, go
from gateway.daemon.page.words import Words
from gateway.daemon.texts import LANGUAGES
from gateway.daemon.value_words import in_words, name_of

WAYS = ("address", "port", "sender")
MOST_NEARBY = 40
BARS = (-95, -85, -75, -65)  # dBm from which there is one bar more; under -84 a link is weak (decision 20)
# Fields of the form that adds one device, and of those that add several (`name-3`).
FIELDS = ("name", "room", "driver", "address", "port", "sender", "key", "interval_s", "profile")


# --- nearby -------------------------------------------------------------------------------------------------------


async def nearby(visit: Visit) -> tuple[str, dict[str, Any]]:
    """What can be heard here, strongest first."""
    found = await heard(visit)
    return "nearby", {
        "found": [card(row, visit.words) for row in found if not row["is_known"]],
        "known": [card(row, visit.words) for row in found if row["is_known"]],
        "others": visit.other_holder(),
    }


async def heard(visit: Visit) -> list[Facts]:
    """The rows of the hub."""
    rows: list[Facts] = await visit.change("install_nearby")
    return rows[:MOST_NEARBY]


def card(row: Facts, words: Words) -> dict[str, Any]:
    """One device nearby, for people. Its label is its own claim."""
    way = next((way for way in WAYS if row.get(way)), WAYS[0])
    at, guess = str(row.get(way, "")), str(row.get("driver", ""))
    level = row.get("rssi_dbm")
    return {
        "label": row.get("label") or at,
        "at": at,
        "driver": driver_word(guess, words),
        "is_guessed": bool(guess),
        "bars": bars(level),
        "rssi_dbm": level,
        "query": {way: at, "driver": guess, "label": row.get("label", "")},
    }


def bars(rssi_dbm: int | None) -> int | None:
    """How many of four bars a signal has; None where there is no radio or nothing was heard."""
    return None if rssi_dbm is None else sum(rssi_dbm >= least for least in BARS)


def driver_word(name: str, words: Words) -> str:
    """What a driver reads."""
    return words(f"driver.{name}") if words.has(f"driver.{name}") else name


# --- adding -------------------------------------------------------------------------------------------------------


async def add(visit: Visit) -> Response:
    """One device: the form, filled in as far as is known, and what becomes of it."""
    if visit.request.method == "GET":
        given = {name: visit.query(name) for name in FIELDS}
        return visit.show("add.html", given=given, drivers=drivers(given, visit.words), fault="")
    form = await visit.form()
    given = {name: str(form.get(name, "")).strip() for name in FIELDS}
    try:
        await visit.change("install_add", **arguments(given))
    except HubRefusedError as error:
        fault = visit.words.reword(error)
        return visit.show("add.html", 422, given=given, drivers=drivers(given, visit.words), fault=fault)
    await visit.settle(lambda: visit.device(given["name"]) is not None)
    return go("/device", name=given["name"])


def arguments(given: dict[str, str]) -> dict[str, str]:
    """What `install_add` takes of a form: what was filled in, the profile among the options."""
    said = {name: value for name, value in given.items() if value and name != "profile"}
    if given.get("profile"):
        said["options"] = json.dumps({"profile": given["profile"].upper()})
    return said


def drivers(given: dict[str, str], words: Words) -> list[tuple[str, str]]:
    """(name, words) of the drivers that a device is reached by in this way; all of them where no way is given."""
    way = next((way for way in WAYS if given.get(way)), "")
    names = [name for name in driver_names() if not way or NEEDED_WAY[driver(name).transport] == way]
    return sorted([(name, driver_word(name, words)) for name in names], key=lambda row: row[1])


async def several(visit: Visit) -> Response:
    """Several devices at once, each by its room: smoke detectors above all."""
    if visit.request.method == "GET":
        rows = [card(row, visit.words) for row in await heard(visit) if not row["is_known"] and row["driver"]]
        return visit.show("several.html", rows=rows, results=[])
    form = await visit.form()
    results = []
    for place in range(DEVICES_LIMIT):
        given = row_of(form, place)
        if given is None:
            break
        if not given["room"]:
            continue
        given["name"] = given["name"] or visit.words("several.name", room=given["room"])[:64]
        fault = ""
        try:
            await visit.change("install_add", **arguments(given))
        except HubRefusedError as error:
            fault = visit.words.reword(error)
        results.append({"name": given["name"], "room": given["room"], "fault": fault})
    if not results:
        return go("/several")
    added = [str(each["name"]) for each in results if not each["fault"]]
    await visit.settle(lambda: all(visit.device(name) is not None for name in added))
    return visit.show("several.html", rows=[], results=results)


def row_of(form: FormData, place: int) -> dict[str, str] | None:
    """One row of the form for several, or None behind the last."""
    if f"room-{place}" not in form:
        return None
    return {name: str(form.get(f"{name}-{place}", "")).strip() for name in FIELDS}


# --- one device ---------------------------------------------------------------------------------------------------


async def device(visit: Visit) -> tuple[str, dict[str, Any]]:
    """A device: how it is heard, its steps, its last values and their course."""
    row = visit.device(visit.query("name"))
    if row is None:
        raise RefusedError("there is no such device in this home: it may have been taken back")
    name = str(row["name"])
    steps = [Step(each, visit.words) for each in visit.install["steps"] if of_device(each, name)]
    series: Facts = await visit.change("install_values", name=name)
    return "device", {
        "row": row,
        "driver": driver_word(str(row["driver"]), visit.words),
        "bars": bars(row.get("rssi_dbm")),
        "steps": steps,
        "paired": next((step for step in steps if step.id.endswith(":paired")), None),
        "tested": next((step for step in steps if step.id.endswith(":tested")), None),
        "kinds": kinds_of(visit, name),
        "coupled": is_coupled(visit.install, name, ""),
        "ago": ago(row.get("heard_ms_ago"), visit.words),
        "values": values_of(row, visit.words),
        "plots": plots_of(series["series"], visit.words),
    }


def of_device(step: Facts, name: str) -> bool:
    """Whether a step is of this device."""
    return str(step["id"]).rpartition(":")[0] == f"device:{name}"


def kinds_of(visit: Visit, name: str) -> list[tuple[str, str]]:
    """(kind, words) of the alarms that can be tried, where there are several."""
    row = visit.step(f"device:{name}:tested") or {}
    kinds = [str(kind) for kind in (row.get("facts") or {}).get("kinds", []) if kind in KIND_TEXTS]
    language = LANGUAGES.index(visit.words.language)
    return [(kind, str(KIND_TEXTS[kind][language])) for kind in kinds] if len(kinds) > 1 else []


def ago(heard_ms: int | None, words: Words) -> str:
    """When a device was heard."""
    if heard_ms is None:
        return words("device.unheard")
    return words("device.heard", ago=words.texts.duration(heard_ms))


def values_of(row: Facts, words: Words) -> list[tuple[str, str]]:
    """(what, value) of the last values."""
    return in_words(row["values"], words.texts)


def plots_of(series: dict[str, list[list[Any]]], words: Words) -> list[Plot]:
    """The course of each value that has one."""
    made = []
    for name, points in sorted(series.items()):
        unit = VALUE_TEXTS[name][2] if name in VALUE_TEXTS else ""
        found = plot(name, name_of(name, words.texts), unit, points)
        if found is not None:
            made.append(found)
    return made


async def test(visit: Visit) -> Response:
    """Begin trying it out."""
    name = await visit.field("name")
    kind = await visit.field("kind")
    given: dict[str, str | bool] = {"kind": kind} if kind else {}
    if await visit.field("together"):
        given["together"] = True
    await visit.change("install_test", name=name, **given)
    return go("/device", name=name)


async def remove(visit: Visit) -> Response:
    """Take a device back that was added by mistake."""
    name = await visit.field("name")
    await visit.change("install_remove", name=name)
    await visit.settle(lambda: visit.device(name) is None)
    return go("/")


# --- pairing ------------------------------------------------------------------------------------------------------


async def begin_pairing(visit: Visit) -> Response:
    """Open the time for pairing, for this device."""
    name = await visit.field("name")
    await visit.change("install_pair", name=name, code=await visit.field("code"))
    return go("/pair", name=name)


async def pair(visit: Visit) -> tuple[str, dict[str, Any]]:
    """How far a pairing has come, what is asked, and how long there is."""
    facts: Facts = await visit.page.hub.ask("pair_state")
    name = visit.query("name")
    state = str(facts.get("state", ""))
    return "pair", {
        "name": name,
        "story": [
            told(facts, happening, detail, visit.words) for happening, detail in facts.get("story", [])
        ],
        "state": state,
        "is_over": state in OVER or not facts,
        "is_good": state in ("bonded", "taught"),
        "why": visit.words.reword(facts.get("why", "")),
        "question": facts.get("question", ""),
        "compare": f"{facts.get('compare', 0):06d}",
        "left": visit.words.texts.duration(facts.get("left_ms", 0)),
        "weak": facts.get("bond") == 1,
    }


def told(facts: Facts, happening: str, detail: object, words: Words) -> str:
    """One step of a pairing."""
    name = facts["device"] or facts["advertised_name"] or facts["driver"]
    values = {"name": name, "address": facts["address"], "count": detail}
    return words(f"pair.{happening}", **values) if words.has(f"pair.{happening}") else happening


async def answer(visit: Visit) -> Response:
    """What the hub asked: a code, or whether both show the same number."""
    name, code = await visit.field("name"), await visit.field("code")
    if code:
        await visit.page.hub.ask("pair_answer", code=code)
    else:
        await visit.page.hub.ask("pair_answer", yes=await visit.field("same") == "yes")
    return go("/pair", name=name)


async def cancel(visit: Visit) -> Response:
    """Call a pairing off."""
    await visit.page.hub.ask("pair_cancel")
    return go("/device", name=await visit.field("name"))
