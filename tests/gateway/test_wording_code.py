"""The catalogue of messages and the code say the same: nothing is forgotten, and nothing stays that no code says."""

import argparse
import ast
import errno
import inspect
import os
import re
from functools import cache
from pathlib import Path

from gateway.core.errors import ConfigError, DecodeError
from gateway.core.wire import SORTS
from gateway.daemon.texts import catalogue as catalogue_of_texts
from gateway.daemon.wording import DEEPEST, Speaker, catalogue, norwegian, sections
from gateway.hub.inward import OTHER
from tests.gateway.english import english_in
from tests.gateway.spoken import Code
from tests.gateway.spoken_source import BLANK, is_word

# What the collector meets and nobody reads as a sentence: names in messages, modes of files, why frames are counted
# (which catalogue.toml words), and what a blank of the command line is called.
NAMES = re.compile(r"[\w‹›]*[.?=-][\w.?=-]*|rb|ab|w|malformed|repeated|N|UUID|HEX|ID|URL|P|JSON|VERB")
# Sections whose English is not ours.
FOREIGN = ("argparse", "system")
# What people see of messages that are put together of several.
JOINED = (
    str(ConfigError("hub.id", "nothing", "TOML 1.0", "/etc/trygg/hub.toml")),
    str(ConfigError("(file)", "nothing", "a configuration", "/etc/trygg/hub.toml")),
    str(ConfigError("hub.id", "'Hub 1'", "a name of its own")),
    str(ConfigError("--broker", "nothing", "a name of its own", "command line")),
    str(DecodeError("ends in mid-item", 7)),
    "2a5f: " + str(DecodeError("no flags: the value is empty", 0)),
    "argument --uuid: found '7', expected one of fcd2",
    *[sort + ": the signature does not hold" for sort in (*SORTS, "unknown")],
    OTHER,
    "/var/platform.db, which is no SQLite file",
)


@cache
def texts() -> dict[str, set[str]]:
    """All that the code says, and where."""
    return Code().texts


def meet(message: str) -> tuple[str | None, set[str], list[str]]:
    """A message in Norwegian, the entries that it took, and what of it stayed English."""
    speaker = Speaker(catalogue())
    said = speaker.say(message, DEEPEST)
    left = [
        value
        for entry, found in speaker.used
        for blank, value in zip(entry.blanks, found, strict=True)
        if is_word(value) and (blank.sort != "words" or speaker.say(value, DEEPEST) is None)
    ]
    return said, {entry.english for entry, _ in speaker.used}, left


def test_every_message_of_the_code_has_its_norwegian() -> None:
    assert len(texts()) > 300
    missing = []
    for text, places in texts().items():
        if not NAMES.fullmatch(text) and text not in catalogue_of_texts()["value"]["reason"]:
            said, _, left = meet(text)
            if said is None or left:
                missing.append(f"{min(places)}: {text!r} {left or ''}")
    assert not missing, "no entry in gateway/daemon/wording.toml:\n" + "\n".join(sorted(missing))


def test_every_entry_is_still_said_by_the_code() -> None:
    said: set[str] = set()
    for text in (*texts(), *JOINED):
        said |= meet(text)[1]
    ours = {entry for name, section in sections().items() if name not in FOREIGN for entry in section}
    gone = sorted(ours - said)
    assert not gone, "no code says this any more:\n" + "\n".join(gone)


def test_an_entry_has_the_same_blanks_in_both_languages_and_ends_alike() -> None:
    entries = catalogue()
    for entry in (*entries.templates, *entries.frames, *entries.whole.values()):
        english = {blank.name for blank in entry.blanks}
        spoken = {name for _, name in entry.norwegian if name}
        assert spoken == english or english - spoken <= {"kind"}, entry.english
        assert len(english) == len(entry.blanks), f"a name twice: {entry.english}"
        said = "".join(text for text, _ in entry.norwegian)
        assert said == said.strip() or entry.blanks, entry.english
        assert said.endswith(".") == entry.texts[-1].endswith("."), entry.english
        assert not english_in(said), (entry.english, said)


def test_words_of_the_system_are_those_it_says() -> None:
    usual = ("ENOENT", "ECONNREFUSED", "EACCES", "ENETUNREACH", "EHOSTUNREACH", "ETIMEDOUT", "ENOSPC", "EIO")
    spoken = {os.strerror(number) for number in errno.errorcode}
    plain = {entry for entry in sections()["system"] if "{" not in entry and "timed out" not in entry}
    assert plain - {"TimeoutError: "} <= spoken
    for name in usual:
        number = getattr(errno, name)
        error = OSError(number, os.strerror(number), "/some/where")
        for text in (str(error), error.strerror, repr(OSError(number, os.strerror(number)))):
            said = norwegian(text)
            assert os.strerror(number) not in said and not english_in(said), said


def test_phrases_of_the_command_line_are_those_of_python() -> None:
    spoken = " ".join(
        re.sub(r"%\(\w+\)\w|%\w", BLANK, node.value)
        for node in ast.walk(ast.parse(inspect.getsource(argparse)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    for entry in sections()["argparse"]:
        assert re.sub(r"\{[^}]*\}", BLANK, entry) in spoken, entry


def test_a_new_message_anywhere_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "gateway").mkdir()
    (tmp_path / "gateway" / "new.py").write_text(
        "WHY = 'the cat is ' + 'asleep'\n"
        "class Cat:\n"
        "    def call(self, name, way='softly'):\n"
        "        if name: raise LinkLostError(f'{name} was called {way}', WHY)\n"
        "    def end(self):\n"
        "        self.link = 'gone out' if self.open else 'gone for good'\n"
        "def ask(parser, cat):\n"
        "    cat.call('Tom', 'loudly')\n"
        "    parser.add_argument('--cat', help='whose cat')\n"
        "    text = 'one of ' + ', '.join(cat)\n"
        "    text += ' at most'\n"
        "    raise ConfigError('cat', 'a dog', text)\n"
    )
    assert set(Code(["gateway"], tmp_path).texts) == {
        "7 was called 7",
        "the cat is asleep",
        "softly",
        "loudly",
        "gone out",
        "gone for good",
        "whose cat",
        "a dog",
        "one of 7",
        "one of 7 at most",
    }
