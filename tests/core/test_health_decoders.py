"""Values of blood pressure, thermometer, scale and heart rate. Vectors: tests/vectors/<driver>.json."""

from gateway.core.devices import blood_pressure, body_temperature, heart_rate, weight
from tests.core.vectors import load, refusal, values_of

FAMILIES = (
    ("blood_pressure.json", blood_pressure),
    ("thermometer.json", body_temperature),
    ("weight_scale.json", weight),
    ("heart_rate.json", heart_rate),
)


def bytes_of(row: "dict[str, object]") -> bytes:
    """The value of a row."""
    return bytes.fromhex(str(row["hex"]))


def test_every_vector_becomes_its_observation() -> None:
    for name, family in FAMILIES:
        for row in [row for row in load(name)["measurements"] if "values" in row]:
            where = name + ": " + str(row["source"])
            measurement = family.decode_measurement(bytes_of(row))
            observation = family.observation_of(measurement)
            assert (observation.kind, observation.values) == (row["kind"], values_of(row)), where
            stamp = observation.device_time
            found = (stamp.raw, stamp.clock) if stamp is not None else (None, None)
            assert found == (row.get("raw"), row.get("clock")), where
            record = observation.record
            assert (record.hex() if record is not None else None) == row.get("record"), where
            assert measurement.reserved_bits == row.get("reserved_bits", 0), where
            assert measurement.trailing == row.get("trailing", 0), where


def test_every_malformed_vector_is_refused_with_its_reason_and_offset() -> None:
    for name, family in FAMILIES:
        refused = [row for row in load(name)["measurements"] if "error" in row]
        assert len(refused) > 3, name
        for row in refused:
            error = refusal(family.decode_measurement, bytes_of(row))
            assert str(row["error"]) in error.reason, name + ": " + error.reason
            assert error.offset == row["offset"], name + ": " + str(row["source"])


def test_every_length_below_the_announced_one_is_refused() -> None:
    for name, family in FAMILIES:
        for row in [row for row in load(name)["measurements"] if "values" in row]:
            data = bytes_of(row)
            if "rr_intervals" in values_of(row):
                continue  # as many as there are bytes for: nothing announces how many
            whole = len(data) - int(str(row.get("trailing", 0)))
            for length in range(whole):
                assert refusal(family.decode_measurement, data[:length]).offset == length, row["source"]


def test_the_pressure_of_a_cuff_that_pumps_is_no_measurement() -> None:
    for row in load("blood_pressure.json")["progress"]:
        if "error" in row:
            error = refusal(blood_pressure.decode_cuff_pressure, bytes_of(row))
            assert str(row["error"]) in error.reason and error.offset == row["offset"], row["source"]
            continue
        assert blood_pressure.decode_cuff_pressure(bytes_of(row)).values == values_of(row), row["source"]


def test_features_are_bits() -> None:
    for name, family in (("blood_pressure.json", blood_pressure), ("weight_scale.json", weight)):
        for row in load(name)["features"]:
            if "error" in row:
                error = refusal(family.decode_features, bytes_of(row))
                assert str(row["error"]) in error.reason and error.offset == row["offset"], row["source"]
                continue
            assert family.decode_features(bytes_of(row)) == row["bits"], row["source"]


def test_a_reading_that_is_sent_again_has_the_same_record_and_another_has_its_own() -> None:
    first = bytes.fromhex("028a0058006900ea070b1c070f1e")
    later = bytes.fromhex("028a0058006900ea070b1c070f1f")
    other = bytes.fromhex("028b0058006900ea070b1c070f1e")
    records = [blood_pressure.decode_measurement(data).record for data in (first, first, later, other)]
    assert records[0] == records[1] and len(set(records)) == 3
