"""Values of an event in words: what each is called, its number with its unit, and its words in the reader's language (gateway/core/registry.toml)."""

from collections.abc import Mapping
from typing import Any

from gateway.core.registry_text import VALUE_TEXTS
from gateway.daemon.texts import LANGUAGES, Texts

BITS = (
    "(bits"  # in what the registry calls a value: a number whose bits are for whoever reads its specification
)
TRUTHS = {"true": "export.yes", "false": "export.no"}


def name_of(name: str, texts: Texts) -> str:
    """What a value is called."""
    said = VALUE_TEXTS.get(name)
    return name if said is None else str(said[LANGUAGES.index(texts.language)])


def is_bits(name: str) -> bool:
    """Whether a value is a row of bits, which says nothing to whoever stands at a device."""
    return name in VALUE_TEXTS and BITS in VALUE_TEXTS[name][1]


def shown(name: str, value: str, texts: Texts) -> str:
    """A value as it was told: a number with its unit, a word of ours in the reader's language, all else as it is."""
    if value in TRUTHS:
        return texts.say(TRUTHS[value])
    unit = VALUE_TEXTS[name][2] if name in VALUE_TEXTS else ""
    if is_number(value):
        return f"{value} {unit}" if unit else value
    return texts.value_word(name, value)


def is_number(value: str) -> bool:
    """Whether it is one, in the device's digits."""
    digits = value.removeprefix("-").replace(".", "", 1)
    return digits.isascii() and digits.isdigit()


def in_words(values: Mapping[str, Any], texts: Texts) -> list[tuple[str, str]]:
    """(what, value) of all that people can read, by name."""
    return [
        (name_of(name, texts), shown(name, str(value), texts))
        for name, value in sorted(values.items())
        if not is_bits(name)
    ]
