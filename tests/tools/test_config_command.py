"""`trygg-kit config` and `command`: what gateways hear, and what the desk is told of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.core import config_afar
from gateway.core.commanding import Counters
from gateway.core.config_trial import Standing
from gateway.core.errors import ConfigError
from tests.tools.desk_bench import Desk, rows
from tests.tools.export_homes import Home
from tools.kit import command, config
from tools.platform import desk
from tools.platform.link import SystemTime
from tools.platform.parties import Signer
from tools.platform.receiver import Receiver

CITY = '[hub]\nlanguage = "nb"\ntenant = "oslo"\n[uplink]\nbrokers = ["mqtts://b.example"]\nca = "ca.pem"\n'
DISTRICT = '[hub]\nlanguage = "en"\n'
HOME = '[hub]\nid = "gw-0001"\n[[device]]\nname = "Door"\ndriver = "bthome"\naddress = "C0:00:00:00:00:01"\n'


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with Home(tmp_path / "platform.db") as made:
        yield made


@pytest.fixture
def oslo(tmp_path: Path) -> Desk:
    return Desk(tmp_path, "config", "command")


def layers(folder: Path) -> list[Path]:
    found = []
    for name, text in (("city", CITY), ("district", DISTRICT), ("home", HOME)):
        found.append(folder / f"{name}.toml")
        found[-1].write_text(text)
    return found


def compiled(oslo: Desk, folder: Path, *words: object) -> Path:
    out = folder / "home.cbor"
    oslo.run(config.run, "config", "compile", *(words or layers(folder)), "--out", out)
    return out


def published(oslo: Desk, home: Home, file: Path, *words: object, status: int = 0) -> list[dict[str, Any]]:
    given = ("config", "publish", file, "gw-0001", *words, "--store", home.path, "--json", *known(oslo))
    return rows(oslo.run(config.run, *given, role="config", status=status).out)


def known(oslo: Desk, *names: str) -> tuple[object, ...]:
    """The platform's registry, with these gateways."""
    path = oslo.directory / "registry.json"
    path.write_text(json.dumps({oslo.tenant: dict.fromkeys(names or ("gw-0001",), "ab" * 32)}))
    return "--registry", path


def drift(oslo: Desk, home: Home, status: int = 0) -> list[dict[str, Any]]:
    said = oslo.run(config.run, "config", "drift", "--store", home.path, "--json", status=status)
    return rows(said.out)


def hear(home: Home, revision: int, local: int = 0) -> None:
    """A sign of life, as the platform takes it."""
    gateway = home.gateway
    receiver = Receiver(
        store=home.store,
        keys={(gateway.tenant, gateway.name): gateway.public_key},
        keysets={},
        signer=Signer(Ed25519PrivateKey.generate()),
        time=SystemTime(),
        publish=lambda _topic, _message: None,
        on_events=lambda _events: None,
        on_fault=lambda _fault: None,
    )
    receiver.ledger = home.ledger  # of the one store there is one
    receiver.handle(gateway.topic("state"), gateway.state(config=revision, local=local))
    receiver.commit()


# --- config -------------------------------------------------------------------------------------------------------


def test_layers_become_one_file_without_what_is_each_gateways_own(oslo: Desk, tmp_path: Path) -> None:
    out = tmp_path / "home.cbor"
    said = oslo.run(config.run, "config", "compile", *layers(tmp_path), "--out", out)
    tree = config_afar.read(out.read_bytes())
    assert tree["hub"] == {"language": "en"} and tree["uplink"] == {"brokers": ["mqtts://b.example"]}
    assert [row["name"] for row in tree["device"]] == ["Door"]
    assert "left out, given where the gateway is provisioned: hub.tenant, hub.id, uplink.ca" in said.out


