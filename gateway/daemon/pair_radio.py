"""No time for pairing is opened where no radio can pair: whoever stands at the device learns at once what to see to.

The hub itself listens again as soon as the radio is back, and so its time would run out unheard (`gateway.hub.pairing`).
"""

from collections.abc import Awaitable, Callable

from gateway.core.errors import ConfigError, RefusedError
from gateway.hub.app import App
from gateway.hub.pairing import Pairing
from hal.errors import HalError, UnavailableError

Ready = Callable[[], Awaitable[None]]  # raises HalError where there is no adapter, or it is off
Handler = Callable[..., object]


async def see_radio(pairing: Pairing, ready: Ready, device: str, driver: str, *, has_code: bool) -> None:
    """See that the radio is there for who is to be paired; nothing where that is nobody by Bluetooth, which opening tells.

    Raises:
        UnavailableError: it is not, with what to do.
    """
    try:
        pairing.radio()
        pairing.expected(device, driver, has_code)
    except (ConfigError, RefusedError):
        return
    try:
        await ready()
    except HalError as error:
        raise UnavailableError(f"pairing was not opened: {error.message}", error.detail) from error


def pair_handler(pairing: Pairing, ready: Ready, opens: Handler) -> Handler:
    """The answer to `pair`. opens: what opens the time, as `Admission.open`."""

    async def pair(device: str = "", driver: str = "", code: str = "", oob: str = "") -> object:
        await see_radio(pairing, ready, device, driver, has_code=bool(code or oob))
        return opens(device, driver, code, oob)

    return pair


def with_radio(answers: dict[str, Handler], app: App, ready: Ready) -> dict[str, Handler]:
    """The control socket's answers, those that open a time for pairing only where there is a radio."""
    found = {"pair": pair_handler(app.pairing, ready, app.admission.open)}
    installs = answers.get("install_pair")
    if installs is not None:

        async def install_pair(name: str = "", code: str = "", token: str = "") -> object:
            await see_radio(app.pairing, ready, name, "", has_code=bool(code))
            return await installs(name, code, token)  # type: ignore[misc]

        found["install_pair"] = install_pair
    return answers | found
