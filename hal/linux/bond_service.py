"""Answers how long the key of a bond is, for a hub that may not read bluetoothd's files: `python -m hal.linux.bond_service`.

systemd starts it for each connection to its socket (`trygg-bonds.socket`), which is its input and output. A question is a
line of two addresses, our adapter's and the device's; an answer is a line:

    16 1 1          bytes of the key, whether it is authenticated, whether Secure Connections made it
    none            bluetoothd has no LE key of that device
    unreadable      its file cannot be read or is not understood
    refused         that was no question; the connection ends

It writes nothing, names no device by itself and never tells a key.
"""

import os
import re
import stat
import sys
from pathlib import Path
from typing import BinaryIO

from hal.linux.bond_file import LARGEST, BondFileError, read_info

FOLDER = Path("/var/lib/bluetooth")
QUESTION = re.compile(rb"((?:[0-9A-F]{2}:){5}[0-9A-F]{2}) ((?:[0-9A-F]{2}:){5}[0-9A-F]{2})\n")
LONGEST_QUESTION = 36
MOST_QUESTIONS = 256
NONE, UNREADABLE, REFUSED = b"none\n", b"unreadable\n", b"refused\n"


def serve(questions: BinaryIO, answers: BinaryIO, folder: Path = FOLDER) -> None:
    """Answer line by line until the other side ends, asks too much, or asks what is no question."""
    for _ in range(MOST_QUESTIONS):
        line = questions.readline(LONGEST_QUESTION)
        if not line:
            return
        asked = QUESTION.fullmatch(line)
        answers.write(REFUSED if asked is None else answer(folder, asked[1].decode(), asked[2].decode()))
        answers.flush()
        if asked is None:
            return


def answer(folder: Path, adapter: str, device: str) -> bytes:
    """The answer to one question; both addresses are well formed."""
    try:
        data = read_regular(folder / adapter / device / "info")
        key = None if data is None else read_info(data)
        if data is None:
            os.listdir(folder)  # a folder that is closed to us is not one without bonds
    except (OSError, BondFileError):
        return UNREADABLE
    if key is None:
        return NONE
    return b"%d %d %d\n" % key


def read_regular(path: Path) -> bytes | None:
    """A file that is one, not larger than one of bluetoothd's; None where there is none. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError("no file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(LARGEST + 1)
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer, Path(sys.argv[1]) if sys.argv[1:] else FOLDER)
