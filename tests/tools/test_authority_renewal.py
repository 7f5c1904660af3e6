"""What ends and is renewed: a gateway's certificate, a technician's key, and with it the keyset."""

import re
from pathlib import Path

import pytest

from gateway.core.errors import ConfigError
from gateway.core.trust import Trust
from gateway.daemon.__main__ import main as trygg_main
from gateway.daemon.findings_uplink import RENEW_DAYS
from gateway.daemon.texts import Texts
from tests.conftest import ROOT
from tests.tools.authority_bench import TENANT, Gateway, Town, run
from tools.authority import issuing, register, tls_verbs
from tools.authority.book import DAY_MS, MOST_PERSON_DAYS
from tools.authority.folder import utc_ms
from tools.authority.register import Register
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
    assert "It ends with the time of tech-7: before that day rotate with --overlap-days 0" in said
    technician("rotate", "b.key", 180)
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
    with pytest.raises(ConfigError, match="no key that counts"):
        book.rotate("tech-7", bytes([1] * 32), late_ms, 0, late_ms + DAY_MS)


def test_control_a_keyset_that_nobodys_time_ends_says_nothing_of_it(town: Town) -> None:
    assert "ends with" not in town.ca("keyset", "--out", town.files / "a.cbor").out


def test_a_restored_authority_that_has_signed_nothing_has_no_date_of_a_keyset(town: Town) -> None:
    for path in town.directory.iterdir():
        path.unlink()
    town.ca("restore", "--tenant", TENANT, "--sheet", town.sheet, "--keyset-version", 7)
    assert town.ca("list", secret=False).out == "tenant oslo, keyset 7, until -\n"


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
    lasts = [f"{RENEW_DAYS} da", f"2 {years}", str(tls_verbs.SERVICE_DAYS), str(MOST_PERSON_DAYS)]
    lasts += [
        str(issuing.CRL_DAYS),
        f"{issuing.AUTHORITY_DAYS // 365} {years}",
        str(register.RENEW_MS // DAY_MS),
    ]
    assert register.GATEWAY_DAYS == 2 * 365
    assert not [each for each in lasts if each not in chapter]