def test_a_layer_with_a_fault_is_refused_before_anybody_hears_of_it(oslo: Desk, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[hub]\nlanguage = "fr"\n')
    with pytest.raises(ConfigError, match=r"hub\.language"):
        compiled(oslo, tmp_path, wrong)
    wrong.write_text("\n".join(f'[[device]]\nname = "{"N" * 60}{n}"\ndriver = "bthome"\naddress = "C0:00:00:00:00:{n:02X}"\nroom = "{"r" * 60}"' for n in range(60)))  # fmt: skip
    said = oslo.run(config.run, "config", "compile", wrong, "--out", tmp_path / "x", status=1)
    assert "more than a gateway takes" in said.err and not (tmp_path / "x").exists()


def test_revisions_rise_and_gateways_take_them(oslo: Desk, home: Home, tmp_path: Path) -> None:
    file = compiled(oslo, tmp_path)
    assert [published(oslo, home, file)[0]["revision"] for _ in range(2)] == [1, 2]
    assert published(oslo, home, file, "--revision", 9)[0]["revision"] == 9
    standing = Standing()
    for fields in oslo.heard():
        assert standing.examine(fields["revision"], fields["configuration"])
        standing.begin(fields["revision"], fields["configuration"])
    assert standing.used == 9 and all(message.retained for message in oslo.ear.heard)
    assert {message.topic for message in oslo.ear.heard} == {"trygg/v1/oslo/gw-0001/down/config"}
    with pytest.raises(ConfigError, match="more than 9"):
        published(oslo, home, file, "--revision", 9)


def test_a_revision_that_did_not_go_out_is_not_given_to_another(
    oslo: Desk, home: Home, tmp_path: Path
) -> None:
    file = compiled(oslo, tmp_path)
    oslo.broker.stop()
    assert published(oslo, home, file, status=1) == []
    oslo.broker.start()
    assert published(oslo, home, file)[0]["revision"] == 2


@pytest.mark.parametrize("data", [b"\xff", config_afar.cbor.encode({"hub": {"language": "fr"}})])
def test_a_file_that_no_gateway_would_use_is_not_published(
    data: bytes, oslo: Desk, home: Home, tmp_path: Path
) -> None:
    (tmp_path / "x.cbor").write_bytes(data)
    with pytest.raises(ConfigError):
        published(oslo, home, tmp_path / "x.cbor")
    (tmp_path / "x.cbor").write_bytes(config_afar.cbor.encode({"hub": {"id": "x"}}))
    said = oslo.run(
        config.run, "config", "publish", tmp_path / "x.cbor", "gw-0001", "--store", home.path, *known(oslo), role="config", status=1
    )  # fmt: skip
    assert "hub.id may not come from afar" in said.err and oslo.ear.heard == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            b"[hub]\nlanguage = 'nb'\n",
            r"found a layer that is not compiled \(TOML\), expected what trygg-kit",
        ),
        (b"", "found nothing in it, expected"),
        (b"\xff\x00", r"found something else \(.*\), expected what trygg-kit config compile has written"),
        (b"x" * 900, r"found something else \("),
    ],
)
def test_a_file_that_was_not_compiled_is_named_with_what_to_do_and_nothing_is_said(
    data: bytes, words: str, oslo: Desk, home: Home, tmp_path: Path
) -> None:
    path = tmp_path / "home.toml"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="home.toml: FILE: " + words):
        published(oslo, home, path)
    assert oslo.ear.heard == [] and drift(oslo, home) == []


def test_drift_tells_what_a_gateway_runs_and_why(oslo: Desk, home: Home, tmp_path: Path) -> None:
    assert drift(oslo, home) == []
    published(oslo, home, compiled(oslo, tmp_path))
    assert [(row["published"], row["running"], row["differs"]) for row in drift(oslo, home)] == [
        (1, None, False)
    ]
    hear(home, 0)
    home.tell("config.refused", 0, values={"revision": 1, "reason": "the platform was not reached with it"})
    row = drift(oslo, home, status=1)[0]
    assert (row["running"], row["differs"], row["reason"]) == (
        0,
        True,
        "the platform was not reached with it",
    )
    hear(home, 1)
    assert not drift(oslo, home)[0]["differs"]
    hear(home, 1, local=3)
    row = drift(oslo, home, status=1)[0]
    assert (row["local"], row["differs"]) == (3, True)
    said = oslo.run(config.run, "config", "drift", "--store", home.path, status=1).out
    assert said == "gw-0001: runs revision 1, published is 1; 3 keys are changed in the home\n"


def test_a_configuration_for_a_gateway_that_nobody_knows_is_refused_before_anything_is_said(
    oslo: Desk, home: Home, tmp_path: Path
) -> None:
    file = compiled(oslo, tmp_path)
    line = ("config", "publish", file, "gw-0001", "gw-0010", "--store", home.path, "--json")
    with pytest.raises(ConfigError, match=r"'gw-0010', which neither .*did you mean gw-0001"):
        oslo.run(config.run, *line, *known(oslo), role="config")
    assert oslo.ear.heard == [] and drift(oslo, home) == [], "nor for the one that is known"
    with pytest.raises(ConfigError, match="'gw-0010', which neither"):
        oslo.run(config.run, *line, role="config")
    said = rows(oslo.run(config.run, *line, *known(oslo, "gw-0010"), role="config").out)
    assert [row["gateway"] for row in said] == ["gw-0001", "gw-0010"], "heard, and registered"
    said = rows(oslo.run(config.run, *line[:3], "gw-9", *line[5:], "--unknown", role="config").out)
    assert said == [{"gateway": "gw-9", "revision": 1}]
    (tmp_path / "bergen").mkdir()
    other = Desk(tmp_path / "bergen", "config", tenant="bergen")
    with pytest.raises(ConfigError, match="'gw-0001', which neither"):  # of another tenant
        other.run(config.run, *line, *known(oslo), role="config")


