"""What the states are called, in Norwegian (bokmål) and English. On the command line they are typed as in `states.py`."""

from tools.stock.states import ASSIGNED, CLEANING, IN_HOME, REPAIR, RETURNED, SCRAPPED, STOCK

STATES: dict[str, dict[str, str]] = {
    STOCK: {"nb": "på lager", "en": "in stock"},
    ASSIGNED: {"nb": "tildelt", "en": "assigned"},
    IN_HOME: {"nb": "i hjemmet", "en": "in a home"},
    RETURNED: {"nb": "levert tilbake", "en": "returned"},
    CLEANING: {"nb": "til rengjøring", "en": "at the cleaner's"},
    REPAIR: {"nb": "til reparasjon", "en": "under repair"},
    SCRAPPED: {"nb": "kassert", "en": "scrapped"},
}
DAYS = {"nb": ("{count} dag", "{count} dager"), "en": ("{count} day", "{count} days")}


def state(name: str, language: str) -> str:
    """A state, for people."""
    return STATES[name][language]


def days(count: int, language: str) -> str:
    """Whole days."""
    return DAYS[language][count != 1].format(count=count)
