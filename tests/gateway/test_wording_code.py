"""The catalogue of messages and the code say the same: nothing is forgotten, and nothing stays that no code says."""

import argparse
import ast
import errno
import inspect
import os
import re
from functools import cache
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError, DecodeError
from gateway.core.wire import SORTS
from gateway.daemon.system_words import words
from gateway.daemon.texts import Texts
from gateway.daemon.texts import catalogue as catalogue_of_texts
from gateway.daemon.wording import DEEPEST, Speaker, catalogue, norwegian, sections
from gateway.hub.inward import OTHER
from hal.errors import UnavailableError
from tests.gateway.english import english_in
from tests.gateway.spoken import Code
from tests.gateway.spoken_source import BLANK, is_word
from tools.firmware.partitions import beyond
from tools.move.report import ALL, BEGUN

# What the collector meets and nobody reads as a sentence: names in messages, modes of files, why frames are counted
# (which catalogue.toml words), and what a blank of the command line is called.
NAMES = re.compile(
    r"[\w‹›]*[.?=-][\w.?=-]*|rb|ab|w|wb|trygg/v1/[\w/]*|%u|malformed|repeated|unauthenticated|driver_failed|N|UUID|HEX|ID|URL|P|JSON|CSV|VERB|left"
)
# Sections whose English is not ours.
FOREIGN = ("argparse", "system", "serial_native")
# What people see of messages that are put together of several.
JOINED = (
    str(ConfigError("hub.id", "nothing", "TOML 1.0", "/etc/trygg/hub.toml")),
    str(ConfigError("(file)", "nothing", "a configuration", "/etc/trygg/hub.toml")),
    str(ConfigError("FILE", "nothing", "a configuration", "/var/stock.db")),
    str(ConfigError("registry", "nothing", "a configuration", "/var/gateways.json")),
    str(ConfigError("hub.id", "'Hub 1'", "a name of its own")),
    str(ConfigError("--broker", "nothing", "a name of its own", "command line")),
    str(DecodeError("ends in mid-item", 7)),
    "2a5f: " + str(DecodeError("no flags: the value is empty", 0)),
    "argument --uuid: found '7', expected one of fcd2",
    *[sort + ": the signature does not hold" for sort in (*SORTS, "unknown")],
    OTHER,
    beyond(0xC20000, 8 << 20),
    beyond(0xC20000, 4 << 20),
    BEGUN,
    ALL,
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


@pytest.mark.timeout(60)  # all of the code is read
def test_every_message_of_the_code_has_its_norwegian() -> None:
    assert len(texts()) > 300
    missing = []
    for text, places in texts().items():
        if not NAMES.fullmatch(text) and text not in catalogue_of_texts()["value"]["reason"]:
            said, _, left = meet(text)
            if said is None or left:
                missing.append(f"{min(places)}: {text!r} {left or ''}")
    assert not missing, "no entry in gateway/daemon/wording.toml:\n" + "\n".join(sorted(missing))


@pytest.mark.timeout(60)  # the first of these reads the code for all
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
        foreign = entry.english in sections()["serial_native"]  # its port stands in our words around it
        assert spoken == english or english - spoken <= {"kind"} or (foreign and spoken < english), (
            entry.english
        )
        assert len(english) == len(entry.blanks), f"a name twice: {entry.english}"
        said = "".join(text for text, _ in entry.norwegian)
        assert said == said.strip() or entry.blanks, entry.english
        assert said.endswith(".") == entry.texts[-1].endswith("."), entry.english
        assert not english_in(said), (entry.english, said)


def test_words_of_the_system_are_those_it_says() -> None:
    spoken = {os.strerror(number) for number in errno.errorcode}
    entries = {entry for entry in sections()["system"] if "{" not in entry and "timed out" not in entry}
    assert entries - {"TimeoutError: "} <= spoken
    assert set(words("nb")) == set(words("en")) <= spoken


USUAL = [
    "ENOENT",
    "EACCES",
    "ENOSPC",
    "EROFS",
    "EISDIR",
    "ENOTDIR",
    "EEXIST",
    "EBUSY",
    "EIO",
    "ECONNREFUSED",
    "ETIMEDOUT",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "EPERM",
    "ENODEV",
    "EADDRINUSE",
]


@pytest.mark.parametrize("name", USUAL)
@pytest.mark.parametrize("language", ["nb", "en"])
def test_no_error_number_of_the_system_reaches_people_in_its_own_words(name: str, language: str) -> None:
    number = getattr(errno, name)
    raw = os.strerror(number)
    error = OSError(number, raw, "/some/where")
    bare = OSError(number, raw)
    for text in (
        str(error),
        str(bare),
        raw,
        f"{type(bare).__name__}: {bare}",
        str(UnavailableError("serial port x is gone: open it again when it is back", str(bare))),
        str(ConfigError("FILE", str(error), "a file that can be read", "/some/where")),
        f"a stick cannot be used ({raw})",
    ):
        said = Texts(language).reword(text)
        assert raw not in said and "[Errno" not in said, (text, said)
        assert language == "en" or not english_in(said), said
        assert catalogue_of_texts()["errno"][name][language] in said
        assert "/some/where" not in text or "/some/where" in said
    assert Texts(language, for_machines=True).reword(error) == str(error), "programs match what was said"


def test_phrases_of_the_serial_library_are_those_that_it_says() -> None:
    import serial
    import serial.rfc2217
    import serial.serialposix
    import serial.urlhandler.protocol_socket

    modules = (
        serial,
        serial.serialutil,
        serial.rfc2217,
        serial.serialposix,
        serial.urlhandler.protocol_socket,
    )
    said = " ".join(
        re.sub(r"\{[^}]*\}", BLANK, node.value)
        for module in modules
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    for entry in sections()["serial_native"]:
        phrase = re.sub(r"\{[^}]*\}", BLANK, entry).removeprefix(f"[Errno {BLANK}] ")
        ours = phrase.startswith("(") or "Name or service" in phrase or "name resolution" in phrase
        assert ours or phrase in said, entry


@pytest.mark.parametrize(
    "native",
    [
        "[Errno 2] could not open port /dev/x: [Errno 2] No such file or directory: '/dev/x'",
        "[Errno 11] Could not exclusively lock port /dev/x: [Errno 11] Resource temporarily unavailable",
        "Could not configure port: (25, 'Inappropriate ioctl for device')",
        "Could not open port socket://h:1: [Errno 111] Connection refused",
        "Could not open port socket://h:1: [Errno -2] Name or service not known",
        "invalid URL, protocol 'foo' not known",
        "read failed: [Errno 5] Input/output error",
        "device reports readiness to read but returned no data (device disconnected or multiple access on port?)",
    ],
)
def test_errors_of_a_serial_port_are_norwegian_to_the_last_word(native: str) -> None:
    for message in (native, str(UnavailableError("no serial port x: check the cable and the name", native))):
        said = norwegian(message)
        assert not english_in(said) and "Errno" not in said, said
        assert said.count("feilnummer") <= 1


def test_phrases_of_the_command_line_are_those_of_python() -> None:
    spoken = " ".join(
        re.sub(r"%\(\w+\)\w|%\w", BLANK, node.value)
        for node in ast.walk(ast.parse(inspect.getsource(argparse)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    for entry in sections()["argparse"]:
        assert re.sub(r"\{[^}]*\}", BLANK, entry) in spoken, entry


@pytest.mark.timeout(60)
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
