"""What commands say to people, from the one catalogue, in the language of the configuration."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

LANGUAGES = ("nb", "en")
ONE = "_1"  # behind a language: the text where `count` is 1
# (unit, its milliseconds): the largest of which there are at least two is shown
UNITS = (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000))


@cache
def catalogue() -> dict[str, Any]:
    """The whole catalogue."""
    return tomllib.loads(files("gateway.daemon").joinpath("catalogue.toml").read_text(encoding="utf-8"))


class Texts:
    """Texts in one language: nb or en; anything else is nb, what a Norwegian home expects.

    With `for_machines` messages of the code (`reword`) stay as they are: what JSON holds is matched by programs.
    """

    def __init__(self, language: str | None, *, for_machines: bool = False) -> None:
        self.language = language if language in LANGUAGES else LANGUAGES[0]
        self._for_machines = for_machines

    def say(self, name: str, /, **values: object) -> str:
        """The text `section.name`, filled in; its singular where `count` is 1. Raises KeyError for a name that is not in the catalogue."""
        entry: Any = catalogue()
        for part in name.split("."):
            entry = entry[part]
        text: str = entry[self.language]
        if values.get("count") == 1:
            text = entry.get(self.language + ONE, text)
        return text.format(**values)

    def say_or(self, name: str, otherwise: str, /, **values: object) -> str:
        """The text `section.name`, or `otherwise` where the catalogue has none: an error in a backend's words."""
        try:
            return self.say(name, **values)
        except KeyError:
            return otherwise.format(**values) if values else otherwise

    def reword(self, message: object) -> str:
        """What the code or the system says in English, in this language where `wording.toml` has it; the system's part in plain words."""
        if self._for_machines:
            return str(message)
        if self.language == "en":
            from gateway.daemon.system_words import plain

            return plain(str(message))
        from gateway.daemon.wording import norwegian

        return norwegian(str(message))

    def value_word(self, name: str, value: str) -> str:
        """What the value `name` of an event may be where it is a word of ours; else a message, or as it stands."""
        entry = catalogue()["value"].get(name, {}).get(value)
        return self.reword(value) if entry is None else str(entry[self.language])

    def duration(self, duration_ms: int) -> str:
        """A time span in whole units, as people say it."""
        for unit, size_ms in UNITS:
            if duration_ms >= 2 * size_ms or (unit == "s" and duration_ms >= size_ms):
                return self.say("duration." + unit, count=duration_ms // size_ms)
        return self.say("duration.ms", count=duration_ms)

    def counts(self, counted: dict[str, int]) -> str:
        """`Front door 3, Oximeter 12`."""
        return ", ".join(f"{name} {count}" for name, count in sorted(counted.items()))

    def counted_messages(self, counted: dict[str, int]) -> str:
        """`2 × receipt: the signature does not hold; 1 × keyset: ...`: messages end in numbers themselves."""
        return "; ".join(f"{count} × {self.reword(message)}" for message, count in sorted(counted.items()))
