"""A home in which a technician installs: a simulated gateway, a platform, a response centre, and hands.

`Hands` is the other party of the checklist: it does what a technician does, each act by its name, and can be cut off in the
middle of any of them. `centre_answers` is whether a person at the response centre takes what rings there.
"""

import asyncio
import hashlib

from gateway.core.config import validate
from gateway.hub import installing_record as record
from gateway.hub.installing import Installing
from tests.hub.bench import DAY_UTC_MS, DOOR, SMOKE, Bench

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from gateway.hub.app import App

TOKEN, NAME = "t1", "Kari"
ACCEPTED, HANDLED = 1, 2


class Hour:
    """The time in which somebody may install, as long as nobody ends it; it outlives a power cut."""

    def __init__(self) -> None:
        self.open = True

    def is_open(self) -> bool:
        return self.open

    def facts(self) -> "dict[str, object]":
        return {"is_open": self.open, "left_s": 3600 if self.open else 0, "opened_by": NAME}

    async def close(self) -> None:
        self.open = False


class Site(Bench):
    """`power` counts the machine's boots; `installing` is the newest process's."""

    installing: Installing

    def __init__(self, kind: "type[Installing]" = Installing, **options: "Any") -> None:
        super().__init__(**options)
        self.kind = kind
        self.hour = Hour()
        self.power = 1
        self.packet = 1
        self.asked = 0  # acts of a technician
        self.cut_after = -1  # the act behind which the power goes by itself

    def build(self) -> "App":
        app = super().build()
        self.installing = self.kind(app, self.hour, self, power=str(self.power), ports=self.serial_ports)
        return app

    def serial_ports(self) -> "list[tuple[str, str]]":
        return [("usb:0403:6001", "FTDI")]

    async def start(self) -> None:
        await super().start()
        await self.platform.give_roles("disposition")
        self.app.parts.start("installing", self.installing.run)

    async def again(self) -> None:
        """The power comes back."""
        self.power += 1
        await self.build().start()
        self.app.parts.start("installing", self.installing.run)
        await self.clock.advance(3_000)

    # --- the home's own layer -----------------------------------------------------------------------------------

    async def add(self, device: "dict[str, Any]", secret: str) -> None:
        """The layer is written; the hub uses it when it is renewed, as the process does in a moment."""
        tree = dict(self.tree)
        tree["device"] = list(tree["device"]) + [device]
        validate(tree, "hub.toml")
        self.tree = tree

    async def remove(self, names: "list[str]") -> None:
        tree = dict(self.tree)
        tree["device"] = [row for row in tree["device"] if row["name"] not in names]
        self.tree = tree

    async def renew(self) -> None:
        """The hub stops as told and runs anew over the same journal."""
        ending = asyncio.create_task(self.app.stop())
        await self.clock.advance(5_000)
        await ending
        await self.build().start()
        self.app.parts.start("installing", self.installing.run)
        await self.clock.advance(3_000)

    # --- what is asked ------------------------------------------------------------------------------------------

    def steps(self) -> "dict[str, Any]":
        rows: "Any" = self.installing.facts()["steps"]
        return {row["id"]: row for row in rows}

    def missing(self) -> "list[str]":
        found: "Any" = self.installing.facts()["missing"]
        return list(found)

    async def disposed(self, became: int = ACCEPTED, note: str = "") -> None:
        """The response centre answers the newest exercise that rang there."""
        rows = [row for row in self.platform.stored.values() if row[0].kind == "alarm.tried"]
        utc_ms = self.clock.utc_ms() or 0
        message = self.platform.disposition(rows[-1][2], became, utc_ms, note)
        await self.platform.uplink.publish(self.platform.topic("disposition"), message)
        await self.clock.advance(2_000)

    # --- what a technician does ---------------------------------------------------------------------------------

    def beacons(self) -> None:
        """Everything in the home sends once, and says nothing new."""
        self.packet = (self.packet + 1) % 256
        self.door(False, self.packet)
        self.smoke(False, self.packet)

    async def listen(self, seconds: int) -> None:
        for _ in range(seconds):
            self.beacons()
            await self.clock.advance(1_000)

    async def did(self) -> None:
        """One more act is over; the power may go behind it."""
        self.asked += 1
        if self.asked == self.cut_after:
            await self.cut()
            await self.again()
            await self.listen(2)

    async def smoke_test(self) -> None:
        await self.installing.test("Smoke", "", TOKEN)
        await self.did()
        for detected in (True, False):
            self.packet = (self.packet + 1) % 256
            self.smoke(detected, self.packet)
            await self.clock.advance(3_000)
        if "device:Smoke:tested" in self.missing():
            await self.clock.advance(600_000)  # quiet before it may be tried once more

    async def door_test(self) -> None:
        await self.installing.test("Front door", "", TOKEN)
        await self.did()
        for is_open in (True, False):
            self.packet = (self.packet + 1) % 256
            self.door(is_open, self.packet)
            await self.clock.advance(3_000)

    async def walk(self) -> None:
        for room in ("hall", "kitchen"):
            walking = asyncio.create_task(self.installing.walk_room(room, "", TOKEN))
            await self.listen(8)
            await walking
            await self.did()

    async def pull(self) -> None:
        await self.installing.pull(TOKEN)
        await self.did()
        await self.cut()
        await self.clock.advance(20_000)
        await self.again()
        await self.listen(2)

    async def ring(self) -> None:
        if self.installing.centre.is_settled():
            await self.installing.ring(TOKEN)
            await self.did()
        await self.clock.advance(3_000)
        if self.answers:
            await self.disposed()

    answers = True

    async def once(self) -> None:
        """One round over what the list still lacks, in its order."""
        acts = {"tested": {"Smoke": self.smoke_test, "Front door": self.door_test}}
        for name in self.missing():
            if name not in self.missing():
                continue
            if name.startswith("device:") and name.endswith(":tested"):
                await acts["tested"][name.split(":")[1]]()
            elif name in ("walk", "plug", "centre"):
                await {"walk": self.walk, "plug": self.pull, "centre": self.ring}[name]()
            else:
                await self.listen(3)
            await self.did()

    async def whole_day(self, rounds: int = 4) -> "dict[str, Any]":
        """From an open time to the record; as often around as a cut takes something back that was not done yet."""
        await self.installing.take(NAME, TOKEN)
        await self.did()
        for _ in range(rounds):
            if self.missing():
                await self.once()
        await self.did()
        await self.installing.finish(NAME, TOKEN)
        await self.did()
        await self.clock.advance(5_000)
        return self.judge()

    def judge(self) -> "dict[str, Any]":
        """What an installation that says it is finished must bear out, whoever made it: the other side of each claim.

        Raises:
            AssertionError: it claims what did not happen.
        """
        message = self.installing.memory.record()
        assert message is not None, "no record"
        fields = record.read(message, self.keystore.public_key, self.platform.ed25519.verify)
        told = [row for row in self.platform.order if row[2].kind == "installation.completed"]
        assert len(told) == 1, "the event is there once"
        assert told[0][2].values["record_sha256"] == hashlib.sha256(message).digest()
        alarm = fields["centre"]["alarm"]
        rung = [row[0] for row in self.platform.stored.values() if row[2] == alarm]
        assert rung and rung[0].exercise, "the alarm is marked as an exercise"
        said = self.app.dispositions.alarms.find(alarm)
        assert said is not None and said.word == "accepted", "nobody at the response centre has taken it"
        assert fields["plug"]["before"] != fields["plug"]["after"]
        for row in fields["devices"]:
            assert row["room"] and row["tested"], row
            if row["tested"] == "smoke.detected":
                tried = [each[0] for each in self.platform.stored.values() if each[2] == row["alarm"]]
                assert tried and tried[0].exercise, "the alarm that was tried is marked as an exercise"
        return fields


def install(scene: "Callable[[Site], Coroutine[object, object, None]]", **options: "Any") -> None:
    """Run `scene(site)` on a home whose gateway runs, by day."""

    async def run() -> None:
        options.setdefault("utc_ms", DAY_UTC_MS)
        site = Site(**options)
        await site.start()
        try:
            await scene(site)
        finally:
            await site.end()

    asyncio.run(run())


__all__ = ("DOOR", "SMOKE", "Site", "install")
