"""docs/wire.md says what is true: its example, its code, its names and its files."""

import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature

from gateway.core import event_codec, wire
from hal.types import chain_next
from tests.gateway.wire_keys import PUBLIC, vectors

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
VALID = vectors("wire_valid.json")["messages"]
TABLES = {sort: spec[0] for sort, spec in wire.SORTS.items()} | {
    "event": event_codec.EVENT,
    "device": wire.DEVICE,
    "devtime": event_codec.DEVICE_TIME,
}


def code() -> dict[str, Any]:
    """The page's reader, run as it stands there."""
    block = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    names: dict[str, Any] = {}
    exec(compile(block[1], "docs/wire.md", "exec"), names)
    return names


def test_the_pages_reader_verifies_every_valid_message() -> None:
    verified = code()["verified"]
    for row in VALID:
        fields = verified(row["topic"], bytes.fromhex(row["message"]), PUBLIC[row["signer"]])
        assert fields[2] == "oslo", row["name"]


def test_the_pages_reader_refuses_what_was_changed_or_moved() -> None:
    verified = code()["verified"]
    for row in vectors("wire_refused.json")["messages"]:
        if row["step"] == "form" or row["name"] == "receipt: a stranger names the platform's key":
            continue  # it is more lenient there, and says so
        signer = next(valid["signer"] for valid in VALID if valid["sort"] == row["sort"])
        with pytest.raises((ValueError, InvalidSignature)):
            verified(row["topic"], bytes.fromhex(row["message"]), PUBLIC[signer])


def test_the_example_is_the_first_vector_to_the_byte() -> None:
    example = PAGE.partition("<!-- example -->")[2].partition("What was signed")[0]
    digits = ""
    for line in example.splitlines():
        tokens = re.match(r"\s+((?:[0-9a-f]{2,64}\s?)+)(?:\s{2,}|$)", line)
        digits += tokens[1].replace(" ", "") if tokens else ""
    assert digits == VALID[0]["message"]
    assert f"{len(digits) // 2} bytes, the first one" in PAGE
    assert VALID[0]["topic"] in PAGE


def test_the_chain_value_of_the_example_is_right() -> None:
    fields = VALID[0]["fields"]
    value = chain_next(bytes.fromhex(fields["before"]["hex"]), bytes.fromhex(fields["events"][0]["hex"]))
    assert PAGE.count(value.hex()) == 2


def test_the_names_are_those_of_the_code() -> None:
    for name, table in TABLES.items():
        line = re.search(rf"^\| {name} \| (\d.*) \|$", PAGE, re.MULTILINE)
        assert line is not None, name
        said = {
            int(key): (field, optional == "")
            for key, optional, field in re.findall(r"(\d+)(\??) `(\w+)`", line[1])
        }
        shared = () if name in ("event", "device", "devtime") else (1, 2, 3)
        assert said == {key: (row[0], row[2]) for key, row in table.items() if key not in shared}, name


def test_the_files_it_names_are_there_and_described() -> None:
    named = set(re.findall(r"^\| `(\w+\.json)` \|", PAGE, re.MULTILINE))
    assert named == {
        f"{name}.json"
        for name in ("wire_valid", "wire_refused", "event", "chain", "trust", "cbor", "registry")
    }
    for name in named:
        assert vectors(name)["about"]
    assert f"{len(vectors('chain.json')['audits'])} lists of bundles" in PAGE


def test_the_limits_are_those_of_the_code() -> None:
    assert (
        f"more than {wire.MAX_UP_BYTES:,} bytes, towards a gateway more than {wire.MAX_DOWN_BYTES:,}" in PAGE
    )
