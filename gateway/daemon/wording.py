"""What the code says in English, in the language of the reader.

Errors come from `hal` and `gateway.core`, which know no language: their English text is the source and the key. Here a message
is held against the templates of `wording.toml`, those with the most words of their own first, and said in Norwegian; what has
no entry passes through as it is. Templates have no patterns, only texts between blanks, found in order: the time is linear in
the length of a message, whatever a device or a broker writes into it.
"""

import string
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from gateway.daemon.system_words import words

LONGEST = 2_000  # characters; a longer message passes through
DEEPEST = 6  # messages within messages
NORWEGIAN = "nb"
WORDS, NUMBER, NAME = "words", "n", "name"


class Blank:
    """A place that is filled in: with anything, with a text that is looked up itself, with digits, or with one word."""

    __slots__ = ("name", "sort")

    def __init__(self, name: str, sort: str) -> None:
        self.name = name
        self.sort = sort


class Template:
    """One entry: the texts of the English message between its blanks, and the Norwegian one."""

    __slots__ = ("blanks", "english", "frame", "nested", "norwegian", "texts", "weight")

    def __init__(self, english: str, norwegian: str) -> None:
        self.english = english
        self.texts: list[str] = [""]
        self.blanks: list[Blank] = []
        for text, name, sort, _ in string.Formatter().parse(english):
            self.texts[-1] += text
            if name is not None:
                self.blanks.append(Blank(name, sort or ""))
                self.texts.append("")
        # (text, name of the blank behind it)
        self.norwegian = [(text, name) for text, name, _, _ in string.Formatter().parse(norwegian)]
        self.weight = sum(map(len, self.texts))
        self.nested = any(blank.sort == WORDS for blank in self.blanks)
        self.frame = not any(character.isalpha() for text in self.texts for character in text)

    def match(self, message: str) -> list[str] | None:
        """What fills the blanks of a message, or None where it is another one."""
        first, last = self.texts[0], self.texts[-1]
        at, end = len(first), len(message) - len(last)
        if end < at or not message.startswith(first) or not message.endswith(last):
            return None
        found: list[str] = []
        for text in self.texts[1:-1]:
            # a number at the end belongs to the last such text, not to one within what stands before
            is_last = len(found) == len(self.blanks) - 2 and self.blanks[-1].sort == NUMBER
            place = message.rfind(text, at, end) if is_last else message.find(text, at, end)
            if place < 0:
                return None
            found.append(message[at:place])
            at = place + len(text)
        found.append(message[at:end])
        for blank, value in zip(self.blanks, found, strict=True):
            digits = value.removeprefix("-")
            if blank.sort == NUMBER and not (digits.isascii() and digits.isdigit()):
                return None
            if blank.sort == NAME and not value.isidentifier():
                return None
        return found

    def fill(self, values: dict[str, str]) -> str:
        """The Norwegian message."""
        return "".join(text + (values[name] if name else "") for text, name in self.norwegian)


class Catalogue:
    """All entries: whole messages by their text, templates by weight, and frames, which have no word of their own."""

    def __init__(self, sections: dict[str, dict[str, str]]) -> None:
        entries = [Template(*entry) for section in sections.values() for entry in section.items()]
        entries.sort(key=lambda entry: (-entry.weight, entry.english))
        self.whole = {entry.texts[0]: entry for entry in entries if not entry.blanks}
        self.templates = [entry for entry in entries if entry.blanks and not entry.frame]
        self.frames = [entry for entry in entries if entry.blanks and entry.frame]


@cache
def sections() -> dict[str, dict[str, str]]:
    """The file: English template to Norwegian, by section."""
    return tomllib.loads(files("gateway.daemon").joinpath("wording.toml").read_text(encoding="utf-8"))


@cache
def catalogue() -> Catalogue:
    """The compiled file, and what the system says; read where the first message is to be said in Norwegian."""
    return Catalogue({**sections(), "errno": words(NORWEGIAN)})


def norwegian(message: str) -> str:
    """A message in Norwegian, or as it is where it is not known."""
    if len(message) > LONGEST:
        return message
    said = Speaker(catalogue()).say(message, DEEPEST)
    return message if said is None else said


class Speaker:
    """Says one message; what it holds more than once is looked up once. `used` are the entries that were met."""

    def __init__(self, entries: Catalogue) -> None:
        self._entries = entries
        self._known: dict[str, str | None] = {}
        self._partly: set[str] = set()  # of which only a part is known, such as the detail in brackets
        self.used: list[tuple[Template, list[str]]] = []

    def say(self, message: str, depth: int) -> str | None:
        """The message in Norwegian, or None where nothing of it is known."""
        if message not in self._known:
            self._known[message] = None  # while it is looked up: nothing is explained by itself
            self._known[message] = self._look_up(message, depth)
        return self._known[message]

    def _look_up(self, message: str, depth: int) -> str | None:
        whole = self._entries.whole.get(message)
        if whole is not None:
            self.used.append((whole, []))
            return whole.fill({})
        if depth == 0:
            return None
        otherwise: tuple[Template, list[str]] | None = None
        for entry in self._entries.templates:
            found = entry.match(message)
            if found is not None:
                if not entry.nested:
                    return self._fill(entry, found, depth)[0]
                text, known = self._fill(entry, found, depth)
                if known:
                    return text
                otherwise = otherwise or (entry, found)
        for head, detail in with_detail(message):
            said = self.say(head, depth - 1)
            if said is not None:
                return f"{said} ({self._or_as_it_is(detail, depth)})"
        for entry in self._entries.frames:
            found = entry.match(message)
            if found is not None:
                text, known = self._fill(entry, found, depth)
                if known:
                    if any(
                        blank.sort == "" and " " in value
                        for blank, value in zip(entry.blanks, found, strict=True)
                    ):
                        self._partly.add(message)
                    return text
        if otherwise is not None:  # its own words at least
            self.used.append(otherwise)
            return self._fill(*otherwise, depth)[0]
        for head, detail in with_detail(message):
            said = self.say(detail, depth - 1)
            if said is not None:
                self._partly.add(message)
                return f"{head} ({said})"
        return None

    def _fill(self, entry: Template, found: list[str], depth: int) -> tuple[str, bool]:
        """The entry with what fills it, and whether anything in that was known."""
        values, known = {}, False
        for blank, value in zip(entry.blanks, found, strict=True):
            said = self.say(value, depth - 1) if blank.sort == WORDS else None
            known = known or (said is not None and value not in self._partly)
            values[blank.name] = value if said is None else said
        if known or not entry.nested:
            self.used.append((entry, found))
        return entry.fill(values), known

    def _or_as_it_is(self, message: str, depth: int) -> str:
        said = self.say(message, depth - 1)
        return message if said is None else said


def with_detail(message: str) -> Iterator[tuple[str, str]]:
    """`message (detail)` taken apart, as `HalError` and others put it together: by the brackets that match, then by the first.

    A detail is of others, and its brackets need not match.
    """
    first = message.find(" (")
    if first <= 0 or not message.endswith(")"):
        return
    level = 0
    for at in range(len(message) - 1, first, -1):
        level += (message[at] == ")") - (message[at] == "(")
        if level == 0:
            if message[at - 1] == " ":
                yield message[: at - 1], message[at + 1 : -1]
            break
    yield message[:first], message[first + 2 : -1]
