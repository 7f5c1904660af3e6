"""What the system says of an error number, in plain words: one table for both languages (`[errno]` of catalogue.toml).

Errors of the system reach people inside messages of ours (`... cannot be read ([Errno 2] No such file or directory: '/x')`), so they are
found there, whoever put the message together. Norwegian is said by `gateway.daemon.wording`, which has the same table.
"""

import errno
import os
import re
from functools import cache

LONGEST = 2_000  # characters; a longer message passes through
# `Kind: [Errno 2] No such file or directory: '/x'`; no part can match what another one does, so the time is linear.
NUMBERED = re.compile(
    r"(?:\b[A-Za-z]{0,40}(?:[Ee]rror|Exception): )?\[Errno (-?\d{1,5})\] ([A-Za-z][^\n\[\]'\"():]{0,60})"
    r"(?:: ('[^'\n]{1,1000}'|\"[^\"\n]{1,1000}\"))?"
)
# A library that repeats the number before words of its own: `[Errno 2] could not open port /dev/x: [Errno 2] ...`
TWICE = re.compile(r"\[Errno -?\d{1,5}\] (?=[^\[\]\n]{1,300}: \[Errno )")


@cache
def words(language: str) -> dict[str, str]:
    """What the C library calls an error (strerror(3)), and how we say it. nb or en."""
    from gateway.daemon.texts import catalogue

    table = catalogue()["errno"]
    return {os.strerror(getattr(errno, name)): entry[language] for name, entry in table.items()}


def plain(message: str) -> str:
    """An English message with what the system says in it in plain words; what is not in the table keeps its own."""
    known = words("en")
    if len(message) > LONGEST:
        return message
    if message in known:
        return known[message]
    if "[Errno " in message:
        message = NUMBERED.sub(said, TWICE.sub("", message))
    return re.sub(r"\(([A-Z][^()\n]{1,60})\)", lambda found: f"({known.get(found[1], found[1])})", message)


def said(found: re.Match[str]) -> str:
    """One error: of which file, what, and its number for whoever looks it up."""
    number, text, path = found.groups()
    what = f"{words('en').get(text.strip(), text.strip())}, error {number}"
    return what if path is None else f"{path[1:-1]}: {what}"
