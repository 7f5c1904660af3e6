"""Enrolment over the network: a token counts once, for one gateway, for a time; nothing is left half-done."""

import http.client
import json
import socket
import ssl
import threading
from pathlib import Path

import pytest

from gateway.core import enrolling
from gateway.core.errors import RefusedError
from gateway.daemon import enrolment, enrolment_client, typed_codes
from tests.gateway.english import english_in
from tests.tools.authority_bench import PASSPHRASE, Gateway, Town, run
from tools.authority import register as register_module
from tools.authority.folder import Folder
from tools.authority.register import EnrolmentError, Register
from tools.kit.__main__ import main as kit_main
from tools.platform.parties import read_registry


@pytest.fixture
def gateway(town: Town, tmp_path: Path) -> Gateway:
    made = Gateway(tmp_path / "hub-1", town)
    made.trust()
    return made


def certificates(town: Town) -> list[str]:
    facts = json.loads(town.ca("list", "--json", secret=False).out)
    return [row["name"] for row in facts["certificates"] if row["sort"] == "gateway"]


def registered(town: Town) -> list[str]:
    return [name for _, name in read_registry(town.folder.path("registry.json"))]


def test_a_gateway_with_a_token_gets_its_certificate_over_the_network(town: Town, gateway: Gateway) -> None:
    token = town.token("hub-1")
    with town.server() as url:
        said = gateway.identity("--enrol", url, "--token", token)
    assert "The certificate is in place" in said.out
    assert (gateway.directory / "tls" / "hub.pem").exists() and registered(town) == ["hub-1"]
    assert town.log == [("enrolled", "hub-1", "")]
    secrets = (token, token.replace("-", ""))
    for path in town.directory.iterdir():
        assert not any(each.encode() in path.read_bytes() for each in secrets), "it is kept nowhere"


def test_the_same_gateway_may_ask_again_and_another_may_not(
    town: Town, gateway: Gateway, tmp_path: Path
) -> None:
    token = town.token("hub-1")
    twin = Gateway(tmp_path / "twin", town, "hub-1")
    twin.trust()
    with town.server() as url:
        gateway.identity("--enrol", url, "--token", token)
        before = (gateway.directory / "tls" / "hub.pem").read_bytes()
        gateway.identity("--enrol", url, "--token", token)
        assert (gateway.directory / "tls" / "hub.pem").read_bytes() == before, "the same answer"
        said = twin.identity("--enrol", url, "--token", token, status=1)
    assert "the token has been used for another request" in said.err
    assert not (twin.directory / "tls" / "hub.pem").exists() and certificates(town) == ["hub-1"]


def test_each_refusal_is_said_in_both_languages_and_changes_nothing(town: Town, tmp_path: Path) -> None:
    expired = town.token("hub-2", "--hours", 1)
    with Register(town.folder) as register, register.commit():
        register.store.execute("UPDATE token SET until_ms = 1")
    tokens = {
        "the token has expired": expired,
        "the token is for another gateway": town.token("hub-1"),
        "the server does not know this token": typed_codes.seal(typed_codes.TOKEN, bytes(16)),
    }
    homes = {each: Gateway(tmp_path / each, town, "hub-2", language=each) for each in ("en", "nb")}
    with town.server() as url:
        for words, token in tokens.items():
            for language, home in homes.items():
                home.trust()
                said = home.identity("--enrol", url, "--token", token, status=1)
                if language == "en":
                    assert words in said.err
                else:
                    assert not english_in(said.err), said.err
                assert not (home.directory / "tls" / "hub.pem").exists()
    assert certificates(town) == [] and registered(town) == []
    assert {what for what, _, _ in town.log} == {"refused"}


def test_a_mistyped_token_does_not_leave_the_gateway(gateway: Gateway, town: Town) -> None:
    token = town.token("hub-1")
    wrong = ("0" if token[0] != "0" else "1") + token[1:]
    said = gateway.identity("--enrol", "https://127.0.0.1:1", "--token", wrong, status=2)
    assert "a token with a typing error" in said.err and wrong not in said.err


