"""`trygg-kit verify`: what it accepts in every form of file, and every way a message or a chain can be wrong."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.core import wire
from gateway.core.model import Absent, Decimal, DeviceTime
from hal.types import chain_next
from tests.tools.platform_parties import RECEIVED_MS, Bench, SimGateway
from tools.kit.__main__ import main
from tools.platform.audit import Audit, Record, Stream, judge
from tools.platform.ledger import Ledger
from tools.platform.store import Store, events, messages, snapshot

Answer = tuple[int, list[dict[str, Any]]]


@pytest.fixture
def verify(tmp_path: Path, gateway: SimGateway, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Run the command on a file of these bytes; exit status and lines."""

    def run(content: bytes, *options: str, key: str = gateway.public_key.hex()) -> Answer:
        path = tmp_path / "messages"
        path.write_bytes(content)
        status = main(["verify", "--json", "--key", key, *options, str(path)])
        return status, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def errors(answer: Answer) -> list[str]:
    return [line["error"] for line in answer[1] if "error" in line and "at" in line]


def test_messages_one_after_the_other_are_verified_and_printed_by_name(
    gateway: SimGateway, verify: Callable[..., Answer]
) -> None:
    status, lines = verify(gateway.bundle(1, 10) + gateway.bundle(11, 30))
    assert status == 0
    assert [line["seq"] for line in lines[:-1]] == list(range(1, 31))
    assert lines[-1] == {"summary": {"messages": 2, "events": 30, "findings": 0}}
    first = lines[0]
    assert (first["kind"], first["values"], first["lane"]) == ("oximetry.measured", {"spo2_pct": 97}, 3)
    assert (first["identity"], first["received_ms"]) == (gateway.chain(1).hex(), None)


def test_lines_of_hex_are_messages(gateway: SimGateway, verify: Callable[..., Answer]) -> None:
    text = gateway.bundle(1, 10).hex(" ") + "\n\n" + gateway.bundle(11, 30).hex().upper() + "\n"
    assert verify(text.encode())[0] == 0
    assert errors(verify(b"abc\n")) == ["ends in mid-item at byte 0"]


def test_standard_input_is_read(
    gateway: SimGateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(gateway.bundle(1, 3))))
    assert main(["verify", "--key", gateway.public_key.hex(), "-"]) == 0
    assert "hub-1  3/1  placement 7: Oximetry measured  oxygen saturation 97 %" in capsys.readouterr().out


