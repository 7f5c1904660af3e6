"""The files of a whole system in one folder: identities, certificates, configuration; temporary, mode 0700."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.daemon import training
from gateway.daemon.toml_text import rows
from hal.linux.keystore import FileKeyStore
from tools.kit import keys
from tools.simulators.certificates import Authority, Credentials
from tools.simulators.mosquitto import free_port

TENANT, GATEWAY, PLATFORM = "demo", "home-1", "platform"


@dataclass
class Brokerage:
    """Where the broker is and what it takes to reach it; `own` where this run starts it itself."""

    url: str
    hub: Credentials | None
    platform: Credentials | None
    server: Credentials | None = None
    own: bool = True

    @property
    def port(self) -> int:
        """The broker's port."""
        parts = urlsplit(self.url)
        return parts.port or (8883 if parts.scheme == "mqtts" else 1883)


@dataclass
class Stage:
    """One tenant, one gateway, one platform in `folder`."""

    folder: Path
    brokerage: Brokerage
    tenant: str = TENANT
    gateway: str = GATEWAY
    state_interval_s: int = 10
    language: str = "nb"
    extra: dict[str, Any] = field(default_factory=dict)
    hub_module: str = "gateway.daemon"
    training: bool = False

    def __post_init__(self) -> None:
        self.home = self.folder / "home"
        self.hub = self.folder / "hub"
        self.hub.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.training:  # before there are keys: who finds keys without the mark takes them for real ones
            for folder in (self.hub, self.hub / "keys"):
                training.mark(folder)
        self.keystore = FileKeyStore(self.hub / "keys")
        self.keys = keys.make_tenant(self.folder / "tenant", self.tenant)
        keys.add_gateway(self.keys.directory, self.gateway, self.keystore.public_key)

    @property
    def configuration(self) -> Path:
        """The gateway's hub.toml."""
        return self.hub / "hub.toml"

    def take_devices(self) -> dict[str, Any]:
        """Enter what stands in the home, as a technician would: bind keys, codes, devices. Returns home.json."""
        facts: dict[str, Any] = json.loads((self.home / "home.json").read_text(encoding="utf-8"))
        devices: list[dict[str, Any]] = []
        for row in facts["devices"]:
            device = dict(row)
            reference = "device-" + str(len(devices) + 1)
            if "secret" in device:
                self.keystore.add_key(reference, bytes.fromhex(device.pop("secret")))
                device["key"] = reference
            if "passkey" in device:
                path = self.hub / "keys" / f"{reference}.passkey"
                path.touch(mode=0o600)
                path.write_text(device.pop("passkey") + "\n", encoding="ascii")
                device["passkey_ref"] = reference
            devices.append(device)
        enocean = facts.get("enocean", {})
        self.write_configuration(facts.get("transport"), devices, facts["rules"], facts["time_zone"], enocean)
        return facts

    def write_configuration(
        self,
        transport: str | None,
        devices: list[dict[str, Any]],
        rules: list[dict[str, Any]],
        time_zone: str,
        enocean: dict[str, Any] | None = None,
    ) -> None:
        """Write hub.toml."""
        radio: dict[str, Any] = {"backend": "none"}
        if transport is not None:
            radio = {"backend": "bumble", "transport": transport, "bonds": str(self.hub / "bonds.json")}
        hub = {
            "id": self.gateway,
            "tenant": self.tenant,
            "language": self.language,
            "time_zone": time_zone,
            "state_interval_s": self.state_interval_s,
            "data_directory": str(self.hub),
        }
        uplink: dict[str, Any] = {"brokers": [self.brokerage.url]}
        if self.brokerage.hub is not None:
            credentials = self.brokerage.hub
            uplink.update(
                ca=str(credentials.ca), certificate=str(credentials.certificate), key=str(credentials.key)
            )
        sections = {
            "hub": hub,
            "uplink": uplink,
            "platform": {"root_public_key": self.keys.root_public_key.hex()},
            "storage": {"path": str(self.hub / "journal.db"), **self.extra.get("storage", {})},
            "radio": radio,
            "keys": {"directory": str(self.hub / "keys")},
            "enocean": enocean or {},
        }
        lines = [line for name, table in sections.items() for line in (f"[{name}]", *rows(table), "")]
        for name, tables in (("device", devices), ("rule", rules)):
            lines += [line for table in tables for line in (f"[[{name}]]", *rows(table), "")]
        self.configuration.write_text("\n".join(lines), encoding="utf-8")

    def platform_arguments(self) -> list[str]:
        """Command line of the platform."""
        arguments = ["-m", "tools.kit", "platform", "--json", "--broker", self.brokerage.url]
        if self.brokerage.platform is not None:
            credentials = self.brokerage.platform
            arguments += [
                "--ca",
                str(credentials.ca),
                "--cert",
                str(credentials.certificate),
                "--key",
                str(credentials.key),
            ]
        arguments += ["--registry", str(self.keys.registry), "--signing-key", str(self.keys.receipt_key)]
        return [*arguments, "--keyset", str(self.keys.keyset), "--store", str(self.folder / "platform.db")]

    def hub_arguments(self, clock_offset_s: int | None = None) -> list[str]:
        """Command line of the hub."""
        arguments = ["-m", self.hub_module, "run", "-c", str(self.configuration), "--log-json"]
        if self.training:
            arguments.append("--training")
        if clock_offset_s is not None:
            arguments += ["--clock-offset-s", str(clock_offset_s)]
        return arguments

    def broker_arguments(self) -> list[str]:
        """Command line of the embedded broker."""
        server = self.brokerage.server
        assert server is not None, "an own broker has its own certificate"
        files = ["--ca", str(server.ca), "--cert", str(server.certificate), "--key", str(server.key)]
        return ["-m", "tools.simulators.amqtt_broker", "--port", str(self.brokerage.port), *files]


def own_brokerage(folder: Path, gateway: str = GATEWAY) -> Brokerage:
    """A broker of this run's own, with certificates of an authority made for it."""
    authority = Authority(folder / "certificates")
    server = authority.server("127.0.0.1", "localhost")
    return Brokerage(
        f"mqtts://127.0.0.1:{free_port()}", authority.client(gateway), authority.client(PLATFORM), server
    )
