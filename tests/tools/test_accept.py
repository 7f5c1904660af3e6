"""`trygg-kit accept`: what waits, and that a gateway believes what it says."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.core.alarms import ACCEPTED, FAILED, HANDLED, Alarms
from gateway.core.errors import ConfigError, RefusedError
from gateway.core.model import Event
from tests.tools.desk_bench import Desk, rows
from tests.tools.export_homes import SMOKE, Home
from tools.authority import sealed
from tools.kit import accept
from tools.platform import desk
from tools.platform.said import Said

INCIDENT = b"incident"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home(tmp_path / "platform.db") as made:
        yield made


@pytest.fixture
def oslo(tmp_path: Path) -> Desk:
    return Desk(tmp_path, "disposition", "config")


def alarm(home: Home, kind: str = "smoke.detected", **fields: Any) -> str:
    """An alarm that came just now; its identity."""
    now_ms = desk.utc_ms()
    number = home.tell(kind, SMOKE, received_ms=now_ms, utc_ms=now_ms, **fields)
    return home.gateway.chain(number, 0 if kind.startswith(("smoke", "button")) else 1).hex()


def listed(oslo: Desk, home: Home, *words: object) -> list[dict[str, Any]]:
    return rows(oslo.run(accept.run, "accept", "--json", "--store", home.path, *words).out)


def said(oslo: Desk, home: Home, *words: object, status: int = 0) -> list[dict[str, Any]]:
    words = ("accept", "--json", "--store", home.path, *words)
    return rows(oslo.run(accept.run, *words, role="disposition", status=status).out)


def test_alarms_wait_until_somebody_has_taken_them(oslo: Desk, home: Home) -> None:
    first = alarm(home, incident=INCIDENT)
    alarm(home, "smoke.cleared", incident=INCIDENT)
    second = alarm(home, "button.pressed", exercise=True)
    home.tell("door.opened", SMOKE)
    waiting = listed(oslo, home)
    assert [(row["identity"], row["over"], row["exercise"]) for row in waiting] == [
        (first, True, False),
        (second, False, True),
    ]
    assert said(oslo, home, first[:8], "--note", "Kari")[0]["became"] == "accepted"
    assert [row["identity"] for row in listed(oslo, home)] == [second]
    assert said(oslo, home, second, "--failed")[0]["became"] == "failed"
    assert [(row["identity"], row["became"]) for row in listed(oslo, home)] == [(second, "failed")]
    heard = oslo.heard()
    assert [(row["identity"].hex(), row["became"], row.get("note")) for row in heard] == [
        (first, ACCEPTED, "Kari"),
        (second, FAILED, None),
    ]
    assert {message.topic for message in oslo.ear.heard} == {"trygg/v1/oslo/gw-0001/down/disposition"}
    assert not any(message.retained for message in oslo.ear.heard)


def test_all_exercises_are_taken_and_no_alarm_with_them(oslo: Desk, home: Home) -> None:
    real = alarm(home)
    tried = [alarm(home, "button.pressed", exercise=True) for _ in range(3)]
    assert [row["identity"] for row in said(oslo, home, "--all-exercises", "--handled")] == tried
    assert said(oslo, home, "--all-exercises") == [], "nothing waits any more"
    assert [row["identity"] for row in listed(oslo, home)] == [real]
    assert {row["became"] for row in oslo.heard()} == {HANDLED}


def test_each_word_is_later_than_the_one_before_so_that_a_gateway_takes_it(oslo: Desk, home: Home) -> None:
    identity = alarm(home)
    for option in ("--forwarded", "--accepted", "--handled"):
        said(oslo, home, identity, option)
    alarms = Alarms()
    alarms.tell(Event("smoke.detected", SMOKE, 1, 1), bytes.fromhex(identity))
    for word in oslo.heard():
        assert alarms.examine(word["identity"], word["became"], word["utc_ms"])
        alarms.dispose(word["identity"], word["became"], word["utc_ms"], "")
    assert alarms.rows[0].word == "handled"


def test_the_list_says_it_for_people(oslo: Desk, home: Home) -> None:
    assert "no alarm waits" in oslo.run(accept.run, "accept", "--store", home.path).out
    identity = alarm(home, "button.pressed", exercise=True)
    line = oslo.run(accept.run, "accept", "--store", home.path).out
    assert line.startswith(identity[:12]) and "Kjøkken bthome  Alarm button pressed  exercise" in line
    assert listed(oslo, home, "--days", 1) and not listed(oslo, home, "--gateway", "gw-0001")[1:]


def test_a_broker_that_does_not_take_it_ends_with_1_and_the_alarm_still_waits(oslo: Desk, home: Home) -> None:
    identity = alarm(home)
    oslo.broker.stop()
    assert said(oslo, home, identity, status=1) == []
    assert [row["identity"] for row in listed(oslo, home)] == [identity]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["abcdef0123"], "in six digits or more"),
        (["00"], "in six digits or more"),
        (["--note", "x" * 500, "--all-exercises"], "200 at most"),
        (["--days", "0"], "1 or more"),
        (["--gateway", "gw-9999"], "one of the store"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: list[str], reason: str, oslo: Desk, home: Home) -> None:
    alarm(home)
    with pytest.raises(ConfigError, match=reason):
        said(oslo, home, *words)
    assert oslo.ear.heard == []


def test_a_key_without_the_role_and_a_keyset_that_has_expired_are_refused(
    oslo: Desk, home: Home, tmp_path: Path
) -> None:
    identity = alarm(home)
    with pytest.raises(ConfigError, match="the role disposition"):
        oslo.run(accept.run, "accept", "--store", home.path, identity, role="config")
    with pytest.raises(ConfigError, match="--signing-key: found nothing"):
        oslo.run(accept.run, "accept", "--store", home.path, identity)
    (tmp_path / "late").mkdir()
    late = Desk(tmp_path / "late", "disposition", not_after=1)
    expired = late.run(accept.run, "accept", "--store", home.path, identity, role="disposition", status=1)
    assert "the keyset has expired" in expired.err
    (tmp_path / "bergen").mkdir()
    other = Desk(tmp_path / "bergen", "disposition", tenant="bergen")
    with pytest.raises(ConfigError, match="tenant bergen"):
        other.run(accept.run, "accept", "--store", home.path, identity, role="disposition")


def test_a_key_of_a_person_is_opened_with_its_passphrase(oslo: Desk, home: Home, tmp_path: Path) -> None:
    identity = alarm(home)
    private = oslo.keys["disposition"].private
    (tmp_path / "disposition.pem").write_bytes(sealed.seal(private, "five words of a person"))
    secret = tmp_path / "passphrase"
    secret.touch(0o600)
    secret.write_text("another of twelve letters\n")
    words = ("accept", "--json", "--store", home.path, identity, "--passphrase-file", secret)
    wrong = oslo.run(accept.run, *words, role="disposition", status=1)
    assert "the passphrase does not open" in wrong.err and oslo.ear.heard == []
    secret.write_text("five words of a person\n")
    assert rows(oslo.run(accept.run, *words, role="disposition").out)[0]["became"] == "accepted"


def test_a_gateway_refuses_what_another_key_says(oslo: Desk, home: Home, tmp_path: Path) -> None:
    identity = alarm(home)
    (tmp_path / "twin").mkdir()
    twin = Desk(tmp_path / "twin", "disposition")
    said(twin, home, identity)
    with pytest.raises(RefusedError, match="does not name"):
        oslo.opened(twin.ear.heard[0])


def test_nothing_is_written_where_there_is_no_store(oslo: Desk, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a store"):
        oslo.run(accept.run, "accept", "--store", tmp_path / "none.db")
    (tmp_path / "text.db").write_text("no store at all, and long enough")
    with pytest.raises(ConfigError, match="no SQLite file"):
        oslo.run(accept.run, "accept", "--store", tmp_path / "text.db")
    assert not (tmp_path / "none.db").exists()


def test_numbers_are_given_once_each_way(home: Home) -> None:
    with Said(home.path) as said:
        for gateway, kid, number in (("a", b"1", 4), ("a", b"2", 7), ("b", b"1", 9)):
            with said.change():
                said.put(("oslo", gateway), "command", kid, b"", number, b"x", 1)
        assert said.last_number(("oslo", "a"), "command") == 7
        assert said.last_number(("oslo", "a"), "command", b"1") == 4
        assert said.last_number(("oslo", "c"), "command") == 0
        with contextlib.suppress(ZeroDivisionError), said.change():
            said.put(("oslo", "a"), "command", b"1", b"", 99, b"x", 1)
            said.put(("oslo", "a"), "command", b"1", b"", 1 // 0, b"x", 1)
        assert said.last_number(("oslo", "a"), "command") == 7
