"""The pairing window as a table: what ends it, what bond will do, and what is told (F18)."""

from gateway.core import registry
from gateway.core.errors import ConfigError
from gateway.core.pairing import (
    BEGUN,
    BONDED,
    BONDED_KINDS,
    CANCELLED,
    CLOSED,
    EXPIRED,
    HEARD,
    KINDS,
    LEGACY,
    LOST,
    MOST_CANDIDATES,
    OPEN,
    OPENED,
    OVER,
    PAIRING,
    REASONS,
    REFUSED,
    SETTLE_MS,
    SHORT,
    TABLE,
    UNSEEN,
    WINDOW_MS,
    WRONG_CODE,
    Expected,
    Window,
    least_bond,
    oob_of,
    shown_bond,
)
from hal.errors import PairingError
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK, Advertisement

IT, OTHER, SERVICE = "C0:00:00:00:00:01", "C0:00:00:00:00:02", "1822"


def heard(
    address: str = IT, at_ms: int = 0, name: "str | None" = None, service: str = SERVICE
) -> Advertisement:
    return Advertisement(address, -50, at_ms, {}, (service,), name=name)


def known(code: "int | None" = None) -> Window:
    """A window for one device of the configuration."""
    return Window(1, Expected("Oximeter", "plx", (IT,)), code, 0)


def unknown() -> Window:
    """A window for any device of a driver."""
    return Window(1, Expected("", "plx", (), SERVICE, (OTHER,)), None, 0)


def test_the_least_bond_is_what_driver_code_and_history_ask_for_together() -> None:
    table = [
        # driver, code, held before, least
        ("none", False, BOND_NONE, BOND_NONE),
        ("none", True, BOND_NONE, BOND_AUTHENTICATED),
        ("none", False, BOND_WEAK, BOND_WEAK),
        ("weak", False, BOND_NONE, BOND_WEAK),
        ("weak", False, BOND_WEAK, BOND_WEAK),
        ("weak", False, BOND_AUTHENTICATED, BOND_AUTHENTICATED),
        ("weak", True, BOND_NONE, BOND_AUTHENTICATED),
        ("weak", True, BOND_WEAK, BOND_AUTHENTICATED),
        ("authenticated", False, BOND_NONE, BOND_AUTHENTICATED),
        ("authenticated", True, BOND_AUTHENTICATED, BOND_AUTHENTICATED),
    ]
    for pairing, has_code, held, least in table:
        assert least_bond(pairing, has_code, held) == least, (pairing, has_code, held)


def test_the_data_of_a_label_is_32_bytes_in_hex_and_nothing_else() -> None:
    assert oob_of("") is None and oob_of("", "123456") is None
    assert oob_of("0aF" + "0" * 61) == b"\x0a\xf0" + bytes(30)
    wrong = (
        "0" * 63,
        "0" * 65,
        "0" * 66,
        "0x" + "0" * 62,
        "0" * 63 + "g",
        " " + "0" * 63,
        "0" * 64 + "\n",
        "\uff10" * 64,
    )
    for data in wrong:
        said = not_taken(data)
        assert data not in said and "64 hexadecimal digits" in said
    assert "not both" in not_taken("0" * 64, "123456")


def not_taken(data: str, code: str = "") -> str:
    try:
        oob_of(data, code)
    except ConfigError as error:
        return str(error)
    raise AssertionError("taken: " + data)


def test_a_window_with_such_data_asks_for_protection_and_forgets_it_at_the_end() -> None:
    for end in (lambda w: w.refuse("oob"), lambda w: w.happens(EXPIRED), lambda w: w.happens(CANCELLED)):
        window = Window(1, Expected("Oximeter", "plx", (IT,)), None, 0, bytes(32))
        assert window.has_code and window.oob == bytes(32)
        end(window)
        assert window.over and window.oob is None


def test_every_way_leads_to_an_end_and_none_leads_out_of_one() -> None:
    for (state, happening), after in TABLE.items():
        assert state not in OVER and after != CLOSED, (state, happening)
    for state in (OPEN, HEARD, PAIRING):
        for end in (REFUSED, EXPIRED, CANCELLED):
            assert TABLE[(state, end)] == end
    assert [state for (state, _), after in TABLE.items() if after == BONDED] == [PAIRING]
    reached = {CLOSED}
    for _ in TABLE:
        reached |= {after for (state, _), after in TABLE.items() if state in reached}
    assert reached == {CLOSED, OPEN, HEARD, PAIRING} | set(OVER)


def test_a_pairing_that_goes_well_tells_each_step_once() -> None:
    window = known(123456)
    assert window.state == OPEN and not window.over
    assert not window.hear(heard(OTHER)), "one expected device"
    assert window.hear(heard(name="Ox")) and window.state == HEARD and window.address == IT
    assert not window.hear(heard()), "it goes on advertising"
    assert window.begins_ms() == 0 and window.begin() and window.state == PAIRING
    assert window.bonded(BOND_AUTHENTICATED, BOND_AUTHENTICATED)
    assert (window.state, window.level, window.code) == (BONDED, BOND_AUTHENTICATED, None)
    told = window.untold()
    assert [kind for kind, _ in told] == [
        "pairing.opened",
        "pairing.heard",
        "pairing.begun",
        "pairing.bonded",
    ]
    assert told[-1][1] == {"driver": "plx", "bond": BOND_AUTHENTICATED}
    assert window.untold() == []


def test_a_weak_bond_has_a_name_of_its_own() -> None:
    window = known()
    window.hear(heard())
    window.begin()
    assert window.bonded(BOND_WEAK, BOND_WEAK)
    assert window.untold()[-1] == ("pairing.bonded_weak", {"driver": "plx", "bond": BOND_WEAK})


