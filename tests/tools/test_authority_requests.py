"""Requests of gateways: made there, checked here, answered by our authority or another, and installed there."""

import datetime as dt
import json
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.daemon import enrolment, tls_identity
from gateway.daemon.typed_codes import is_label_code
from tests.gateway.english import english_in
from tests.tools.authority_bench import TENANT, Forger, Gateway, Town, run
from tools.authority.book import DAY_MS
from tools.authority.folder import utc_ms
from tools.authority.register import Register
from tools.kit.__main__ import main as kit_main
from tools.platform.parties import read_registry
from tools.simulators.certificates import Authority


@pytest.fixture
def gateway(town: Town, tmp_path: Path) -> Gateway:
    return Gateway(tmp_path / "hub-1", town)


def registered(town: Town) -> dict[str, bytes]:
    return {name: key for (_, name), key in read_registry(town.folder.path("registry.json")).items()}


# --- the way by files ---------------------------------------------------------------------------------------------


def test_a_gateway_asks_gets_its_certificate_and_is_known_to_the_platform(
    town: Town, gateway: Gateway
) -> None:
    facts = gateway.facts()
    assert facts["gateway"] == "hub-1" and is_label_code(facts["code"])
    gateway.certified()
    certificate = x509.load_pem_x509_certificate((gateway.directory / "tls" / "hub.pem").read_bytes())
    assert certificate.subject.rfc4514_string() == "CN=hub-1"
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert registered(town) == {"hub-1": bytes.fromhex(facts["public_key"])}
    assert (gateway.directory / "tls" / "ca.pem").read_bytes() == town.folder.path("ca.pem").read_bytes()
    (row,) = json.loads(town.ca("list", "--json", secret=False).out)["certificates"]
    assert row["serial"] == str(certificate.serial_number) and row["identity"] == facts["public_key"]


