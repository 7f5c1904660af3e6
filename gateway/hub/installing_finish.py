"""The end of an installation: its signed record and the event that names it go into the journal in one append, or not at all."""

import hashlib

from gateway.core import wire
from gateway.core.errors import ConfigError, DecodeError, RefusedError
from gateway.hub import installing_record as record
from gateway.hub.installing_memory import BEGUN, FOUND, RECORD, TEST, WALK
from gateway.hub.installing_steps import DONE, steps
from gateway.hub.overrun import Work
from hal.errors import HalError, StorageFullError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from gateway.hub.devices import Device
    from gateway.hub.installing import Installing

KIND = "installation.completed"
NAME_LIMIT = 64


class Finish:
    """Makes the record of one installation."""

    def __init__(self, of: "Installing") -> None:
        self.of = of

    async def finish(self, technician: str) -> None:
        """Sign and store.

        Raises:
            ConfigError: nobody is named.
            RefusedError: something is missing, or nothing could be stored.
        """
        of = self.of
        if not technician.strip() or len(technician) > NAME_LIMIT:
            raise ConfigError(
                "technician", repr(technician[:NAME_LIMIT]), "who answers for it: 1 to 64 characters"
            )
        self.hold()
        try:
            payload = record.payload(self.fields(technician))
        except DecodeError as error:
            raise RefusedError("the record cannot be made: " + error.reason)
        sealer = wire.Sealer(of.app.machine.keystore.public_key)
        signature = await of.app.machine.keystore.sign(sealer.to_sign(record.SORT, payload))
        message = sealer.seal(payload, signature)
        self.hold()  # a signature takes its time on a small machine, and the world has moved on
        event = of.recorder.own(KIND, values={"record_sha256": hashlib.sha256(message).digest()})
        state: "dict[str, bytes | None]" = dict.fromkeys(of.memory.all_keys())
        state[RECORD] = message
        try:
            await of.recorder.append(Work([event], state))
        except StorageFullError as error:
            raise RefusedError("the installation is not finished, and nothing is lost: " + error.message)
        except HalError as error:
            raise RefusedError("the installation is not finished, and nothing is lost: " + str(error))

    def hold(self) -> None:
        """Nothing may be missing. Raises RefusedError."""
        missing = [str(step["id"]) for step in steps(self.of) if step["state"] != DONE]
        if missing:
            raise RefusedError("the installation is not finished, it lacks: " + ", ".join(missing))

    def fields(self, technician: str) -> "dict[str, Any]":
        """What the record says, by name."""
        of = self.of
        memory, config = of.memory, of.app.config
        begun, plug, centre = memory.get(BEGUN), of.plug.kept(), of.centre.kept()
        assert plug is not None
        assert centre is not None
        return {
            "tenant": config.hub.tenant,
            "gateway": config.hub.id,
            "utc_ms": of.clock.utc_ms(),
            "technician": technician,
            "software": of.app.outward.software,
            "identity": of.app.machine.keystore.public_key,
            "epoch": of.app.machine.journal.epoch,
            "boot": of.app.boot,
            "keyset": of.trust.version,
            "manifest": of.app.outward.revision,
            "devices": [self.device(device) for device in of.devices],
            "rooms": [self.room(room) for room in memory.rooms()],
            "plug": {
                "begun_utc_ms": plug[1],
                "back_utc_ms": plug[6],
                "before": plug[2],
                "after": plug[7],
                "cut": plug[8],
            },
            "centre": {
                "alarm": centre[1],
                "rung_utc_ms": centre[2],
                "accepted_utc_ms": centre[3],
                "note": centre[4] or None,
            },
            "begun_utc_ms": begun[0] if begun is not None and begun[0] else None,
            "time_zone": config.hub.time_zone,
        }

    def device(self, device: "Device") -> "dict[str, Any]":
        """One device of the record."""
        placement = str(device.placement)
        found, test = self.of.memory.get(FOUND, placement), self.of.memory.get(TEST, placement)
        assert test is not None
        config, said = device.config, device.described
        return {
            "placement": device.placement,
            "name": config.name,
            "room": config.room,
            "driver": config.driver,
            "bond": device.shown_bond,
            "found_utc_ms": found[0] if found is not None and found[0] else None,
            "rssi_dbm": self.of.device_facts(device)["rssi_dbm"],
            "tested_utc_ms": test[0],
            "tested": test[1],
            "alarm": test[2] or None,
            "maker": config.maker or said.get("maker"),
            "model": config.model or said.get("model"),
        }

    def room(self, room: str) -> "dict[str, Any]":
        """One room of the record."""
        kept = self.of.memory.get(WALK, room)
        assert kept is not None
        names = ("rssi_dbm", "lowest_dbm", "verdict", "utc_ms", "device")
        row: "dict[str, Any]" = {name: item for name, item in zip(names, kept)}
        row["room"] = room
        return row

    def summary(self) -> "dict[str, object] | None":
        """Which record there is: its SHA-256, and when it was made; None where there is none."""
        message = self.of.memory.record()
        if message is None:
            return None
        try:
            utc_ms = record.fields_of(message)["utc_ms"]
        except DecodeError:
            return None
        return {"sha256": hashlib.sha256(message).digest().hex(), "utc_ms": utc_ms}

    def facts(self) -> "dict[str, object]":
        """The record as it is told. Raises RefusedError where there is none."""
        message = self.of.memory.record()
        if message is None:
            raise RefusedError("no installation of this gateway was finished")
        try:
            said = record.fields_of(message)
        except DecodeError as error:
            raise RefusedError("the record cannot be read: " + error.reason)
        return {
            "record": record.told(said),
            "cose": message.hex(),
            "sha256": hashlib.sha256(message).digest().hex(),
        }
