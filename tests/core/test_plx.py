"""Values of the Pulse Oximeter Service. Vectors: tests/vectors/oximeter.json."""

from gateway.core.devices.oximeter import observation_of
from gateway.core.devices.plx import Features, decode_features, decode_measurement
from tests.core.vectors import load, refusal, values_of

VECTORS = load("oximeter.json")
MEASURED = [row for row in VECTORS["measurements"] if "values" in row]
REFUSED = [row for row in VECTORS["measurements"] if "error" in row]


def bytes_of(row: "dict[str, object]") -> bytes:
    """The value of a row."""
    return bytes.fromhex(str(row["hex"]))


def test_every_vector_becomes_its_observation() -> None:
    for row in MEASURED:
        measurement = decode_measurement(str(row["characteristic"]), bytes_of(row))
        observation = observation_of(measurement)
        assert (observation.kind, observation.values) == (row["kind"], values_of(row)), row["source"]
        stamp = observation.device_time
        found = (stamp.raw, stamp.clock) if stamp is not None else (None, None)
        assert found == (row.get("raw"), row.get("clock")), row["source"]
        record = observation.record
        assert (record.hex() if record is not None else None) == row.get("record"), row["source"]
        assert measurement.reserved_bits == row.get("reserved_bits", 0), row["source"]
        assert measurement.trailing == row.get("trailing", 0), row["source"]


def test_every_malformed_vector_is_refused_with_its_reason_and_offset() -> None:
    for row in REFUSED:
        error = refusal(decode_measurement, row["characteristic"], bytes_of(row))
        assert str(row["error"]) in error.reason, str(row["source"]) + ": " + error.reason
        assert error.offset == row["offset"], row["source"]


def test_every_length_below_the_announced_one_is_refused() -> None:
    for row in MEASURED:
        data = bytes_of(row)
        whole = len(data) - int(str(row.get("trailing", 0)))
        for length in range(whole):
            assert refusal(decode_measurement, row["characteristic"], data[:length]).offset == length


def test_features_and_their_masks() -> None:
    for row in VECTORS["features"]:
        if "error" in row:
            error = refusal(decode_features, bytes_of(row))
            assert str(row["error"]) in error.reason and error.offset == row["offset"], row["source"]
            continue
        features = decode_features(bytes_of(row))
        found = (features.bits, features.measurement_mask, features.sensor_mask)
        assert found == (row["bits"], row["measurement_mask"], row["sensor_mask"]), row["source"]


def test_a_status_bit_that_the_device_does_not_support_says_nothing() -> None:
    invalid = bytes.fromhex("04610048000080")
    for features, kind in (
        (None, "measurement.failed"),
        (Features(0), "measurement.failed"),
        (Features(1, 0x8000), "measurement.failed"),
        (Features(1, 0x7FFF), "oximetry.measured"),
    ):
        observation = observation_of(decode_measurement("2a5f", invalid), features)
        assert observation.kind == kind
        assert observation.values["measurement_status"] == 0x8000
