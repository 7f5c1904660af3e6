"""What comes from afar and what is kept of it: a layer of configuration, and the three states that follow the platform's words."""

from collections.abc import Callable

from gateway.core import cbor, config_afar
from gateway.core.alarms import ACCEPTED, LIMIT, Alarms
from gateway.core.commanding import Counters
from gateway.core.config import validate
from gateway.core.config_layers import differences, merge
from gateway.core.config_trial import Standing
from gateway.core.errors import ConfigError, DecodeError, RefusedError
from gateway.core.model import Event
from tests.gateway.fuzz.harness import Target

OWN = {
    "hub": {"id": "gw-0001", "tenant": "oslo"},
    "uplink": {"brokers": ["mqtt://localhost"]},
    "platform": {"root_public_key": "ab" * 32},
}
DOOR = {"name": "Door", "driver": "bthome", "address": "C0:00:00:00:00:01", "room": "hall"}
RULE = {"type": "night_window", "device": "Door", "from": "22:00", "to": "06:00"}
LAYERS = tuple(
    cbor.encode(tree)
    for tree in (
        {"hub": {"language": "en", "state_interval_s": 20}, "quiet": {"light": "on"}},
        {"device": [DOOR], "rule": [RULE]},
        {"uplink": {"brokers": ["mqtts://a.example:8884"]}},
        {"hub": {"id": "another"}},
    )
)


def use_layer(data: bytes) -> None:
    """A layer is used as a gateway uses it: refused in words, or a whole configuration comes of it."""
    try:
        tree = config_afar.read(data)
        layers = [("files", OWN), ("afar", tree)]
        config = validate(merge(layers), "hub.toml")
    except (ConfigError, RefusedError) as error:
        raise DecodeError(str(error)) from None
    differences(layers)
    assert (config.hub.id, config.hub.tenant) == ("gw-0001", "oslo"), "who it is came from afar"
    assert config.platform.root_public_key == "ab" * 32, "whom it believes came from afar"


def kept_alarms() -> Alarms:
    made = Alarms()
    for number in range(3):
        event = Event("smoke.detected", 5, 1, 1_000, None, {})
        event.incident, event.exercise = bytes(8), number == 1
        made.tell(event, bytes([number]) * 16)
    made.dispose(bytes(16), ACCEPTED, 5, "Kari")
    return made


def read_alarms(data: bytes) -> None:
    """Whatever was kept, the record works on."""
    alarms = Alarms(data)
    alarms.tell(Event("button.pressed", 5, 1, 1_000, None, {}), b"n" * 16)
    assert alarms.find(b"n" * 16) is not None and len(alarms.rows) <= LIMIT
    assert len(Alarms(alarms.encode()).rows) == len(alarms.rows)


def read_standing(data: bytes) -> None:
    standing = Standing(data)
    standing.at_start(b"x", "")
    assert Standing(standing.encode()).encode() == standing.encode()


def read_counters(data: bytes) -> None:
    counters = Counters(data)
    counters.use(b"k" * 8, 2**63, [b"k" * 8])
    assert Counters(counters.encode()).last[b"k" * 8] == 2**63


def trusting() -> Callable[[bytes], None]:
    """Wrong: believes a layer whatever it says of the gateway; the target above must see it."""

    def use(data: bytes) -> None:
        tree = cbor.decode(data)
        if isinstance(tree, dict) and all(isinstance(name, str) for name in tree):
            try:
                config = validate(merge([("files", OWN), ("afar", tree)]), "hub.toml")
            except ConfigError as error:
                raise DecodeError(str(error)) from None
            assert config.hub.id == "gw-0001", "who it is came from afar"

    return use


AFAR = (
    Target("layer from afar", LAYERS, lambda: use_layer),
    Target("kept alarms", (kept_alarms().encode(), Alarms().encode()), lambda: read_alarms),
    Target("kept standing", (Standing().encode(),), lambda: read_standing),
    Target("kept counters", (cbor.encode({b"k" * 8: 7}),), lambda: read_counters),
)
