"""Events that nobody waits for are looked into when messages leave time for it."""

import sqlite3
from pathlib import Path

import pytest

from tests.tools.platform_parties import SimGateway
from tests.tools.platform_receiving import Platform


def test_what_nobody_read_is_read_when_there_is_time(tmp_path: Path, gateway: SimGateway) -> None:
    platform = Platform(str(tmp_path / "unread.db"), {("city", "hub-1"): gateway.public_key}, read_all=False)
    gateway.lanes[3][4] = b"\xff"
    topic = gateway.topic("bundle", 3)
    platform.receiver.receive(topic, gateway.bundle(1, 10), False)
    assert platform.receiver.work()
    assert platform.causes() == []
    assert platform.receiver.work()
    assert [(fault.cause, fault.details["seq"]) for fault in platform.faults] == [("event.undecodable", 5)]
    assert not platform.receiver.work()
    platform.wait(100)
    assert platform.marks() == [10]
    assert platform.store.ask("SELECT seq FROM event WHERE fault IS NOT NULL").fetchall() == [(5,)]
    platform.store.close()


def looked_at(platform: Platform) -> int:
    query = "SELECT count(*) FROM message WHERE is_read"
    count: int = platform.store.ask(query).fetchone()[0]
    return count


def test_while_messages_come_closely_few_are_read_and_the_rest_when_there_is_peace(
    tmp_path: Path, gateway: SimGateway
) -> None:
    platform = Platform(str(tmp_path / "busy.db"), {("city", "hub-1"): gateway.public_key}, read_all=False)
    gateway.append(100)
    for number in range(100):  # one in 2 ms, each a message of its own
        topic = gateway.topic("bundle", 3)
        platform.receiver.receive(topic, gateway.bundle(number + 1, number + 1), False)
        while platform.receiver.work():
            pass
        platform.clock_ms += 2
    assert 10 <= looked_at(platform) <= 25, "one in 10 ms: a stream without an end is looked into as well"
    end_ms = platform.clock_ms + 2_000
    while platform.clock_ms < end_ms:  # as the link does: it works, then waits as long as it is told
        while platform.receiver.work():
            pass
        platform.clock_ms += max(1, platform.receiver.settle())
    assert looked_at(platform) == 100
    assert platform.marks()[-1] == 100
    platform.store.close()


def fill(platform: Platform, gateway: SimGateway, count: int) -> None:
    """So many messages wait, none of them looked into."""
    gateway.append(count)
    for number in range(1, count + 1):
        platform.receiver.receive(gateway.topic("bundle", 3), gateway.bundle(number, number), False)
    while platform.receiver.routine:
        platform.receiver.work()
    assert looked_at(platform) == 0


def test_whoever_waits_as_long_as_settle_says_is_not_kept_awake(tmp_path: Path, gateway: SimGateway) -> None:
    platform = Platform(str(tmp_path / "calm.db"), {("city", "hub-1"): gateway.public_key}, read_all=False)
    fill(platform, gateway, 3)
    waits = []
    for _ in range(20):
        waits.append(max(1, platform.receiver.settle()))
        platform.clock_ms += waits[-1]
    assert sum(waits) > 5_000, waits
    platform.store.close()


def stream(platform: Platform, gateway: SimGateway, count: int, each_ms: int) -> None:
    """So many messages, one in so long, and all is done that there is time for."""
    begin = len(gateway.lanes[3])
    gateway.append(count)
    for number in range(begin + 1, begin + count + 1):
        platform.receiver.receive(gateway.topic("bundle", 3), gateway.bundle(number, number), False)
        while platform.receiver.work():
            pass
        platform.clock_ms += each_ms
        platform.receiver.settle()


def test_a_stream_that_is_faster_than_one_in_10_ms_does_not_grow_what_waits_beyond_measure(
    tmp_path: Path, gateway: SimGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.platform.receiver.MOST_UNREAD", 50)
    platform = Platform(str(tmp_path / "behind.db"), {("city", "hub-1"): gateway.public_key}, read_all=False)
    fill(platform, gateway, 60)
    stream(platform, gateway, 100, each_ms=8)  # 125 a second: 7,500 gateways whose states come once a minute
    assert looked_at(platform) == 160
    platform.store.close()


def test_control_with_fewer_waiting_one_in_10_ms_is_all_that_is_looked_into(
    tmp_path: Path, gateway: SimGateway
) -> None:
    platform = Platform(str(tmp_path / "few.db"), {("city", "hub-1"): gateway.public_key}, read_all=False)
    fill(platform, gateway, 60)
    stream(platform, gateway, 100, each_ms=8)
    assert looked_at(platform) <= 81, "what came closely waits"
    platform.store.close()


def test_after_the_store_failed_it_looks_again_in_a_second_though_no_message_comes(
    tmp_path: Path, gateway: SimGateway
) -> None:
    platform = Platform(str(tmp_path / "failed.db"), {("city", "hub-1"): gateway.public_key}, read_all=False)
    fill(platform, gateway, 3)
    assert platform.receiver.commit()
    unread = platform.store.unread
    asked: list[int] = []

    def broken() -> tuple[int, bytes] | None:
        asked.append(platform.clock_ms)
        if len(asked) <= 2:
            raise sqlite3.OperationalError("disk I/O error")
        return unread()

    platform.store.unread = broken  # type: ignore[method-assign]
    end_ms = platform.clock_ms + 3_000
    while platform.clock_ms < end_ms:
        while platform.receiver.work():
            pass
        platform.clock_ms += max(1, platform.receiver.settle())
    assert platform.causes() == ["store.failed"] * 2
    assert [asked[1] - asked[0], asked[2] - asked[1]] == [1_000, 1_000], "and not a hundred times a second"
    assert looked_at(platform) == 3
    platform.store.close()