def test_both_private_keys_stay_where_they_were_made(town: Town, gateway: Gateway) -> None:
    path = gateway.request()
    key_path = gateway.directory / "tls" / "hub.key"
    assert stat.S_IMODE(key_path.stat().st_mode) == 0o600
    key = serialization.load_pem_private_key(key_path.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    identity = bytes.fromhex((gateway.directory / "data" / "keys" / "identity.key").read_text())
    message = enrolment.from_text(path.read_text())
    secret = key.private_numbers().private_value.to_bytes(32, "big")
    assert secret not in message and identity not in message
    again = enrolment.from_text(gateway.request().read_text())
    assert enrolment.read(again).csr.public_key() == key.public_key(), "asked again: the same key"
    gateway.certified()
    for found in town.directory.rglob("*"):
        assert secret not in found.read_bytes() and secret.hex().encode() not in found.read_bytes()


def test_the_same_request_again_gets_the_same_certificate(town: Town, gateway: Gateway) -> None:
    first, second = town.files / "first.pem", town.files / "second.pem"
    said = town.ca("sign-request", gateway.request(), "--out", first).out
    end = x509.load_pem_x509_certificate(first.read_bytes()).not_valid_after_utc
    assert f"first.pem, valid until {end.date()}" in said and "the same certificate" not in said
    said = town.ca("sign-request", gateway.request(), "--out", second).out
    assert first.read_bytes() == second.read_bytes()
    renewed = (end - dt.timedelta(days=90)).date()
    assert f"the same certificate as before: another is issued from {renewed} on" in said


def test_a_certificate_that_nears_its_end_is_renewed_by_the_same_request(
    town: Town, gateway: Gateway
) -> None:
    first, second = town.files / "first.pem", town.files / "second.pem"
    town.ca("sign-request", gateway.request(), "--out", first)
    with Register(town.folder) as register, register.commit():
        soon_ms = utc_ms() + 80 * DAY_MS
        register.store.execute("UPDATE certificate SET not_after_ms = ?", (soon_ms,))
        register.store.execute("UPDATE certificate SET issued_ms = ?", (soon_ms - 700 * DAY_MS,))
    town.ca("sign-request", gateway.request(), "--out", second)
    assert first.read_bytes() != second.read_bytes()
    gateway.identity("--install", second)


def test_a_new_authority_answers_with_a_certificate_of_its_own(town: Town, gateway: Gateway) -> None:
    request, answer = gateway.request(), town.files / "answer.pem"
    town.ca("sign-request", request, "--out", answer)
    for name in ("root.key", "ca.key"):
        town.folder.path(name).unlink()
    town.ca("restore", "--tenant", TENANT, "--sheet", town.sheet, "--keyset-version", 0)
    town.ca("sign-request", request, "--out", answer)
    gateway.identity("--install", answer)
    assert (gateway.directory / "tls" / "ca.pem").read_bytes() == town.folder.path("ca.pem").read_bytes()


def test_what_identity_says_is_norwegian_where_the_home_is(town: Town, tmp_path: Path) -> None:
    norwegian = Gateway(tmp_path / "nb", town, "hub-2", language="nb")
    said = norwegian.identity("--request", tmp_path / "r.txt").out
    assert said.startswith("Gateway hub-2 hos oslo") and not english_in(said)
    said = norwegian.identity("--install", town.folder.path("ca.pem"), status=1).err
    assert not english_in(said.replace("trygg identity", ""))
    said = norwegian.identity("--enrol", "https://127.0.0.1:1", status=2).err
    assert "fant den ene uten den andre, ventet begge eller ingen av dem" in said


# --- what is refused ----------------------------------------------------------------------------------------------


def refused(town: Town, forger: Forger, message: bytes, cause: str) -> None:
    out = town.files / "never.pem"
    said = town.ca("sign-request", forger.file(message), "--out", out, status=1)
    assert cause in said.err, said.err
    assert not out.exists() and registered(town) == {}
    assert json.loads(town.ca("list", "--json", secret=False).out)["certificates"] == []


def test_a_request_countersigned_by_another_identity_is_refused(town: Town) -> None:
    forger = Forger(town)
    victim = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    refused(
        town, forger, forger.message(names=victim), "the identity's signature of the request does not hold"
    )


def test_a_request_that_names_another_key_than_signed_it_is_refused(town: Town) -> None:
    forger = Forger(town)
    message = bytearray(forger.message())
    at = message.index(forger.public())
    message[at] ^= 1
    with pytest.raises(enrolment.RefusedError, match="another identity than it names"):
        enrolment.read(bytes(message))


def test_a_request_for_another_name_is_refused(town: Town) -> None:
    forger = Forger(town)
    for name in ("hub-2", "trygg-platform", "#"):
        refused(
            town, forger, forger.message(csr=forger.csr(name)), "asked for another name than the gateway's"
        )


def test_a_request_with_more_in_it_than_a_name_is_refused(town: Town) -> None:
    forger = Forger(town)
    assert isinstance(forger.key, ec.EllipticCurvePrivateKey)
    two = [x509.NameAttribute(NameOID.COMMON_NAME, name) for name in ("hub-1", "trygg-platform")]
    builder = x509.CertificateSigningRequestBuilder()
    double = builder.subject_name(x509.Name(two)).sign(forger.key, hashes.SHA256())
    refused(
        town,
        forger,
        forger.message(csr=double.public_bytes(serialization.Encoding.DER)),
        "asked for another name",
    )
    authority = (
        builder.subject_name(x509.Name(two[:1]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(forger.key, hashes.SHA256())
    )
    message = forger.message(csr=authority.public_bytes(serialization.Encoding.DER))
    refused(town, forger, message, "the request asks for extensions")


def test_a_tls_key_that_its_sender_does_not_hold_is_refused(town: Town) -> None:
    forger = Forger(town)
    csr = bytearray(forger.csr())
    csr[-1] ^= 1
    refused(
        town, forger, forger.message(csr=bytes(csr)), "the TLS key's signature of the request does not hold"
    )


def test_another_sort_of_key_is_refused(town: Town) -> None:
    forger = Forger(town)
    forger.key = ec.generate_private_key(ec.SECP384R1())
    refused(town, forger, forger.message(), "the TLS key is not of P-256")


def test_every_bit_of_a_request_counts(town: Town, gateway: Gateway) -> None:
    message = enrolment.from_text(gateway.request().read_text())
    assert enrolment.read(message).gateway == "hub-1"
    for at in range(len(message)):
        changed = bytearray(message)
        changed[at] ^= 1 << (at % 8)
        with pytest.raises((enrolment.RefusedError, enrolment.DecodeError)):
            enrolment.read(bytes(changed))


def test_a_request_of_another_tenant_and_one_of_a_taken_name_are_refused(town: Town) -> None:
    forger = Forger(town)
    refused(town, forger, forger.message(tenant="bergen"), "a gateway of another tenant")
    town.ca("issue", "trygg-platform", "--out", town.files)
    thief = Forger(town, "trygg-platform")
    said = town.ca("sign-request", thief.file(thief.message()), "--out", town.files / "no.pem", status=1)
    assert "the name is in use for something else" in said.err


def test_a_service_never_gets_the_name_of_a_gateway(town: Town, gateway: Gateway) -> None:
    gateway.certified()
    assert "which is a gateway" in town.ca("issue", "hub-1", "--out", town.files, status=2).err


def test_another_identity_under_a_known_name_is_refused_until_somebody_says_so(
    town: Town, gateway: Gateway
) -> None:
    gateway.certified()
    before = registered(town)
    forger = Forger(town)
    path = forger.file(forger.message())
    said = town.ca("sign-request", path, "--out", town.files / "new.pem", status=1)
    assert "registered with another identity" in said.err and registered(town) == before
    town.ca("sign-request", path, "--out", town.files / "new.pem", "--replace")
    assert registered(town) == {"hub-1": forger.public()}
    rows = json.loads(town.ca("list", "--json", secret=False).out)["certificates"]
    assert [row["revoked_ms"] is None for row in rows] == [False, True], "the former machine is out"


@pytest.mark.parametrize(
    "text", ["", "hello", "-----BEGIN TRYGG REQUEST-----\n!!\n-----END TRYGG REQUEST-----"]
)
def test_what_is_no_request_is_said(text: str, town: Town) -> None:
    path = town.files / "none.txt"
    path.write_text(text)
    said = town.ca("sign-request", path, "--out", town.files / "no.pem", status=2)
    assert "none.txt: FILE: found" in said.err


def test_a_certificate_is_installed_only_where_it_belongs(
    town: Town, gateway: Gateway, tmp_path: Path
) -> None:
    gateway.certified()
    path = gateway.directory / "tls" / "hub.pem"
    before = path.read_bytes()
    other = Gateway(tmp_path / "hub-2", town, "hub-2")
    answer = tmp_path / "answer-2.pem"
    town.ca("sign-request", other.request(), "--out", answer)
    assert "not for this gateway's TLS key" in gateway.identity("--install", answer, status=1).err
    key = serialization.load_pem_private_key((gateway.directory / "tls" / "hub.key").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    stranger = x509_of_stranger(key, "hub-1")
    forged = tmp_path / "forged.pem"
    forged.write_bytes(stranger)
    assert "not of this gateway's authority" in gateway.identity("--install", forged, status=1).err
    forged.write_bytes(x509_of_stranger(key, "hub-2"))
    assert "for another gateway" in gateway.identity("--install", forged, status=1).err
    assert path.read_bytes() == before
    (gateway.directory / "tls" / "hub.key").chmod(0o644)
    assert "open to others" in gateway.identity("--request", tmp_path / "r", status=1).err


def test_a_certificate_that_has_expired_is_refused_with_its_date(
    town: Town, gateway: Gateway, tmp_path: Path
) -> None:
    gateway.request()
    key = tls_identity.key_of(gateway.directory / "tls/hub.key")
    old = tmp_path / "old.pem"
    old.write_bytes(x509_of_stranger(key, gateway.name, ends_in_days=-3))
    end = x509.load_pem_x509_certificate(old.read_bytes()).not_valid_after_utc.date()
    said = gateway.identity("--install", old, status=1).err
    assert f"gikk ut {end}" in said or f"expired on {end}" in said, said
    assert not (gateway.directory / "tls/hub.pem").exists(), "nothing is changed"
    assert not (gateway.directory / "tls/ca.pem").exists()


def x509_of_stranger(key: ec.EllipticCurvePrivateKey, name: str, ends_in_days: int = 1) -> bytes:
    """A certificate of the gateway's own key that signed itself."""
    from datetime import UTC, datetime, timedelta

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=ends_in_days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


# --- an authority that the municipality has already ---------------------------------------------------------------


def sign_elsewhere(town: Town, pkcs10: Path, authority: Authority, name: str | None = None) -> Path:
    """What a municipality's own authority makes of a PKCS #10."""
    csr = x509.load_pem_x509_csr(pkcs10.read_bytes())
    builder = authority._builder(csr.subject, csr.public_key(), 30)  # type: ignore[arg-type]
    path = town.files / "elsewhere.pem"
    path.write_bytes(builder.sign(authority._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


def test_another_authority_gets_pkcs10_and_its_answer_is_checked_and_recorded(
    town: Town, gateway: Gateway
) -> None:
    other = Authority(town.files / "other")
    request, pkcs10 = gateway.request(), town.files / "hub-1.csr"
    town.ca("sign-request", request, "--pkcs10", pkcs10)
    assert registered(town) == {}, "not before its certificate is there"
    answer = sign_elsewhere(town, pkcs10, other)
    wrong = town.ca(
        "accept",
        request,
        "--certificate",
        answer,
        "--authority",
        town.folder.path("ca.pem"),
        secret=False,
        status=1,
    )
    assert "not of the authority that was named" in wrong.err and registered(town) == {}
    for _ in range(2):
        town.ca("accept", request, "--certificate", answer, "--authority", other.path, secret=False)
    assert registered(town) == {"hub-1": bytes.fromhex(gateway.facts()["public_key"])}
    whole = town.files / "whole.pem"
    whole.write_bytes(answer.read_bytes() + other.path.read_bytes())
    gateway.identity("--install", whole)


def test_the_certificate_of_another_request_is_not_accepted(
    town: Town, gateway: Gateway, tmp_path: Path
) -> None:
    other = Authority(town.files / "other")
    second = Gateway(tmp_path / "hub-2", town, "hub-2")
    pkcs10 = town.files / "hub-2.csr"
    town.ca("sign-request", second.request(), "--pkcs10", pkcs10)
    answer = sign_elsewhere(town, pkcs10, other)
    said = town.ca("accept", gateway.request(), "--certificate", answer, secret=False, status=1)
    assert "for another TLS key than the request's" in said.err and registered(town) == {}


# --- labels -------------------------------------------------------------------------------------------------------


def test_a_label_has_the_code_that_the_gateway_shows_and_finds_it_again(town: Town, gateway: Gateway) -> None:
    gateway.certified()
    code, page = gateway.facts()["code"], town.files / "labels.html"
    registry = town.folder.path("registry.json")
    assert run(kit_main, ["label", registry, "--tenant", TENANT, "--out", page]).status == 0
    text = page.read_text()
    assert code in text and "hub-1" in text and "http" not in text and "<script" not in text
    typed = code.lower().replace("-", " ")
    said = run(kit_main, ["label", registry, "--tenant", TENANT, "--find", typed])
    assert (said.status, said.out) == (0, "hub-1\n")
    wrong = ("0" if code[0] != "0" else "1") + code[1:]
    said = run(kit_main, ["label", registry, "--tenant", TENANT, "--find", wrong])
    assert said.status == 1 and said.out == ""
    assert run(kit_main, ["label", registry, "--tenant", TENANT, "--gateway", "x", "--out", page]).status == 2
