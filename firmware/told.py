"""What a board was told before its first start, by `trygg-kit flash esp32`: values of the NVS namespace `trygg`.

    gateway, tenant, root       who it is and whose; the municipality's public root key, 32 bytes
    wifi_name, wifi_password    the home's network, until another is given
    token                       with which it enrols, once; erased when it has
    enrol                       address of the enrolment server, https://host:port
    ca                          DER of the authority by which that server, and every broker, is known
    config                      the district's configuration with this gateway's name in it, as in hub.cbor

The last three come with a district's profile. A folder that was provisioned (`firmware.settings`) comes before all of it.
"""

from gateway.core import cbor
from gateway.core.enrolling import PORT
from gateway.core.errors import ConfigError, DecodeError
from hal.errors import HalError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from firmware.main import Write
    from hal.esp32.nvs import Nvs

SOURCE = "the board's storage"
SCHEME = "https://"
AGAIN = "what trygg-kit flash esp32 --profile writes: flash this board again"


class Told:
    """Over the namespace of one board. Every method raises UnavailableError: the storage failed."""

    def __init__(self, nvs: "Nvs") -> None:
        self._nvs = nvs

    def text(self, name: str) -> str:
        """Empty where there is none. Raises ConfigError: no text."""
        data = self._nvs.read(name) or b""
        try:
            return str(data, "utf-8")
        except UnicodeError:
            raise ConfigError(name, "no text", AGAIN, SOURCE)

    def tree(self) -> "dict[str, Any] | None":
        """The configuration, or None where the board was told none. Raises ConfigError: it is none, or another gateway's."""
        data = self._nvs.read_told("config")
        if data is None:
            return None
        try:
            found = cbor.decode(data)
        except DecodeError as error:
            raise ConfigError("config", str(error), AGAIN, SOURCE)
        if not isinstance(found, dict) or not isinstance(found.get("hub"), dict):
            raise ConfigError("config", "no table", AGAIN, SOURCE)
        if found["hub"].get("id") != self.text("gateway"):
            raise ConfigError("config", "another gateway's", AGAIN, SOURCE)
        return found

    def wifi(self) -> "tuple[str, str] | None":
        """Name and password of the network that it was given when it was flashed."""
        name = self.text("wifi_name")
        return (name, self.text("wifi_password")) if name else None

    def forget_wifi(self) -> None:
        """Another network was given: a password that is needed no more is not kept."""
        for name in ("wifi_password", "wifi_name"):
            self._nvs.erase(name)

    def missing(self) -> "list[str]":
        """What it would take to enrol and is not there."""
        found = [name for name in ("gateway", "tenant", "token", "enrol") if not self.text(name)]
        return found if self.ca() else found + ["ca"]

    def ca(self) -> bytes:
        """DER; empty where there is none."""
        return self._nvs.read_told("ca") or b""

    def server(self) -> "tuple[str, int]":
        """Host and port of the enrolment server. Raises ConfigError."""
        said = self.text("enrol")
        rest = said[len(SCHEME) :] if said.startswith(SCHEME) else ""
        host, _, port = rest.rstrip("/").partition(":")
        if not host or "/" in host or (port and not (port.isdigit() and len(port) <= 5)):
            raise ConfigError("enrol", said, "https://host:port", SOURCE)
        return host, int(port) if port else PORT

    def enrolled(self) -> None:
        """The token has been used: it is not kept. Costs no write where there is none."""
        if self._nvs.read("token") is not None:
            self._nvs.erase("token")


def drop_token(told: "Told", write: "Write") -> None:
    """The board has its certificate: whatever stands in the way of erasing the token stands in the way of nothing else."""
    try:
        told.enrolled()
    except Exception as error:  # noqa: BLE001  the certificate is there, and a hub must run
        cause = str(error) if isinstance(error, HalError) else type(error).__name__
        write(
            {
                "level": "error",
                "message": "The token is used and could not be erased; the next start tries it again.",
                "cause": cause,
            }
        )
