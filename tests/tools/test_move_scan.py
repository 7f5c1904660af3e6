"""What is looked for is found in whatever form it was stored, wherever it lies; and what is not there is not found."""

import asyncio
import base64
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.linux.journal import SqliteJournal
from hal.types import Entry
from tests.tools.move_bench import finished, left, moving
from tools.move import erase, network, traces
from tools.move.moving import Moving
from tools.move.scan import CHUNK, Scanner, Trace, address, find_word, from_bytes, secret, text, to_bytes
from tools.rig.rehome_homes import Home, made

KEY = bytes.fromhex("00112233445566778899aabbccddeeff")


def found(data: bytes, *known: Trace) -> list[str]:
    """What a scanner finds in a file of these bytes."""
    scanner = Scanner(known)
    scanner._look(data, "file", scanner.traces, 0)
    return [hit.what for hit in scanner.hits]


@pytest.mark.parametrize("before", [b"", b"x", b"xy", b"\xff\x00\x10"])
@pytest.mark.parametrize(
    "coded", [bytes, bytes.hex, lambda raw: raw.hex().upper(), base64.b64encode, base64.urlsafe_b64encode]
)
def test_a_key_is_found_as_bytes_hexadecimal_and_base_64(coded: Any, before: bytes) -> None:
    said = coded(KEY)
    assert found(before + (said.encode() if isinstance(said, str) else said) + b"\n", secret("key", KEY)) == [
        "key"
    ]


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_a_key_within_something_that_was_coded_as_a_whole_is_found(before: bytes, behind: bytes) -> None:
    for coded in (base64.b64encode, base64.urlsafe_b64encode):
        assert found(coded(before + KEY + behind), secret("key", KEY)) == ["key"]


@pytest.mark.parametrize(
    "said",
    [
        b"C0:12:34:56:78:9A",
        b"c0:12:34:56:78:9a",
        b"dev_C0_12_34_56_78_9A",
        b"c0123456789a",
        bytes.fromhex("c0123456789a"),
        bytes.fromhex("9a78563412c0"),
        b"9A78563412C0",
    ],
)
def test_an_address_is_found_in_both_orders_of_its_bytes(said: bytes) -> None:
    assert found(b"a" + said + b"\x00", address("device", "C0:12:34:56:78:9A")) == ["device"]


def test_what_is_too_short_to_mean_anything_is_not_looked_for() -> None:
    assert secret("code", b"\x12\x34\x56").patterns == ()
    assert all(len(each) >= 6 for each in secret("key", KEY).patterns)
    assert text("room", "bad", is_word=True).patterns == (b"b\0a\0d\0",)
    assert text("name", "kort").patterns and all(len(each) >= 8 for each in text("name", "kort").patterns)


def test_a_word_is_a_word_and_no_part_of_another_one() -> None:
    assert find_word(b"challenge", b"hall") == -1
    assert find_word(b'challenge "hall"', b"hall") == 11
    assert found(json.dumps("Røykvarsler").encode(), text("name", "Røykvarsler", is_word=True)) == ["name"]


def test_a_trace_across_two_pieces_of_a_large_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(CHUNK - 7) + KEY + bytes(CHUNK))
    scanner = Scanner([secret("key", KEY)])
    scanner.image(path)
    assert [(hit.what, hit.offset) for hit in scanner.hits] == [("key", CHUNK - 7)]
    path.write_bytes(bytes(CHUNK - 7) + KEY[:-1] + bytes(CHUNK))
    other = Scanner([secret("key", KEY)])
    other.image(path)
    assert other.hits == []


def test_a_name_of_a_file_is_a_trace_too(tmp_path: Path) -> None:
    (tmp_path / "dev_C0_12_34_56_78_9A").mkdir()
    scanner = Scanner([address("device", "C0:12:34:56:78:9A")])
    scanner.folder(tmp_path)
    assert [hit.offset for hit in scanner.hits] == [-1]


