"""What ends and is renewed: a gateway's certificate, a technician's key, and with it the keyset."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError
from gateway.core.trust import Trust
from gateway.daemon.__main__ import main as trygg_main
from gateway.daemon.findings_uplink import RENEW_DAYS
from gateway.daemon.texts import Texts
from tests.conftest import ROOT
from tests.tools.authority_bench import TENANT, Gateway, Town, run
from tools.authority import issuing, listing, register, tls_verbs
from tools.authority.book import DAY_MS, MOST_PERSON_DAYS, PERSON, Book, Entry
from tools.authority.folder import utc_ms
from tools.authority.register import Register
from tools.authority.root_verbs import day
from tools.platform.parties import Verifier


@pytest.fixture
def gateway(town: Town, tmp_path: Path) -> Gateway:
    return Gateway(tmp_path / "hub-1", town)


def test_doctor_tells_how_a_certificate_is_renewed_and_is_content_when_that_is_done(
    town: Town, gateway: Gateway
) -> None:
    answer = town.files / "answer.pem"
    town.ca("sign-request", gateway.request(), "--out", answer, "--days", 20)
    gateway.identity("--install", answer)

    def of_hub() -> str:
        found = run(trygg_main, ["check", "-c", gateway.config]).out.splitlines()
        (line,) = [line for line in found if "hub.pem" in line]
        return line

    assert "renew it with trygg identity --enrol, or --request and --install" in of_hub()
    with Register(town.folder) as register, register.commit():
        register.store.execute("UPDATE certificate SET issued_ms = issued_ms - ?", (700 * DAY_MS,))
    said = town.ca("sign-request", gateway.request(), "--out", answer).out
    assert "the same certificate" not in said
    gateway.identity("--install", answer)
    assert of_hub().startswith("ok ")


def test_a_technician_goes_on_with_another_key_before_and_after_the_end(town: Town) -> None:
    secret = town.files / "technician"
    secret.touch(0o600)
    secret.write_text("five words of a technician\n")

    def technician(act: str, name: str, days: int, *words: object, status: int = 0) -> str:
        given = ("--days", days, "--out", town.files / name, "--key-passphrase-file", secret, *words)
        return town.ca("technician", act, "tech-7", *given, secret=False, status=status).err

    technician("add", "a.key", 20, "--role", "command")
    said = town.ca("keyset", "--out", town.files / "a.cbor").out
    assert "of tech-7: before that day rotate with --overlap-days 0, or revoke" in said
    technician("rotate", "b.key", 180)
    said = town.ca("keyset", "--out", town.files / "b.cbor").out
    assert "It ends with the time of the former key of tech-7: before that day rotate" in said
    assert "revoke" not in said, "that would take the key that was made just now"
    assert town.folder.book().keyset_fields(utc_ms(), utc_ms() + 365 * DAY_MS, [])["not_after"] < (
        utc_ms() + 21 * DAY_MS
    ), "both keys are named, and the former one ends first"
    assert "found -1, expected 0 to 3650" in technician(
        "rotate", "c.key", 180, "--overlap-days", -1, status=2
    )
    technician("rotate", "c.key", 180, "--overlap-days", 0)
    trust = Trust(TENANT, [town.folder.root_public_key()])
    trust.accept(town.keyset(), Verifier().verify)
    book, now_ms = town.folder.book(), utc_ms()
    assert book.keyset_not_after > now_ms + 170 * DAY_MS
    late_ms = now_ms + 200 * DAY_MS
    assert not book.of("tech-7", late_ms)
    entry = book.rotate("tech-7", bytes(32), late_ms, 0, late_ms + 100 * DAY_MS)
    assert book.of("tech-7", late_ms) == [entry] and entry.roles == ("command",)
    book.revoke("tech-7", late_ms)
    with pytest.raises(ConfigError, match="which was revoked"):
        book.rotate("tech-7", bytes([1] * 32), late_ms, 0, late_ms + DAY_MS)
    with pytest.raises(ConfigError, match="which is not in the book"):
        book.rotate("tech-8", bytes([2] * 32), late_ms, 0, late_ms + DAY_MS)


def of_kari(*ends_days: int) -> Book:
    """The book with one key after another of a person, all of them made on the first day."""
    book = Book(TENANT)
    book.add(Entry("kari", PERSON, bytes(32), ("command",), 0, ends_days[0] * DAY_MS), 0)
    for number, end in enumerate(ends_days[1:], 1):
        book.rotate("kari", bytes([number] * 32), 0, 30 * DAY_MS, end * DAY_MS)
    return book


@pytest.mark.parametrize(("ends_days", "on_day"), [((60, 10), 20), ((60, 90), 20), ((20,), 40)])
def test_who_was_revoked_is_not_brought_back_whichever_keys_had_ended_by_then(
    ends_days: tuple[int, ...], on_day: int
) -> None:
    book, now_ms = of_kari(*ends_days), on_day * DAY_MS
    assert book.revoke("kari", now_ms) == len(ends_days), "keys whose time is over are marked as well"
    assert all(each.revoked_ms == now_ms for each in book.entries)
    for act in (
        lambda: book.rotate("kari", bytes([9] * 32), now_ms, 0, now_ms + DAY_MS),
        lambda: book.revoke("kari", now_ms),
    ):
        with pytest.raises(ConfigError, match="kari, which was revoked"):
            act()
    assert len(book.entries) == len(ends_days)


def test_a_book_of_before_in_which_one_key_was_revoked_and_the_last_had_ended_brings_nobody_back() -> None:
    book = of_kari(60, 10)
    book.entries[0] = replace(book.entries[0], revoked_ms=20 * DAY_MS)
    with pytest.raises(ConfigError, match="which was revoked"):
        book.rotate("kari", bytes([9] * 32), 21 * DAY_MS, 0, 22 * DAY_MS)
    assert book.revoke("kari", 21 * DAY_MS) == 1


def test_control_a_keyset_that_nobodys_time_ends_says_nothing_of_it(town: Town) -> None:
    assert "ends with" not in town.ca("keyset", "--out", town.files / "a.cbor").out


def test_a_restored_authority_that_has_signed_nothing_has_no_date_of_a_keyset(town: Town) -> None:
    for path in town.directory.iterdir():
        path.unlink()
    town.ca("restore", "--tenant", TENANT, "--sheet", town.sheet, "--keyset-version", 7)
    first, *_ = town.ca("list", secret=False).out.splitlines()
    assert first == "tenant oslo, keyset 7, until -"


# --- the list of what ends ----------------------------------------------------------------------------------------


def test_the_list_shows_the_ends_of_authority_and_brokers_list_and_marks_what_ends_within_30_days(
    town: Town, gateway: Gateway
) -> None:
    assert "crl.pem: none was signed yet" in town.ca("list", secret=False).out.splitlines()
    town.ca("crl")
    town.keyset()
    town.ca("sign-request", gateway.request(), "--out", town.files / "answer.pem")
    now_ms = utc_ms()
    shown = town.ca("list", secret=False).out
    assert f"crl.pem: the broker's list until {day(now_ms + 90 * DAY_MS)}" in shown.splitlines()
    authority_ms = now_ms + issuing.AUTHORITY_DAYS * DAY_MS
    assert f"ca.pem: certificate of the authority until {day(authority_ms)}" in shown.splitlines()
    assert "!" not in shown, "control: nothing ends within 30 days"

    def marked(days: int) -> dict[str, str]:
        rows = [line.split("  ! ") for line in listing.lines(town.folder, now_ms + days * DAY_MS)]
        return {row[0].partition(":")[0].partition(" ")[0]: row[1] for row in rows if len(row) > 1}

    soon, ended = "ends within 30 days", "has ended"
    assert marked(59) == {} and marked(61) == {"crl.pem": soon} and marked(91) == {"crl.pem": ended}
    assert marked(340) == {"crl.pem": ended, "tenant": soon}
    assert marked(710) == {"crl.pem": ended, "tenant": ended, "hub-1": soon}
    assert marked(issuing.AUTHORITY_DAYS - 20) == {"crl.pem": ended, "tenant": ended, "ca.pem": soon}
    facts = json.loads(town.ca("list", "--json", secret=False).out)
    assert abs(facts["crl_not_after_ms"] - now_ms - 90 * DAY_MS) < DAY_MS // 24
    assert abs(facts["ca_not_after_ms"] - authority_ms) < DAY_MS // 24
    later = listing.facts(town.folder, now_ms + 61 * DAY_MS)
    flags = ("crl_ends_soon", "ca_ends_soon", "keyset_ends_soon")
    assert [[each[flag] for flag in flags] for each in (facts, later)] == [
        [False] * 3,
        [True, False, False],
    ]


def test_a_certificate_or_key_that_another_follows_is_not_marked_and_one_that_counts_is(
    town: Town, gateway: Gateway
) -> None:
    town.ca("sign-request", gateway.request(), "--out", town.files / "a.pem", "--days", 20)
    words = ("--role", "command", "--days", 20, "--out", town.files / "desk.pem")
    town.ca("role", "add", "desk", *words, secret=False)
    town.keyset()
    shown = town.ca("list", secret=False).out
    assert [line.split()[0] for line in shown.splitlines() if "! ends within 30 days" in line] == [
        "tenant",
        "desk",
        "hub-1:",
    ]
    with Register(town.folder) as register, register.commit():
        register.store.execute("UPDATE certificate SET issued_ms = issued_ms - ?", (700 * DAY_MS,))
    town.ca("sign-request", gateway.request(), "--out", town.files / "b.pem")
    facts = json.loads(town.ca("list", "--json", secret=False).out)
    assert [(row["name"], row["ends_soon"]) for row in facts["certificates"]] == [
        ("hub-1", False),
        ("hub-1", False),
    ]
    assert [(row["name"], row["ends_soon"]) for row in facts["keys"]] == [("platform", False), ("desk", True)]


def test_a_brokers_list_that_is_none_is_said(town: Town) -> None:
    town.folder.path("crl.pem").write_text("none")
    said = town.ca("list", secret=False, status=2).err
    assert "crl.pem: found one of another sort, or a damaged one, expected one that trygg-kit ca crl" in said


@pytest.mark.parametrize(
    ("language", "head", "years"), [("nb", "## Norsk", "år"), ("en", "## English", "years")]
)
def test_the_chapter_that_doctor_names_is_the_one_of_renewal_and_tells_how_long_each_lasts(
    language: str, head: str, years: str
) -> None:
    said = Texts(language).say("check.tls.soon", path="hub.pem", date="2026-12-19", count=20)
    (number,) = re.findall(r"\((?:veiledningen, trinn|guide, step) (\d+)\)", said)
    guide = (ROOT / "docs" / "operator-guide.md").read_text("utf-8").partition(head)[2]
    chapter = guide.partition(f"\n### {number}. ")[2].partition("\n### ")[0]
    assert chapter.splitlines()[0] in ("Fornye sertifikater og nøkler", "Renew certificates and keys")
    for words in (
        "identity --enrol",
        "identity --request",
        "identity --install",
        "ca sign-request",
        "ca token",
    ):
        assert words in chapter
    # The one date that shuts out every home: where it is seen, and what is done when it has passed.
    listed, stopped = chapter.split("\n\n")[1:3]
    assert "ca list" in listed and "`crl.pem`" in listed and "`ca.pem`" in listed and "!" in listed
    assert "hub.pem" in stopped and "ca crl" in stopped
    rows = [line.split("|")[1:3] for line in chapter.splitlines() if line.startswith("|")]
    (keyset,) = [length for what, length in rows if "keyset.cbor" in what]
    assert "rolle" in keyset or "role" in keyset, "not technicians alone end it"
    rotated = next(each for each in guide.split("\n- ") if "ca role DIR rotate" in each)
    assert "--overlap-days 0" in rotated
    lasts = [f"{RENEW_DAYS} da", f"2 {years}", str(tls_verbs.SERVICE_DAYS), str(MOST_PERSON_DAYS)]
    lasts += [
        str(issuing.CRL_DAYS),
        f"{issuing.AUTHORITY_DAYS // 365} {years}",
        str(register.RENEW_MS // DAY_MS),
    ]
    assert register.GATEWAY_DAYS == 2 * 365
    assert not [each for each in lasts if each not in chapter]
