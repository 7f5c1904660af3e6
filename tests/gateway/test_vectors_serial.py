"""Shared vectors of serial oximeters and of EnOcean, through `trygg decode serial` and the decoders behind it."""

from decimal import Decimal
from typing import Any

from gateway.core.crc import crc8
from gateway.core.devices import nonin_spot, nonin_stream
from gateway.core.devices.enocean_profiles import PROFILES
from gateway.core.devices.enocean_telegram import RPS, decode_telegram
from gateway.core.errors import DecodeError
from gateway.core.framing import esp3
from tests.gateway.decode_cli import trygg_decode
from tests.gateway.shared_vectors import compare, rows_of

# --- Nonin ----------------------------------------------------------------------------------------------------------

SHOWN = {
    "hr": "pulse_rate_bpm",
    "spo2": "spo2_pct",
    "hr_d": "hr_d",
    "e_hr": "e_hr",
    "e_hr_d": "e_hr_d",
    "spo2_d": "spo2_d",
    "e_spo2": "e_spo2",
    "e_spo2_d": "e_spo2_d",
    "spo2_b_b": "spo2_b_b",
    "spo2_fast": "spo2_fast",
    "firmware_revision": "firmware_revision",
}
FLAGS = {
    nonin_stream.SENSOR_ALARM: "sensor_alarm",
    nonin_stream.OUT_OF_TRACK: "out_of_track",
    nonin_stream.ARTIFACT: "artifact",
    nonin_stream.DISCONNECTED: "sensor_disconnect(bit6)",
}


def frames_of(data: bytes) -> list[bytes]:
    return [data[at : at + 5] for at in range(0, len(data), 5)]


def status_word(data: bytes) -> str:
    """What one frame of the row of errors is there to show."""
    try:
        frame = nonin_stream.FORMAT_2.decode(data)
    except DecodeError as error:
        return {"bit 7 of the status is clear": "bit7 clear = invalid status"}.get(error.reason, error.reason)
    words = [word for bit, word in FLAGS.items() if frame.status & bit]
    if words:
        return ",".join(words)
    return {"none": "no perfusion"}.get(frame.perfusion(), frame.perfusion())


def stream_of(data: bytes) -> str | dict[str, Any]:
    """What becomes of the rows of a stream, in the words of the file."""
    assembler = nonin_stream.Assembler(nonin_stream.FORMAT_2)
    found = assembler.push(data)
    packets = [item for item in found if isinstance(item, nonin_stream.Packet)]
    refused = [item.reason for item in found if isinstance(item, DecodeError)]
    if not packets and not refused:
        return {}
    if refused == ["2 bytes that belong to no frame"]:
        return {"frame_found_at": 2, "frame": data[2:7].hex()}
    if len(data) == 28 * 5:
        assert len(packets) == 1 and not refused and len(assembler.frames) == 1
        return (
            "25 good frames -> packet ready; frames 26,27 (no sync) = frame loss; frame 28 (sync) starts anew"
        )
    assert refused == ["23 frames of a packet that broke off"] and len(assembler.frames) == 0
    numbers = packets[0].values
    return (
        "sync on frame 24 (after 23) = frame loss of first packet; then 25 frames = one packet "
        f"(hr {numbers['pulse_rate_bpm']}, spo2 {numbers['spo2_pct']})"
    )


def nonin(row: dict[str, Any]) -> Any:
    """What we say of a row."""
    data = bytes.fromhex(row["frame_hex"])
    if row["format"] == "command":
        values = trygg_decode("serial", "nonin13", row["frame_hex"]).line["values"]
        replies = {"select_format": "06 (ACK) or 15 (NAK)", "get_time": "02 F2 06 YY MM DD hh mm ss 03"}
        answers = [replies[name] for name in values if name in replies]
        return values | ({"reply": answers[0]} if answers else {})
    if row["format"] == "DF2-frame":
        try:
            return {
                "valid": True,
                "sync": bool(nonin_stream.FORMAT_2.decode(data).status & nonin_stream.SYNC),
            }
        except DecodeError as error:
            words = {
                "the checksum does not hold": "checksum",
                "bit 7 of the status is clear": "status bit 7 clear",
            }
            return {"valid": False, "why": words[error.reason]}
    if row["format"] == "DF2-stream":
        return stream_of(data)
    if "per_frame" in row["expect"]:
        words = [
            status_word(frame) for frame in frames_of(data)[:9]
        ]  # of the rest some checksums do not hold
        return {"per_frame": {str(at): words[at] for at in range(9)}}
    values = trygg_decode("serial", "nonin2", row["frame_hex"]).line["values"]
    return {name: values[ours] for name, ours in SHOWN.items()}


def test_every_row_of_the_serial_oximeters_reads_as_expected() -> None:
    rows = rows_of("nonin_serial.jsonl")
    assert len(rows) == 12
    names = [f"{at} {row['format']}" for at, row in enumerate(rows)]
    ours = dict(zip(names, map(nonin, rows), strict=True))
    theirs = {name: row["expect"] for name, row in zip(names, rows, strict=True)}
    compare(rows, ours, theirs, {})


def test_the_commands_are_encoded_as_the_maker_writes_them() -> None:
    commands = {
        str(row["expect"]): row["frame_hex"]
        for row in rows_of("nonin_serial.jsonl")
        if row["format"] == "command"
    }
    ours = {nonin_spot.encode_select(13).hex(), nonin_spot.ASK_TIME.hex()}
    ours.add(nonin_spot.encode_set_time("2050-12-31T14:30:15").hex())
    assert ours == set(commands.values())


# --- EnOcean --------------------------------------------------------------------------------------------------------