def test_words_of_a_home_are_not_looked_for_in_an_image_nor_in_the_history(tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text("Oximeter SN-123456")
    known = [text("name", "Oximeter", is_word=True), text("serial", "SN-123456", allowed="history.json")]
    image = Scanner(known)
    image.image(tmp_path / "history.json")
    folder = Scanner(known)
    folder.folder(tmp_path)
    assert [hit.what for hit in image.hits] == ["serial"] and [hit.what for hit in folder.hits] == ["name"]


def test_a_list_reads_back_and_is_no_finding_itself() -> None:
    known = [secret("key", KEY), text("name", "Dør", is_word=True, allowed="x")]
    packed = to_bytes(known)
    assert from_bytes(packed) == known and found(packed, *known) == []
    for bad in (b"", bytes(32), packed[:-1], packed[:40]):
        with pytest.raises((ValueError, TypeError)):
            from_bytes(bad)


# --- what careless wipes leave ------------------------------------------------------------------------------------------


def test_rows_that_were_deleted_are_found_in_free_pages_and_in_the_log(tmp_path: Path) -> None:
    event = KEY * 4

    async def work() -> list[Entry]:
        journal = await SqliteJournal.open(tmp_path / "journal.db", capacity_bytes=4 << 20)
        entries = await journal.append([(3, event)])
        await journal.close()
        return entries

    (entry,) = asyncio.run(work())
    store = sqlite3.connect(tmp_path / "journal.db")
    store.execute("PRAGMA secure_delete = OFF")  # Debian's SQLite has it on, others have not
    store.execute("DELETE FROM entry_3")
    store.commit()
    assert store.execute("SELECT count(*) FROM entry_3").fetchone() == (0,)
    store.close()
    scanner = Scanner([Trace("event", (event,)), secret("chain", entry.chain)])
    scanner.folder(tmp_path)
    assert {hit.what for hit in scanner.hits} == {"event", "chain"}


class Careless(Moving):
    """Deletes rows and not the store, and forgets what lies beside it."""

    def step_journal(self) -> None:
        store = sqlite3.connect(self.places.journal)
        store.execute("PRAGMA secure_delete = OFF")
        for lane in range(5):
            store.execute(f"DELETE FROM entry_{lane}")
        store.execute("DELETE FROM state")
        store.commit()
        store.close()

    def step_rest(self) -> None:
        pass

    def step_bonds(self) -> None:
        pass


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return made(tmp_path / "home", 4, waiting=False)


def test_a_careless_wipe_is_found_by_its_own_list_and_by_ours(home: Home) -> None:
    work = moving(home, kind=Careless)
    work.around.steps = [each for each in work.around.steps if each not in ("scan", "end")]
    work.run()
    scanner = work.look(from_bytes(work.places.traces.read_bytes()), {work.places.work})
    ours = {hit.what for hit in left(home)}
    assert {"placement of a device", "key of a bond"} <= {hit.what for hit in scanner.hits}
    assert {"epoch", "long term key", "one-time code"} <= ours


def test_everything_that_the_home_knows_is_on_the_list_of_the_one_who_wipes(home: Home) -> None:
    work = moving(home)
    work.around.steps = ("traces",)
    work.run()
    known = {one for each in from_bytes(work.places.traces.read_bytes()) for one in each.patterns}
    strange = {
        "comment",
        "one-time code",
        "street",
        "event of a damaged store",
        "event",
    }  # of no file that is known
    patterns = [each for each in known if len(each) >= 6]
    missing = [
        each.what
        for each in home.truth
        if each.what not in strange
        and not any(one in form or form in one for form in each.patterns for one in patterns)
    ]
    assert missing == []


# --- erasing --------------------------------------------------------------------------------------------------------------


def test_a_file_is_written_over_before_its_name_goes(tmp_path: Path) -> None:
    path, other = tmp_path / "key", tmp_path / "blocks"
    path.write_bytes(KEY * 9000)
    other.hardlink_to(path)
    path.chmod(0o400)
    erase.Eraser().file(path)
    assert not path.exists() and other.read_bytes() == bytes(len(KEY) * 9000)
    erase.Eraser().file(path)


def test_a_link_is_unlinked_and_what_it_points_at_stays(tmp_path: Path) -> None:
    aim = tmp_path / "shared.pem"
    aim.write_text("of everybody")
    link = tmp_path / "folder" / "ca.pem"
    link.parent.mkdir()
    link.symlink_to(aim)
    erase.Eraser().tree(link.parent)
    assert not link.parent.exists() and aim.read_text() == "of everybody"


def test_what_is_kept_stays_with_the_folders_that_hold_it(tmp_path: Path) -> None:
    kept = tmp_path / "a" / "b" / "ca.pem"
    kept.parent.mkdir(parents=True)
    for each in (kept, tmp_path / "a" / "key", tmp_path / "x"):
        each.write_text("x")
    erase.Eraser().contents(tmp_path, {kept})
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [kept]


def test_free_space_is_filled_and_given_back(tmp_path: Path) -> None:
    import os

    seen = os.statvfs(tmp_path)
    room = seen.f_bavail * seen.f_frsize
    assert erase.fill(tmp_path, room - (8 << 20)) >= 4 << 20
    assert list(tmp_path.iterdir()) == []


# --- foreign files ----------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=200))
def test_any_file_among_the_profiles_is_read_or_counts_as_one(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("profiles")
    (folder / "x.nmconnection").write_bytes(data)
    for each in network.profiles(folder):
        assert all(each.secrets) or not each.secrets


@given(st.binary(max_size=200))
def test_any_file_among_the_keys_and_bonds_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    folder = tmp_path_factory.mktemp("keys")
    info = folder / "00:11:22:33:44:55" / "C0:12:34:56:78:9A" / "info"
    info.parent.mkdir(parents=True)
    for path in (info, folder / "bonds.json", folder / "x.key", folder / "x.pem"):
        path.write_bytes(data)
    list(traces.of_bonds(folder / "bonds.json"))
    list(traces.of_keys(folder))
    list(traces.of_pem(folder / "x.pem"))
    assert any(each.what == "address of a bond" for each in traces.of_bluetooth(folder))


def test_a_cable_is_no_wifi_and_a_profile_that_does_not_read_is_erased(home: Home) -> None:
    (home.network / "broken.nmconnection").write_text("psk=secret without a section")
    finished(home)
    assert [each.name for each in home.network.iterdir()] == ["cable.nmconnection"]