def test_a_platform_store_is_read_whole(
    tmp_path: Path, gateway: SimGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "platform.db"
    with Store(str(path)) as store:
        ledger = Ledger(store, [])
        devices = [{"placement": 7, "driver": "plx", "room": "bedroom"}]
        for sort, message in [
            ("manifest", gateway.manifest(1, devices)),
            ("bundle", gateway.bundle(11, 30)),
            ("bundle", gateway.bundle(1, 10)),
        ]:
            ledger.take(wire.parse(sort, message), message, RECEIVED_MS, 1, retained=False)
    key_file = tmp_path / "hub-1.pub"
    key_file.write_text(gateway.public_key.hex() + "\n")
    assert main(["verify", "--json", "--key", str(key_file), str(path)]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (lines[0]["sort"], lines[0]["devices"][0]["room"]) == ("manifest", "bedroom")
    assert [line["seq"] for line in lines[1:-1]] == [*range(11, 31), *range(1, 11)]
    assert {(line["received_ms"], line["device"]) for line in lines[1:-1]} == {(RECEIVED_MS, "bedroom plx")}


def test_every_single_bit_flip_is_refused(gateway: SimGateway, verify: Callable[..., Answer]) -> None:
    message = gateway.bundle(1, 1)
    flipped = []
    for bit in range(len(message) * 8):
        changed = bytearray(message)
        changed[bit // 8] ^= 1 << bit % 8
        flipped.append(changed.hex())
    status, lines = verify("\n".join(flipped).encode())
    assert status == 1
    assert lines[-1]["summary"] == {"messages": len(flipped), "events": 0, "findings": len(flipped)}


def tampered(gateway: SimGateway, change: str) -> list[bytes]:
    """Bundles signed again by whoever holds the key, after an event was removed, changed or swapped."""
    twin = gateway.clone()
    lane = twin.lanes[3]
    if change == "removed":
        del lane[4]
    elif change == "changed":
        lane[4] = twin.event(values={"spo2_pct": 99})
    else:
        lane[4], lane[5] = lane[5], lane[4]
    return [twin.bundle(1, 10), gateway.bundle(11, 20)]


@pytest.mark.parametrize("change", ["removed", "changed", "swapped"])
def test_a_chain_with_an_event_removed_changed_or_swapped_is_refused(
    gateway: SimGateway, verify: Callable[..., Answer], change: str
) -> None:
    answer = verify(b"".join(tampered(gateway, change)))
    assert answer[0] == 1
    assert "the chain is broken at number 10" in errors(answer)[0]
    answer = verify(b"".join(reversed(tampered(gateway, change))))
    assert "the chain is broken at number 10" in errors(answer)[0]


def test_control_numbers_alone_show_no_change(gateway: SimGateway) -> None:
    record = Record()
    record.chains = dict.fromkeys(range(1, 21), b"")  # an audit that knows numbers and no chain values
    stream = Stream(gateway.tenant, gateway.name, gateway.epoch, 3)
    assert list(judge(stream, record)) == []
    audit = Audit()
    for message in tampered(gateway, "changed"):
        audit.add(wire.parse("bundle", message).fields)
    assert len(list(audit.findings())) == 1


def test_missing_numbers_are_found_and_declared_ones_are_not(
    gateway: SimGateway, verify: Callable[..., Answer]
) -> None:
    first, last = gateway.bundle(6, 10), gateway.bundle(21, 30)
    answer = verify(first + last)
    assert answer[0] == 1
    assert errors(answer)[0].endswith("number 11 is missing, and what follows up to 20")
    assert verify(first + gateway.bundle(21, 30, given_up=(11, 20)))[0] == 0
    partly = verify(first + gateway.bundle(21, 30, given_up=(12, 20)))
    assert errors(partly)[0].endswith("number 11 is missing, and what follows up to 20")


def test_a_lane_begins_with_its_epoch(gateway: SimGateway, verify: Callable[..., Answer]) -> None:
    answer = verify(gateway.bundle(1, 10, before=b"\0" * 16))
    assert "the chain is broken at number 0" in errors(answer)[0]


def test_one_number_with_two_contents_is_found(gateway: SimGateway, verify: Callable[..., Answer]) -> None:
    clone = gateway.clone()
    clone.lanes[3] = clone.lanes[3][:15]
    clone.append(5)
    answer = verify(gateway.bundle(1, 20) + clone.bundle(11, 20))
    assert "number 16 has two contents" in errors(answer)[0]


def test_two_chains_that_follow_a_number_nobody_has_are_found(
    gateway: SimGateway, verify: Callable[..., Answer]
) -> None:
    answer = verify(gateway.bundle(11, 20) + gateway.bundle(11, 20, before=chain_next(b"x" * 16, b"")))
    assert any("two chains claim number 10" in error for error in errors(answer))


def test_a_state_says_where_the_end_is(gateway: SimGateway, verify: Callable[..., Answer]) -> None:
    assert verify(gateway.bundle(1, 30) + gateway.state(), "--sort", "any")[0] == 0
    answer = verify(gateway.bundle(1, 20) + gateway.state({3: 11}), "--sort", "any")
    assert errors(answer)[0].endswith("number 30 is missing: the last one here is 20")
    gateway.lanes[3][29] = gateway.event(values={"spo2_pct": 50})
    state = gateway.state()
    gateway.lanes[3][29] = gateway.event(values={"spo2_pct": 99})
    answer = verify(gateway.bundle(1, 30) + state, "--sort", "any")
    assert "the chain is broken at number 30" in errors(answer)[0]


def test_a_store_that_lacks_what_it_receipted_is_found(
    tmp_path: Path, gateway: SimGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "platform.db"
    with Store(str(path)) as store:
        ledger = Ledger(store, [])
        for first in (1, 11, 21):
            message = gateway.bundle(first, first + 9)
            ledger.take(wire.parse("bundle", message), message, RECEIVED_MS, 1, retained=False)
        ledger.store_marks()
    assert main(["verify", "--key", gateway.public_key.hex(), str(path)]) == 0
    with Store(str(path)) as store:
        store.ask("PRAGMA foreign_keys=OFF")
        store.ask("DELETE FROM message WHERE key=3")
    assert main(["verify", "--key", gateway.public_key.hex(), str(path)]) == 1
    assert "number 30 is missing: the last one here is 20" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("meddle", "said"),
    [
        ("UPDATE event SET event=(SELECT event FROM event WHERE seq=8) WHERE seq=7", "number 7 of the event table is not"),
        ("UPDATE event SET event=(SELECT event FROM event WHERE seq=2) WHERE seq=1", "number 1 of the event table is not"),
        ("UPDATE event SET chain=randomblob(16) WHERE seq=7", "number 7 of the event table stands in no message"),
        ("UPDATE event SET seq=31 WHERE seq=30", "number 31 of the event table stands in no message"),
        ("DELETE FROM event WHERE seq IN (11, 12)", "number 11 is missing from the event table, 2 in all"),
    ],
)  # fmt: skip
def test_an_event_table_that_is_not_what_the_messages_say_is_found(
    tmp_path: Path, gateway: SimGateway, capsys: pytest.CaptureFixture[str], meddle: str, said: str
) -> None:
    path = tmp_path / "platform.db"
    with Store(str(path)) as store:
        ledger = Ledger(store, [])
        for first, last in ((11, 20), (1, 10), (21, 30), (15, 25)):
            message = gateway.bundle(first, last)
            ledger.take(wire.parse("bundle", message), message, RECEIVED_MS, 1, retained=False)
        ledger.store_marks()
    assert main(["verify", "--key", gateway.public_key.hex(), str(path)]) == 0, capsys.readouterr().err
    with Store(str(path)) as store:
        store.ask(meddle)
    assert main(["verify", "--key", gateway.public_key.hex(), str(path)]) == 1
    assert said in capsys.readouterr().err


def test_a_store_is_read_as_it_is_at_one_moment(tmp_path: Path, gateway: SimGateway) -> None:
    with Store(str(tmp_path / "platform.db")) as store:
        ledger = Ledger(store, [])

        def put(first: int, last: int) -> None:
            message = gateway.bundle(first, last)
            ledger.take(wire.parse("bundle", message), message, RECEIVED_MS, 1, retained=False)
            store.commit()

        put(1, 10)
        with snapshot(tmp_path / "platform.db") as seen:
            assert len(list(messages(seen))) == 1
            put(11, 20)
            assert len(list(events(seen))) == 10, (
                "the platform goes on, and would look as if it had made events up"
            )


def test_repeats_are_no_finding(gateway: SimGateway, verify: Callable[..., Answer]) -> None:
    assert verify(gateway.bundle(1, 20) + gateway.bundle(6, 30) + gateway.bundle(1, 20))[0] == 0


def test_a_message_of_another_signer_or_sort_is_refused(
    gateway: SimGateway, verify: Callable[..., Answer]
) -> None:
    other = SimGateway()
    answer = verify(gateway.bundle(1, 10), key=other.public_key.hex())
    assert errors(answer) == [
        "signed by a key that was not given, kid " + gateway.sealer.protected[-8:].hex()
    ]
    assert verify(gateway.state())[0] == 1
    state = gateway.state()
    status, lines = verify(state, "--sort", "state")
    assert (status, lines[0]["sort"], lines[0]["software"]) == (0, "state", "0.1.0")
    assert verify(state + gateway.bundle(1, 30), "--sort", "any")[0] == 0


def test_a_signature_of_one_sort_does_not_pass_for_another(
    gateway: SimGateway, verify: Callable[..., Answer]
) -> None:
    fields: dict[str, object] = {"revision": 3, "devices": [], "time_zone": "UTC"}
    payload = wire.encode_payload("manifest", gateway.tenant, gateway.name, fields)
    answer = verify(gateway.seal("state", payload), "--sort", "manifest")
    assert errors(answer) == ["the signature does not hold"]


def test_what_follows_a_message_and_is_none_is_a_finding(
    gateway: SimGateway, verify: Callable[..., Answer]
) -> None:
    status, lines = verify(gateway.bundle(1, 5) + b"\xff\xff")
    assert (status, lines[-1]["summary"]) == (1, {"messages": 2, "events": 5, "findings": 1})


def test_an_empty_file_proves_nothing(verify: Callable[..., Answer]) -> None:
    assert verify(b"")[0] == 1


def test_an_event_that_does_not_decode_is_named(gateway: SimGateway, verify: Callable[..., Answer]) -> None:
    gateway.lanes[3][1] = b"\xff"
    answer = verify(gateway.bundle(1, 3))
    assert answer[0] == 1
    assert errors(answer)[0].startswith("number 2 is no event")
    assert [line["kind"] for line in answer[1] if "kind" in line] == [
        "oximetry.measured",
        None,
        "oximetry.measured",
    ]


def test_values_keep_the_digits_of_the_device(
    tmp_path: Path, gateway: SimGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.append(
        values={
            "spo2_pct": Decimal(970, -1),
            "pulse_rate_bpm": Absent("nan"),
            "temperature_c": Decimal(-5, -3),
            "battery_pct": Decimal(1, 2**40),
            "stored": True,
            "raw": b"\x01\xff",
            "cause": 'a "quoted" ø\n',
        },
        device_time=DeviceTime("2026-10-25T02:30", 1, 7, 8),
        exercise=True,
        provenance=1,
        incident=b"12345678",
    )
    path = tmp_path / "message"
    path.write_bytes(gateway.bundle(31, 31))
    assert main(["verify", "--json", "--key", gateway.public_key.hex(), str(path)]) == 0
    line = capsys.readouterr().out.splitlines()[0]
    assert '"spo2_pct": 97.0,' in line
    assert '"temperature_c": -0.005}' in line
    event = json.loads(line)
    assert event["values"]["pulse_rate_bpm"] == "NaN"
    assert '"battery_pct": 1e1099511627776,' in line  # nobody's printing hangs on a number
    assert (event["values"]["stored"], event["values"]["raw"]) == (True, "01ff")
    assert event["values"]["cause"] == 'a "quoted" ø\n'
    assert event["device_time"] == {
        "raw": "2026-10-25T02:30",
        "clock": "set",
        "utc_ms": 7,
        "uncertainty_ms": 8,
    }
    assert (event["exercise"], event["provenance"], event["incident"]) == (True, 1, b"12345678".hex())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--key: found nothing"),
        (["--key", "zz"], "--key: found something else, expected an Ed25519 public key"),
        (["--key", "ab" * 32, "missing-file"], "FILE: found"),
        (["--registry", "missing-file"], "registry: found"),
    ],
)
def test_a_wrong_command_line_is_said_and_ends_with_2(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert main(["verify", *arguments, str(tmp_path / "file")]) == 2
    assert words in capsys.readouterr().err


# --- the golden chains ----------------------------------------------------------------------------------------------

CHAIN = json.loads((Path(__file__).parents[1] / "vectors" / "chain.json").read_text(encoding="utf-8"))
# Broken as a list in order, and whole all the same: a broker repeats and a gateway sends again.
ORDER_ONLY = ("a bundle twice", "two bundles swapped")
# Any excerpt can be audited; the ledger asks for the beginning.
EXCERPTS = ("the first bundle removed",)


@pytest.mark.parametrize("story", CHAIN["audits"], ids=lambda story: story["name"])
def test_golden_chains_are_judged_as_they_say(story: dict[str, Any], bench: Bench) -> None:
    messages = [bytes.fromhex(text) for text in story["messages"]]
    audit = Audit()
    for message in messages:
        audit.add(wire.parse("bundle", message).fields)
        bench.take("bundle", message)
    fields = wire.parse("bundle", messages[0]).fields
    stream = Stream("oslo", str(fields["gateway"]), bytes.fromhex(CHAIN["epoch"]), CHAIN["lane"])
    audit.claim(stream, CHAIN["end"]["seq"], bytes.fromhex(CHAIN["end"]["chain"]))
    name = story["name"]
    assert bool(list(audit.findings())) == (story["broken"] and name not in ORDER_ONLY + EXCERPTS)
    book = next(iter(bench.ledger.books.values()))
    lanes = bench.ledger.receipt_lanes(book)
    assert lanes is not None
    is_whole = lanes[CHAIN["lane"]] == [CHAIN["end"]["seq"], bytes.fromhex(CHAIN["end"]["chain"])]
    assert is_whole == (not story["broken"] or name in ORDER_ONLY)
    assert is_whole <= (bench.store.counts()["events"] == len(CHAIN["events"]))
