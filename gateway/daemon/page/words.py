"""What the page says, from its own catalogue beside it, in the language of whoever reads."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from gateway.daemon.texts import ONE, Texts


@cache
def catalogue() -> dict[str, Any]:
    """The whole catalogue."""
    return tomllib.loads(files("gateway.daemon.page").joinpath("words.toml").read_text(encoding="utf-8"))


class Words:
    """Texts of the page in one language, nb or en; anything else is nb. `texts` has those of the commands."""

    def __init__(self, language: str | None) -> None:
        self.texts = Texts(language)
        self.language = self.texts.language

    def __call__(self, name: str, /, **values: object) -> str:
        """The text `section.name`, filled in; its singular where `count` is 1. Raises KeyError for a name that is not there."""
        entry: Any = catalogue()
        for part in name.split("."):
            entry = entry[part]
        text: str = entry[self.language]
        if values.get("count") == 1:
            text = entry.get(self.language + ONE, text)
        return text.format(**values)

    def has(self, name: str) -> bool:
        """Whether there is such a text."""
        entry: Any = catalogue()
        for part in name.split("."):
            entry = entry.get(part) if isinstance(entry, dict) else None
        return isinstance(entry, dict) and self.language in entry

    def reword(self, message: object) -> str:
        """What the hub says in English, in this language."""
        return self.texts.reword(message)
