"""The size of a key, from bluetoothd's file over the service to whoever asks; no key ever comes out of it."""

import asyncio
import io
import os
from pathlib import Path

import pytest

from hal.errors import UnavailableError
from hal.linux import bond_keys
from hal.linux.bluez import QUICK_S
from hal.linux.bond_file import LARGEST, BondFileError, BondKey, read_info
from hal.linux.bond_keys import BondKeys
from hal.linux.bond_service import LONGEST_QUESTION, MOST_QUESTIONS, serve
from hal.linux.bond_vetting import UNSEEN_S
from tests.radio.bluez_party import DEVICE, OTHER
from tests.radio.key_service import KEY, answering, info, keep, over
from tools.simulators.bluez import ADAPTER_ADDRESS

OLD = info(size=16).replace("[PeripheralLongTermKey]", "[LongTermKey]")
QUESTION = f"{ADAPTER_ADDRESS} {DEVICE}\n".encode()

# --- the file ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (info(size=7), BondKey(7, False, True)),
        (info(kind=3), BondKey(16, True, True)),
        (info(kind=0), BondKey(16, False, False)),
        (info(kind=1, size=15), BondKey(15, True, False)),
        (info(kind=4), BondKey(0, False, True)),  # a key that the specification prints
        (info(name="Bj\u00f8rn\\n[LongTermKey]"), BondKey(16, False, True)),  # as GLib writes a line feed
        ("", None),
        ("[General]\nName=x\n# a word\n\n[LinkKey]\nKey=00\nType=4\n", None),
        (OLD.replace("EncSize=16", "EncSize=10", 1), BondKey(10, False, True)),  # of two the worse
        (OLD.replace("Authenticated=2", "Authenticated=1", 1), BondKey(16, False, False)),
    ],
)
def test_size_and_making_of_a_key_are_read(text: str, key: BondKey | None) -> None:
    assert read_info(text.encode()) == key


@pytest.mark.parametrize(
    "text",
    [
        "Name=x\n",
        "[General\n",
        "[General]\nName\n",
        "[General]\nName=x\nName=y\n",
        info() + "[SlaveLongTermKey]\n",
        *(
            info().replace("EncSize=16", f"EncSize={size}", 1)
            for size in ("", "17", "-7", "016", "7 ", "0x7")
        ),
        *(info().replace("Authenticated=2", f"Authenticated={kind}", 1) for kind in ("", "5", "true")),
        info().replace("EncSize=16\n", "", 1),
        info().replace("Authenticated=2\n", "", 1),
        *(info().replace(f"Key={KEY}", f"Key={key}", 1) for key in ("", KEY[:-2], "zz" * 16)),
        info() + "#" * LARGEST,
    ],
)
def test_what_is_not_understood_is_no_answer(text: str) -> None:
    with pytest.raises(BondFileError):
        read_info(text.encode())


def test_bytes_that_are_no_text_stand_in_names_only() -> None:
    data = info(name="NAME").encode()
    assert read_info(data.replace(b"NAME", b"\xff\xfe\x80")) == BondKey(16, False, True)
    with pytest.raises(BondFileError):
        read_info(data.replace(b"EncSize=16", b"EncSize=\xb1\xb6"))


# --- the service ---------------------------------------------------------------------------------------------------


def asked(folder: Path, questions: bytes) -> bytes:
    answers = io.BytesIO()
    serve(io.BytesIO(questions), answers, folder)
    return answers.getvalue()


def test_the_service_tells_size_and_making_and_never_a_key(tmp_path: Path) -> None:
    keep(tmp_path, ADAPTER_ADDRESS, DEVICE, info(size=7))
    keep(tmp_path, ADAPTER_ADDRESS, OTHER, "nothing that is known")
    unknown = f"{OTHER} {DEVICE}\n".encode()
    said = asked(tmp_path, QUESTION + unknown + f"{ADAPTER_ADDRESS} {OTHER}\n".encode())
    assert said == b"7 0 1\nnone\nunreadable\n"
    assert KEY.encode() not in said


