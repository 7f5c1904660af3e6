"""Which message is checked next on a machine that checks one in two seconds."""

from gateway.core.checks import (
    COMMAND,
    DISPOSITION,
    FORWARD,
    KEYSET,
    MOST_WAITING,
    OTHERWISE,
    Checks,
    Waiting,
)

GAP_MS = 2_000


class Numbers:
    """Repeatable numbers of 16 bits."""

    def __init__(self) -> None:
        self.value = 7

    def __call__(self) -> int:
        self.value = (self.value * 1_103_515_245 + 12_345) % 2_147_483_648
        return self.value >> 15 & 0xFFFF


def message(group: int, data: bytes) -> Waiting:
    return Waiting(group, "receipt", data, False, 1)


def begun(checks: Checks, now_ms: int, genuine: bytes = b"true") -> "bytes | None":
    """Check what is next; what it was."""
    taken = checks.next(now_ms)
    if taken is None:
        return None
    checks.begin(now_ms)
    checks.checked(taken, taken.data == genuine)
    return taken.data


def test_one_check_begins_in_two_seconds_and_what_is_not_checked_costs_no_turn():
    checks = Checks(GAP_MS, Numbers())
    assert checks.next(0) is None and checks.next_due_ms() is None
    for group in (FORWARD, OTHERWISE, KEYSET):
        checks.put(message(group, b"x"))
    assert checks.next_due_ms() == 0
    assert begun(checks, 100) == b"x"
    assert begun(checks, 2_099) is None and checks.next_due_ms() == 2_100
    assert checks.next(2_100) is not None, "found to be of no use before its signature: the next has its turn"
    assert begun(checks, 2_100) == b"x"
    assert checks.next(9_000) is None and checks.next_due_ms() is None


def test_the_newest_goes_first_and_what_came_before_it_is_dropped_where_it_holds():
    checks = Checks(GAP_MS, Numbers())
    for data in (b"1", b"2", b"true"):
        checks.put(message(FORWARD, data))
    assert begun(checks, 0) == b"true"
    assert begun(checks, 10_000) is None


def test_groups_take_turns():
    checks, served = Checks(GAP_MS, Numbers()), []
    for turn in range(9):
        for _ in range(100):
            checks.put(message(OTHERWISE, b"flood"))
            checks.put(message(KEYSET, b"flood"))
        checks.put(message(FORWARD, b"true"))
        served.append(begun(checks, turn * GAP_MS))
    assert served.count(b"true") == 3
    assert served[:3].count(b"true") == 1


def turns_until_true(around: "tuple[int, int]", pick_newest_only: bool = False) -> int:
    """Checks until a true one is found, where each comes after and before so many forged ones."""
    checks = Checks(GAP_MS, Numbers())
    for turn in range(100):
        for data in around[0] * [b"forged"] + [b"true"] + around[1] * [b"forged"]:
            checks.put(message(FORWARD, data))
        if pick_newest_only:
            checks.groups[FORWARD].other = None
        if begun(checks, turn * GAP_MS) == b"true":
            return turn + 1
    return 101


def test_forged_ones_after_each_true_one_do_not_keep_it_out():
    assert turns_until_true((0, 1)) == 2
    assert turns_until_true((1, 1)) <= 20
    assert turns_until_true((3, 3)) <= 60
    assert turns_until_true((0, 1), pick_newest_only=True) == 101, (
        "control: the newest alone is always forged"
    )


def test_each_that_was_overtaken_has_the_same_chance():
    numbers, found = Numbers(), {}
    for _ in range(4_000):
        checks = Checks(GAP_MS, numbers)
        for number in range(5):
            checks.put(message(FORWARD, bytes([number])))
        assert begun(checks, 0) == bytes([4])
        data = begun(checks, GAP_MS)
        found[data] = found.get(data, 0) + 1
    assert len(found) == 4 and all([850 < count < 1_150 for count in found.values()]), found


def test_a_flood_of_thousands_is_two_messages_held():
    checks = Checks(GAP_MS, Numbers())
    for number in range(100_000):
        checks.put(message(FORWARD, number.to_bytes(4, "big")))
    assert [begun(checks, turn * GAP_MS) is None for turn in range(3)] == [False, False, True]


def test_where_each_says_something_of_its_own_none_displaces_another_until_there_are_too_many():
    checks = Checks(0, Numbers())
    for number in range(MOST_WAITING):
        checks.put(message(COMMAND, bytes([number])))
    assert [begun(checks, 0, b"") for _ in range(MOST_WAITING + 1)] == [
        bytes([number]) for number in range(MOST_WAITING)
    ] + [None]
    for number in range(10 * MOST_WAITING):
        checks.put(message(DISPOSITION, bytes([number])))
    left = [begun(checks, 0) for _ in range(MOST_WAITING)]
    assert begun(checks, 0) is None and len(set(left)) == MOST_WAITING
    assert left != [bytes([number]) for number in range(MOST_WAITING)], (
        "a flood before it does not keep one out"
    )
