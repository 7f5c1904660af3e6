"""The uplink over paho against a real Mosquitto: who is trusted, what each refusal says, and how connections end."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from gateway.core.config_fields import Broker, broker
from gateway.daemon.mqtt import PahoUplink
from gateway.daemon.mqtt_tls import TlsFiles, tls_context, translate
from gateway.daemon.texts import Texts
from hal.errors import DeniedError, HalError, LinkLostError, TimedOutError, UnavailableError
from tests.gateway.english import english_in
from tests.gateway.uplinks import TROUBLE_AT, failure, needs_mosquitto, publish_through_trouble
from tools.simulators.certificates import Authority, Credentials
from tools.simulators.mosquitto import HOST, Mosquitto, find_mosquitto, free_port


class Site:
    """A municipality's authority, a gateway's certificate of it, and a broker."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = Authority(directory / "ca")
        self.foreign = Authority(directory / "foreign")
        self.own = self.authority.client("hub-1")

    def mosquitto(self, server: Credentials | None = None, **options: object) -> Mosquitto:
        tls = server if server is not None else self.authority.server("localhost", HOST)
        return Mosquitto(self.directory / "broker", tls=tls, **options)  # type: ignore[arg-type]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def files(ca: Path, own: Credentials) -> TlsFiles:
    return TlsFiles(str(ca), str(own.certificate), str(own.key))


def connect_error(url: str, tls: TlsFiles | None, subscriptions: tuple[str, ...] = ()) -> HalError | None:
    """What connecting raises, or None where it is accepted; the wait for messages is part of the check."""

    async def work(uplink: PahoUplink) -> None:
        await uplink.connect(subscriptions)
        await uplink.publish("up", b"x")

    return failure(url, work, tls)


@needs_mosquitto
def test_a_certificate_of_our_authority_is_accepted_on_both_sides(site: Site) -> None:
    with site.mosquitto() as mosquitto:
        own = files(site.authority.path, site.own)
        assert connect_error(mosquitto.url, own) is None
        assert connect_error(f"mqtts://localhost:{mosquitto.port}", own) is None


@needs_mosquitto
def test_a_broker_of_another_authority_is_refused(site: Site) -> None:
    with site.mosquitto(site.foreign.server(HOST)) as mosquitto:
        error = connect_error(mosquitto.url, files(site.authority.path, site.own))
        assert isinstance(error, DeniedError)
        assert "not from our authority: check [uplink] ca" in str(error)


@needs_mosquitto
def test_a_broker_with_a_certificate_for_another_host_is_refused(site: Site) -> None:
    with site.mosquitto(site.authority.server("broker.example")) as mosquitto:
        for host in (HOST, "localhost"):
            error = connect_error(f"mqtts://{host}:{mosquitto.port}", files(site.authority.path, site.own))
            assert isinstance(error, DeniedError)
            assert f"is not for {host}" in str(error)


@needs_mosquitto
def test_an_expired_broker_is_refused_and_the_clock_is_named(site: Site) -> None:
    with site.mosquitto(site.authority.server(HOST, valid_days=-1)) as mosquitto:
        error = connect_error(mosquitto.url, files(site.authority.path, site.own))
        assert isinstance(error, DeniedError)
        assert "clock" in str(error)


@needs_mosquitto
def test_a_broker_that_refuses_our_certificate_says_so(site: Site) -> None:
    stranger = site.foreign.client("hub-1")
    expired = site.authority.client("hub-2", valid_days=-1)
    with site.mosquitto() as mosquitto:
        for own in (stranger, expired):
            error = connect_error(mosquitto.url, files(site.authority.path, own))
            assert isinstance(error, DeniedError), error
            assert "refuses our certificate: check [uplink] certificate" in str(error)


@needs_mosquitto
def test_where_our_certificate_is_valid_an_ended_list_of_the_broker_is_named(site: Site) -> None:
    """It shuts out every home at once, and nothing at this gateway mends it."""
    stolen = site.authority.client("hub-2")
    for days, who, words in (
        (30, site.own, ""),
        (30, stolen, "refuses our certificate: check [uplink] certificate"),
        (-1, site.own, "refuses our certificate, which is valid: the broker's list of revoked certificates"),
        (-1, site.authority.client("hub-3", valid_days=-1), "refuses our certificate: check [uplink]"),
    ):
        crl = site.authority.revoked(stolen, valid_days=days)
        with site.mosquitto(options=[f"crlfile {crl}"]) as mosquitto:
            own = files(site.authority.path, who)
            error = connect_error(mosquitto.url, own)
            assert (error is None) == (not words), (error, days)
            if words:
                assert isinstance(error, DeniedError) and words in str(error), error
                norwegian = Texts("nb").reword(error.message)
                assert not english_in(norwegian), norwegian
                assert ("slipper ingen hjem inn (trygg-kit ca crl)" in norwegian) == ("valid" in words)


