"""What of bonds is fuzzed: bluetoothd's file of a device, whose name a stranger chooses, a question to whoever reads it, the data of a label."""

import atexit
import io
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from gateway.core.errors import ConfigError, DecodeError
from gateway.core.pairing import OOB_DIGITS, oob_of
from hal.linux.bond_file import BondFileError, read_info
from hal.linux.bond_service import serve
from tests.gateway.fuzz.harness import Target
from tests.radio.key_service import KEY, info, keep

ADAPTER, DEVICE = "00:AA:01:00:00:01", "C1:00:00:00:00:01"
OUTSIDE = "a file that nobody may read"
ANSWERS = re.compile(rb"(([0-9]|1[0-6]) [01] [01]\n|none\n)*(refused\n)?")


def read_key(data: bytes) -> None:
    """A key is of 0 to 16 bytes, whatever the file is; a name makes none longer."""
    try:
        key = read_info(data)
    except BondFileError as error:
        raise DecodeError(str(error), 0) from None
    assert key is None or 0 <= key.key_bytes <= 16


def shorter(data: bytes) -> None:
    """Whatever a device calls itself, as GLib writes it, its short key stays short."""
    name = (
        data.decode("utf-8", errors="replace").replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    )
    key = read_info(info(size=7, name=name).encode())
    assert key is not None and key.key_bytes == 7


def questioned() -> Callable[[bytes], None]:
    """Answers are of the known sort, no key is in them, and nothing outside the folder is read."""
    folder = Path(tempfile.mkdtemp(prefix="trygg-fuzz-"))
    atexit.register(shutil.rmtree, folder)
    keep(folder / "bluetooth", ADAPTER, DEVICE, info())
    (folder / "info").write_text(OUTSIDE, encoding="utf-8")

    def ask(data: bytes) -> None:
        answers = io.BytesIO()
        serve(io.BytesIO(data), answers, folder / "bluetooth")
        said = answers.getvalue()
        assert ANSWERS.fullmatch(said), said
        assert KEY.encode() not in said and OUTSIDE.encode() not in said
        if said.endswith(b"refused\n"):
            raise DecodeError("no question", 0)

    return ask


def label(data: bytes) -> None:
    """The data of a label, as somebody types or pastes it."""
    text = data.decode("utf-8", "replace")
    try:
        found = oob_of(text)
    except ConfigError:
        raise DecodeError("no data") from None
    if found is None:
        assert not text
    else:
        assert len(text) == OOB_DIGITS and found.hex() == text.lower()


QUESTION = f"{ADAPTER} {DEVICE}\n".encode()
BONDS: tuple[Target, ...] = (
    Target("key of a bond", (info().encode(), info(kind=0, size=7).encode()), lambda: read_key),
    Target("name beside a short key", (b"Oximeter", b"\n[LongTermKey]\nEncSize=16\n"), lambda: shorter),
    Target("data of a label", (b"0f" * 32, b"A" * OOB_DIGITS), lambda: label),
    Target("question for a key", (QUESTION, QUESTION * 2, b"../../info\n"), questioned),
)
