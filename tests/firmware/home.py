"""Runs on MicroPython: the firmware over the simulated board, a whole home around it, and a platform that verifies.

    micropython -m tests.firmware.home [--losing] [--forget-on-puback] [--cut]

Prints one object for each verified event and a summary last. `--cut` lets the power go in the middle; `--losing`
lets the broker acknowledge and lose for a while; `--forget-on-puback` is the gateway that must not be built, whose
losses the summary must show.
"""

import asyncio
import sys

from firmware import main, sim_home
from firmware.bench.wiring import Simulated
from gateway.core import registry
from gateway.hub.uplink import Delivery
from tools.rig.sim.platform import SimPlatform
from tools.simulators.dispenser import DispenserDevice, Dose

PORT = "/dev/ttyS1"
DOSES = (7, 8)  # one is collected, one is missed
DRAIN_MS = 400_000


class ForgetOnPuback(Delivery):
    """What many gateways do."""

    def after_puback(self, flight):
        mark = self.journal.mark(flight.lane)
        if mark.first <= flight.last:
            self.outbox.forget(self.outbox.lanes[flight.lane], flight.last)
            self.acking = asyncio.create_task(self.journal.ack(flight.lane, flight.last))


class Home:
    """Board, dispenser and platform."""

    def __init__(self, delivery=None):
        self.delivery = delivery
        self.board = Simulated(sim_home.GATEWAY, sim_home.NIGHT_UTC_MS)
        self.platform = SimPlatform(
            self.board.broker, sim_home.TENANT, sim_home.GATEWAY, self.board.keystore.public_key
        )
        self.stored = []
        self.line = self.board.world.serial_line(PORT)
        times = [sim_home.NIGHT_UTC_MS + at_ms for at_ms in (10_000, 30_000)]
        self.dispenser = DispenserDevice({}, self.numbers, 0, sim_home.NIGHT_UTC_MS)
        self.dispenser.set_plan([Dose(DOSES[n], times[n], times[n] + 15_000) for n in (0, 1)], 0)

    def numbers(self, size):
        return bytes([size]) * size

    def told(self, line):
        if line["message"] == "stored":
            self.stored.append((line["epoch"], line["lane"], line["seq"], line["kind"]))

    async def switch_on(self):
        tree = dict(sim_home.CONFIGURATION)
        tree["device"] = tree["device"] + [{"name": "Dispenser", "driver": "dispenser", "port": PORT}]
        roots = [self.platform.root_key]
        self.app = main.gateway(tree, self.board.machine(), roots, self.told, self.delivery)
        await self.app.start()

    async def switch_off(self):
        await self.app.parts.stop()
        await self.app.delivery.ended()
        self.board.cut()

    async def dispense(self):
        """The dispenser's end of the line; the resident takes the first dose while it is out."""
        clock = self.board.clock
        while True:
            now_ms = clock.uptime_ms()
            if now_ms >= 15_000:
                self.dispenser.collect("resident", now_ms, DOSES[0])
            data = self.line.received()
            self.line.send(self.dispenser.received(data, now_ms) if data else self.dispenser.due(now_ms))
            await clock.sleep_ms(250)

    async def lose_for_a_while(self):
        await self.board.clock.sleep_ms(9_000)
        self.board.broker.losing = True
        await self.board.clock.sleep_ms(20_000)
        self.board.broker.losing = False

    async def cut_once(self):
        await self.board.clock.sleep_ms(17_300)
        await self.switch_off()
        await self.switch_on()

    async def drain(self):
        for _ in range(DRAIN_MS // 10_000):
            await self.board.clock.advance(10_000)
            if main.held(self.app) == 0:
                return

    def print_events(self):
        """Every verified event, in the order of its arrival."""
        names = {device.placement: device.config.name for device in self.app.devices}
        names[0] = "gateway"
        for lane, seq, event in self.platform.order:
            line = {
                "gateway": sim_home.GATEWAY,
                "lane": lane,
                "seq": seq,
                "placement": event.placement,
                "device": names[event.placement],
                "kind": event.kind,
                "values": event.values,
                "incident": event.incident,
                "boot": event.boot,
                "uptime_ms": event.uptime_ms,
                "utc_ms": event.utc_ms,
            }
            main.print_line(line)

    def summary(self):
        """What was stored, what of it arrived verified, and what the journal still holds."""
        arrived = [
            (epoch.hex(), lane, seq, row[0].kind) for (epoch, lane, seq), row in self.platform.stored.items()
        ]
        lost = [kind for epoch, lane, seq, kind in self.stored if (epoch, lane, seq, kind) not in arrived]
        events = sum([len(bundle["events"]) for bundle in self.platform.bundles])
        return {
            "sent": len(self.stored),
            "verified": len(self.platform.order),
            "duplicates_removed": events - len(self.platform.order),
            "refused": len(self.platform.refused) + len(self.platform.faults),
            "held": main.held(self.app),
            "lost": len(lost),
        }


async def play(arguments):
    home = Home(ForgetOnPuback if "--forget-on-puback" in arguments else None)
    await home.platform.start()
    await home.switch_on()
    others = [asyncio.create_task(home.dispense())]
    if "--losing" in arguments:
        others.append(asyncio.create_task(home.lose_for_a_while()))
    if "--cut" in arguments:
        others.append(asyncio.create_task(home.cut_once()))
    await sim_home.play(home.board, home.app.pairing)
    home.board.broker.drop_connections()  # a connection that ends is all that an honest gateway needs to send again
    await home.platform.stop()
    await home.platform.start()
    await home.drain()
    home.print_events()
    main.print_line({"summary": home.summary(), "registry": len(registry.KINDS)})


if __name__ == "__main__":
    asyncio.run(play(sys.argv[1:]))
