"""Improv against documented examples and constants of other implementations (shared vectors)."""

from typing import Any

from gateway.core import improv
from gateway.core.improv import PacketReader
from tests.gateway.shared_vectors import rows_of

STATES = {"ready": improv.AUTHORISED, "provisioning": improv.PROVISIONING, "provisioned": improv.PROVISIONED}


def test_documented_frames_read_as_they_should_and_are_made_again() -> None:
    rows = rows_of("improv.jsonl")
    read = [check(row) for row in rows]
    assert len(rows) >= 7 and set(read) == {"serial", "command", "result"}


def check(row: dict[str, Any]) -> str:
    """One row; what sort it was."""
    frame, expect = bytes.fromhex(row["frame_hex"]), row["expect"]
    if row["transport"] == "serial":
        (packet,) = PacketReader().push(frame)
        assert improv.encode_packet(packet.sort, packet.data) == frame
        if expect["type"] == "current state":
            assert (packet.sort, packet.data) == (improv.SORT_STATE, bytes([STATES[expect["state"]]]))
        else:
            assert packet.sort == improv.SORT_COMMAND
            check_wifi(improv.decode_message(packet.data), expect)
        return "serial"
    message = improv.unseal(frame)
    assert message.command == expect["command"]
    assert improv.seal(improv.encode_message(message.command, message.data)) == frame
    if "strings" in expect:
        assert improv.decode_strings(message.data) == expect["strings"]
        return "result"
    if "ssid" in expect:
        check_wifi(message, expect)
    return "command"


def check_wifi(message: improv.Message, expect: dict[str, Any]) -> None:
    """A network and its password."""
    assert message.command == expect["command"] == improv.WIFI
    assert improv.decode_wifi(message.data) == (expect["ssid"], expect["password"])
    assert improv.wifi_data(expect["ssid"], expect["password"]) == message.data