def test_drift_with_nothing_published_says_so(oslo: Desk, home: Home, tmp_path: Path) -> None:
    def said(status: int = 0) -> str:
        return oslo.run(config.run, "config", "drift", "--store", home.path, status=status).out

    assert said() == "no gateway has been heard, and nothing has been published\n"
    hear(home, 0)
    assert said().splitlines() == [
        "gw-0001: runs its own configuration, and nothing is published for it",
        "nothing has been published from this store: trygg-kit config publish does that",
    ]
    published(oslo, home, compiled(oslo, tmp_path))
    assert "published is 1" in said(1) and "nothing" not in said(1)


# --- command ------------------------------------------------------------------------------------------------------


def asked(
    oslo: Desk, home: Home, *words: object, answers: Any = None, status: int = 0
) -> list[dict[str, Any]]:
    """One command; each look at the store is one `answers()`."""

    def run(options: Any, connect: Any) -> int:
        return command.run(options, connect, lambda _s: answers() if answers else None)

    given = ("command", *words, "--store", home.path, "--json")
    return rows(oslo.run(run, *given, role="command", status=status).out)


def test_an_answer_is_shown_when_it_comes(oslo: Desk, home: Home) -> None:
    def answers() -> None:
        fields = oslo.heard()[-1]
        values = {"verb": fields["verb"], "command_id": fields["id"], "held_count": 0}
        home.tell("command.answered", 0, values=values)

    said = asked(oslo, home, "status", "gw-0001", answers=answers)
    assert said == [{"gateway": "gw-0001", "answered": True, "verb": "status", "held_count": 0}]
    assert not oslo.ear.heard[0].retained


def test_a_refusal_and_silence_end_with_1(oslo: Desk, home: Home) -> None:
    def refuses() -> None:
        values = {"verb": "pair", "command_id": oslo.heard()[-1]["id"], "reason": "the clock is not set"}
        home.tell("command.refused", 0, values=values)

    said = asked(oslo, home, "pair", "gw-0001", "--device", "Door", answers=refuses, status=1)
    assert (said[0]["answered"], said[0]["reason"]) == (False, "the clock is not set")
    assert oslo.heard()[-1]["arguments"] == {"device": "Door"}
    silent = asked(oslo, home, "export", "gw-0001", "--wait-s", 1, status=1)
    assert silent == [{"gateway": "gw-0001", "answered": False}]
    assert asked(oslo, home, "export", "gw-0001", "--wait-s", 0) == []


def test_counters_rise_over_every_command_also_one_that_did_not_go_out(oslo: Desk, home: Home) -> None:
    asked(oslo, home, "status", "gw-0001", "--wait-s", 0)
    oslo.broker.stop()
    asked(oslo, home, "status", "gw-0001", "--wait-s", 0, status=1)
    oslo.broker.start()
    asked(oslo, home, "identify", "gw-0001", "gw-0002", "--wait-s", 0, "--unknown")
    counters = Counters()
    for fields in oslo.heard():
        kid = fields["gateway"].encode()  # each gateway keeps its own
        counters.examine(kid, fields["counter"], fields["not_after"], desk.utc_ms())
        counters.use(kid, fields["counter"], [])
    assert len(oslo.heard()) == 3


def test_a_gateway_that_nobody_knows_is_asked_nothing(oslo: Desk, home: Home) -> None:
    waits: list[float] = []

    def run(options: Any, connect: Any) -> int:
        return command.run(options, connect, waits.append)

    line = ("command", "status", "gw-0001", "gw-0010", "--store", home.path)
    with pytest.raises(ConfigError, match=r"'gw-0010', which neither .*did you mean gw-0001"):
        oslo.run(run, *line, role="command")
    assert oslo.ear.heard == [] and waits == [], "nor the one that is known, and nobody waits"
    oslo.run(run, *line, *known(oslo, "gw-0010"), "--wait-s", 0, role="command")
    assert [fields["gateway"] for fields in oslo.heard()] == ["gw-0001", "gw-0010"]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["pair", "gw-0001"], "one of them with pair"),
        (["status", "gw-0001", "--device", "Door"], "one of them with pair"),
        (["pair", "gw-0001", "--device", "Door", "--placement", "3"], "one of them with pair"),
        (["status", "Gateway"], "small letters"),
        (["status", "gw-0001", "--valid-s", "4000"], "1 to 3600"),
        (["status", "gw-0001", "--valid-s", "0"], "1 to 3600"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: list[str], reason: str, oslo: Desk, home: Home) -> None:
    with pytest.raises(ConfigError, match=reason):
        asked(oslo, home, *words)
    assert oslo.ear.heard == []


def test_a_key_without_the_role_says_nothing(oslo: Desk, home: Home, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the role command"):
        oslo.run(command.run, "command", "status", "gw-0001", "--store", home.path, role="config")
    with pytest.raises(ConfigError, match="the role config"):
        oslo.run(config.run, "config", "publish", compiled(oslo, tmp_path), "gw-0001", "--store", home.path, role="command")  # fmt: skip
