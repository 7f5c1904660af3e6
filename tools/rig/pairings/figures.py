"""F18: five hundred combinations of peripheral, key, history, code or data of a label, person and demand; no weak bond accepted in silence."""

import asyncio
import logging
import tempfile
from pathlib import Path
from typing import Any

from bumble import smp

from gateway.hub.app import App
from gateway.hub.pairing import Pairing
from hal.errors import PairingError
from hal.interfaces import BleCentral, BleConnection
from hal.types import BOND_AUTHENTICATED, BOND_NONE, BOND_WEAK
from tools.evidence.figure import Figure, Outcome
from tools.rig.pairings.combinations import Combination, draw
from tools.rig.pairings.oracle import WHOLE_KEY_BYTES, expected
from tools.rig.pairings.trial import Result, Trial

CONTROL_TRIALS = 40
SHOWN = 20


def judge(combination: Combination, result: Result) -> list[str]:
    """What is wrong with a result; empty where all is as it must be."""
    wanted, found = expected(combination), []
    if result.paired and result.bond < wanted.least:
        found.append(f"a bond of {result.bond} was accepted where {wanted.least} was asked for")
    if result.bond > BOND_NONE and result.bond > wanted.level:
        found.append(f"the hub believes in a bond of {result.bond}, and it is worth {wanted.level}")
    if result.made and not combination.secure:
        found.append("legacy pairing was accepted")
    if result.made and combination.key_bytes < WHOLE_KEY_BYTES:
        found.append(f"a key of {combination.key_bytes} bytes was accepted")
    if result.bond == BOND_WEAK and not (result.weak_shown and result.manifest_bond == BOND_WEAK):
        found.append("a weak bond is not shown as weak")
    if result.state == "bonded" and result.bond == BOND_WEAK and "pairing.bonded_weak" not in result.kinds:
        found.append("a weak bond was made and not told as weak")
    if BOND_NONE < result.stored < wanted.least:
        found.append(f"a bond of {result.stored} was left behind where {wanted.least} was asked for")
    return found + shortfalls(combination, result)


def shortfalls(combination: Combination, result: Result) -> list[str]:
    """What a gateway that simply refuses everything would be found by."""
    wanted, found = expected(combination), []
    if wanted.level and (not result.paired or result.bond != wanted.level or not result.read):
        found.append(
            f"a bond of {wanted.level} could be had, and it ended with {result.bond}: {result.state}"
        )
    if not wanted.level and result.paired:
        found.append("it is read, and nothing good can have come of it")
    told = [kind for kind in result.kinds if kind in ("pairing.refused", "pairing.cancelled")]
    if result.state and not result.paired and not (told and all(result.reasons)):
        found.append("a refusal was told to nobody")
    return found


async def tried(combination: Combination, folder: Path, variant: dict[str, Any]) -> Result:
    """What came of one combination. A controller begins on the loop that it lives on."""
    asyncio.get_running_loop().set_exception_handler(complain)
    return await Trial(combination, folder, **variant).run()


def complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Whatever nobody caught, save what upstream says of an answer that comes when the hub has just been stopped."""
    if "Host.on_packet" not in repr(context.get("handle")):
        loop.default_exception_handler(context)


def pairings(trials: int, seed: int, **variant: Any) -> Outcome:
    """So many combinations, one after the other, each with a home of its own."""
    # Bumble warns of each refusal, and of packets of a link that has just ended: hundreds of lines of what must be.
    logging.getLogger("bumble").setLevel(logging.CRITICAL)
    bad, failures = 0, []
    counts = {
        "paired with protection": 0,
        "paired weakly and shown so": 0,
        "refused": 0,
        "bond of before used": 0,
    }
    for number in range(seed, seed + trials):
        combination = draw(number)
        with tempfile.TemporaryDirectory(prefix="trygg-pairing-") as folder:
            result = asyncio.run(tried(combination, Path(folder), variant))
        found = judge(combination, result)
        bad += bool(found)
        failures += [f"seed {number}: {each} [{combination.said()}]" for each in found[:1]]
        if result.paired and not result.state:
            counts["bond of before used"] += 1
        elif result.paired and result.bond == BOND_AUTHENTICATED:
            counts["paired with protection"] += 1
        else:
            counts["paired weakly and shown so" if result.paired else "refused"] += 1
    return Outcome(trials, bad, dict(counts), tuple(failures[:SHOWN]))


# --- the unsafe variant ------------------------------------------------------------------------------------------------


class Believing(Pairing):
    """Takes whatever comes of a pairing, as most centrals do."""

    def terms(self, *asked: Any) -> tuple[int, int | None]:
        """The code is entered where there is one, and not insisted on."""
        return BOND_WEAK, super().terms(*asked)[1]


def believing_app(*arguments: Any, **options: Any) -> App:
    """A hub without the checks of its own."""
    app = App(*arguments, **options)
    app.pairing.__class__ = Believing
    for device in app.devices:
        device.__class__ = type("Believed", (type(device),), {"least": property(lambda _self: BOND_WEAK)})
    return app


def loosen(trial: Trial) -> None:
    """Bumble's own session in place of ours: it pairs as the peer likes."""
    device = trial.adapter._device
    if device is not None:
        device.smp_session_proxy = smp.Session


def believe(seed: int) -> Outcome:
    """The same combinations with the unsafe variant."""
    return pairings(CONTROL_TRIALS, seed, make_app=believing_app, loosen=loosen)


class FallingBack:
    """A central that pairs by Just Works where out of band fails, so that somebody gets a device that works."""

    def __init__(self, central: BleCentral) -> None:
        self.central = central

    def __getattr__(self, name: str) -> Any:
        return getattr(self.central, name)

    async def connect(self, address: str, **options: Any) -> BleConnection:
        """As asked, or else as the device likes."""
        try:
            return await self.central.connect(address, **options)
        except PairingError:
            return await self.central.connect(address, **options | {"oob": None, "least": BOND_WEAK})


def fall_back(trial: Trial) -> None:
    """Such a central for the technician's pairing."""
    trial.app.pairing.central = FallingBack(trial.central)


FIGURES = (
    Figure(
        id="F18",
        title="Pairing: model of the peripheral, key, history, code or data of its label, person and demand of the driver",
        trial="combination",
        asked="0 weak bonds accepted silently in 500",
        release=500,
        share=25,
        modules=(
            "gateway/core/pairing.py",
            "gateway/hub/pairing.py",
            "gateway/hub/air.py",
            "gateway/hub/devices.py",
            "hal/bumble",
            "hal/linux/central.py",
            "hal/linux/pairing_talk.py",
            "tools/rig/pairings",
            "tools/simulators/pairing.py",
            "tools/simulators/peripheral.py",
        ),
        run=pairings,
        control=believe,
        unsafe="a central that pairs with Bumble's own session and takes what comes of it",
        conditions=(
            "simulated: a whole hub over the product's own Bluetooth code, Bumble's stack and a virtual radio, in real time; "
            "what must come of each is worked out from the specification's tables alone"
        ),
    ),
)
