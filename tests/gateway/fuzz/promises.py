"""What decoders and drivers promise whatever bytes they get, as checks that targets share."""

from collections.abc import Callable

from gateway.core.devices.driver import Context, Reading
from gateway.core.errors import DecodeError
from gateway.core.event_codec import encode_event
from gateway.core.model import Event, Observation
from hal.errors import DeniedError
from hal.sim.crypto import SimCrypto
from hal.sim.keystore import SimKeyStore

ADDRESS = "54:48:E6:8F:80:A5"


class Opening(SimCrypto):
    """Opens every frame whose tag does not end in 0: what an attacker with the key could send."""

    def aes_ccm_open(
        self, key_ref: str, nonce: bytes, ciphertext: bytes, tag: bytes, aad: bytes = b""
    ) -> bytes:
        if tag[-1] == 0:
            raise DeniedError("the tag does not hold")
        return ciphertext


def on_the_wire(observation: Observation) -> None:
    """A driver may say nothing that the wire cannot carry."""
    encode_event(
        Event(
            observation.kind,
            1,
            2,
            3,
            values=observation.values,
            device_time=observation.device_time,
            provenance=observation.provenance,
        )
    )


def check(reading: Reading) -> None:
    """What every reading promises: words that can be counted, state that can be stored, events that can be sent."""
    for observation in reading.observations:
        on_the_wire(observation)
    assert all(item is None or len(item) < 4096 for item in reading.state.values())
    assert reading.refused is None or all(isinstance(word, str) and word for word in reading.refused)


def context(key_ref: str | None = None) -> Context:
    return Context(
        ADDRESS, {}, Opening(SimKeyStore(b"s" * 32, {"sensor": bytes(16)})), lambda key: None, key_ref
    )


def must_not_raise(function: Callable[[bytes], None]) -> Callable[[bytes], None]:
    """A driver refuses in its reading; a DecodeError that leaves it is a finding."""

    def call(data: bytes) -> None:
        try:
            function(data)
        except DecodeError as error:
            raise AssertionError(f"a driver raised {error!r}") from error

    return call
