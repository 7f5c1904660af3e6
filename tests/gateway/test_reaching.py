"""Brokers reached over one interface, and looked for without touching the connection that stands."""

import asyncio
from pathlib import Path

import pytest

from gateway.core.config_fields import Broker, broker
from gateway.daemon.mqtt import PahoUplink
from gateway.daemon.mqtt_tls import TlsFiles
from hal.errors import DeniedError, HalError, UnavailableError
from tests.gateway.uplinks import failure, needs_mosquitto
from tools.simulators.certificates import Authority
from tools.simulators.mosquitto import HOST, Mosquitto, free_port


def reaching_error(url: str, interface: str | None, *, probe: bool) -> HalError | None:
    """What connecting or probing raises, or None."""

    async def work(uplink: PahoUplink) -> None:
        await (uplink.probe(interface=interface) if probe else uplink.connect([], interface=interface))

    return failure(url, work)


@needs_mosquitto
@pytest.mark.parametrize("probe", [False, True])
def test_a_broker_is_reached_over_an_interface_that_leads_there_and_over_no_other(
    tmp_path: Path, probe: bool
) -> None:
    with Mosquitto(tmp_path / "broker") as mosquitto:
        assert reaching_error(mosquitto.url, "lo", probe=probe) is None
        error = reaching_error(mosquitto.url, "nowhere0", probe=probe)
        assert isinstance(error, UnavailableError)
        assert "check the network" in str(error)
        assert "No such device" in error.detail


@needs_mosquitto
def test_probing_leaves_the_connection_that_stands_alone_and_checks_certificates(tmp_path: Path) -> None:
    authority, foreign = Authority(tmp_path / "ca"), Authority(tmp_path / "foreign")
    own = authority.client("hub-1")
    files = TlsFiles(str(own.ca), str(own.certificate), str(own.key))

    async def work(mosquitto: Mosquitto, other: Mosquitto) -> None:
        uplink = PahoUplink(broker(mosquitto.url), client_id="hub-1", tls=files)
        await uplink.connect(["back"])
        await uplink.probe()
        await uplink.publish("back", b"still there")
        assert (await uplink.receive()).payload == b"still there"
        await uplink.close()
        with pytest.raises(DeniedError, match="not from our authority"):
            await PahoUplink(broker(other.url), client_id="hub-1", tls=files).probe()

    with (
        Mosquitto(tmp_path / "ours", tls=authority.server(HOST)) as mosquitto,
        Mosquitto(tmp_path / "theirs", tls=foreign.server(HOST)) as other,
    ):
        asyncio.run(work(mosquitto, other))


def test_the_seam_by_which_a_socket_of_ours_gets_into_paho_is_still_there() -> None:
    from paho.mqtt import client as paho

    from gateway.daemon.mqtt import Attempt

    made = Attempt(Broker(HOST, 1, False), "hub-1", None, "lo").client
    assert "_create_socket_connection" in vars(paho.Client)
    assert (made._host, made.interface) == ("", "lo")
    made._host, made._port = HOST, free_port()
    with pytest.raises(ConnectionRefusedError):
        made._create_socket_connection()
