"""TLS towards the broker: whom we trust, how we prove who we are, and what to say where it fails."""

import datetime as dt
import socket
import ssl
from pathlib import Path
from typing import Any

from cryptography import x509

from gateway.core.config import UplinkConfig
from gateway.core.config_fields import Broker
from hal.errors import DeniedError, HalError, TimedOutError, UnavailableError

# X509_V_ERR codes of OpenSSL, x509_vfy.h.
NOT_YET_VALID, EXPIRED, WRONG_HOST, WRONG_ADDRESS = 9, 10, 62, 64
# Its reason, x509err.h, for a key that belongs to another certificate.
OTHER_KEY = "KEY_VALUES_MISMATCH"
# Alerts (RFC 8446, 6.2) that say what is wrong with a certificate whose time is not over. A list of revoked certificates that has
# ended comes as `certificate_expired` (OpenSSL) or as one that says nothing.
OF_THE_CERTIFICATE = ("CERTIFICATE_REVOKED", "UNKNOWN_CA")


class BrokerContext(ssl.SSLContext):
    """Knows in which time the certificate that is shown is valid, or None where that cannot be read."""

    valid: tuple[dt.datetime, dt.datetime] | None = None


class BrokerSocket(ssl.SSLSocket):
    """Keeps what TLS said when it refused us, which paho reduces to "connection lost".

    With TLS 1.3 a broker refuses our certificate only after our side of the handshake is done: the refusal
    comes with the first bytes read, or lies unread while a write fails.
    """

    refusal: ssl.SSLError | None = None

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self.refusal = error
            raise

    def send(self, data: Any, flags: int = 0) -> int:
        try:
            return super().send(data, flags)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError:
            try:
                self.recv(1)
            except OSError:
                pass
            raise


class TlsFiles:
    """The three PEM files of `[uplink]`: whom we trust, who we are, and our private key."""

    __slots__ = ("ca", "certificate", "key")

    def __init__(self, ca: str, certificate: str, key: str) -> None:
        self.ca = ca
        self.certificate = certificate
        self.key = key


def tls_files(uplink: UplinkConfig) -> TlsFiles | None:
    """The files of a configuration, or None where it has none."""
    if uplink.ca is None or uplink.certificate is None or uplink.key is None:
        return None
    return TlsFiles(uplink.ca, uplink.certificate, uplink.key)


def tls_context(files: TlsFiles) -> ssl.SSLContext:
    """Mutual TLS: the broker's certificate and name are checked, and ours is shown.

    Raises:
        DeniedError: a file that cannot be read or does not fit the others.
    """
    context = BrokerContext(ssl.PROTOCOL_TLS_CLIENT)  # CERT_REQUIRED and check_hostname are its defaults
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = BrokerSocket
    try:
        context.load_verify_locations(files.ca)
    except ssl.SSLError as error:
        raise DeniedError(
            f"{files.ca} holds no certificate that can be read: fetch the authority's certificate again, and check [uplink] ca",
            str(error),
        ) from error
    except OSError as error:
        raise DeniedError(
            f"cannot use {files.ca} as certificate authority: check [uplink] ca", str(error)
        ) from error
    try:
        context.load_cert_chain(files.certificate, files.key, password=no_password)
    except ssl.SSLError as error:
        if error.reason == OTHER_KEY:
            cause = f"{files.key} is not the key of {files.certificate}: fetch the certificate that was made for this key"
        else:
            cause = f"{files.certificate} or {files.key} cannot be read as PEM: fetch the file again"
        raise DeniedError(cause + ", and check [uplink] certificate and key", str(error)) from error
    except (OSError, ValueError) as error:
        raise DeniedError(
            f"cannot use {files.certificate} with {files.key}: check [uplink] certificate and key",
            str(error),
        ) from error
    context.valid = validity(files.certificate)
    return context


def validity(path: str) -> tuple[dt.datetime, dt.datetime] | None:
    """From when until when the first certificate of a file is valid, or None where that cannot be read."""
    try:
        certificate = x509.load_pem_x509_certificate(Path(path).read_bytes())
    except (OSError, ValueError):
        return None
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def no_password() -> str:
    """An encrypted key would have OpenSSL ask at a terminal that nobody watches."""
    raise ValueError("the key is encrypted; a gateway's key file has none and is protected by its mode 0600")


def translate(error: OSError, broker: Broker) -> HalError:
    """Why a broker could not be reached, as the seam says it, with what to do next."""
    detail = f"{type(error).__name__}: {error}"
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in (WRONG_HOST, WRONG_ADDRESS):
            cause = f"the certificate of {broker} is not for {broker.host}: check [uplink] brokers, or have it reissued"
        elif error.verify_code in (NOT_YET_VALID, EXPIRED):
            cause = f"the certificate of {broker} is not valid at this time: check this gateway's clock, or renew it"
        else:
            cause = f"the certificate of {broker} is not from our authority: check [uplink] ca"
        return DeniedError(cause, detail)
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionResetError)):
        port = "TLS port" if broker.tls else "port without TLS"
        return UnavailableError(f"{broker} hung up: check that this is its {port}", detail)
    if isinstance(error, ssl.SSLError):
        return DeniedError(
            f"{broker} refused TLS: check that it trusts our certificate and that this is its TLS port",
            detail,
        )
    if isinstance(error, TimeoutError):
        return TimedOutError(f"{broker} does not answer: check the network and firewalls", detail)
    if isinstance(error, socket.gaierror):
        return UnavailableError(f"the name {broker.host} is not found: check the network and its DNS", detail)
    if isinstance(error, ConnectionRefusedError):
        return UnavailableError(f"nothing listens at {broker}: check the broker and the port", detail)
    return UnavailableError(f"{broker} cannot be reached: check the network", detail)


def refused(closed: BrokerSocket, broker: Broker, now: dt.datetime | None = None) -> DeniedError:
    """Why a broker may have refused the certificate that was shown on this socket, as its `refusal` says."""
    alert = closed.refusal
    valid = getattr(closed.context, "valid", None)
    begin, end = valid or (None, None)
    is_valid = begin is not None and end is not None and begin <= (now or dt.datetime.now(dt.UTC)) <= end
    said = (alert.reason if alert is not None else "") or ""
    if is_valid and not said.endswith(OF_THE_CERTIFICATE):
        cause = (
            f"{broker} refuses our certificate, which is valid: the broker's list of revoked certificates may have ended, which shuts out "
            "every home (trygg-kit ca crl); else check the broker's clock, and that it knows our authority"
        )
    else:
        cause = f"{broker} refuses our certificate: check [uplink] certificate, and that the broker knows its authority"
    return DeniedError(cause, str(alert))
