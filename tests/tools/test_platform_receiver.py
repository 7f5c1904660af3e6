"""The platform whole, without a network: what it refuses, when it commits and receipts, what it says and when."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.core import wire
from gateway.core.outbox import PROGRESS, UNCHANGED, Outbox
from hal.types import LaneMark
from tests.tools.platform_parties import SimGateway, ed25519_verify
from tests.tools.platform_receiving import Platform
from tools.platform.receiver import HAND_ON


@pytest.fixture
def platform(tmp_path: Path, gateway: SimGateway) -> Iterator[Platform]:
    made = Platform(str(tmp_path / "platform.db"), {("city", "hub-1"): gateway.public_key})
    yield made
    made.store.close()


# --- receipts -----------------------------------------------------------------------------------------------------


def test_an_alarm_is_receipted_and_handed_on_at_once(platform: Platform, gateway: SimGateway) -> None:
    gateway.append(1, lane=0, kind="smoke.detected")
    platform.send(gateway, 1, 1, lane=0)
    assert platform.marks(0) == [1]
    assert [verified.content.kind for verified in platform.events if verified.content] == ["smoke.detected"]
    assert not platform.store.is_open


def test_routine_receipts_come_promptly_first_and_then_once_a_second(
    platform: Platform, gateway: SimGateway
) -> None:
    platform.send(gateway, 1, 2)
    assert platform.marks() == []
    platform.wait(50)
    assert platform.marks() == [2]
    for seq in range(3, 21):  # 18 bundles in 1.8 s
        platform.wait(100)
        platform.send(gateway, seq, seq)
    platform.wait(1_000)
    assert platform.marks() == [2, 11, 20]


def test_nothing_is_handed_on_or_receipted_before_it_is_durable(
    platform: Platform, gateway: SimGateway, tmp_path: Path
) -> None:
    platform.send(gateway, 1, 5)
    with sqlite3.connect(tmp_path / "platform.db") as other:
        assert other.execute("SELECT count(*) FROM event").fetchone() == (0,)
        assert (platform.events, platform.published) == ([], [])
        platform.wait(50)
        assert other.execute("SELECT count(*) FROM event").fetchone() == (5,)
        assert len(platform.events) == 5
    other.close()


def test_an_alarm_goes_before_routine_that_came_first(platform: Platform, gateway: SimGateway) -> None:
    gateway.append(1, lane=1, kind="door.night_exit")
    for first in (1, 11, 21):
        platform.receiver.receive(gateway.topic("bundle", 3), gateway.bundle(first, first + 9), False)
    platform.receiver.receive(gateway.topic("bundle", 1), gateway.bundle(1, 1, lane=1), False)
    platform.receiver.work()
    assert [verified.row.lane for verified in platform.events] == [1]
    assert platform.marks(1) == [1]


def test_an_alarm_does_not_wait_until_thousands_of_events_are_handed_on(
    platform: Platform, gateway: SimGateway
) -> None:
    count = 10 * HAND_ON
    gateway.append(count)
    for first in range(1, count + 1, 100):
        platform.receiver.receive(gateway.topic("bundle", 3), gateway.bundle(first, first + 99, 3), False)
    while platform.receiver.routine:
        platform.receiver.work()
    platform.clock_ms += 50
    assert platform.receiver.settle() == 0, "more is to be handed on at once"
    assert len(platform.events) == HAND_ON
    gateway.append(1, lane=0, kind="smoke.detected")
    platform.receiver.receive(gateway.topic("bundle", 0), gateway.bundle(1, 1, 0), False)
    platform.receiver.work()
    kinds = [verified.content.kind for verified in platform.events if verified.content]
    assert "smoke.detected" in kinds[: HAND_ON + 1]
    while platform.receiver.work():
        pass
    assert len(platform.events) == count + 1


def test_what_is_handed_on_keeps_up_with_whatever_comes(platform: Platform, gateway: SimGateway) -> None:
    waiting = 40 * HAND_ON
    gateway.append(1, lane=0, kind="smoke.detected")
    platform.send(gateway, 1, 1, lane=0)
    platform.receiver.settled.extend(platform.events * waiting)
    platform.receiver.hand_on()
    assert len(platform.receiver.settled) == waiting - waiting // 16


def test_a_connection_brings_keyset_and_receipts_to_everyone(platform: Platform, gateway: SimGateway) -> None:
    platform.send(gateway, 1, 5)
    platform.receiver.connected()
    sorts = [wire.parse_topic(topic).sort for topic, _ in platform.published]
    assert sorts == ["keyset", "receipt"]
    assert platform.marks() == [5]
    keyset = wire.parse("keyset", platform.published[0][1])
    wire.verify(keyset, platform.root.public_key, ed25519_verify)


def test_a_gateway_that_repeats_is_told_again_but_no_more_than_once_a_second(
    platform: Platform, gateway: SimGateway
) -> None:
    platform.send(gateway, 1, 10)
    platform.wait(5_000)
    for _ in range(20):
        platform.send(gateway, 1, 10)
        platform.wait(100)
    assert 2 <= len(platform.marks()) - 1 <= 3
    assert set(platform.marks()) == {10}


def test_a_repeat_that_news_follow_gets_no_receipt_of_its_own(
    platform: Platform, gateway: SimGateway
) -> None:
    platform.send(gateway, 1, 10)
    platform.wait(5_000)
    platform.send(gateway, 1, 10)
    platform.send(gateway, 11, 20)
    platform.wait(3_000)
    assert platform.marks() == [10, 20]


def test_a_gap_that_stands_asks_for_what_is_missing(platform: Platform, gateway: SimGateway) -> None:
    platform.send(gateway, 1, 10)
    platform.wait(3_000)
    platform.send(gateway, 21, 30)
    assert platform.marks() == [10]
    platform.wait(2_000)
    assert platform.marks() == [10, 10]  # unchanged: send again now
    platform.wait(12_000)
    assert len(platform.marks()) == 4  # after 2, 4 and 8 s
    platform.send(gateway, 11, 20)
    platform.wait(200_000)
    assert platform.marks()[4:] == [30]


def test_receipts_read_as_the_gateway_reads_them(platform: Platform, gateway: SimGateway) -> None:
    outbox = Outbox(lambda: 0)
    platform.send(gateway, 1, 10)
    platform.wait(100)
    seq, chain = platform.receipts()[0][3]
    held_all = LaneMark(1, gateway.chain(0), 30, gateway.chain(30))
    assert outbox.judge(held_all, seq, chain, gateway.chain(seq)) == PROGRESS
    held_rest = LaneMark(11, gateway.chain(10), 30, gateway.chain(30))
    assert outbox.judge(held_rest, seq, chain, gateway.chain(10)) == UNCHANGED
    seq, chain = platform.receipts()[0][0]
    empty = LaneMark(1, gateway.chain(0, 0), 0, gateway.chain(0, 0))
    assert outbox.judge(empty, seq, chain, gateway.chain(0, 0)) == UNCHANGED


# --- refusals -----------------------------------------------------------------------------------------------------


def test_every_single_bit_flip_is_refused(platform: Platform, gateway: SimGateway) -> None:
    message = gateway.bundle(1, 1)
    for bit in range(len(message) * 8):
        flipped = bytearray(message)
        flipped[bit // 8] ^= 1 << bit % 8
        platform.receiver.handle(gateway.topic("bundle", 3), bytes(flipped))
    assert platform.receiver.counts.refused == len(message) * 8
    assert platform.store.counts()["events"] == 0
    platform.send(gateway, 1, 1)
    assert platform.store.counts()["events"] == 1


def moved(gateway: SimGateway) -> list[tuple[str, bytes]]:
    bundle, state = gateway.bundle(1, 5), gateway.state()
    return [
        (wire.topic("city", "hub-2", "bundle", 3), bundle),
        (wire.topic("town", "hub-1", "bundle", 3), bundle),
        (gateway.topic("bundle", 0), bundle),
        (gateway.topic("state"), bundle),
        (gateway.topic("manifest"), state),
        (gateway.topic("receipt"), state),
        ("trygg/v2/city/hub-1/up/3", bundle),
        ("trygg/v1/city/hub-1/up/5", bundle),
        ("trygg/v1/city/nobody/up/3", bundle),
        ("somewhere", bundle),
        (gateway.topic("bundle", 3), b"\xd2"),
        (gateway.topic("bundle", 3), bundle + b"\0"),
        (gateway.topic("bundle", 3), b"\0" * 65537),
    ]


@pytest.mark.parametrize("number", range(13))
def test_a_message_that_stands_elsewhere_is_refused(
    platform: Platform, gateway: SimGateway, number: int
) -> None:
    platform.receiver.keys[("city", "hub-2")] = gateway.public_key  # even where the key is the same
    platform.receiver.keys[("town", "hub-1")] = gateway.public_key
    topic, payload = moved(gateway)[number]
    platform.receiver.handle(topic, payload)
    assert platform.causes() == ["message.refused"]
    assert platform.store.counts()["events"] == 0


def test_keys_are_those_of_tenant_and_gateway_and_kid_is_a_hint(
    platform: Platform, gateway: SimGateway
) -> None:
    impostor = SimGateway()
    impostor.append(5)
    platform.send(impostor, 1, 5)
    impostor.sealer = gateway.sealer  # names the right key, signs with its own
    platform.send(impostor, 1, 5)
    assert [fault.details["reason"] for fault in platform.faults] == [
        "the message names another key",
        "the signature does not hold",
    ]


def test_a_cleared_topic_is_no_message(platform: Platform, gateway: SimGateway) -> None:
    platform.receiver.handle(gateway.topic("state"), b"", True)
    assert platform.causes() == []


# --- the rest -----------------------------------------------------------------------------------------------------


def test_a_restart_goes_on_where_it_committed(
    platform: Platform, gateway: SimGateway, tmp_path: Path
) -> None:
    platform.send(gateway, 1, 10)
    platform.wait(100)
    platform.send(gateway, 11, 20)  # not committed: the power goes
    platform.store.connection.close()
    assert platform.store.checkpoints is not None
    platform.store.checkpoints.close()
    again = Platform(str(tmp_path / "platform.db"), platform.receiver.keys)
    again.receiver.connected()
    assert again.marks() == [10]
    again.send(gateway, 1, 20)
    again.wait(1_000)
    assert [verified.row.seq for verified in platform.events + again.events] == list(range(1, 21))
    again.store.close()
    platform.store = again.store  # closed twice is closed


def test_a_store_that_fails_receipts_nothing_and_goes_on(platform: Platform, gateway: SimGateway) -> None:
    platform.store.ask("PRAGMA max_page_count=1")  # the disk is full
    gateway.append(400)
    platform.send(gateway, 1, 256)
    platform.wait(2_000)
    assert "store.failed" in platform.causes()
    assert (platform.events, platform.marks(), platform.receiver.counts.verified) == ([], [], 0)
    platform.store.ask("PRAGMA max_page_count=1000000")
    platform.send(gateway, 1, 256)
    platform.wait(2_000)
    assert platform.marks()[-1] == 256
    assert platform.receiver.counts.verified == len(platform.events) == 256


def test_silence_is_a_fault_within_90_s_and_its_end_is_said(platform: Platform, gateway: SimGateway) -> None:
    platform.receiver.handle(gateway.topic("state"), gateway.state())
    platform.wait(88_000)
    assert platform.causes() == []
    platform.wait(2_000)
    assert platform.causes() == ["gateway.silent"]
    platform.wait(500_000)
    platform.receiver.handle(gateway.topic("state"), gateway.state(newer=False))  # a replay is no life
    platform.receiver.handle(gateway.topic("state"), gateway.state(), True)  # nor is what the broker kept
    assert platform.causes() == ["gateway.silent"]
    platform.receiver.handle(gateway.topic("state"), gateway.state())
    assert platform.causes() == ["gateway.silent", "gateway.back"]


def test_a_gateway_that_was_never_heard_is_silent_too(platform: Platform) -> None:
    platform.wait(95_000)
    assert platform.causes() == ["gateway.silent"]


def test_too_much_at_once_is_dropped_and_comes_again(platform: Platform, gateway: SimGateway) -> None:
    platform.receiver.most_waiting_bytes = 1_000
    gateway.append(1, lane=0, kind="smoke.detected")
    for first in (1, 11, 21):
        platform.receiver.receive(gateway.topic("bundle", 3), gateway.bundle(first, first + 9), False)
    platform.receiver.receive(gateway.topic("bundle", 0), gateway.bundle(1, 1, lane=0), False)
    while platform.receiver.work():
        pass
    assert platform.receiver.counts.dropped > 0
    assert platform.marks(0)[-1] == 1
    for first in (1, 11, 21):
        platform.send(gateway, first, first + 9)
    platform.wait(2_000)
    assert platform.marks()[-1] == 30


def test_a_gateway_added_later_is_greeted(platform: Platform, gateway: SimGateway) -> None:
    other = SimGateway("hub-2")
    other.append(1)
    platform.send(other, 1, 1)
    assert platform.causes() == ["message.refused"]
    platform.receiver.register(platform.receiver.keys | {("city", "hub-2"): other.public_key})
    assert [topic for topic, _ in platform.published] == [other.topic("keyset")]
    platform.send(other, 1, 1)
    assert platform.causes() == ["message.refused"]
