"""The dispenser protocol's specification, the code's tables and the vectors say the same; other libraries agree."""

import json
import re
import zlib
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cobs import cobs as other_cobs

from gateway.core.devices import dispenser_messages as messages
from gateway.core.devices.dispenser_events import CAUSES, COLLECTORS, EVENTS
from gateway.core.framing import cobs
from gateway.core.registry_text import KIND_TEXTS
from tests.gateway.shared_vectors import rows_of
from tools.vectors.dispenser import CONVERSATION, dispenser_vectors

ROOT = Path(__file__).resolve().parents[2]
SPECIFICATION = (ROOT / "docs" / "protocols" / "dispenser.md").read_text(encoding="utf-8")
VECTORS = json.loads((ROOT / "tests" / "vectors" / "dispenser.json").read_text(encoding="utf-8"))


def table_after(heading: str, columns: int) -> list[list[str]]:
    """Rows of the first table of `columns` columns after a text, without its head."""
    lines = SPECIFICATION[SPECIFICATION.index(heading) :].splitlines()
    rows: list[list[str]] = []
    for line in lines:
        cells = (
            [cell.strip() for cell in line.strip().strip("|").split(" | ")] if line.startswith("|") else []
        )
        if len(cells) == columns or (line.startswith("|") and len(line.split("|")) - 2 == columns):
            rows.append([cell.strip() for cell in line.split("|")[1:-1]])
        elif rows:
            break
    return [row for row in rows[1:] if not set("".join(row)) <= {"-"}]


def fields_in_text(heading: str, columns: int = 5) -> list[tuple[int, str, bool]]:
    return [(int(row[0]), row[1], row[3] == "yes") for row in table_after(heading, columns)]


def fields_in_code(kind: int, least: int = 1) -> list[tuple[int, str, bool]]:
    table = messages.MESSAGES[kind][1]
    return [(key, table[key][0], table[key][2]) for key in sorted(table) if key >= least]


def test_every_message_of_the_code_stands_in_the_specification_with_its_sender() -> None:
    rows = table_after("## 4. Messages", 4)
    written = {int(row[0], 16): (row[1], row[2]) for row in rows}
    assert {kind: name for kind, (name, _) in written.items()} == {
        kind: name for kind, (name, _) in messages.MESSAGES.items()
    }
    from_gateway = {kind for kind, (_, sender) in written.items() if sender == "gateway"}
    assert from_gateway == set(messages.COMMANDS.values())


def test_no_message_of_the_specification_dispenses() -> None:
    for kind, row in messages.MESSAGES.items():
        if kind < 0x40:
            assert not re.search("dispense|unlock|release|plan", row[0])
    assert "no command that dispenses" in SPECIFICATION


def test_the_fields_of_the_specification_are_those_of_the_code() -> None:
    assert fields_in_text("Where the device stands") == fields_in_code(messages.LOG_STATE)
    assert fields_in_text("`description` has besides") == fields_in_code(messages.DESCRIPTION, 8)
    assert fields_in_text("`beat` has besides") == fields_in_code(messages.BEAT, 8)
    assert fields_in_text("## 7. Entries") == fields_in_code(messages.ENTRY)
    assert fields_in_text("**Errors.**") == fields_in_code(messages.ERROR)
    gateway = [(row[0], int(row[1]), row[2]) for row in table_after("Gateway's messages", 5)]
    assert gateway == [
        (name, key, table[key][0])
        for kind, (name, table) in sorted(messages.MESSAGES.items())
        if kind < 0x40
        for key in sorted(table)
    ]


def test_the_events_of_the_specification_carry_the_registrys_codes() -> None:
    rows = table_after("### Events", 6)
    assert [(int(row[0]), row[1]) for row in rows] == list(EVENTS.items())
    for _, kind, mdc, vkp, scaip, when in rows:
        text = KIND_TEXTS[kind]
        assert mdc == (str(text[4]) if text[4] else "–"), kind
        assert vkp == (text[6] or "–"), kind
        assert scaip == ("{}/{}".format(*text[5]) if text[5] else "–"), kind
        assert when


def test_collectors_causes_capabilities_and_errors_are_those_of_the_code() -> None:
    assert {int(row[0]): row[1] for row in table_after("### Collected by", 3)} == COLLECTORS
    causes: dict[int, str] = {}
    for row in table_after("### Causes", 6):
        for code, name, vkp in (row[:3], row[3:]):
            if code:
                causes[int(code)] = name
                assert vkp == (f"1.{code}" if int(code) <= 23 else "–")
    assert causes == CAUSES
    bits: dict[int, str] = {}
    for row in table_after("Capabilities, by bit", 6):
        bits.update({int(row[at]): row[at + 1] for at in (0, 2, 4)})
    assert bits == dict(enumerate(messages.CAPABILITIES))
    assert messages.CAPABILITIES.index("set_time") == messages.CAN_SET_TIME.bit_length() - 1
    assert messages.CAPABILITIES.index("identify") == messages.CAN_IDENTIFY.bit_length() - 1
    codes = [int(row[0]) for row in table_after("| code | meaning |", 2)]
    assert codes == [
        messages.WRONG_VERSION,
        messages.UNKNOWN_TYPE,
        messages.BAD_PAYLOAD,
        messages.UNKNOWN_LOG,
        messages.OUT_OF_RANGE,
        messages.REFUSED,
    ]


