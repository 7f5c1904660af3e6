"""The devices that one `trygg install --add` means. All of the line, and each key, is looked at before anything is added."""

import argparse
import json
from collections.abc import Callable
from typing import Any

from gateway.core import config_fields
from gateway.core.config_fields import WrongValueError, describe
from gateway.core.errors import ConfigError
from gateway.daemon import asking
from gateway.daemon.commands.ask import WRONG, NoAnswerError
from gateway.daemon.install_home import key_of
from gateway.daemon.texts import Texts

ROOM = "*"  # in a name that stands for several
ASK = "-"  # for a key that is typed
EACH, KEY, TYPED = "--each ROOM=ADDRESS", "--key", "command line"
WAYS: dict[str, Callable[[object], object]] = {
    "address": config_fields.address,
    "port": config_fields.port,
    "sender": config_fields.sender,
}

Rows = list[dict[str, Any]]


class Wanted:
    """One device that is to be added; `given` is what the hub is told of it beside name and room.

    way: which of WAYS leads to it, or nothing; option: by which that was said.
    """

    def __init__(self, name: str, room: str, given: dict[str, str], option: str = "") -> None:
        self.name = name
        self.room = room
        self.given = given
        self.way = next((key for key in WAYS if given[key]), "")
        self.option = option or "--" + self.way

    @property
    def where(self) -> str:
        """How it is reached."""
        return self.given[self.way] if self.way else ""

    def there(self, rows: Rows) -> dict[str, Any] | None:
        """Its row, where this installation has added it already. rows: of the checklist."""
        for row in rows:
            same = (row["name"], row["room"], row["driver"]) == (self.name, self.room, self.given["driver"])
            if same and row["is_added"] and row["label"].lower() == self.where.lower():
                return dict(row)
        return None


def devices_of(options: argparse.Namespace, texts: Texts) -> list[Wanted]:
    """One device, or one for each room. Raises NoAnswerError for a line that cannot be meant."""
    given = {name: getattr(options, name) for name in ("driver", *WAYS)}
    given |= {
        "key": options.key or "",
        "interval_s": options.interval,
        "options": driver_options(options.option),
    }
    try:
        if options.key is not None and options.key != ASK:
            see_key(options.key)
        if not options.each:
            found = [Wanted(options.add, options.room, given)]
        else:
            found = [
                Wanted(options.add.replace(ROOM, room), room, given | {"address": address}, EACH)
                for room, address in rooms(options, texts)
            ]
        for each in found:
            see_way(each)
    except ConfigError as error:
        raise NoAnswerError(texts.reword(error), WRONG) from error
    return found


def rooms(options: argparse.Namespace, texts: Texts) -> list[tuple[str, str]]:
    """Room and address of each device that `--each` names. Raises NoAnswerError."""
    say = texts.say
    if ROOM not in options.add:
        raise NoAnswerError(say("install.no_room_in_name"), WRONG)
    if options.room or options.address or options.port or options.sender:
        raise NoAnswerError(say("install.each_alone"), WRONG)
    if options.key not in (None, ASK) and len(options.each) > 1:
        raise NoAnswerError(say("install.one_key"), WRONG)
    found: list[tuple[str, str]] = []
    for pair in options.each:
        room, equals, address = pair.partition("=")
        if not equals or not room or not address:
            raise NoAnswerError(say("install.no_pair", pair=pair), WRONG)
        if any(room == known or address.lower() == other.lower() for known, other in found):
            raise NoAnswerError(say("install.each_twice", pair=pair), WRONG)
        found.append((room, address))
    return found


def driver_options(pairs: list[str]) -> str:
    """`--option` as JSON; words that say yes, no or a number are that."""
    words: dict[str, object] = {"true": True, "false": False}
    found: dict[str, object] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        found[name] = words.get(value, int(value) if value.isascii() and value.isdigit() else value)
    return json.dumps(found) if found else ""


def see_way(wanted: Wanted) -> None:
    """See that it can be reached so, and write it as the hub does. Raises ConfigError with the option that says it."""
    if not wanted.way:
        return  # what it needs the hub knows
    try:
        wanted.given[wanted.way] = str(WAYS[wanted.way](wanted.where.strip()))
    except WrongValueError as error:
        found = error.found or describe(wanted.where)
        raise ConfigError(wanted.option, found, error.expected, TYPED) from error


def see_key(text: str) -> bytes:
    """A key as it is on a label. Raises ConfigError."""
    try:
        return key_of(text)
    except ConfigError as error:
        error.key, error.source = KEY, TYPED
        raise


def see_taken(wanted: list[Wanted], rows: Rows, texts: Texts) -> None:
    """See that none has the name or the place of another device. Raises NoAnswerError."""
    for each in wanted:
        for row in rows:
            if row["name"] == each.name:
                said = "there is a device of this name already: give this one another name"
                raise NoAnswerError(f"{each.name}: {texts.reword(said)}")
            if each.where and row["label"] == each.where:
                taken = {"option": each.option, "where": each.where, "name": row["name"]}
                raise NoAnswerError(texts.say("install.place_taken", **taken), WRONG)


def ask_keys(wanted: list[Wanted], texts: Texts) -> None:
    """Have the key on the label of each typed, where that was asked for. Raises NoAnswerError: none, no key, or that of another."""
    typed: list[bytes] = []
    for each in wanted:
        if each.given["key"] != ASK:
            continue
        try:
            text = asking.line(texts.say("install.key_of", name=each.name), KEY)
            if not text.strip():
                raise asking.nothing_typed(KEY)
            key = see_key(text)
        except ConfigError as error:
            cause = texts.reword(error)
            raise NoAnswerError(texts.say("install.key_wrong", name=each.name, cause=cause), WRONG) from error
        if key in typed:
            raise NoAnswerError(texts.say("install.key_twice", name=each.name), WRONG)
        typed.append(key)
        each.given["key"] = text.strip()
