"""The log: one line an event in each shape, no secrets, and a reader that is gone is no fault."""

import io
import json
import logging

import pytest

from gateway.daemon.logs import HIDDEN, Bridge, Log, shape_for, timestamp


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Gone(io.StringIO):
    def write(self, _text: str) -> int:
        raise BrokenPipeError


def logged(shape: str, level: str, message: str, /, **fields: object) -> str:
    stream = io.StringIO()
    Log(stream, shape, least="debug")(level, message, **fields)
    return stream.getvalue()


def test_json_has_the_event_and_its_fields_side_by_side() -> None:
    line = logged("json", "info", "stored", kind="smoke.detected", lane=0, seq=7, values=[1, None, True])
    event = json.loads(line)
    assert line.count("\n") == 1
    assert event.pop("time").endswith("Z")
    assert event == {
        "level": "info",
        "part": "hub",
        "message": "stored",
        "kind": "smoke.detected",
        "lane": 0,
        "seq": 7,
        "values": [1, None, True],
    }


def test_a_field_that_is_named_like_the_head_keeps_its_value_beside_it() -> None:
    event = json.loads(logged("json", "info", "said", time=5, level="x", message="y", part="uplink"))
    assert (event["level"], event["message"], event["part"]) == ("info", "said", "uplink")
    assert (event["time_"], event["level_"], event["message_"]) == (5, "x", "y")


def test_journald_gets_a_priority_and_a_terminal_gets_the_time() -> None:
    for level, priority in (("debug", 7), ("info", 6), ("warning", 4), ("error", 3)):
        assert (
            logged("journald", level, "It rains.", device="Door")
            == f"<{priority}>hub: It rains. device=Door\n"
        )
    text = logged("text", "warning", "It rains.", device="Front door", cause="a=b", count=3)
    assert text.endswith(' warning hub: It rains. device="Front door" cause="a=b" count=3\n')


def test_whatever_the_values_hold_an_event_is_one_line() -> None:
    for shape in ("json", "journald", "text"):
        line = logged(shape, "info", "first\nsecond", device="a\r\nb", cause="x\n<0>forged: line")
        assert line.count("\n") == 1 and "\r" not in line, shape


def test_no_secret_is_written_whoever_passes_it() -> None:
    secrets = {
        "key": "231d39c1",
        "bind_key": "231d39c1",
        "password": "231d39c1",
        "passkey": 231391,
        "nested": {"token": "231d39c1", "fine": 1},
    }
    for shape in ("json", "journald", "text"):
        line = logged(shape, "info", "pairing", **secrets)
        assert "231d39" not in line and "231391" not in line
        assert line.count(HIDDEN) == 5
    # Controls: words that only look like one, and a secret that is not set.
    event = json.loads(logged("json", "info", "x", keyset=3, key=None, state_key_count=2))
    assert (event["keyset"], event["key"], event["state_key_count"]) == (3, None, 2)


def test_bytes_become_hex_exceptions_a_trace_and_nothing_is_endless() -> None:
    try:
        int("broken")
    except ValueError as error:
        event = json.loads(logged("json", "debug", "trace", error=error, epoch=b"\x01\xff", long="x" * 9000))
    assert "Traceback" in event["error"] and "ValueError: invalid literal" in event["error"]
    assert event["epoch"] == "01ff"
    assert len(event["long"]) == 2000


def test_levels_below_the_least_are_left_out() -> None:
    stream = io.StringIO()
    log = Log(stream, "json", least="warning")
    for level in ("debug", "info", "warning", "error"):
        log(level, level)
    assert [json.loads(line)["level"] for line in stream.getvalue().splitlines()] == ["warning", "error"]
    with pytest.raises(ValueError):
        log("shout", "no such level")


def test_a_reader_that_is_gone_is_no_fault() -> None:
    Log(Gone(), "json")("error", "nobody hears this")
    closed = io.StringIO()
    closed.close()
    Log(closed, "json")("error", "nor this")


def test_the_shape_follows_the_reader() -> None:
    journal = {"JOURNAL_STREAM": "8:1"}
    assert shape_for(Terminal(), as_json=False, environment={}) == "text"
    assert shape_for(io.StringIO(), as_json=False, environment={}) == "json"
    assert shape_for(io.StringIO(), as_json=False, environment=journal) == "journald"
    assert shape_for(Terminal(), as_json=True, environment=journal) == "json"


def test_what_libraries_log_comes_out_in_the_same_shape() -> None:
    stream = io.StringIO()
    library = logging.getLogger("gateway.tests.library")
    bridge = Bridge(Log(stream, "json"))
    library.addHandler(bridge)
    library.info("chatter")
    library.warning("adapter %s is slow", "hci0")
    try:
        int("gone")
    except ValueError:
        library.exception("failed")
    library.removeHandler(bridge)
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(event["level"], event["part"], event["message"]) for event in events] == [
        ("warning", "gateway.tests.library", "adapter hci0 is slow"),
        ("error", "gateway.tests.library", "failed"),
    ]
    assert "ValueError" in events[1]["trace"]


def test_time_is_utc_to_the_millisecond() -> None:
    assert timestamp(1_790_000_000_007) == "2026-09-21T14:13:20.007Z"
