"""The states of a gateway or a device (N13), and which change into which.

    stock ──► assigned ──► in_home ──► returned ──► cleaning ──► stock
      ▲           │                       │            │
      └───────────┘                       └─► repair ◄─┘ ──► stock, cleaning          any but in_home ──► scrapped

What is in a home comes back first: that is when it is wiped. What came back is cleaned, or mended, before it is stock again. What is
scrapped stays scrapped. Changes into `repair` and `scrapped` say why.
"""

import re

from gateway.core.errors import RefusedError

STOCK, ASSIGNED, IN_HOME, RETURNED, CLEANING, REPAIR, SCRAPPED = STATES = (
    "stock",
    "assigned",
    "in_home",
    "returned",
    "cleaning",
    "repair",
    "scrapped",
)
ALLOWED: dict[str, tuple[str, ...]] = {
    STOCK: (ASSIGNED, REPAIR, SCRAPPED),
    ASSIGNED: (IN_HOME, STOCK, SCRAPPED),
    IN_HOME: (RETURNED,),
    RETURNED: (CLEANING, REPAIR, SCRAPPED),
    CLEANING: (STOCK, REPAIR, SCRAPPED),
    REPAIR: (STOCK, CLEANING, SCRAPPED),
    SCRAPPED: (),
}
WITH_NOTE = (REPAIR, SCRAPPED)
WHY = {
    IN_HOME: "what is in a home comes back first",
    RETURNED: "what came back is cleaned or mended first",
    SCRAPPED: "what is scrapped stays scrapped",
}
MOST_NOTE, MOST_WHO = 120, 60
PERSON = re.compile(r"(?<!\d)\d{6}[ .-]?\d{5}(?!\d)")  # of the form of a Norwegian national identity number


def check_change(before: str, after: str, who: str, note: str) -> None:
    """Raises RefusedError: in words, why it is not allowed and what is."""
    if after not in STATES:
        raise RefusedError(f"there is no state {after!r}; there are {', '.join(STATES)}")
    if after not in ALLOWED[before]:
        allowed = ", ".join(ALLOWED[before]) or "nothing"
        why = WHY.get(before, "it is not prepared for that")
        raise RefusedError(f"from {before} it goes to {allowed}, not to {after}: {why}")
    if not who.strip() or len(who) > MOST_WHO:
        raise RefusedError(f"say who does it, with at most {MOST_WHO} characters")
    if after in WITH_NOTE and not note.strip():
        raise RefusedError(f"say why it goes to {after}, with a note")
    check_note(note)
    check_note(who)


def check_note(note: str) -> None:
    """Raises RefusedError for what is too long, or looks like it is about a resident."""
    if len(note) > MOST_NOTE or any(ord(letter) < 32 for letter in note):
        raise RefusedError(f"a note is one line of at most {MOST_NOTE} characters")
    if PERSON.search(note):
        raise RefusedError("that looks like a national identity number: nothing about residents belongs here")