@needs_mosquitto
def test_the_broker_of_these_tests_takes_nobody_without_a_certificate(site: Site) -> None:
    # Negative control: the broker's demand is real, and only our certificate fulfils it.
    context = ssl.create_default_context(cafile=str(site.authority.path))
    with (
        site.mosquitto() as mosquitto,
        socket.create_connection((HOST, mosquitto.port)) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as secure,
        pytest.raises(ssl.SSLError, match=r"(?i)certificate.required"),
    ):
        secure.recv(1)


@needs_mosquitto
def test_tls_and_plain_do_not_mix_and_the_port_is_named(site: Site, tmp_path: Path) -> None:
    with site.mosquitto() as mosquitto:
        assert isinstance(connect_error(f"mqtt://{HOST}:{mosquitto.port}", None), UnavailableError)
    with Mosquitto(tmp_path / "plain") as mosquitto:
        error = connect_error(f"mqtts://{HOST}:{mosquitto.port}", files(site.authority.path, site.own))
        assert isinstance(error, (DeniedError, UnavailableError))
        assert "TLS port" in str(error)


@needs_mosquitto
def test_a_gateway_that_the_broker_does_not_know_is_denied(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "closed", options=["allow_anonymous false"]) as mosquitto:
        error = connect_error(mosquitto.url, None)
        assert isinstance(error, DeniedError)
        assert "refuses this gateway" in str(error)


def scripted(*answers: bytes) -> tuple[str, threading.Thread]:
    """A peer that answers each packet it gets with the next of `answers`, then hangs up: (its URL, its thread)."""
    listener = socket.create_server((HOST, 0))

    def serve() -> None:
        with listener, listener.accept()[0] as peer:
            for answer in answers:
                head = peer.recv(2, socket.MSG_WAITALL)  # the length of these packets is one byte
                packet = peer.recv(head[1], socket.MSG_WAITALL) if len(head) == 2 else b""
                peer.sendall(answer.replace(b"ID", packet[:2]))

    thread = threading.Thread(target=serve)
    thread.start()
    return f"mqtt://{HOST}:{listener.getsockname()[1]}", thread


def test_what_a_broker_answers_decides_the_error() -> None:
    accepted = bytes.fromhex("20020000")
    for answers, kind, words in (
        ((bytes.fromhex("20020001"),), UnavailableError, "did not accept"),  # another protocol version
        ((bytes.fromhex("20020002"),), DeniedError, "refuses this gateway"),  # identifier rejected
        ((bytes.fromhex("20020003"),), UnavailableError, "not available"),
        ((bytes.fromhex("20020005"),), DeniedError, "refuses this gateway"),  # not authorised
        ((accepted, b"\x90\x04ID\x01\x80"), DeniedError, "access list"),
        ((accepted,), UnavailableError, "did not grant the subscriptions"),
        ((b"",), UnavailableError, "did not accept the connection"),
        ((b"HTTP/1.1 400 Bad Request\r\n",), UnavailableError, "did not accept the connection"),
    ):
        url, thread = scripted(*answers)
        error = connect_error(url, None, ("down/mine", "down/other"))
        thread.join()
        assert type(error) is kind, (answers, error)
        assert words in str(error), (answers, error)


def test_a_port_where_nothing_listens_is_unavailable() -> None:
    error = connect_error(f"mqtt://{HOST}:{free_port()}", None)
    assert isinstance(error, UnavailableError)
    assert "nothing listens" in str(error)


def test_a_peer_that_ends_the_handshake_is_unavailable(site: Site) -> None:
    listener = socket.create_server((HOST, 0))

    def hang_up() -> None:
        peer, _ = listener.accept()
        peer.recv(4096)
        peer.close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    error = connect_error(f"mqtts://{HOST}:{listener.getsockname()[1]}", files(site.authority.path, site.own))
    thread.join()
    listener.close()
    assert isinstance(error, UnavailableError)
    assert "TLS port" in str(error)


def test_mqtts_without_files_is_denied_before_anything_is_sent() -> None:
    error = connect_error("mqtts://127.0.0.1:1", None)
    assert isinstance(error, DeniedError)
    assert "needs certificates" in str(error)