def test_a_known_gateway_keeps_its_identity_unless_the_token_replaces_it(
    town: Town, gateway: Gateway, tmp_path: Path
) -> None:
    gateway.certified()
    fresh = Gateway(tmp_path / "fresh", town, "hub-1")
    fresh.trust()
    first, second = town.token("hub-1"), town.token("hub-1", "--replace")
    with town.server() as url:
        said = fresh.identity("--enrol", url, "--token", first, status=1)
        assert "registered with another identity" in said.err
        fresh.identity("--enrol", url, "--token", second)
    known = read_registry(town.folder.path("registry.json"))
    assert known[("oslo", "hub-1")].hex() == fresh.facts()["public_key"]


def test_a_server_of_another_authority_gets_no_token(town: Town, gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    foreign = Town(tmp_path / "elsewhere").made()
    token = town.token("hub-1")
    with foreign.server() as url:
        said = gateway.identity("--enrol", url, "--token", token, status=1)
        assert foreign.log == [] or foreign.log[0][0] == "broken"
    assert "the server is not known to our authority" in said.err
    said = gateway.identity("--enrol", url, "--token", token, status=1)
    assert "cannot be reached" in said.err
    for wrong in ("http://127.0.0.1", "https://", "https://u@h", "https://h/x"):
        assert "--enrol: found" in gateway.identity("--enrol", wrong, "--token", token, status=2).err
    (gateway.directory / "tls" / "ca.pem").unlink()
    assert "uplink.ca: found" in gateway.identity("--enrol", url, "--token", token, status=2).err


def test_two_gateways_at_once_with_one_token_get_one_certificate(
    town: Town, gateway: Gateway, tmp_path: Path
) -> None:
    token = town.token("hub-1")
    twins = [gateway, Gateway(tmp_path / "twin", town, "hub-1")]
    requests = [each.request().read_text() for each in twins]
    outcomes: list[str] = []

    def ask(url: str, request: str) -> None:
        try:
            enrolment_client.enrol(url, token, request, town.folder.path("ca.pem"))
            outcomes.append("enrolled")
        except RefusedError as error:
            outcomes.append(error.reason)

    with town.server() as url:
        threads = [threading.Thread(target=ask, args=(url, request)) for request in requests]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(outcomes) == ["enrolled", enrolling.REFUSALS["used"]]
    assert certificates(town) == ["hub-1"] and registered(town) == ["hub-1"]


# --- a crash in between -------------------------------------------------------------------------------------------


class CutError(Exception):
    """The power is gone."""


class CutFolder(Folder):
    """A folder whose machine stops before the registry learns."""

    def learn(self, gateway: str, identity: bytes, *, replaces: bool) -> None:
        raise CutError


def test_a_crash_before_the_registry_is_resumed_by_the_same_request_and_by_no_other(
    town: Town, gateway: Gateway, tmp_path: Path
) -> None:
    token, authority = town.token("hub-1"), town.folder.authority(PASSPHRASE)
    request = enrolment.read(enrolment.from_text(gateway.request().read_text()))
    with pytest.raises(CutError), Register(CutFolder(town.directory)) as register:
        register.enrol(token, request, authority)
    assert certificates(town) == ["hub-1"] and registered(town) == []
    twin = Gateway(tmp_path / "twin", town, "hub-1")
    other = enrolment.read(enrolment.from_text(twin.request().read_text()))
    with Register(town.folder) as register:
        with pytest.raises(EnrolmentError, match="used for another request"):
            register.enrol(token, other, authority)
        register.enrol(token, request, authority)
    assert certificates(town) == ["hub-1"] and registered(town) == ["hub-1"]


def test_a_crash_before_the_commit_leaves_the_token_unused(town: Town, gateway: Gateway) -> None:
    token, authority = town.token("hub-1"), town.folder.authority(PASSPHRASE)
    request = enrolment.read(enrolment.from_text(gateway.request().read_text()))

    class CutAuthority(type(authority)):  # type: ignore[misc]
        def issue(self, *_args: object, **_options: object) -> object:
            raise CutError

    cut = CutAuthority(authority.key, authority.certificate)
    with Register(town.folder) as register:
        with pytest.raises(CutError):
            register.enrol(token, request, cut)
        assert register.store.execute("SELECT request FROM token").fetchall() == [(None,)]
        register.enrol(token, request, authority)
    assert certificates(town) == ["hub-1"] and registered(town) == ["hub-1"]


# --- a server that strangers talk to ------------------------------------------------------------------------------


def post(url: str, ca: Path, body: bytes, path: str = enrolling.PATH) -> tuple[int, bytes]:
    context = ssl.create_default_context(cafile=str(ca))
    port = int(url.rpartition(":")[2])
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)
    try:
        connection.request("POST", path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_what_is_no_request_is_refused_and_the_server_goes_on(town: Town, gateway: Gateway) -> None:
    ca, token = town.folder.path("ca.pem"), town.token("hub-1")
    with town.server() as url:
        for body in (b"", b"{}", b"[]", b"\xff", b'{"token": 5, "request": 7}', b"[" * 9000):
            status, said = post(url, ca, body)
            assert (status, json.loads(said)) == (403, {"error": "request"}), body[:20]
        try:
            assert post(url, ca, b"x" * 2_000_000)[0] == 404
        except OSError:  # nobody reads the rest of it
            pass
        assert post(url, ca, b"{}", "/")[0] == 404
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        with socket.create_connection(address) as silent, socket.create_connection(address) as plain:
            plain.sendall(b"GET / HTTP/1.0\r\n\r\n")
            gateway.identity("--enrol", url, "--token", token)
            assert silent.fileno() > 0
    assert registered(town) == ["hub-1"]


def test_who_drips_bytes_is_cut_off_in_time(town: Town, gateway: Gateway) -> None:
    context = ssl.create_default_context(cafile=str(town.folder.path("ca.pem")))
    with town.server() as url:
        town.running.limit_s = 0.2
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        with (
            socket.create_connection(address, 5) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as slow,
        ):
            slow.sendall(b"POST ")
            assert slow.recv(1) == b"", "hung up, long before it gives up a wait"
        town.running.limit_s = 20.0
        gateway.identity("--enrol", url, "--token", town.token("hub-1"))


def test_a_register_that_is_damaged_or_newer_is_said(town: Town) -> None:
    town.token("hub-1")
    path = town.folder.path("register.db")
    with Register(town.folder) as register:
        register.store.execute("PRAGMA user_version = 2")
    assert "newer version" in town.ca("list", secret=False, status=2).err
    path.write_bytes(b"no database, for certain")
    assert "register.db: found" in town.ca("list", secret=False, status=2).err
    assert register_module.VERSION == 1


@pytest.mark.parametrize("said", [b"", b"[]", b'{"error": "new"}', b"\xff"])
def test_an_answer_that_cannot_be_read_is_said(said: bytes) -> None:
    with pytest.raises(RefusedError, match="the server's answer cannot be read"):
        enrolling.take(403, said)


def test_what_the_server_cannot_be_started_with_is_said_by_its_option_and_nobody_is_asked(
    town: Town,
) -> None:
    for name in ("enrol", "broker"):
        town.ca("issue", name, "--host", "127.0.0.1", "--out", town.files / "tls")
    certificate, key = town.files / "tls/enrol.pem", town.files / "tls/enrol.key"
    fits = "--cert, --key: found two that do not fit each other, or a key under a passphrase"
    for words, cause in (
        (
            ("--cert", town.files / "none", "--key", key),
            "none: --cert: found nothing that can be read (there is",
        ),
        (("--cert", certificate, "--key", town.files / "tls/broker.key"), fits),
        (("--cert", certificate, "--key", town.folder.path("ca.key")), fits),
        (("--cert", town.passphrase, "--key", key), fits),
    ):
        said = run(
            kit_main, ["enrol", town.directory, *words, "--port", 0, "--passphrase-file", town.passphrase]
        )
        assert said.status == 2 and said.out == "" and cause in said.err, said.err
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = ("--cert", certificate, "--key", key, "--port", taken.getsockname()[1])
        said = run(kit_main, ["enrol", town.directory, *given, "--passphrase-file", town.passphrase])
    assert said.status == 2 and "--listen, --port: found what cannot be listened at (" in said.err, said.err
