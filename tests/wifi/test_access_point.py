"""The installation's access point on the real NetworkManager: a telephone joins it, has the page and nothing else, and it is gone with its hub."""

import pytest

from tests.wifi.air import ADDRESS, LAN, LAN_ADDRESS, PORT, REACH, TOLD, Air

pytestmark = [pytest.mark.wifi, pytest.mark.timeout(900)]
NAME, PASSPHRASE = "Trygg-4711", "7KQ2-M9DX-04TB-H8WZ"
ROUTER, PASSWORD = "Hjemme", "hemmelig-1234"
OURS = "Trygg access point"
REFUSED = "ConnectionRefusedError 111"  # by whom it reached


def nothing_is_left(air: Air) -> None:
    """No connection, no rule, no server of addresses, nothing on the air."""
    air.until(f"! nmcli -g NAME connection show | grep -q '{OURS}'")
    air.until("! ip rule | grep -q prohibit")
    air.until("! grep -q dnsmasq-wlan0 /proc/[0-9]*/cmdline")
    air.until("! iw dev wlan0 info | grep -q 'type AP'")
    assert "masquerade" not in air.run("nft list ruleset")


def test_a_telephone_has_the_page_and_nothing_else_and_only_the_packages_rule_lets_the_hub_open_it(
    air: Air,
) -> None:
    air.remove_rule()
    said = air.start("open", NAME, PASSPHRASE)
    assert said.startswith("DeniedError") and "polkit" in said
    air.install_rule()
    assert air.start("open", NAME, PASSPHRASE) == ADDRESS
    assert air.hears(NAME)
    address, router, names = air.join(NAME, PASSPHRASE)
    assert address.startswith("10.61.17.") and (router, names) == ("", "")
    assert air.phone(REACH, ADDRESS, PORT, "tcp") == ["the page"]
    assert air.phone(REACH, ADDRESS, 53, "udp") == [REFUSED], "no resolver"
    assert air.phone(REACH, LAN_ADDRESS, 9, "tcp") == ["OSError 113"], "the home's network"
    assert air.phone(REACH, address, 9, "tcp", where=LAN) == ["OSError 113"], "and nobody comes in from there"
    # The control: what NetworkManager's sharing does by itself, without our rules.
    air.run("for rule in 61 62 63; do ip rule delete priority $rule; done")
    assert air.phone(REACH, LAN_ADDRESS, 9, "tcp") == [REFUSED], "it forwards to the home, as sharing means"
    air.end("TERM")
    nothing_is_left(air)
    assert not air.hears(NAME)
    air.leave()


def test_a_wrong_passphrase_lets_nobody_in_and_a_killed_hub_leaves_nothing(air: Air) -> None:
    air.install_rule()
    assert air.start("open", NAME, PASSPHRASE) == ADDRESS
    air.ask_in(NAME, PASSPHRASE[::-1])
    air.until(f"grep -q WRONG_KEY {TOLD}")
    air.leave()
    air.end("KILL")
    nothing_is_left(air)
    assert not air.hears(NAME)


def test_what_was_joined_comes_back_by_itself(air: Air) -> None:
    air.install_rule()
    air.be_a_router(ROUTER, PASSWORD)
    assert air.start("join", ROUTER, PASSWORD) == "joined"
    joined = "nmcli -g GENERAL.STATE,GENERAL.CONNECTION device show wlan0 | grep -q 'Trygg Wi-Fi'"
    air.until(joined)
    air.until("ip route | grep -q 'default via 192.168.60.1 dev wlan0'")
    assert air.start("way") == "True"
    assert air.start("open", NAME, PASSPHRASE) == ADDRESS
    assert "192.168.60" not in air.run("ip -4 address show wlan0")
    air.end("TERM")
    nothing_is_left(air)
    air.until(joined)
    air.until("ip route | grep -q 'default via 192.168.60.1 dev wlan0'")
    assert air.start("open", NAME, PASSPHRASE) == ADDRESS
    air.end("KILL")
    air.until(joined)
    air.be_no_router()
