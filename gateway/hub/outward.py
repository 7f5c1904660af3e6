"""What the gateway says of itself and its devices: state and manifest messages, and bundles of the journal."""

import hashlib

from gateway.core import cbor, wire
from gateway.core.registry import VALUES
from hal.types import LANES, TECHNICAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gateway.core.config import Config
    from gateway.core.trust import Trust
    from gateway.hub.devices import Device
    from hal.interfaces import Clock, Journal, KeyStore, Network
    from hal.types import Entry

MANIFEST_STATE = "manifest"
DATED = "dated."


class Outward:
    """Makes and seals the messages the gateway signs."""

    def __init__(
        self,
        config: "Config",
        journal: "Journal",
        clock: "Clock",
        keystore: "KeyStore",
        network: "Network",
        trust: "Trust",
        devices: "list[Device]",
        boot: int,
        software: str,
        is_full: "Callable[[], bool]",
    ) -> None:
        """`is_full` says whether the store has no room but for alarms."""
        self.config = config
        self.journal = journal
        self.clock = clock
        self.keystore = keystore
        self.network = network
        self.trust = trust
        self.devices = devices
        self.boot = boot
        self.software = software
        self.is_full = is_full
        self.sealer = wire.Sealer(keystore.public_key)
        self.revision = 0
        self.afar: "Callable[[], tuple[int, int]]" = lambda: (
            0,
            0,
        )  # revision from afar, and changes in the home
        self.dated: "dict[int, tuple[int, bytes, dict[int, int]]]" = {}
        self.restore()

    def restore(self) -> None:
        """Take up the datings that are stored."""
        self.dated = {int(key[len(DATED) :]): item for key, item in self.stored_dates()}

    def stored_dates(self) -> "list[tuple[str, tuple[int, bytes, dict[int, int]]]]":
        """Boots dated since: (state key, (utc_ms at uptime 0, epoch, last number of each lane at the dating))."""
        found = []
        for key in self.journal.state_keys(DATED):
            row: "list[Any]" = cbor.decode(self.journal.state(key) or b"")  # type: ignore[assignment]
            found.append((key, (row[0], row[1], row[2])))
        return found

    def date(self, utc_ms: int) -> "dict[str, bytes | None]":
        """The clock became known: state that dates this boot's earlier events in the bundles to come.

        It is stored with one technical event, whose bundle is the first that surely carries the date: what came
        before may all be on its way without it.
        """
        lasts = self.lasts()
        lasts[TECHNICAL] += 1
        row = (utc_ms - self.clock.uptime_ms(), self.journal.epoch, lasts)
        self.dated[self.boot] = row
        return {DATED + str(self.boot): cbor.encode(list(row))}

    def lasts(self) -> "dict[int, int]":
        """The last number of each lane."""
        return {lane: self.journal.mark(lane).last for lane in LANES}

    def undated(self) -> "dict[str, bytes | None]":
        """State to delete: datings whose events have all been delivered."""
        gone: "dict[str, bytes | None]" = {}
        for boot, (at, epoch, lasts) in list(self.dated.items()):
            if epoch != self.journal.epoch:  # what was held has other numbers now
                self.dated[boot] = (at, self.journal.epoch, self.lasts())
            elif all([self.journal.mark(lane).first > last for lane, last in lasts.items()]):
                del self.dated[boot]
                gone[DATED + str(boot)] = None
        return gone

    def topic(self, sort: str, lane: "int | None" = None) -> str:
        """Topic of this gateway."""
        return wire.topic(self.config.hub.tenant, self.config.hub.id, sort, lane)

    async def sealed(self, sort: str, payload: bytes) -> bytes:
        """Sign a payload of `sort`."""
        return self.sealer.seal(payload, await self.keystore.sign(self.sealer.to_sign(sort, payload)))

    async def message(self, sort: str, fields: "dict[str, object]") -> bytes:
        """A signed message from fields by name."""
        return await self.sealed(
            sort, wire.encode_payload(sort, self.config.hub.tenant, self.config.hub.id, fields)
        )

    async def bundle(self, entries: "list[Entry]", before: bytes) -> bytes:
        """A signed bundle of consecutive entries of one lane, their stored bytes put together; `before` is h(first - 1)."""
        first = entries[0]
        payload = wire.encode_bundle(
            self.config.hub.tenant,
            self.config.hub.id,
            first.lane,
            self.journal.epoch,
            first.seq,
            before,
            [entry.event for entry in entries],
            self.revision,
            {boot: at for boot, (at, _, _) in self.dated.items()},
            self.given_up_before(first.lane, first.seq),
        )
        return await self.sealed("bundle", payload)

    def given_up_before(self, lane: int, seq: int) -> "tuple[int, int] | None":
        """The numbers just before `seq` that went for space, or None."""
        for gone in self.journal.given_up():
            if gone.lane == lane and gone.last == seq - 1:
                return (gone.first, gone.last)
        return None

    async def state(self) -> bytes:
        """The sign of life."""
        fields: "dict[str, object]" = {
            "epoch": self.journal.epoch,
            "boot": self.boot,
            "uptime_ms": self.clock.uptime_ms(),
            "utc_ms": self.clock.utc_ms(),
            "lanes": {lane: self.journal.mark(lane).as_list() for lane in LANES},
            "manifest": self.revision,
            "config": self.afar()[0],
            "keyset": self.trust.version,
            "software": self.software,
        }
        values: "dict[int, object]" = {}
        up = [path.kind for path in self.network.paths() if path.up]
        if up:
            values[VALUES["path"]] = " ".join(up)
        if self.afar()[1]:
            values[VALUES["local_changes"]] = self.afar()[1]
        if self.is_full():
            values[VALUES["storage"]] = "full"
        fields["values"] = values or None
        return await self.message("state", fields)

    def manifest_fields(self) -> "dict[str, object]":
        """What each placement is; no name of a person or device for people leaves the home (N7)."""
        rows = []
        bases = {
            rule.device: rule.options["legal_basis"]
            for rule in self.config.rules
            if rule.options.get("localises")
        }
        for device in self.devices:
            config, said = device.config, device.described
            rows.append(
                wire.encode_device(
                    {
                        "placement": device.placement,
                        "driver": config.driver,
                        "maker": config.maker or said.get("maker"),
                        "model": config.model or said.get("model"),
                        "serial_number": said.get("serial_number"),
                        "room": config.room,
                        "interval_s": device.interval_ms // 1000 or None,
                        "bond": device.shown_bond,
                        "legal_basis": bases.get(config.name),
                    }
                )
            )
        return {"devices": rows, "time_zone": self.config.hub.time_zone}

    def revise(self) -> "dict[str, bytes | None]":
        """Raise the manifest's revision where what it says has changed: the state to store, empty where not."""
        fields = self.manifest_fields()
        digest = hashlib.sha256(cbor.encode([fields["devices"], fields["time_zone"]])).digest()
        kept = self.journal.state(MANIFEST_STATE)
        row: "list[Any]" = cbor.decode(kept) if kept is not None else [0, b""]  # type: ignore[assignment]
        self.revision = max(self.revision, row[0])
        if row[1] == digest:
            return {}
        self.revision += 1
        return {MANIFEST_STATE: cbor.encode([self.revision, digest])}

    async def manifest(self) -> bytes:
        """The retained message that says what each placement is."""
        fields = self.manifest_fields()
        fields["revision"] = self.revision
        return await self.message("manifest", fields)