def test_files_that_cannot_be_used_are_named(site: Site, tmp_path: Path) -> None:
    other = site.authority.client("other")
    garbage = tmp_path / "garbage"
    garbage.write_text("not PEM")
    locked = tmp_path / "locked.key"
    key = serialization.load_pem_private_key(site.own.key.read_bytes(), None)
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"x"),
        )
    )
    good = files(site.authority.path, site.own)
    assert tls_context(good).verify_mode is ssl.CERT_REQUIRED
    for name, value, words in (
        ("ca", tmp_path / "none", "[uplink] ca"),
        ("ca", garbage, "[uplink] ca"),
        ("certificate", tmp_path / "none", "[uplink] certificate and key"),
        ("certificate", garbage, "[uplink] certificate and key"),
        ("key", tmp_path / "none", "[uplink] certificate and key"),
        ("key", other.key, "[uplink] certificate and key"),
        ("key", locked, "is encrypted"),
    ):
        bad = TlsFiles(good.ca, good.certificate, good.key)
        setattr(bad, name, str(value))
        with pytest.raises(DeniedError) as caught:
            tls_context(bad)
        assert words in str(caught.value), (name, value)
        said = Texts("nb").reword(caught.value)
        assert not english_in(said.partition(" ([")[0].partition(" (")[0]), said
    with pytest.raises(DeniedError, match="is not the key of"):
        tls_context(TlsFiles(good.ca, good.certificate, str(other.key)))
    with pytest.raises(DeniedError, match="holds no certificate that can be read"):
        tls_context(TlsFiles(str(garbage), good.certificate, good.key))


def test_tls_is_checked_and_modern(site: Site) -> None:
    context = tls_context(files(site.authority.path, site.own))
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_native_errors_become_those_of_the_seam() -> None:
    at = Broker("broker.example", 8883, True)
    for native, kind, words in (
        (TimeoutError("timed out"), TimedOutError, "does not answer"),
        (socket.gaierror(-2, "Name or service not known"), UnavailableError, "broker.example is not found"),
        (
            ConnectionRefusedError(111, "refused"),
            UnavailableError,
            "nothing listens at mqtts://broker.example",
        ),
        (OSError(101, "Network is unreachable"), UnavailableError, "check the network"),
        (ssl.SSLEOFError(8, "EOF"), UnavailableError, "TLS port"),
        (ssl.SSLError(1, "alert"), DeniedError, "trusts our certificate"),
    ):
        error = translate(native, at)
        assert type(error) is kind
        assert words in error.message
        assert type(native).__name__ in error.detail


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Mosquitto]:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    with Mosquitto(tmp_path / "broker") as mosquitto:
        yield mosquitto


def test_a_broker_killed_in_mid_publish_leaves_no_publish_waiting(plain: Mosquitto) -> None:
    async def work() -> tuple[int, int]:
        uplink = PahoUplink(broker(plain.url), client_id="hub-1")
        await uplink.connect([])

        async def kill() -> None:
            plain.kill()

        async with asyncio.timeout(9):
            outcomes = await publish_through_trouble(uplink, 200, 10_000, kill)
        assert not uplink.connected
        await uplink.close()
        return len(outcomes), sum(outcomes)

    answered, acknowledged = asyncio.run(work())
    assert answered == 200
    assert TROUBLE_AT <= acknowledged < 200


def test_a_peer_that_takes_nothing_does_not_hold_up_close(plain: Mosquitto) -> None:
    async def work() -> None:
        uplink = PahoUplink(broker(plain.url), client_id="hub-1")
        await uplink.connect([])
        plain.pause()
        stuck = [asyncio.create_task(uplink.publish("up", bytes(1_000_000))) for _ in range(20)]
        await asyncio.sleep(0)
        async with asyncio.timeout(8):
            await uplink.close()
        for task in stuck:
            with pytest.raises(LinkLostError):
                await task

    asyncio.run(work())
    plain.resume()


def test_small_packets_go_at_once_and_no_thread_stays(plain: Mosquitto) -> None:
    async def work() -> None:
        before = threading.active_count()
        uplink = PahoUplink(broker(plain.url), client_id="hub-1")
        await uplink.connect([])
        await uplink.publish("up", b"")
        assert threading.active_count() == before
        link = uplink._link
        assert link is not None
        assert link._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert link._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 20_000
        await uplink.close()

    asyncio.run(work())
