"""Serial devices of a virtual home: what is entered at the gateway, and what comes over their lines."""

import asyncio
from pathlib import Path
from typing import Any

from gateway.core.config import validate
from gateway.core.devices.driver import Context
from gateway.core.devices.enocean_transceiver import Transceiver as Reader
from gateway.core.devices.nonin_serial import NoninSerial
from hal.linux.serial_ports import PyserialPorts
from hal.sim.crypto import SimCrypto
from hal.sim.keystore import SimKeyStore
from tools.home.lines import EnoceanSensor, SerialOximeter, Transceiver
from tools.home.scenario import Act, load

SCENARIO = load("serial")
PLANS = {plan.kind: plan for plan in SCENARIO.peripherals}


def do(word: str, **options: Any) -> Act:
    return Act(0, "", word, options)


def configuration(facts: list[dict[str, Any]], port: str) -> dict[str, Any]:
    return {
        "hub": {"id": "hub-1", "tenant": "oslo"},
        "uplink": {"brokers": ["mqtt://localhost"]},
        "platform": {"root_public_key": "ab" * 32},
        "radio": {"backend": "none"},
        "enocean": {"port": port},
        "device": facts,
    }


def test_the_home_s_facts_are_a_configuration_and_its_telegrams_come_over_a_noisy_line(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        transceiver = Transceiver(tmp_path, PLANS["enocean_smoke"].options)
        sensors = [EnoceanSensor(PLANS[kind], transceiver) for kind in ("enocean_smoke", "enocean_handle")]
        oximeter = SerialOximeter(PLANS["serial_oximeter"], tmp_path, lambda: 0, "Europe/Oslo")
        facts = [actor.facts() for actor in (*sensors, oximeter)]
        config = validate(configuration(facts, transceiver.port), "home.json")
        assert [device.sender for device in config.devices] == ["01:82:5D:01", "01:82:5D:02", None]
        await transceiver.served.start()
        port = await PyserialPorts().open(transceiver.port, baud=Reader.baud)
        reader, heard = Reader(), []
        for data in reader.opened(0, None).send:
            await port.write(data)
        while reader.base_id is None:
            for data in reader.received(await port.read(), 0, None).send:
                await port.write(data)
        for word, sensor in (("smoke", sensors[0]), ("tilt", sensors[1]), ("clear", sensors[0])):
            await sensor.act(do(word))
            while not reader.heard_telegrams:
                reader.received(await port.read(), 0, None)
            heard += [(found.sender, found.payload[0]) for found in reader.heard_telegrams]
            reader.heard_telegrams = []
        assert heard == [("01:82:5D:01", 0x10), ("01:82:5D:02", 0xD3), ("01:82:5D:01", 0x00)]
        await port.close()
        await transceiver.served.stop()

    asyncio.run(scene())


def test_an_oximeter_on_a_cable_streams_and_tells_a_finger_that_leaves(tmp_path: Path) -> None:
    async def scene() -> None:
        oximeter = SerialOximeter(PLANS["serial_oximeter"], tmp_path, lambda: 0, "Europe/Oslo")
        oximeter.served.noise.quiet = True
        await oximeter.start()
        await oximeter.act(do("finger", spo2=95, pulse=80))
        port = await PyserialPorts().open(oximeter.facts()["port"], baud=9_600)
        options = oximeter.facts()["options"]
        reader = NoninSerial(Context("", options, SimCrypto(SimKeyStore(b"k" * 32)), lambda key: None))
        told = []
        while not told or told[-1].kind == "oximetry.measured":
            told += reader.received(await port.read(), 0, None).observations
            if told and told[-1].kind == "oximetry.measured":
                await oximeter.act(do("take_out"))
        assert told[-1].values["reason"] == "no_finger"
        assert {item.values.get("spo2_pct") for item in told[:-1]} == {95}
        await port.close()
        await oximeter.stop()

    asyncio.run(scene())