NO_LEARN_BIT = "`learn` is what the other library begins with: telegrams of this sort have no bit for it"
RORG_0 = "`rorg` 0 is what the other library calls a packet without a telegram"
NO_PROFILE = "a profile of actuators, which the hub does not read"
TYPES = {1: "radio_erp1", 2: "response", 4: "event", 5: "common_command", 7: "remote_man"}
CONTACT = {True: "open", False: "closed"}


def packets(row: dict[str, Any]) -> dict[str, Any]:
    """What we say of a row, as far as we say the same sort of thing."""
    data = bytes.fromhex(row["frame_hex"])
    lines = trygg_decode("serial", "esp3", row["frame_hex"]).lines
    if "error" in lines[0]:
        try:
            esp3.decode(data)
        except DecodeError as error:
            return {"parse": "crc mismatch" if "CRC" in error.reason else "incomplete"}
        raise AssertionError("refused as a stream and taken as a packet")
    values = lines[0]["values"]
    assert lines[0]["kind"] == "esp3." + TYPES[values["packet_type"]]
    said: dict[str, Any] = {"parse": "ok", "packet_type": values["packet_type"], "data": values["data"]}
    said["optional"] = values["optional"]
    if "rorg" not in values:
        return said
    said |= {"rorg": values["rorg"], "sender": values["sender"], "dBm": values["rssi_dbm"]}
    said |= {"payload": values["payload"], "status": f"{values['status']:02x}"}
    if "teach_in" in values:
        said["learn"] = values["teach_in"]
        said["contains_eep"] = bool(values.get("profile")) and values["rorg"] != "D5"
    if values.get("profile"):
        said["eep"] = values["profile"]
        _, function, kind = values["profile"].split("-")
        said |= {"rorg_func": int(function, 16), "rorg_type": int(kind, 16)}
    return said


def expected(row: dict[str, Any]) -> dict[str, Any]:
    """What a row expects, in the same words; what is not comparable is in the reasons above."""
    expect = dict(row["expect"])
    if isinstance(expect.get("rorg"), int):
        expect["rorg"] = f"{expect['rorg']:02X}"
    if "rorg" in expect:
        expect["rorg"] = expect["rorg"][:2]
    for name in ("note", "contact", "teach_in", "eep_values"):
        expect.pop(name, None)
    return expect


def differences(row: dict[str, Any]) -> dict[str, str]:
    """Why single fields of a row are not compared."""
    rorg = expected(row).get("rorg")
    reasons = {}
    if rorg == "00":
        reasons["rorg"] = RORG_0
    if rorg in ("F6", "D2"):
        reasons |= {"learn": NO_LEARN_BIT, "contains_eep": NO_LEARN_BIT}
    if not row["expect"].get("contains_eep"):
        why = "the profile is told to the other library by its test, and is not in the telegram"
        reasons |= {"rorg_func": why, "rorg_type": why}
    return reasons


def test_every_row_of_enocean_reads_as_expected_or_the_table_says_why_not() -> None:
    rows = [row for row in rows_of("enocean_esp3.jsonl") if "frame_hex" in row]
    assert len(rows) == 27
    skipped = 0
    for row in rows:
        ours, theirs, known = packets(row), expected(row), differences(row)
        skipped += len([name for name in known if name in theirs])
        compared = {name: value for name, value in theirs.items() if name not in known}
        assert {name: ours.get(name) for name in compared} == compared, row
    assert skipped > 0, "the table of differences has nothing to say any more"


def test_every_crc_of_enocean_is_the_expected_one() -> None:
    rows = [row for row in rows_of("enocean_esp3.jsonl") if "crc8_input_hex" in row]
    assert len(rows) == 4
    for row in rows:
        assert f"{crc8(bytes.fromhex(row['crc8_input_hex'])):02x}" == row["expect"]["crc8"]


def test_every_profile_that_the_hub_reads_gives_the_value_of_its_row() -> None:
    read = {}
    unread = []
    for row in rows_of("enocean_esp3.jsonl"):
        values = row["expect"].get("eep_values")
        if values is None:
            continue
        telegram = decode_telegram(esp3.decode(bytes.fromhex(row["frame_hex"])))
        name = f"{telegram.rorg:02X}-{row['expect']['rorg_func']:02X}-{row['expect']['rorg_type']:02X}"
        if name not in PROFILES:
            unread.append(name)
            continue
        frame = PROFILES[name].read(telegram)
        if "TMP" in values:
            ours = Decimal(str(frame.values["temperature_c"]))
            assert ours == Decimal(str(values["TMP"])).quantize(Decimal("0.01")), (
                "to hundredths, a step is 0.16"
            )
        elif "CO" in values:
            assert CONTACT[bool(frame.values["door"])] == values["CO"]
        else:
            assert telegram.rorg == RPS
            down = [part.removeprefix("button_").upper() for part, _ in frame.presses]
            assert down == ([values["R1"].removeprefix("Button ")] if values["EB"] == "pressed" else [])
        read[name] = read.get(name, 0) + 1
    assert read == {"A5-02-05": 1, "D5-00-01": 2, "F6-02-02": 2}
    assert sorted(set(unread)) == ["A5-20-01", "D2-01-01"], NO_PROFILE


def test_a_contact_of_the_other_project_is_closed() -> None:
    (row,) = [row for row in rows_of("enocean_esp3.jsonl") if row["expect"].get("contact")]
    frame = PROFILES["D5-00-01"].read(decode_telegram(esp3.decode(bytes.fromhex(row["frame_hex"]))))
    assert CONTACT[bool(frame.values["door"])] == row["expect"]["contact"]
