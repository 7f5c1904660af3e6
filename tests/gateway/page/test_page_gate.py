"""Codes and sessions: who comes in, how often a code may be tried, and what is left after a power cut."""

import stat
from pathlib import Path

import pytest

from gateway.daemon.page.gate import (
    MOST_CODES,
    TRIES,
    TRIES_OF_ALL,
    TRIES_S,
    Gate,
    TooManyTriesError,
    WrongCodeError,
    plain_name,
)
from gateway.daemon.typed_codes import decode


def gate(folder: Path | None = None) -> tuple[Gate, list[float]]:
    now = [0.0]
    return Gate(folder, lambda: now[0]), now


def test_a_code_lets_one_person_in_once_however_it_is_typed() -> None:
    made, _ = gate()
    code = made.new_code()
    assert decode(code, 5) is not None and len(code) == 9
    session = made.sign_in(f" {code.lower().replace('-', ' ')} ", "Kari", "a")
    found = made.session(session.cookie)
    assert found is not None and found.name == "Kari"
    with pytest.raises(WrongCodeError):
        made.sign_in(code, "Ola", "b")
    made.sign_out(session)
    assert made.session(session.cookie) is None
    assert session.form_token != session.holder_token != session.cookie


@pytest.mark.parametrize(
    "wrong", ["", "0000-0000", "x", "ABCD-EFG", "ABCD-EFGH-J", "A" * 10_000, "\0", "åæø-1234"]
)
def test_a_wrong_code_lets_nobody_in(wrong: str) -> None:
    made, _ = gate()
    made.new_code()
    with pytest.raises(WrongCodeError):
        made.sign_in(wrong, "Kari", "a")
    assert not made.has_session


def test_codes_cannot_be_tried_out() -> None:
    made, now = gate()
    code = made.new_code()
    for _ in range(TRIES):
        with pytest.raises(WrongCodeError):
            made.sign_in("0000-0000", "Kari", "a")
    with pytest.raises(TooManyTriesError) as waiting:
        made.sign_in(code, "Kari", "a")  # the right one is not looked at either
    assert 0 < waiting.value.wait_s <= TRIES_S
    assert made.sign_in(code, "Ola", "b")  # another address is not kept out
    now[0] += TRIES_S
    assert made.sign_in(made.new_code(), "Kari", "a")


def test_many_addresses_together_cannot_try_much_more_and_memory_is_bounded() -> None:
    made, now = gate()
    tried = 0
    for number in range(10_000):
        try:
            made.sign_in("0000-0000", "x", f"10.0.{number >> 8}.{number & 255}")
        except WrongCodeError:
            tried += 1
        except TooManyTriesError:
            pass
    assert tried == TRIES_OF_ALL
    now[0] += TRIES_S
    assert made.tries.wait_s("10.0.0.1") == 0


def test_only_the_newest_codes_count() -> None:
    made, _ = gate()
    codes = [made.new_code() for _ in range(MOST_CODES + 1)]
    with pytest.raises(WrongCodeError):
        made.sign_in(codes[0], "Kari", "a")
    assert made.sign_in(codes[-1], "Kari", "a")


def test_who_is_signed_in_still_is_after_the_plug_was_pulled_and_the_file_opens_nothing(
    tmp_path: Path,
) -> None:
    first, _ = gate(tmp_path / "page")
    code, spare = first.new_code(), first.new_code()
    session = first.sign_in(code, "Kari", "a")
    kept = (tmp_path / "page" / "state.json").read_text()
    assert stat.S_IMODE((tmp_path / "page" / "state.json").stat().st_mode) == 0o600
    for secret in (code, spare, session.cookie, session.form_token, session.holder_token):
        assert secret not in kept
    again, _ = gate(tmp_path / "page")
    found = again.session(session.cookie)
    assert found is not None and found.holder_token == session.holder_token
    assert again.sign_in(spare, "Ola", "b")
    with pytest.raises(WrongCodeError):
        again.sign_in(code, "Ola", "b")


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"codes": 1, "sessions": 2}', b"\xff\xfe", b"null"])
def test_a_damaged_file_is_no_file(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "state.json").write_bytes(damage)
    made, _ = gate(tmp_path)
    assert not made.has_code and not made.has_session
    assert made.sign_in(made.new_code(), "Kari", "a")


def test_the_code_on_the_label_works_once_and_is_gone(tmp_path: Path) -> None:
    label = tmp_path / "page.code"
    label.write_text("7KQ2-M9DX\n")
    made, _ = gate()
    assert made.take_label(label) == "7KQ2-M9DX" and label.exists()
    assert made.sign_in("7kq2 m9dx", "Kari", "a") and not label.exists()
    label.write_text("no code at all")
    assert made.take_label(label) == "" and made.take_label(tmp_path / "none") == ""


def test_a_name_is_one_short_line() -> None:
    assert plain_name("  Kari\n Nordmann\x00\u202e ") == "Kari Nordmann"
    assert len(plain_name("x" * 1_000)) == 40
