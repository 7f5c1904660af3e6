"""The whole way of a new gateway, as processes: profile, token, certificate, broker with its access list, first event receipted."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.uplinks import needs_mosquitto
from tests.system.programs import KIT, TRYGG, process
from tests.tools.authority_bench import Town, run
from tools.authority import access
from tools.kit.__main__ import main as kit_main
from tools.simulators.certificates import Credentials
from tools.simulators.mosquitto import Mosquitto

DISTRICT = """
[hub]
tenant = "oslo"
language = "en"
[uplink]
brokers = ["{url}"]
ca = "{ca}"
"""
HOME = """
[hub]
id = "home-4711"
data_directory = "data"
[uplink]
certificate = "tls/hub.pem"
key = "tls/hub.key"
[platform]
root_public_key = "{root}"
[radio]
backend = "none"
"""


def lines(child: "subprocess.Popen[str]") -> Iterator[dict[str, Any]]:
    """What a process prints, one JSON object a line."""
    assert child.stdout is not None
    for line in child.stdout:
        yield json.loads(line)


def district(town: Town, home: Path, url: str) -> list[Path]:
    """The two layers of a home: its district's, by way of a profile, and its own."""
    layer, carried = town.files / "district.toml", town.files / "vest.profile"
    layer.write_text(DISTRICT.format(url=url, ca=town.folder.path("ca.pem")))
    assert run(kit_main, ["profile", "export", layer, "--name", "vest", "--out", carried]).status == 0
    assert run(kit_main, ["profile", "import", carried, home]).status == 0
    (home / "home.toml").write_text(HOME.format(root=town.folder.root_public_key().hex()))
    return [home / "vest.toml", home / "home.toml"]


def delivered(layers: list[object]) -> bool:
    """Whether the hub has its keyset, and nothing that is not receipted."""
    command = [str(word) for word in (*TRYGG, "status", *layers, "--json")]
    facts = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout)
    return facts["keyset"] == 1 and not any(lane["held"] for lane in facts["lanes"])


@needs_mosquitto
@pytest.mark.timeout(180)
def test_a_provisioned_gateway_delivers_its_first_event_to_a_platform_that_learnt_its_key(
    tmp_path: Path,
) -> None:
    town = Town(tmp_path).made()
    town.keyset()
    for name, words in (
        ("broker", ("--host", "127.0.0.1")),
        ("enrol", ("--host", "127.0.0.1")),
        ("trygg-platform", ()),
    ):
        town.ca("issue", name, *words, "--out", tmp_path)
    ca, home = town.folder.path("ca.pem"), tmp_path / "home"
    home.mkdir()
    options = [line for line in access.LISTENER if line.startswith("use_username")]
    tls = Credentials(ca, tmp_path / "broker.pem", tmp_path / "broker.key")
    acl = town.ca("acl", secret=False).out
    with Mosquitto(tmp_path / "mosquitto", tls=tls, acl=acl, options=options) as mosquitto:
        layers = [word for path in district(town, home, mosquitto.url) for word in ("-c", path)]
        server: list[object] = [
            *KIT,
            "enrol",
            town.directory,
            "--port",
            "0",
            "--passphrase-file",
            town.passphrase,
        ]
        server += ["--cert", tmp_path / "enrol.pem", "--key", tmp_path / "enrol.key"]
        with process(server) as enrol:
            url = next(lines(enrol))["listening"]
            token = town.token("home-4711")
            command = [*TRYGG, "identity", *layers, "--enrol", url, "--token", token, "--json"]
            said = subprocess.run(
                [str(word) for word in command], capture_output=True, text=True, timeout=60, check=False
            )
            assert said.returncode == 0, said.stderr
            assert next(lines(enrol)) == {"what": "enrolled", "gateway": "home-4711"}
        platform: list[object] = [*KIT, "platform", "--json", "--broker", mosquitto.url, "--ca", ca]
        platform += ["--cert", tmp_path / "trygg-platform.pem", "--key", tmp_path / "trygg-platform.key"]
        platform += ["--registry", town.folder.path("registry.json"), "--keyset", tmp_path / "keyset.cbor"]
        platform += ["--signing-key", tmp_path / "platform.pem", "--store", tmp_path / "platform.db"]
        with process(platform) as receiver, process([*TRYGG, "run", *layers]):
            event = next(line for line in lines(receiver) if line.get("kind") == "hub.started")
            assert event["gateway"] == "home-4711"
            assert any(delivered(layers) for _ in range(20)), "receipted under the keyset of the authority"
            check = [str(word) for word in (*TRYGG, "check", *layers, "--json")]
            found = json.loads(
                subprocess.run(check, capture_output=True, text=True, timeout=60, check=False).stdout
            )
            levels = {row["check"]: row["level"] for row in found["findings"]}
            assert (levels["keys"], levels["tls"], levels["broker"]) == ("ok", "ok", "ok"), found
