"""What is held against a driver of another package: what it declares of itself, and each reading that it gives.

The text for whoever writes one is docs/drivers.md; `tests/core/test_driver_contract.py` and `trygg-kit conform driver` run this
same code. Nothing here is asked of the drivers in this folder: they are built and tested with the hub.
"""

from gateway.core import cbor, registry
from gateway.core.devices.dispenser_messages import CAPABILITIES
from gateway.core.devices.driver import (
    CONTRACT,
    FAILED,
    INCOMPLETE,
    MALFORMED,
    REPEATED,
    REPLAYED,
    UNAUTHENTICATED_FRAME,
    AdvertisingDriver,
    Driver,
    GattDriver,
    Reading,
    SerialDriver,
    Step,
)
from gateway.core.errors import ContractError
from gateway.core.event_codec import encode_device_time, encode_values
from gateway.core.model import DeviceTime, Observation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ("CAPABILITIES", "DEVICE_KINDS", "check_declaration", "check_reading", "urgent_of")

# Shapes that a package may fill. Telegrams are no shape of theirs: a profile of EnOcean is a row of a table in the hub.
SHAPES: "dict[str, type[Driver]]" = {
    "ble-adv": AdvertisingDriver,
    "ble-gatt": GattDriver,
    "serial": SerialDriver,
}
# Kinds that are a device's own word. All others are the hub's: what a rule concludes, what a path or a clock does.
DEVICE_KINDS = (
    ("smoke.detected", "smoke.cleared", "carbon_monoxide.detected", "carbon_monoxide.cleared")
    + ("gas.detected", "gas.cleared", "water.detected", "water.cleared", "button.pressed")
    + ("dose.planned", "dose.withdrawn", "dose.dispensed", "dose.collected", "dose.missed", "dose.wrong_time")
    + ("dispenser.jammed", "dispenser.released", "dispenser.reported", "refill.due", "refill.done")
    + ("lid.opened", "lid.closed", "tamper.detected", "tamper.cleared", "mains.lost", "mains.restored")
    + ("battery.low", "battery.restored", "battery.measured", "clock.untrusted", "clock.trusted")
    + ("problem.detected", "problem.cleared", "device.log_lost", "device.described", "measurement.failed")
    + ("oximetry.measured", "climate.measured", "blood_pressure.measured", "temperature.measured")
    + ("weight.measured", "heart_rate.measured", "glucose.measured")
    + ("door.opened", "door.closed", "motion.detected", "motion.cleared")
)
SAFETY, URGENT = 0, (0, 1)  # lane of smoke, gas, water, alarm buttons; the lanes that nobody may lose
REFUSALS = (FAILED, INCOMPLETE, MALFORMED, REPEATED, REPLAYED, UNAUTHENTICATED_FRAME)
PAIRINGS = ("none", "weak", "authenticated")
OF_HUB = ("hub", "heard")  # keys of state that the hub itself keeps of a device

NAME_LIMIT = 32
OPTIONS_LIMIT = 16
INTERVAL_LIMIT_S = 604_800
BAUDS = (300, 4_000_000)
OBSERVATIONS_LIMIT = 256  # of one reading
VALUES_LIMIT = 1_024  # bytes of the values of one observation, as they go to the wire
TEXT_LIMIT = 200
STATE_LIMIT = 16  # keys that one reading moves
STATE_BYTES = 4_096  # of one of them
SEND_LIMIT = 16_384  # bytes for the line from one reading
STEPS_LIMIT = 64
RECORD_LIMIT = 64


# --- what it declares ------------------------------------------------------------------------------------------------


def check_declaration(kind: object, name: str) -> None:
    """A class that a package gives under `name`.

    Raises:
        ContractError: it is no driver of this contract, or declares what no driver may.
    """
    if not isinstance(kind, type) or not issubclass(kind, Driver):
        raise ContractError("it gives no class that is a driver")
    check_class(kind, name)