@pytest.mark.parametrize(
    "question",
    [
        b"\n",
        b"x",
        QUESTION[:-1],
        QUESTION.lower(),
        b" " + QUESTION,
        QUESTION.replace(b" ", b"/"),
        b"../../../../etc/shadow\n",
        f"{ADAPTER_ADDRESS} ../../etc/shadow\n".encode(),
        QUESTION[:-1] + b"/../../../x\n",
        QUESTION[:-1] + b"\0\n",
        bytes(5000),
    ],
)
def test_the_service_takes_two_addresses_and_hangs_up_on_anything_else(
    tmp_path: Path, question: bytes
) -> None:
    keep(tmp_path, ADAPTER_ADDRESS, DEVICE, info())
    assert asked(tmp_path, question + QUESTION) == b"refused\n"


def test_the_service_answers_so_many_questions_and_no_more(tmp_path: Path) -> None:
    assert len(QUESTION) == LONGEST_QUESTION
    assert asked(tmp_path, QUESTION * (MOST_QUESTIONS + 5)) == b"none\n" * MOST_QUESTIONS


def test_a_file_that_leads_elsewhere_or_is_none_is_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "bluetooth"
    path = keep(folder, ADAPTER_ADDRESS, DEVICE, info())
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert asked(folder, QUESTION) == b"unreadable\n"
    path.unlink()
    path.mkdir()
    assert asked(folder, QUESTION) == b"unreadable\n"
    path.rmdir()
    os.mkfifo(path)
    assert asked(folder, QUESTION) == b"unreadable\n"


def test_without_bluetoothds_folder_the_service_does_not_say_that_there_is_no_bond(tmp_path: Path) -> None:
    assert asked(tmp_path / "missing", QUESTION) == b"unreadable\n"
    assert asked(tmp_path, QUESTION) == b"none\n"


# --- who asks ------------------------------------------------------------------------------------------------------


def test_keys_are_asked_of_the_program_over_a_socket(tmp_path: Path) -> None:
    folder, socket = tmp_path / "bluetooth", tmp_path / "socket"
    keep(folder, ADAPTER_ADDRESS, DEVICE, info(size=7))
    keep(folder, ADAPTER_ADDRESS, OTHER, "")

    async def program() -> None:
        keys = BondKeys(socket)
        with pytest.raises(UnavailableError, match=r"trygg-bonds\.socket"):
            await keys.of(ADAPTER_ADDRESS, [DEVICE])
        async with answering(socket, over(folder)):
            await keys.check()
            assert await keys.of(ADAPTER_ADDRESS, [DEVICE, OTHER]) == {DEVICE: BondKey(7, False, True)}
            assert await keys.of(ADAPTER_ADDRESS, []) == {}
        async with answering(socket, over(tmp_path / "missing")):
            with pytest.raises(UnavailableError, match="cannot read"):
                await keys.check()
            assert await keys.of(ADAPTER_ADDRESS, [DEVICE]) == {}

    asyncio.run(program())


@pytest.mark.parametrize(
    "said", [b"", b"16\n", b"17 1 1\n", b"16 1 1 \n", b"refused\n", b"16 1 1", b"1" * 5000]
)
def test_a_service_that_answers_something_else_is_not_believed(tmp_path: Path, said: bytes) -> None:
    answers = iter([said])

    async def once(_question: bytes) -> bytes:
        return next(answers, b"")

    async def program() -> None:
        async with answering(tmp_path / "socket", once):
            with pytest.raises(UnavailableError, match="sizes of keys"):
                await BondKeys(tmp_path / "socket", answer_s=0.5).of(ADAPTER_ADDRESS, [DEVICE])

    asyncio.run(program())


def test_a_service_that_never_answers_is_given_up(tmp_path: Path) -> None:
    async def never(_question: bytes) -> bytes:
        await stopped.wait()
        return b""

    stopped = asyncio.Event()

    async def program() -> None:
        async with answering(tmp_path / "socket", never):
            with pytest.raises(UnavailableError, match="cannot be seen") as away:
                await BondKeys(tmp_path / "socket", answer_s=0.05).of(ADAPTER_ADDRESS, [DEVICE])
            assert "Timeout" in away.value.detail
            with pytest.raises(UnavailableError, match="cannot be seen"):
                await BondKeys(tmp_path / "socket").of(ADAPTER_ADDRESS, [DEVICE], within_s=0.05)
            stopped.set()

    asyncio.run(program())
    assert (bond_keys.ANSWER_S, QUICK_S, UNSEEN_S) == (10.0, 2.0, 600.0)
