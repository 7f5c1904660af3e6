"""The register: certificates and tokens in one file, so that using a token and issuing its certificate are one commit.

After a crash the same request with the same token gets the same certificate, and no other request gets anything.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.core.errors import ConfigError, RefusedError
from gateway.daemon import enrolment_client, typed_codes
from gateway.daemon.enrolment import Request
from tools.authority import issuing
from tools.authority.book import DAY_MS
from tools.authority.folder import REGISTER, Folder, utc_ms, write
from tools.authority.given import no_store

VERSION = 1
BUSY_S = 5.0
GATEWAY, SERVICE = "gateway", "service"
GATEWAY_DAYS = 2 * 365
RENEW_MS = 90 * DAY_MS  # with less to go, or half of a short life, the same request gets a new certificate


class EnrolmentError(RefusedError):
    """A refusal that a gateway is told of by its code, one of `enrolling.REFUSALS`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Issued(NamedTuple):
    """One certificate of the register."""

    serial: int
    name: str
    sort: str
    identity: bytes | None
    not_after_ms: int
    revoked_ms: int | None
    pem: bytes


class Register:
    """The file of one folder, open for one thread."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        path = folder.path(REGISTER)
        if not folder.directory.is_dir():
            raise ConfigError(
                "DIR", f"{folder.directory}, which is no folder", "one of trygg-kit ca init", ""
            )
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self.store = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        try:
            self.store.execute("PRAGMA synchronous = FULL")
            with self.commit():
                (version,) = self.store.execute("PRAGMA user_version").fetchone()
                if version == 0:
                    for statement in read_sql().split(";\n"):
                        self.store.execute(statement)
            if version > VERSION:
                raise ConfigError(
                    REGISTER, "one of a newer version", "the same version of trygg-kit", str(path)
                )
        except sqlite3.Error as error:
            self.store.close()
            raise no_store(REGISTER, error, "a register that trygg-kit ca has made", path) from error

    def close(self) -> None:
        """Let go of the file."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @contextmanager
    def commit(self) -> Iterator[None]:
        """All of it or nothing; nobody else writes meanwhile."""
        self.store.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.store.execute("ROLLBACK")
            raise
        self.store.execute("COMMIT")

    # --- certificates ---------------------------------------------------------------------------------------------

    def certificates(self, name: str | None = None) -> list[Issued]:
        """All, or those of a name, oldest first."""
        rows = self.store.execute(
            "SELECT serial, name, sort, identity, not_after_ms, revoked_ms, pem FROM certificate"
            " WHERE ?1 IS NULL OR name = ?1 ORDER BY issued_ms, rowid",
            (name,),
        )
        return [Issued(int(serial), *rest) for serial, *rest in rows]

    def known(self, digest: bytes) -> bytes | None:
        """The certificate that was issued for the same before and need not be renewed yet, PEM."""
        row = self.store.execute(
            "SELECT pem FROM certificate WHERE request = ?1 AND revoked_ms IS NULL"
            " AND not_after_ms - ?2 > min(?3, (not_after_ms - issued_ms) / 2)",
            (digest, utc_ms(), RENEW_MS),
        ).fetchone()
        return None if row is None else bytes(row[0])

    def renewed_from(self, text: bytes) -> int:
        """utc_ms from which the request of this certificate is answered by another one."""
        (moment_ms,) = self.store.execute(
            "SELECT not_after_ms - min(?, (not_after_ms - issued_ms) / 2) FROM certificate WHERE pem = ?",
            (RENEW_MS, text),
        ).fetchone()
        return int(moment_ms)

    def record(
        self, certificate: x509.Certificate, name: str, sort: str, identity: bytes | None, digest: bytes
    ) -> None:
        """Add a certificate, within a commit. One that ended or was taken back leaves its request to it."""
        ended = hashlib.sha256(b"ended" + os.urandom(16)).digest()
        self.store.execute("UPDATE certificate SET request = ? WHERE request = ?", (ended, digest))
        end_ms = int(certificate.not_valid_after_utc.timestamp() * 1000)
        row = (
            str(certificate.serial_number),
            name,
            sort,
            identity,
            digest,
            utc_ms(),
            end_ms,
            issuing.pem(certificate),
        )
        self.store.execute(
            "INSERT INTO certificate (serial, name, sort, identity, request, issued_ms, not_after_ms, pem)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )

    def revoke(self, name: str) -> int:
        """Take back all certificates of a name, and leave it out of the registry; how many certificates that were."""
        with self.commit():
            self.folder.forget(name)
            return self.store.execute(
                "UPDATE certificate SET revoked_ms = ? WHERE name = ? AND revoked_ms IS NULL",
                (utc_ms(), name),
            ).rowcount

    def revoked(self) -> list[tuple[int, int]]:
        """(serial, utc_ms) of what was taken back."""
        return [(row.serial, row.revoked_ms) for row in self.certificates() if row.revoked_ms is not None]

    def check_name(self, name: str, sort: str) -> None:
        """A broker's access list goes by names: a gateway never gets a service's, nor the other way round. Raises RefusedError."""
        for row in self.certificates(name):
            if row.sort != sort:
                raise RefusedError("the name is in use for something else: choose another")

    # --- requests of gateways -------------------------------------------------------------------------------------

    def check_request(self, request: Request, *, replaces: bool) -> None:
        """Whether a request whose signatures hold may be answered at all. Raises EnrolmentError."""
        if request.tenant != self.folder.book().tenant:
            raise EnrolmentError("other_tenant", "the request is of a gateway of another tenant")
        try:
            self.check_name(request.gateway, GATEWAY)
        except RefusedError as error:
            raise EnrolmentError("request", error.reason) from None
        try:
            self.folder.check_known(request.gateway, request.identity, replaces=replaces)
        except RefusedError as error:
            raise EnrolmentError("other_identity", error.reason) from None

    def answer(
        self,
        request: Request,
        authority: issuing.Authority,
        *,
        replaces: bool = False,
        days: int = GATEWAY_DAYS,
    ) -> bytes:
        """Issue the certificate of a request, record it, and register the gateway; PEM. Raises RefusedError."""
        with self.commit():
            self.check_request(request, replaces=replaces)
            text = self._issue(request, authority, days)
            self._take_back_others(request)
        self._learn(request, replaces=replaces)
        return text

    def accept(
        self, request: Request, text: bytes, authorities: list[x509.Certificate], *, replaces: bool
    ) -> None:
        """Record what another authority issued for a request, and register the gateway. Raises RefusedError."""
        self.check_request(request, replaces=replaces)
        certificate = x509.load_pem_x509_certificates(text)[0]
        if der(certificate.public_key()) != der(request.csr.public_key()):
            raise RefusedError("the certificate is for another TLS key than the request's")
        if certificate.subject != request.csr.subject:
            raise RefusedError("the certificate is for another name than the gateway's")
        if authorities and not any(is_issued(certificate, each) for each in authorities):
            raise RefusedError("the certificate is not of the authority that was named")
        digest = digest_of(request)
        with self.commit():
            if self.known(digest) != issuing.pem(certificate):
                self.record(certificate, request.gateway, GATEWAY, request.identity, digest)
            self._take_back_others(request)
        self._learn(request, replaces=replaces)

    def _learn(self, request: Request, *, replaces: bool) -> None:
        """Let the registry know. The register is locked meanwhile: server and command line may be at it at once."""
        with self.commit():
            self.folder.learn(request.gateway, request.identity, replaces=replaces)

    def _take_back_others(self, request: Request) -> None:
        """A gateway that got another identity is another machine: the former one must not go on under its name."""
        self.store.execute(
            "UPDATE certificate SET revoked_ms = ? WHERE name = ? AND identity <> ? AND revoked_ms IS NULL",
            (utc_ms(), request.gateway, request.identity),
        )

    def _issue(self, request: Request, authority: issuing.Authority, days: int) -> bytes:
        digest = digest_of(request)
        text = self.known(digest)
        former = None if text is None else x509.load_pem_x509_certificate(text)
        if text is None or former is None or not is_issued(former, authority.certificate):
            key = request.csr.public_key()
            assert isinstance(key, ec.EllipticCurvePublicKey), "enrolment.read has checked it"
            certificate = authority.issue(request.gateway, key, days)
            self.record(certificate, request.gateway, GATEWAY, request.identity, digest)
            text = issuing.pem(certificate)
        return text

    # --- tokens ---------------------------------------------------------------------------------------------------

    def make_token(self, gateway: str, until_ms: int, *, replaces: bool) -> str:
        """A token for one gateway, for one request; it is shown now and kept nowhere. Raises RefusedError."""
        self.check_name(gateway, GATEWAY)
        secret = os.urandom(enrolment_client.TOKEN_BYTES)
        row = (hash_of(secret), gateway, utc_ms(), until_ms, int(replaces))
        with self.commit():
            self.store.execute(
                "INSERT INTO token (hash, gateway, made_ms, until_ms, replaces) VALUES (?, ?, ?, ?, ?)", row
            )
        return typed_codes.seal(typed_codes.TOKEN, secret)

    def enrol(self, token: str, request: Request, authority: issuing.Authority) -> bytes:
        """Answer a request that comes with a token; the token is then this request's. Raises EnrolmentError.

        The same request again, as after a crash or a lost answer, gets the same certificate while the token has not expired.
        """
        secret = typed_codes.read(typed_codes.TOKEN, token, enrolment_client.TOKEN_BYTES)
        hashed, digest = hash_of(secret or b""), digest_of(request)
        with self.commit():
            replaces = self._check_token(hashed, request.gateway, digest)
            self.check_request(request, replaces=replaces)
            self.store.execute("UPDATE token SET request = ? WHERE hash = ?", (digest, hashed))
            text = self._issue(request, authority, GATEWAY_DAYS)
            self._take_back_others(request)
        self._learn(request, replaces=replaces)
        return text

    def _check_token(self, hashed: bytes, gateway: str, digest: bytes) -> bool:
        """Whether the token may replace an identity. Raises EnrolmentError where it does not count."""
        row = self.store.execute(
            "SELECT gateway, until_ms, replaces, request FROM token WHERE hash = ?", (hashed,)
        ).fetchone()
        if row is None:
            raise EnrolmentError("unknown", "a token that is not known")
        owner, until_ms, replaces, used_by = row
        if owner != gateway:
            raise EnrolmentError("other_gateway", "a token for another gateway")
        if used_by is not None and used_by != digest:
            raise EnrolmentError("used", "a token that was used for another request")
        if utc_ms() >= until_ms:
            raise EnrolmentError("expired", "a token that has expired")
        return bool(replaces)

    def publish_revocations(self, authority: issuing.Authority, path: Path) -> None:
        """Write the signed list of what was taken back."""
        write(path, authority.revocations(self.revoked()), 0o644)


def read_sql() -> str:
    """The statements of version 1."""
    return files("tools.authority").joinpath("sql/1.sql").read_text(encoding="utf-8")


def hash_of(secret: bytes) -> bytes:
    """What is kept of a token: 128 random bits need no slow hash."""
    return hashlib.sha256(b"trygg token\0" + secret).digest()


def digest_of(request: Request) -> bytes:
    """What makes a request the same: gateway, identity and TLS key. Its signatures are new each time."""
    content = f"{request.tenant}/{request.gateway}/".encode() + request.identity
    return hashlib.sha256(content + der(request.csr.public_key())).digest()


def der(key: object) -> bytes:
    """A public key, to compare."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


def is_issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether one certificate is directly of the other."""
    from gateway.daemon.tls_identity import issued

    return issued(certificate, authority)
