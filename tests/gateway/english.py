"""Whether a Norwegian text still holds English."""

import re

# Words that no Norwegian sentence has; commands and options, which stay, are taken out first.
PROBES = {
    "the",
    "is",
    "not",
    "expected",
    "found",
    "check",
    "again",
    "with",
    "and",
    "usage",
    "show",
    "error",
    "this",
    "of",
    "its",
    "nothing",
    "was",
    "cannot",
    "no",
    "that",
    "which",
    "must",
    "are",
    "be",
    "it",
    "or",
    "from",
}
KEPT = re.compile(
    r"/\S+|trygg [a-z]+|systemctl \w+ \w+|--[a-z-]+|\[[a-z]+\]|'[^']*'|timedatectl set-ntp true"
)

DIGITS = re.compile(r"\b[0-9a-fA-F]{16,}\b")


def english_in(text: str) -> set[str]:
    """Words of a text that are English; letters within keys and digests are none."""
    return PROBES & set(re.findall(r"[a-z]+", DIGITS.sub(" ", KEPT.sub(" ", text)).lower()))
