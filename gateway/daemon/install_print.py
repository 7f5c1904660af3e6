"""The record of an installation as one HTML file to print, in Norwegian or English: it needs no other file and no network.

What counts is the signed message; the page says its SHA-256, so that paper and message can be held against each other.
"""

import datetime as dt
import hashlib
from functools import cache
from typing import Any

import jinja2

from gateway.core.registry import KINDS
from gateway.core.registry_text import KIND_TEXTS
from gateway.daemon.texts import LANGUAGES, Texts

STYLE = """
body { font: 11pt/1.4 sans-serif; color: #000; background: #fff; max-width: 48em; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.5em } h2 { font-size: 1.1em; margin-top: 1.6em }
table { border-collapse: collapse; width: 100% } th, td { border: 1px solid #555; padding: .3em .5em; text-align: left }
.digest { font-family: monospace; overflow-wrap: anywhere } .line { border-top: 1px solid #000; margin-top: 4em; max-width: 30em }
"""
TEMPLATE = """<!doctype html>
<html lang="{{ language }}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ t("title") }} – {{ record.gateway }}</title><style>{{ style }}</style></head>
<body><main>
<h1>{{ t("title") }}</h1>
<p>{{ t("head", gateway=record.gateway, tenant=record.tenant, software=record.software) }}</p>
<p>{{ t("made", when=moment(record.utc_ms), name=record.technician) }}</p>
<h2>{{ t("devices") }}</h2>
<table><thead><tr>{% for name in ("name", "room", "driver", "tested", "bond") %}<th scope="col">{{ t(name) }}</th>{% endfor %}</tr></thead>
<tbody>{% for each in record.devices %}
<tr><th scope="row">{{ each.name }}</th><td>{{ each.room }}</td><td>{{ each.driver }}</td><td>{{ kind(each.tested) }}, {{ moment(each.tested_utc_ms) }}</td><td>{{ bond(each.bond) }}</td></tr>{% endfor %}
</tbody></table>
{% if record.rooms %}<h2>{{ t("rooms") }}</h2>
<table><thead><tr>{% for name in ("room", "signal", "lowest", "verdict") %}<th scope="col">{{ t(name) }}</th>{% endfor %}</tr></thead>
<tbody>{% for each in record.rooms %}
<tr><th scope="row">{{ each.room }}</th><td>{{ each.rssi_dbm }} dBm</td><td>{{ each.lowest_dbm }} dBm</td><td>{{ verdict(each.verdict) }}</td></tr>{% endfor %}
</tbody></table>{% endif %}
<h2>{{ t("plug") }}</h2>
<p>{{ t("plug_" + record.plug.cut, begun=moment(record.plug.begun_utc_ms), back=moment(record.plug.back_utc_ms)) }}</p>
<h2>{{ t("centre") }}</h2>
<p>{{ t("accepted", rung=moment(record.centre.rung_utc_ms), accepted=moment(record.centre.accepted_utc_ms)) }}{% if record.centre.note %} {{ record.centre.note }}{% endif %}</p>
<h2>{{ t("signature") }}</h2>
<p>{{ t("signed") }}</p><p class="digest">{{ sha256 }}</p>
<p class="line">{{ t("by_hand") }}</p>
</main></body>
</html>
"""


@cache
def template() -> jinja2.Template:
    """It escapes what is filled in, and fails where something is missing."""
    made = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return made.from_string(TEMPLATE)


def document(record: dict[str, Any], cose: str, language: str) -> str:
    """The page. `record` as `install_record` tells it, `cose` the message in hex."""
    texts = Texts(language)

    def kind(name: str) -> str:
        return str(KIND_TEXTS[name][LANGUAGES.index(texts.language)]) if name in KINDS else name

    def verdict(name: str) -> str:
        return texts.say(f"install.verdict.{name}")

    def bond(level: int | None) -> str:
        return "–" if level is None else texts.say(f"device.bonds.{level}")

    said: dict[str, Any] = {
        "record": filled(record),
        "language": texts.language,
        "style": STYLE,
        "sha256": hashlib.sha256(bytes.fromhex(cose)).hexdigest(),
        "t": lambda key, /, **values: texts.say(f"install.print.{key}", **values),
        "moment": moment,
        "kind": kind,
        "verdict": verdict,
        "bond": bond,
    }
    return template().render(said)


def filled(record: dict[str, Any]) -> dict[str, Any]:
    """The record with nothing where a field that may be absent is."""
    devices = [{"bond": None} | row for row in record["devices"]]
    return record | {"devices": devices, "centre": {"note": ""} | record["centre"]}


def moment(utc_ms: int) -> str:
    """Day and time in UTC: paper outlives a summer."""
    if utc_ms <= 0:
        return "–"
    return dt.datetime.fromtimestamp(utc_ms // 1000, dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
