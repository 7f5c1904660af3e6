"""Values of glucose meters and of an oximeter's own service. Vectors: tests/vectors/glucose.json, nonin_ble.json."""

from gateway.core.devices import glucose, nonin
from tests.core.vectors import load, refusal, values_of

FAMILIES = (("glucose.json", glucose), ("nonin_ble.json", nonin))


def bytes_of(row: "dict[str, object]") -> bytes:
    """The value of a row."""
    return bytes.fromhex(str(row["hex"]))


def test_every_vector_becomes_its_observation() -> None:
    for name, family in FAMILIES:
        rows = [row for row in load(name)["measurements"] if "values" in row]
        assert len(rows) > 10
        for row in rows:
            where = name + ": " + str(row["source"])
            measurement = family.decode_measurement(bytes_of(row))
            observation = family.observation_of(measurement)  # type: ignore[arg-type]
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
            for length in range(len(data) - int(str(row.get("trailing", 0)))):
                assert refusal(family.decode_measurement, data[:length]).offset == length, row["source"]


def test_what_an_oximeter_says_of_its_battery_and_its_counter() -> None:
    for row in [row for row in load("nonin_ble.json")["measurements"] if "values" in row]:
        frame = nonin.decode_measurement(bytes_of(row))
        found = (frame.counter, frame.battery_tenths_v, frame.battery_low)
        assert found == (row["counter"], row["battery_tenths_v"], row["battery_low"]), row["source"]


def test_features_of_a_meter_are_bits() -> None:
    for row in load("glucose.json")["features"]:
        if "error" in row:
            error = refusal(glucose.decode_features, bytes_of(row))
            assert str(row["error"]) in error.reason and error.offset == row["offset"], row["source"]
            continue
        assert glucose.decode_features(bytes_of(row)) == row["bits"], row["source"]


def test_no_record_of_control_solution_bears_a_name_of_a_persons_value() -> None:
    for code in range(256):
        value = bytes.fromhex("020100ea070b1c070f1e6fb0") + bytes([code])
        observation = glucose.observation_of(glucose.decode_measurement(value))
        control = code & 0x0F == 10 or code >> 4 == 4
        assert (observation.kind == "measurement.failed") == control, code
        assert ("glucose_kg_per_l" in observation.values) != control, code
        assert ("control_solution_kg_per_l" in observation.values) == control, code


def test_no_number_that_is_held_is_told_as_fresh() -> None:
    for status in range(256):
        value = bytes([10, status]) + bytes.fromhex("1e00fa0001610048")
        observation = nonin.observation_of(nonin.decode_measurement(value))
        fresh = bool(status & nonin.ATTACHED) and not status & nonin.SEARCHING
        assert (observation.kind == "oximetry.measured") == fresh, status
        assert ("spo2_pct" in observation.values) == fresh, status
