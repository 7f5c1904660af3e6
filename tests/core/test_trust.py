"""Keysets, roles and roots. Stories: tests/vectors/trust.json."""

from gateway.core import cose, wire
from gateway.core.cose import Sign1
from gateway.core.errors import DecodeError, RefusedError
from gateway.core.trust import Trust
from tests.core.vectors import load
from tests.core.wire_vectors import ED25519, hexed, keys, refused

VECTORS = load("trust.json")
STORIES = {str(story["name"]): story["steps"] for story in VECTORS["stories"]}
TENANT, GATEWAY = "oslo", "gw-0001"
CHECKS: "list[bytes]" = []  # public keys of the signatures that were checked


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    CHECKS.append(public)
    return ED25519.verify(public, message, signature)


def provisioned() -> Trust:
    """What a gateway knows on its first day."""
    return Trust(TENANT, [keys()["root"]])


def hand(trust: Trust, row: "dict[str, object]") -> "tuple[str, str]":
    """What a gateway does with one message, and its reason."""
    try:
        if row["sort"] == "keyset":
            return ("new" if trust.accept(hexed(row, "message"), verify) else "held"), ""
        parsed = trust.open(str(row["sort"]), hexed(row, "message"), TENANT, GATEWAY, row["utc_ms"], verify)  # type: ignore[arg-type]
        assert parsed.sort == row["sort"]
    except (RefusedError, DecodeError) as error:
        return "refused", error.reason
    return "accepted", ""


def play(name: str) -> Trust:
    """A story from its beginning; every step must end as it says."""
    trust = provisioned()
    for number, row in enumerate(STORIES[name]):  # type: ignore[arg-type, var-annotated]
        assert hand(trust, row) == (row["then"], row.get("reason", "")), name + ", step " + str(number)
    return trust


def first_keyset(name: str) -> bytes:
    return hexed(STORIES[name][0], "message")  # type: ignore[index]


def test_every_story_ends_as_it_says() -> None:
    assert len(STORIES) >= 9
    for name in STORIES:
        play(name)


def test_what_is_refused_changes_nothing() -> None:
    trust, refusals = provisioned(), 0
    for steps in STORIES.values():
        for row in steps:  # type: ignore[attr-defined]
            before = (trust.version, trust.keys, trust.roots, trust.not_after, trust.held)
            if hand(trust, row)[0] == "refused":
                refusals += 1
                assert (trust.version, trust.keys, trust.roots, trust.not_after, trust.held) == before
    assert refusals > 20


def test_the_same_keyset_again_costs_no_signature_check() -> None:
    trust = provisioned()
    data = first_keyset("keys have roles")
    assert trust.accept(data, verify)
    CHECKS.clear()
    assert not trust.accept(data, verify)
    assert CHECKS == []


def test_cheap_refusals_come_before_the_signature() -> None:
    trust = play("a version may only rise")
    CHECKS.clear()
    for name in ("a version may only rise", "only a root signs keysets, and one of this tenant"):
        for row in STORIES[name]:  # type: ignore[attr-defined]
            if row["then"] == "refused":
                hand(trust, row)
    assert CHECKS == []


def test_after_a_restart_the_kept_roots_and_keyset_are_in_force_again() -> None:
    name = "a root is replaced by the one it names"
    before = play(name)
    assert before.roots_held() == [keys()["next-root"]]
    last = [row for row in STORIES[name] if row["then"] == "new"][-1]  # type: ignore[attr-defined]
    again = provisioned()
    again.add_roots(before.roots_held())
    assert again.accept(hexed(last, "message"), verify)
    assert again.roots_held() == before.roots_held()
    assert (again.version, again.keys) == (before.version, before.keys)
    # Control: without the kept root the keyset cannot be believed, and nothing else can.
    assert refused(provisioned().accept, hexed(last, "message"), verify) == (
        "the keyset is not signed by a root key of this gateway"
    )


def test_an_unknown_clock_expires_nothing_and_a_known_one_to_the_millisecond() -> None:
    trust = provisioned()
    assert not trust.expired(2**62)
    trust.accept(first_keyset("keys have roles"), verify)
    limit = trust.not_after
    assert limit is not None
    assert [trust.expired(utc_ms) for utc_ms in (None, 0, limit, limit + 1)] == [False, False, False, True]


def test_a_receipt_of_another_gateway_is_refused_before_its_signature() -> None:
    trust = play("keys have roles")
    row = [row for row in STORIES["keys have roles"] if row["sort"] == "receipt"][0]  # type: ignore[attr-defined]  # noqa: RUF015
    CHECKS.clear()
    for tenant, gateway in ((TENANT, "gw-0002"), ("bergen", GATEWAY)):
        reason = refused(trust.open, "receipt", hexed(row, "message"), tenant, gateway, 0, verify)
        assert reason == "the message names another gateway than its topic"
    assert CHECKS == []


def test_a_key_is_found_by_its_kid_and_checked_by_itself() -> None:
    """The kid is a hint: a stranger that names the platform's kid still lacks its key."""
    trust = play("keys have roles")
    public = keys()["platform"]
    row = [row for row in load("wire_valid.json")["messages"] if row["sort"] == "receipt"][0]  # noqa: RUF015
    good = wire.parse("receipt", hexed(row, "message"))
    assert trust.check_key(good, wire.RECEIPT_ROLE, None) == public
    strange = Sign1(good.sign1.protected, cose.kid_of(public), good.sign1.payload, bytes(64))
    parsed = wire.Parsed("receipt", strange, good.fields)
    assert trust.check_key(parsed, wire.RECEIPT_ROLE, None) == public
    assert refused(wire.verify, parsed, public, verify) == "the signature does not hold"
