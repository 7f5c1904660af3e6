"""What a board was told before its first start: what is there, what is missing, and what is no such thing."""

from firmware.told import Told
from gateway.core import cbor
from gateway.core.errors import ConfigError
from hal.esp32.nvs import Nvs
from hal.sim.nvs import SimNvs

TREE = {"hub": {"id": "gw-1", "tenant": "oslo"}, "uplink": {"brokers": ["mqtts://b.example"]}}
WHOLE = {
    "gateway": b"gw-1",
    "tenant": b"oslo",
    "token": b"AAAA-BBBB",
    "enrol": b"https://enrol.example:9443",
    "ca": bytes(500),
    "config": cbor.encode(TREE),
    "wifi_name": "Stua på loftet".encode(),
    "wifi_password": b"hemmelig",
}


def told(**changes):
    values = dict(WHOLE)
    values.update(changes)
    chip = {name: value for name, value in values.items() if value is not None}
    return Told(Nvs(SimNvs(chip))), chip


def refusal(work):
    try:
        work()
    except ConfigError as error:
        return str(error)
    raise AssertionError("it was taken")


def test_a_board_that_was_told_everything_knows_it():
    found, _ = told()
    assert found.tree() == TREE and found.missing() == []
    assert found.wifi() == ("Stua på loftet", "hemmelig")
    assert found.server() == ("enrol.example", 9443) and found.ca() == bytes(500)


def test_what_is_missing_is_named():
    empty = dict.fromkeys(WHOLE)
    found, _ = told(**empty)
    assert found.tree() is None and found.wifi() is None
    assert found.missing() == ["gateway", "tenant", "token", "enrol", "ca"]
    assert told(ca=None)[0].missing() == ["ca"]
    assert told(wifi_password=None)[0].wifi() == ("Stua på loftet", ""), "an open network has none"


def test_what_is_used_up_is_erased():
    found, chip = told()
    found.enrolled()
    found.forget_wifi()
    found.forget_wifi()
    assert sorted(chip) == ["ca", "config", "enrol", "gateway", "tenant"] and found.missing() == ["token"]


def test_what_is_no_such_thing_is_refused_in_words():
    assert "another gateway's" in refusal(told(gateway=b"gw-2")[0].tree)
    assert "no table" in refusal(told(config=cbor.encode([1]))[0].tree)
    assert "flash this board again" in refusal(told(config=b"\xff")[0].tree)
    assert "no text" in refusal(lambda: told(gateway=b"\xff\xfe")[0].text("gateway"))
    for wrong in (
        "http://enrol.example",
        "https://",
        "https://:1",
        "https://a/b",
        "https://a:x",
        "https://a:123456",
    ):
        assert "https://host:port" in refusal(told(enrol=wrong.encode())[0].server), wrong
    assert told(enrol=b"https://enrol.example/")[0].server() == ("enrol.example", 8443)