def check_class(kind: "Any", name: str) -> None:
    """A driver's class, of which nothing is known but that. Raises ContractError."""
    if kind.contract != CONTRACT or kind.contract is True:
        raise ContractError(
            "it rests on version "
            + shown(kind.contract)
            + " of the contract of drivers, and this gateway has version "
            + str(CONTRACT)
        )
    shape = SHAPES.get(kind.transport) if isinstance(kind.transport, str) else None
    if shape is None or not issubclass(kind, shape) or kind is shape:
        raise ContractError("it is of no shape that a package may fill: " + ", ".join(sorted(SHAPES)))
    if kind.name != name:
        raise ContractError("it calls itself " + shown(kind.name) + ", and its entry point " + shown(name))
    check_kinds(kind)
    check_settings(kind)
    if issubclass(kind, SerialDriver):
        check_line(kind)
    if issubclass(kind, GattDriver) and (kind.pairing not in PAIRINGS or not is_text(kind.service)):
        raise ContractError("its pairing is not one of " + ", ".join(PAIRINGS) + ", or its service no text")


def check_kinds(kind: "Any") -> None:
    """What it says that it may tell. Raises ContractError."""
    if not isinstance(kind.kinds, tuple) or not kind.kinds:
        raise ContractError("it does not declare the kinds that it may tell")
    for name in kind.kinds:
        if name not in DEVICE_KINDS:
            raise ContractError("it declares the kind " + shown(name) + ", which is no device's to tell")
    alarms = [name for name in kind.kinds if registry.KINDS[name][1] == SAFETY]
    if kind.safety is not bool(alarms):
        raise ContractError("its `safety` does not agree with its kinds: " + (", ".join(alarms) or "none"))


def check_settings(kind: "Any") -> None:
    """Interval, options, capabilities. Raises ContractError."""
    if not is_whole(kind.interval_s, 0, INTERVAL_LIMIT_S):
        raise ContractError("its interval is no whole number of seconds, up to a week")
    names = kind.option_names
    if (
        not isinstance(names, tuple)
        or len(names) > OPTIONS_LIMIT
        or not all([is_text(item) for item in names])
    ):
        raise ContractError("its option names are not at most " + str(OPTIONS_LIMIT) + " texts")
    for word in kind.capabilities if isinstance(kind.capabilities, tuple) else (None,):
        if word not in CAPABILITIES:
            raise ContractError("it declares the capability " + shown(word) + ", which has no such word")


def check_line(kind: "Any") -> None:
    """Speed and parity. Raises ContractError."""
    if not is_whole(kind.baud, BAUDS[0], BAUDS[1]) or kind.parity not in ("N", "E", "O"):
        raise ContractError("its speed or its parity is none that a line has")


# --- what it gives ---------------------------------------------------------------------------------------------------


def check_reading(reading: "Any", kind: "type[Driver]") -> Reading:
    """The reading, if all of it can be stored and is what the driver said it may tell.

    Raises:
        ContractError: it is not, or it could never become an event.
    """
    if not isinstance(reading, Reading):
        raise ContractError("it gave no reading")
    given: "Any" = reading.observations
    if not isinstance(given, list) or len(given) > OBSERVATIONS_LIMIT:
        raise ContractError(
            "it gave more than " + str(OBSERVATIONS_LIMIT) + " observations at once, or no list"
        )
    for observation in given:
        check_observation(observation, kind)
    check_state(reading.state)
    check_sent(reading.send)
    check_sent(reading.send_after)
    check_refused(reading.refused)
    check_steps(reading.steps)
    for flag in (reading.heard, reading.leave, reading.triggered):
        if flag is not True and flag is not False:
            raise ContractError("its heard, leave or triggered is neither true nor false")
    return reading


def urgent_of(reading: "Any", kind: "type[Driver]") -> "list[Observation]":
    """The observations of lanes 0 and 1 that hold by themselves, of a reading that as a whole does not.

    An alarm is delivered whatever stands beside it. Routine is not: where its state is not believed, it may be told twice.
    """
    given: "Any" = reading.observations if isinstance(reading, Reading) else None
    found: "list[Observation]" = []
    for observation in given if isinstance(given, (list, tuple)) else ():
        try:
            check_observation(observation, kind)
        except Exception:  # noqa: BLE001, S112  it is judged by itself: one that is wrong takes no other with it
            continue
        if registry.KINDS[observation.kind][1] in URGENT:
            found.append(observation)
        if len(found) == OBSERVATIONS_LIMIT:
            break
    return found


