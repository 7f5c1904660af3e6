"""What a run of kills says of both ends."""

from pathlib import Path

from tools.rig.kills import Found, Verdict, compared, read_store, say


def verdict(stored: dict[str, str], newest: int, found: Found | None) -> Verdict:
    lines = {identity: {"kind": kind, "placement": 7} for identity, kind in stored.items()}
    return compared(Verdict(20, 1), lines, newest, found)


def test_nothing_is_lost_where_everything_arrived() -> None:
    seen = verdict({"a": "dose.collected", "b": "smoke.detected"}, 1, Found({"a", "b", "c"}, [(7, 1)]))
    assert (seen.lost_count, seen.twice, seen.stored, seen.verified) == (0, 0, 2, 3)


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
    seen = verdict({"a": "smoke.detected"}, 0, None)
    say(seen, as_json=False)
    said = capsys.readouterr().out
    assert "never made its store" in said and said.endswith("lost 1\n")
