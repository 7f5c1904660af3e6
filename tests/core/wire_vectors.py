"""Values of tools/vectors/plain.py read back, and what tests of the wire share; on both interpreters."""

from gateway.core.cbor import Tagged
from gateway.core.errors import RefusedError
from gateway.core.model import Absent, Decimal, DeviceTime, Event
from hal.sim.ed25519 import Ed25519
from tests.core.vectors import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

ED25519 = Ed25519()


def keys() -> "dict[str, bytes]":
    """Public keys of the vectors by the name of their holder."""
    return {str(row["name"]): bytes.fromhex(str(row["public"])) for row in load("wire_valid.json")["keys"]}


def seed(name: str) -> bytes:
    """Private key of a holder."""
    for row in load("wire_valid.json")["keys"]:
        if row["name"] == name:
            return bytes.fromhex(str(row["seed"]))
    raise AssertionError("no key of " + name)


def hexed(row: "dict[str, object]", name: str) -> bytes:
    """Bytes of a row."""
    return bytes.fromhex(str(row[name]))


def value_of(written: object) -> object:
    """A value as the wire's codec has it."""
    if isinstance(written, list):
        return [value_of(item) for item in written]
    if not isinstance(written, dict):
        return written
    if "hex" in written:
        return bytes.fromhex(written["hex"])
    if "decimal" in written:
        return Decimal(written["decimal"][1], written["decimal"][0])
    if "absent" in written:
        return Absent(written["absent"])
    if "tag" in written:
        return Tagged(written["tag"][0], value_of(written["tag"][1]))
    return {value_of(key): value_of(item) for key, item in written["map"]}


def fields_of(written: "dict[str, object]") -> "dict[str, object]":
    """Fields by name."""
    return {name: value_of(item) for name, item in written.items()}


def event_of(written: "dict[str, object]") -> Event:
    """An event from its row."""
    fields = {name: item for name, item in written.items() if name not in ("values", "device_time")}
    time = written.get("device_time")
    return Event(
        values=fields_of(written.get("values", {})),  # type: ignore[arg-type]
        device_time=None if time is None else DeviceTime(**time),  # type: ignore[arg-type]
        **fields_of(fields),  # type: ignore[arg-type]
    )


def refused(action: "Callable[..., object]", *arguments: object) -> str:
    """Why a rule refuses; an AssertionError where it does not."""
    try:
        action(*arguments)
    except RefusedError as error:
        return error.reason
    raise AssertionError("not refused")


def not_written(action: "Callable[..., object]", *arguments: object) -> str:
    """Why something cannot be written; an AssertionError where it can."""
    try:
        action(*arguments)
    except ValueError as error:
        return str(error)
    raise AssertionError("was written: " + repr(arguments))