def check_observation(observation: "Any", kind: "type[Driver]") -> None:
    """One thing that a device said. Raises ContractError."""
    if not isinstance(observation, Observation):
        raise ContractError("it gave something that is no observation")
    if observation.kind not in kind.kinds:
        raise ContractError("it told " + shown(observation.kind) + ", which it does not declare")
    values: "Any" = observation.values
    if not isinstance(values, dict):
        raise ContractError("the values of " + observation.kind + " are no table")
    for name in values:
        if name not in registry.VALUES:
            raise ContractError(
                observation.kind + " has the value " + shown(name) + ", which has no such name"
            )
    try:
        size = len(cbor.encode(encode_values(observation.values)))
        if observation.device_time is not None:
            check_device_time(observation.device_time)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise ContractError(
            "a value of " + observation.kind + " cannot be sent (" + type(error).__name__ + ")"
        )
    if size > VALUES_LIMIT:
        raise ContractError(
            "the values of " + observation.kind + " are more than " + str(VALUES_LIMIT) + " bytes"
        )
    record: "Any" = observation.record
    if record is not None and not (isinstance(record, bytes) and 0 < len(record) <= RECORD_LIMIT):
        raise ContractError(
            "the record of " + observation.kind + " is no byte string of 1 to " + str(RECORD_LIMIT)
        )
    if not is_whole(observation.provenance, 0, 7):
        raise ContractError("the provenance of " + observation.kind + " has bits that are not there")


def check_device_time(stamp: "Any") -> None:
    """What a device says of the time. Raises ValueError."""
    if not isinstance(stamp, DeviceTime) or not is_text(stamp.raw) or len(stamp.raw) > TEXT_LIMIT:
        raise ValueError("no stamp")
    try:
        encode_device_time(stamp)
    except Exception as error:  # noqa: BLE001  whatever is in it, it is no stamp
        raise ValueError(type(error).__name__)


def check_state(state: "Any") -> None:
    """What is stored with the observations. Raises ContractError."""
    if not isinstance(state, dict) or len(state) > STATE_LIMIT:
        raise ContractError("it moved more than " + str(STATE_LIMIT) + " keys of state at once, or no table")
    for key in state:
        if not is_name(key) or key in OF_HUB:
            raise ContractError(
                "its state has the key " + shown(key) + ": small letters, digits and _, and not the hub's"
            )
        item = state[key]
        if item is not None and not (isinstance(item, bytes) and len(item) <= STATE_BYTES):
            raise ContractError("its state " + key + " is no byte string of at most " + str(STATE_BYTES))


def check_sent(frames: "Any") -> None:
    """Bytes for the line. Raises ContractError."""
    if not isinstance(frames, list) or not all([isinstance(item, bytes) for item in frames]):
        raise ContractError("what it sends is no list of byte strings")
    if sum([len(item) for item in frames]) > SEND_LIMIT:
        raise ContractError("it sends more than " + str(SEND_LIMIT) + " bytes at once")


def check_refused(refused: object) -> None:
    """Why a frame was not taken. Raises ContractError."""
    if refused is None:
        return
    pair = refused if isinstance(refused, tuple) and len(refused) == 2 else (None, None)
    if pair[0] not in REFUSALS or not isinstance(pair[1], str):
        raise ContractError("a refusal is not one of " + ", ".join(REFUSALS) + " with a text")


def check_steps(steps: "Any") -> None:
    """What is to be done on a connection. Raises ContractError."""
    if not isinstance(steps, list) or len(steps) > STEPS_LIMIT:
        raise ContractError("it gave more than " + str(STEPS_LIMIT) + " steps at once, or no list")
    for step in steps:
        if not isinstance(step, Step) or step.action not in ("read", "subscribe", "write"):
            raise ContractError("it gave a step that is none")
        if not is_text(step.characteristic) or not isinstance(step.value, bytes):
            raise ContractError(
                "it gave a step without a characteristic, or with a value that is no byte string"
            )


# --- small checks ----------------------------------------------------------------------------------------------------


def is_whole(item: object, least: int, most: int) -> bool:
    """An integer within bounds."""
    return cbor.is_int(item) and least <= item <= most  # type: ignore[operator]


def is_text(item: object) -> bool:
    """A text that is not endless."""
    return isinstance(item, str) and len(item) <= TEXT_LIMIT


def is_name(item: object) -> bool:
    """Small letters, digits and _, of at most 32."""
    allowed = "abcdefghijklmnopqrstuvwxyz0123456789_"
    return isinstance(item, str) and 0 < len(item) <= NAME_LIMIT and all([each in allowed for each in item])


def shown(item: object) -> str:
    """A word of a stranger, short."""
    if item is True or item is False:
        return str(item)
    return repr(item)[:60] if isinstance(item, (str, int)) else type(item).__name__