def test_every_requirement_is_listed_once_and_said_where_it_belongs() -> None:
    body, listed = SPECIFICATION.split("## 11. ")
    numbers = [int(number) for number in re.findall(r"^\| D(\d+) \|", listed, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert sorted({int(number) for number in re.findall(r"\(D(\d+)\)", body)}) == numbers


def test_the_worked_examples_are_the_vectors_byte_for_byte() -> None:
    examples = SPECIFICATION[SPECIFICATION.index("## 10. ") :]
    for row in VECTORS["conversation"]:
        block = re.search(
            rf"\*\*{re.escape(row['name'])}\*\*.*?\n\n((?:    [0-9a-f ]+\n)+)", examples, re.DOTALL
        )
        assert block, row["name"]
        assert bytes.fromhex(block.group(1)) == bytes.fromhex(row["line"]), row["name"]
    assert len(re.findall(r"^\*\*", examples, re.MULTILINE)) == len(CONVERSATION)
    by_hand = re.search(r"`([0-9a-f ]+)` without COBS is\n`([0-9a-f ]+)`", examples)
    assert by_hand
    assert other_cobs.decode(bytes.fromhex(by_hand.group(1))) == bytes.fromhex(by_hand.group(2))


def test_the_vectors_are_what_the_generator_makes() -> None:
    assert json.loads(json.dumps(dispenser_vectors())) == VECTORS


@pytest.mark.parametrize("row", VECTORS["conversation"] + VECTORS["more"], ids=lambda row: str(row["name"]))
def test_other_libraries_read_the_same_in_every_frame(row: dict[str, Any]) -> None:
    line = bytes.fromhex(row["line"])
    raw = other_cobs.decode(line[1:-1])
    assert other_cobs.encode(raw) == line[1:-1]
    assert zlib.crc32(raw[:-4]) == int.from_bytes(raw[-4:], "big")
    assert raw[0] == 1 and raw[1] == row["flags"] and raw[2] == row["type"]
    assert int.from_bytes(raw[3:5], "big") == row["seq"] and int.from_bytes(raw[5:9], "big") == row["boot"]
    payload = raw[11:-4]
    assert int.from_bytes(raw[9:11], "big") == len(payload)
    value = cbor2.loads(payload)
    assert cbor2.dumps(value, canonical=True) == payload
    names = {key: entry[0] for key, entry in messages.MESSAGES[row["type"]][1].items()}
    plain = {
        names[key]: {"hex": item.hex()} if isinstance(item, bytes) else item for key, item in value.items()
    }
    assert plain == row["fields"]


def test_cobs_agrees_with_its_authors_vectors() -> None:
    rows = rows_of("cobs.jsonl")
    assert len(rows) == 17
    for row in rows:
        encoded = bytes.fromhex(row["cobs_hex"])
        if "data_hex" in row:
            data = bytes.fromhex(row["data_hex"])
            assert cobs.encode(data) == encoded and cobs.decode(encoded) == data
        else:
            with pytest.raises(messages.DecodeError, match="COBS"):
                cobs.decode(encoded)


def test_crc_agrees_with_the_catalogue() -> None:
    rows = rows_of("crc_check_values.jsonl")
    row = next(row for row in rows if row["name"] == "CRC-32/ISO-HDLC")
    assert messages.with_crc32(row["input_ascii"].encode())[-4:] == bytes.fromhex(row["expect"][2:])


def test_vkp_and_mdc_codes_of_the_specification_exist() -> None:
    vkp = rows_of("vkp_codes.jsonl")
    alerts = {row["code"] for row in vkp if "alert" in row["system"]}
    dispensing = {row["code"] for row in vkp if "medicationdispense-events" in row["system"]}
    assert {f"1.{code}" for code in CAUSES if code < 32} <= alerts
    collectors = [row[2] for row in table_after("### Collected by", 3)]
    assert {code.removeprefix("d:") for code in collectors} <= dispensing
    mdc = rows_of("mdc_codes_selected.jsonl")
    known = {row["code"] for row in mdc}
    used = {int(row[2]) for row in table_after("### Events", 6) if row[2] != "–"}
    # 67996 is MDC_ATTR_VAL_BATT_CHARGE, 67925 the power status beside it, 8533001 MDC_AI_MED_DISPENSED_TAKEN (130, 13321):
    # not in that selection.
    assert used - known == {67925, 67996, 8533001}
