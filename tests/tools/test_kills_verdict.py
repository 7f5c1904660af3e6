"""What a run of kills says of both ends."""

from pathlib import Path

from gateway.core import event_codec
from gateway.core.model import Event
from tools.platform.books import Row
from tools.platform.store import Store, make_private
from tools.rig.kill_figures import gathered, seen
from tools.rig.kills import Found, Verdict, compared, read_store, say


def verdict(stored: dict[str, str], newest: int, found: Found | None) -> Verdict:
    lines = {identity: {"kind": kind, "placement": 7} for identity, kind in stored.items()}
    return compared(Verdict(20, 1), lines, newest, found)


def test_nothing_is_lost_where_everything_arrived() -> None:
    told = verdict({"a": "dose.collected", "b": "smoke.detected"}, 1, Found({"a", "b", "c"}, [(7, 1)]))
    assert (told.lost_count, told.twice, told.stored, told.verified) == (0, 0, 2, 3)


def test_an_entry_that_the_hub_had_stored_and_lost_counts_once() -> None:
    stored = {"a": "dose.collected", "b": "dose.missed", "c": "smoke.detected"}
    assert verdict(stored, 2, Found(set(), [])).lost_count == 3
    assert verdict(stored, 2, Found({"a"}, [(7, 1)])).lost_count == 2


def test_an_entry_that_never_came_as_far_as_the_hub_counts_too() -> None:
    assert verdict({"c": "smoke.detected"}, 3, Found({"c"}, [(7, 1)])).lost_count == 2


def test_an_entry_that_stands_twice_is_seen() -> None:
    assert verdict({}, 2, Found(set(), [(7, 1), (7, 1), (7, 2)])).twice == 1


def test_a_platform_without_a_store_is_a_verdict_and_no_traceback(tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    assert read_store(tmp_path / "platform.db") is None
    told = verdict({"a": "smoke.detected"}, 0, None)
    say(told, as_json=False)
    said = capsys.readouterr().out
    assert "never made its store" in said and said.endswith("lost 1\n")


def test_what_the_hub_says_of_itself_or_of_another_device_is_no_entry_of_the_log() -> None:
    lines = {"a": {"kind": "mains.lost", "placement": 0}, "b": {"kind": "battery.low", "placement": 9}}
    told = compared(Verdict(20, 1), lines, 2, Found({"x"}, [(7, 1)]))
    assert (len(told.lost), told.log_missing) == (2, 1)


def test_numbers_beyond_the_newest_hide_no_missing_entry() -> None:
    assert verdict({}, 2, Found(set(), [(7, 1), (7, 3)])).log_missing == 1


def test_word_of_a_lost_log_is_no_entry_that_arrived(tmp_path: Path) -> None:
    path = tmp_path / "platform.db"
    put_events(path, [("device.log_lost", 4), ("dose.collected", 3)])
    found = read_store(path)
    assert found is not None and found.log_numbers == [(7, 3)] and len(found.identities) == 2


def put_events(path: Path, kinds: list[tuple[str, int]]) -> None:
    with Store(str(path)) as store:
        epoch = store.open_epoch(store.open_gateway("city", "hub-1"), b"8 bytes.", is_left=False)
        message = store.put_message(1, "bundle", 0, b"", is_read=True)
        for seq, (kind, number) in enumerate(kinds, 1):
            event = event_codec.encode_event(Event(kind, 7, 1, seq, values={"log_number": number}))
            store.put_events(message, [Row(epoch, 3, seq, bytes([seq]) * 16, None, event, False, None)])


def test_a_figure_counts_a_run_that_shows_nothing_as_bad() -> None:
    good = verdict({"a": "dose.collected"}, 1, Found({"a"}, [(7, 1)]))
    assert gathered(20, [(good, "mosquitto")]).bad == 0
    idle = verdict({}, 0, Found(set(), []))
    storeless = verdict({}, 0, None)
    outcome = gathered(40, [(good, "mosquitto"), (idle, "strict"), (storeless, "strict")])
    assert outcome.bad == 2
    assert outcome.failures[0] == "--n 20 --seed 1 --broker strict: the hub stored nothing"
    assert "never made its store" in outcome.failures[1]


def test_a_file_that_a_killed_platform_left_without_tables_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "platform.db"
    make_private(path)
    assert read_store(path) is None
    Store(str(path)).close()
    assert read_store(path) == Found(set(), [])


def test_a_control_in_which_nothing_ever_arrived_has_found_nothing() -> None:
    stored = {"a": "dose.collected", "b": "smoke.detected"}
    assert seen(verdict(stored, 1, None)).bad == 0
    assert seen(verdict(stored, 1, Found(set(), []))).bad == 0
    assert seen(verdict(stored, 1, Found({"a"}, [(7, 1)]))).bad == 1