def test_a_bond_whose_key_is_in_doubt_is_shown_as_weak_and_used_as_what_it_is() -> None:
    rows = [("", 2), ("whole", 2), (LEGACY, 1), (UNSEEN, 1), (SHORT, 1)]
    for word, shown in rows:
        assert shown_bond(BOND_AUTHENTICATED, word) == shown, word
        assert [shown_bond(each, word) for each in (None, BOND_NONE, BOND_WEAK)] == [None, 0, 1], word
        window = known()
        window.hear(heard())
        window.begin()
        assert window.bonded(BOND_AUTHENTICATED, BOND_AUTHENTICATED, word), (
            "its method was what was asked for"
        )
        assert (window.level, window.key_word) == (shown, word)
        kind = "pairing.bonded" if shown == BOND_AUTHENTICATED else "pairing.bonded_weak"
        assert window.untold()[-1] == (kind, {"driver": "plx", "bond": shown})


def test_a_bond_that_is_too_weak_is_refused_with_the_reason() -> None:
    for level, least in ((BOND_WEAK, BOND_AUTHENTICATED), (BOND_NONE, BOND_WEAK), (BOND_NONE, BOND_NONE)):
        window = known()
        window.hear(heard())
        window.begin()
        assert not window.bonded(level, least)
        assert (window.state, window.reason, window.level) == (REFUSED, "weak", BOND_NONE)
        kind, values = window.untold()[-1]
        assert (kind, values["reason"]) == ("pairing.refused", REASONS["weak"])


def test_three_wrong_codes_close_it_and_the_same_code_is_not_tried_again() -> None:
    window = known(111111)
    for wrong in (1, 2, 3):
        window.hear(heard())
        assert window.begin()
        window.wrong_code()
        assert window.wrong == wrong and window.code is None
        if wrong < 3:
            assert (window.state, window.question) == (OPEN, "code")
            assert not window.hear(heard()), "nothing is tried before there is another code"
            assert window.take_code(222222) and window.code == 222222
    assert (window.state, window.reason, window.question) == (REFUSED, "passkey", "")
    assert not window.take_code(333333)
    assert window.untold()[-1][1]["wrong_codes"] == 3


def test_a_code_is_taken_only_where_one_was_asked_for() -> None:
    window = known(111111)
    assert not window.take_code(222222) and window.code == 111111


def test_who_is_not_known_is_paired_only_where_it_is_the_only_one() -> None:
    alone, crowd = unknown(), unknown()
    for window in (alone, crowd):
        assert not window.hear(heard(OTHER)), "that one belongs to a device in use"
        assert not window.hear(heard(service="181d")), "another service"
        assert window.hear(heard(at_ms=5)) and window.begins_ms() == 5 + SETTLE_MS
    assert crowd.hear(heard("C0:00:00:00:00:03", 6))
    assert not crowd.begin() and (crowd.state, crowd.reason) == (REFUSED, "several")
    assert alone.begin() and alone.state == PAIRING


def test_the_name_that_a_scan_response_brings_is_kept() -> None:
    window = unknown()
    window.hear(heard())
    window.hear(heard(name="Ox 7"))
    assert window.candidates == {IT: "Ox 7"}


def test_what_comes_too_late_changes_nothing() -> None:
    for end in (EXPIRED, CANCELLED):
        window = known(123456)
        window.hear(heard())
        window.begin()
        assert window.happens(end)
        story = list(window.story)
        assert not window.bonded(BOND_AUTHENTICATED, BOND_AUTHENTICATED) and window.level == BOND_NONE
        window.refuse("weak")
        window.wrong_code()
        for happening in (HEARD, BEGUN, LOST, WRONG_CODE, OPENED, EXPIRED, CANCELLED):
            assert not window.happens(happening)
        assert (window.state, window.story, window.code, window.reason) == (end, story, None, "")


def test_a_link_lost_on_the_way_leaves_it_open_for_its_three_minutes() -> None:
    window = known()
    window.hear(heard())
    window.begin()
    assert window.happens(LOST) and window.state == OPEN and window.until_ms == WINDOW_MS == 180_000
    assert window.hear(heard(at_ms=9))


def test_a_link_that_breaks_again_and_again_is_told_once() -> None:
    window = known()
    kinds = []
    for _ in range(50):
        window.hear(heard())
        window.begin()
        window.happens(LOST)
        kinds += [kind for kind, _ in window.untold()]
    window.happens(EXPIRED)
    kinds += [kind for kind, _ in window.untold()]
    assert kinds == ["pairing.opened", "pairing.heard", "pairing.begun", "pairing.expired"]


def test_a_crowd_of_advertisers_takes_no_memory() -> None:
    window = unknown()
    for number in range(1_000):
        window.hear(heard("C0:00:00:00:01:" + str(number)))
    assert len(window.candidates) == MOST_CANDIDATES and not window.begin()


def test_every_kind_and_reason_has_its_words() -> None:
    for kind in list(KINDS.values()) + list(BONDED_KINDS.values()):
        assert registry.KINDS[kind][1] == 2, kind
    for reason in ("weak", "passkey", "key", "number", "unstored", "refused", "several"):
        assert ": " in REASONS[reason], "cause and next action"
    given = [
        value
        for name, value in PairingError.__dict__.items()
        if not name.startswith("_") and isinstance(value, str)
    ]
    assert sorted(set(given) - set(REASONS)) == [PairingError.STALE], "that one is mended, not told"
